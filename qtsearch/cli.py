"""The command line: words and exit codes, nothing else.

Exit codes: 0 success; 1 an error, one line on stderr; 2 wrong usage; 3 a reindex was published, but files
were rejected; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

# One thread does: BLAS would start one a core, and take half of NumPy's import for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from qtsearch import Explanation, ReindexReport, Results

__all__ = ["main"]

_OK, _ERROR, _REJECTED, _INTERRUPTED = 0, 1, 3, 130

_EXAMPLES = """\
examples:
  python -m qtsearch reindex examples/articles
  python -m qtsearch query "mechanical thrombectomy" --subject Medicine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Wrong usage raises SystemExit(2), as argparse does."""
    arguments = _parser().parse_args(argv)
    from qtsearch.errors import QtsearchError

    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except QtsearchError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of our output is gone, `| head` say. Python would complain at exit, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _ERROR
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        _fail("interrupted; the index is as it was")
        return _INTERRUPTED


def _fail(message: str) -> int:
    print(f"qtsearch: {message}", file=sys.stderr)
    return _ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qtsearch",
        description="Full-text search over question-and-answer articles.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    index_help = "folder of the index (default: $QTSEARCH_INDEX, else index)"

    reindex = commands.add_parser(
        "reindex",
        help="build the index from folders of articles",
        description="Build the index from article files, and publish it in place of what was there.",
        epilog="example:\n  python -m qtsearch reindex examples/articles --index index\n\n"
        "exit code 3: published, but some files were rejected; each is listed with its reason",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reindex.add_argument("sources", nargs="+", metavar="SOURCE", help="folder of .md files, or a file")
    reindex.add_argument("--index", metavar="DIR", help=index_help)
    reindex.add_argument("--include-no-index", action="store_true", help="take in pages marked no_index")
    reindex.set_defaults(run=_reindex)

    query = commands.add_parser(
        "query",
        help="search the index",
        description="Search the index and list the best articles.",
        epilog='example:\n  python -m qtsearch query "how is a clot removed" --subject Medicine --limit 3',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    query.add_argument("text", metavar="TEXT", help="what to search for")
    query.add_argument("--index", metavar="DIR", help=index_help)
    query.add_argument(
        "--subject", action="append", metavar="S", help="only this subject, by name or slug; may be repeated"
    )
    query.add_argument("--limit", type=_count, default=10, metavar="N", help="hits to list (default: 10)")
    query.add_argument("--offset", type=_count, default=0, metavar="N", help="hits to skip (default: 0)")
    query.add_argument(
        "--boost",
        action="append",
        type=_boost,
        metavar="FIELD=W",
        help="weight from 0 to 100 of question, answer or page_keywords; 0 leaves it out; may be repeated",
    )
    query.add_argument("--broaden", action="store_true", help="let words of the best pages join the query")
    query.add_argument("--explain", action="store_true", help="say of each hit what its score is made of")
    query.add_argument("--json", action="store_true", help="print one JSON object")
    query.set_defaults(run=_query)

    tune = commands.add_parser(
        "tune",
        help="show or change the ranking parameters of the index",
        description="Show the ranking parameters, or change them without reading the articles again.",
        epilog="example:\n  python -m qtsearch tune --set k1=1.2 --set question_weight=4\n\n"
        "later runs of reindex keep the parameters; --reset goes back to the defaults",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tune.add_argument("--index", metavar="DIR", help=index_help)
    tune.add_argument(
        "--set", action="append", type=_assignment, metavar="NAME=VALUE", help="change one; may be repeated"
    )
    tune.add_argument("--reset", action="store_true", help="begin with the defaults")
    tune.add_argument("--json", action="store_true", help="print one JSON object")
    tune.set_defaults(run=_tune)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure the index by queries and judgments of yours",
        description="Ask judged queries, print nDCG@10, MRR@10 and R@100. A judged id is a page's url.",
        epilog="example:\n  python -m qtsearch evaluate queries.jsonl qrels.tsv --index index\n\n"
        "needs ir-measures: pip install 'qtsearch[evaluate]'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument("queries", metavar="QUERIES", help="JSON lines with _id and text, or id TAB text")
    evaluate.add_argument("qrels", metavar="QRELS", help="BEIR's TSV with its header, or TREC's lines")
    evaluate.add_argument("--index", metavar="DIR", help=index_help)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object, with figures by query")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        what = f"{value!r} is no number" if equals else "there is no ="
        raise argparse.ArgumentTypeError(f"{text!r}: {what}; write NAME=NUMBER") from None


def _boost(text: str) -> tuple[str, float]:
    from qtsearch.parameters import check_boosts

    name, value = _assignment(text)
    try:
        check_boosts({name: value})
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value


# -- reindex ---------------------------------------------------------------------------------------


def _reindex(arguments: argparse.Namespace) -> int:
    from qtsearch import reindex

    with _ProgressBar(sys.stderr) as bar:
        report = reindex(
            arguments.sources,
            arguments.index,
            include_no_index=arguments.include_no_index,
            progress=bar.show if sys.stderr.isatty() else None,
        )
    for error in report.rejected:
        print(f"rejected {error}", file=sys.stderr)
    print(_summary(report))
    return _REJECTED if report.rejected else _OK


def _summary(report: ReindexReport) -> str:
    parts = [f"{report.pages:,} pages indexed"]
    if report.rejected:
        parts.append(f"{len(report.rejected):,} files rejected")
    if report.no_index:
        parts.append(f"{report.no_index:,} left out as no_index")
    return (
        f"{', '.join(parts)} in {report.seconds:.1f} s: {report.size_bytes / 1e6:.1f} MB, "
        f"generation {report.generation} in {report.index}"
    )


class _ProgressBar:
    """One line on a terminal that is drawn over itself, and wiped in the end."""

    _WIDTH = 40

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = False

    def __enter__(self) -> _ProgressBar:
        return self

    def show(self, done: int, total: int) -> None:
        filled = self._WIDTH * done // total
        doing = f"{done:,} of {total:,} files" if done < total else "writing the index   "
        self._stream.write(f"\r[{'#' * filled}{'.' * (self._WIDTH - filled)}] {doing}")
        self._stream.flush()
        self._shown = True

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._stream.write("\r\033[K")


# -- query -----------------------------------------------------------------------------------------


def _query(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index

    with open_index(arguments.index) as index:
        asked: dict[str, Any] = {
            "subjects": arguments.subject,
            "boosts": dict(arguments.boost or ()),
            "broaden": arguments.broaden,
        }
        results = index.search(arguments.text, limit=arguments.limit, offset=arguments.offset, **asked)
        explanations: dict[str, Explanation] = {}
        if arguments.explain:
            explanations = {hit.url: index.explain(arguments.text, hit.url, **asked) for hit in results}
        if arguments.subject:
            for subject in index.unknown_subjects(arguments.subject):
                known = ", ".join(index.subjects())
                print(f"qtsearch: no page has the subject {subject!r}; there are: {known}", file=sys.stderr)
        if arguments.json:
            import json

            found = results.to_dict()
            for hit in found["hits"] if explanations else ():
                hit["explanation"] = explanations[hit["url"]].to_dict()
            print(json.dumps(found, ensure_ascii=False))
        else:
            _print_list(results, explanations)
    return _OK


def _print_list(results: Results, explanations: Mapping[str, Explanation]) -> None:
    if not results.total:
        print(f"no page matches {results.query!r}")
        return
    first, last = (results[0].rank, results[len(results) - 1].rank) if len(results) else (0, 0)
    pages = "page" if results.total == 1 else "pages"
    print(f"{results.total:,} {pages} in {results.elapsed_ms:.2f} ms, showing {first}-{last}")
    for hit in results:
        date = f"{hit.date}  " if hit.date else ""
        print(f"\n{hit.rank:3}. {hit.question}  [{hit.score:.2f}]")
        print(f"     {hit.subject or '-'}  {date}{hit.url}")
        if hit.url in explanations:
            print("\n".join(f"     {line}" for line in str(explanations[hit.url]).splitlines()[1:]))


# -- tune ------------------------------------------------------------------------------------------


def _tune(arguments: argparse.Namespace) -> int:
    from qtsearch import RankingParameters, open_index, set_parameters

    with open_index(arguments.index) as index:
        parameters = index.parameters
        changes = dict(arguments.set or ())
        if changes or arguments.reset:
            parameters = RankingParameters() if arguments.reset else parameters
            try:
                parameters = parameters.replace(**changes)
            except ValueError as error:
                return _fail(str(error))
            generation = set_parameters(index.path, parameters)
            if not arguments.json:
                print(f"generation {generation} in {index.path}")
    values = parameters.to_dict()
    if arguments.json:
        import json

        print(json.dumps(values))
        return _OK
    for name, default, (low, high), meaning in RankingParameters.table():
        mark = " " if values[name] == default else "*"
        print(f"{mark} {name:22} {values[name]:<6g} {f'{low:g} to {high:g}':10}  {meaning}")
    if parameters != RankingParameters():
        print("* is not the default")
    return _OK


# -- evaluate --------------------------------------------------------------------------------------


def _evaluate(arguments: argparse.Namespace) -> int:
    from qtsearch import evaluation, open_index

    with open_index(arguments.index) as index:
        found = evaluation.evaluate(index, arguments.queries, arguments.qrels)
    if found.missing:
        count = f"{len(found.missing):,} of {found.judged:,} judged ids are no page of the index"
        print(f"qtsearch: {count}: {found.missing[0]!r} is the url of none", file=sys.stderr)
    if arguments.json:
        import json

        print(json.dumps(found.to_dict(), ensure_ascii=False))
        return _OK
    for name, value in found.mean.to_dict().items():
        print(f"{name:7}  {value:.4f}")
    left_out = [(found.unjudged, "without a relevant page"), (found.unasked, "without a text")]
    told = ", ".join(f"{count:,} {why}" for count, why in left_out if count)
    print(f"means over {len(found.by_query):,} queries" + (f"; left out: {told}" if told else ""))
    return _OK
