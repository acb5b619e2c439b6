"""What is installed: the built wheel alone, its types, its dependencies, and which way its imports point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from qtsearch.search.searcher import kernel

ROOT = Path(__file__).parent.parent

USES_OF_THE_API = """
import datetime
import qtsearch

report: qtsearch.ReindexReport = qtsearch.reindex(["a", "b"], "index", processes=2)
rejected: tuple[qtsearch.ArticleError, ...] = report.rejected
numbers: tuple[int, int, int, float] = (report.pages, report.files, report.no_index, report.seconds)
with qtsearch.open_index() as index:
    subjects: dict[str, int] = index.subjects()
    size: int = len(index)
    results: qtsearch.Results = index.search("q", subjects=["Medicine"], limit=10, offset=0)
    total: int = results.total
    elapsed: float = results.elapsed_ms
    for hit in results:
        values: tuple[int, float, str, int | None, str] = (hit.rank, hit.score, hit.url, hit.id, hit.question)
        more: tuple[str, datetime.date | None, tuple[str, ...]] = (hit.subject, hit.date, hit.keywords)
        answer: str = hit.answer
    article: qtsearch.Article | None = index.get("/a")
"""


def test_the_public_api_type_checks_strictly(tmp_path):
    """A caller's program that uses everything documented passes mypy --strict."""
    program = tmp_path / "program.py"
    program.write_text(USES_OF_THE_API)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", str(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_wrong_use_of_the_public_api_is_a_type_error(tmp_path):
    """Options are keyword-only, misspelt ones are errors: nothing disappears in **kwargs."""
    program = tmp_path / "program.py"
    program.write_text('import qtsearch\nqtsearch.open_index().search("q", 10, subject="Medicine")\n')
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", str(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "subject" in done.stdout


def build_wheel(folder: Path, **environment: str) -> Path:
    source = folder / "source"  # a copy: what earlier builds left in the checkout must not get in
    unwanted = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "qtsearch", source / "qtsearch", ignore=unwanted)
    (source / "index").mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
        env=os.environ | environment,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def packaged(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


SOURCES = {str(path.relative_to(ROOT)) for path in (ROOT / "qtsearch").rglob("*.py")}
SOURCES |= {str(path.relative_to(ROOT)) for path in (ROOT / "qtsearch").rglob("*.pyi")}
SOURCES |= {"qtsearch/py.typed"}
KERNELS = [
    "qtsearch/_scoring",
    "qtsearch/codec/_keyterms",
    "qtsearch/codec/_merging",
    "qtsearch/search/_searcher",
]


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """Modules, types, the kernels for any later Python, and the licence; no tests, examples or index."""
    compiled = packaged(wheel) - SOURCES
    assert packaged(wheel) >= SOURCES
    assert sorted(name.partition(".")[0] for name in compiled) == (KERNELS if kernel else [])
    assert "-cp311-abi3-" in wheel.name
    assert any(name.endswith("/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_a_wheel_is_built_without_a_compiler(tmp_path):
    """Where the compiler fails, all but the kernels is there."""
    assert packaged(build_wheel(tmp_path, CC="false")) == SOURCES


def test_the_wheel_works_in_an_empty_environment(wheel, tmp_path):
    """Installed alone, it indexes the samples and finds thrombectomy, far from the checkout."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    quiet = {"capture_output": True, "text": True, "cwd": tmp_path}
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, **quiet)
    examples = str(ROOT / "examples" / "articles")
    done = subprocess.run([environment / "bin" / "qtsearch", "reindex", examples], check=True, **quiet)
    assert done.stdout.startswith("66 pages (66 added")
    done = subprocess.run([python, "-m", "qtsearch", "--version"], check=True, **quiet)
    assert done.stdout.endswith("search compiled\n" if kernel else "search in NumPy\n")
    done = subprocess.run([python, "-m", "qtsearch", "query", "thrombectomy"], check=True, **quiet)
    assert "What is mechanical thrombectomy" in done.stdout
