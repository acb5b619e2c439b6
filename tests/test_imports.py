"""Imports point one way, down the flow of the data: each module knows only modules that stand before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import qtsearch

PACKAGE = Path(qtsearch.__file__).parent

#: Every module of the package; each may import those above it, and none below.
ORDER = """
    _version
    errors
    forks
    compiled
    schema
    parameters
    analysis
    text
    text.abbreviations
    text.edits
    text.sounds
    search
    search.spelling
    text.breaks
    articles
    text.controls
    text.latex
    text.markup
    text.rendering
    text.terminal
    text.sentences
    text.snippets
    _scoring
    scoring
    disk
    codec
    codec.container
    codec.frequencies
    codec.records
    codec.segment
    codec.sorting
    codec.texts
    codec.expansions
    codec.chunk
    codec.files
    codec.lexicon
    codec._merging
    codec.merging
    codec.completions
    codec.phrases
    codec._keyterms
    codec.keyterms
    codec.writer
    codec.layout
    codec.invariants
    codec.fields
    codec.matchers
    codec.documents
    codec.terms
    codec.plugin
    generations
    generations.generation
    language
    language.periods
    language.lexemes
    language.lexer
    language.syntax
    search.vocabulary
    search.proximity
    search.plans
    search.compounds
    search.planner
    search.synonyms
    search.fieldwords
    search._searcher
    search.searcher
    search.values
    search.trees
    search.feedback
    search.related
    search.completion
    search.facets
    search.selection
    search.snapshot
    search.query
    results
    search.current
    generations.stats
    search.explanation
    index
    evaluation
    generations.locking
    generations.publishing
    codec.rest
    codec.filetable
    codec.past
    codec.sources
    generations.backups
    generations.tuning
    generations.publications
    reindexing
    reindexing.scan
    generations.verification
    reindexing.processes
    reindexing.stemmer
    reindexing.jobs
    reindexing.workers
    reindexing.pool
    reindexing.changes
    reindexing.checks
    reindexing.report
    reindexing.unchanged
    reindexing.building
    reindexing.runs
    reindexing.updating
    reindexing.indexer
    qtsearch
    cli.common
    cli.signals
    cli.build
    cli.look
    cli.upkeep
    cli.trust
    cli.judge
    cli.shell
    cli
    __main__
""".split()

#: What else is imported: the standard library, and these; the last two by the commands that need them.
OTHERS = {"numpy", "whoosh", "yaml", "nltk", "pyromark", "ir_measures", "shtab"}


def modules() -> dict[str, Path]:
    """Every module by its name within the package; the package itself is ``qtsearch``."""
    found = {}
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")]:  # these of what is compiled
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name or "qtsearch"] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """The modules that a file imports anywhere, but for types alone, ours without ``qtsearch.``."""
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            # `from package import module` imports the module.
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in names if name.removeprefix("qtsearch.") in MODULES}
            found |= submodules or {str(node.module)}
        else:
            waiting += ast.iter_child_nodes(node)
    return {name.removeprefix("qtsearch.") for name in found}


def test_table_names_every_module():
    """A module has one place in the flow: a new one must be given its own."""
    assert sorted(ORDER) == sorted(MODULES)


@pytest.mark.parametrize("name", ORDER)
def test_imports_point_one_way(name):
    """A module imports only modules that stand before it, within functions too; so there is no cycle."""
    ours = {imported for imported in imports(MODULES[name]) if imported in MODULES}
    assert ours <= set(ORDER[: ORDER.index(name)])


@pytest.mark.parametrize("name", ORDER)
def test_only_dependencies_are_imported(name):
    """What a module imports is ours, in the standard library, or a declared dependency."""
    import sys

    top = {imported.partition(".")[0] for imported in imports(MODULES[name]) if imported not in MODULES}
    assert top - set(sys.stdlib_module_names) <= OTHERS | {"__future__"}


@pytest.mark.parametrize(
    "name",
    ["qtsearch", "index", "searcher", "results", "generation", "codec.segment", "snippets", "terminal"],
)
def test_search_side_needs_no_indexing(name):
    """What searching imports leads, at module level, to neither Whoosh, PyYAML, NLTK nor pyromark."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if module in MODULES:
            tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
            for node in tree.body:
                if isinstance(node, ast.ImportFrom):
                    names = {f"{node.module}.{alias.name}".removeprefix("qtsearch.") for alias in node.names}
                    waiting += (names & set(MODULES)) or {str(node.module).removeprefix("qtsearch.")}
                elif isinstance(node, ast.Import):
                    waiting += [alias.name for alias in node.names]
    assert not {module.partition(".")[0] for module in seen} & {"whoosh", "yaml", "nltk", "pyromark"}
