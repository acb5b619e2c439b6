"""What is installed: the built wheel alone, its types, its dependencies, and which way its imports point."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy: what earlier builds left in the checkout must not get in
    shutil.copytree(ROOT / "qtsearch", source / "qtsearch", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "index").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """Every module, py.typed and the licence; no tests, examples or index."""
    names = zipfile.ZipFile(wheel).namelist()
    packaged = {name for name in names if ".dist-info/" not in name}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "qtsearch").rglob("*.py")}
    assert packaged == modules | {"qtsearch/py.typed"}
    assert any(name.endswith("LICENSE") for name in names)


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
    done = subprocess.run([python, "-m", "qtsearch", "query", "thrombectomy"], check=True, **quiet)
    assert "What is mechanical thrombectomy" in done.stdout
