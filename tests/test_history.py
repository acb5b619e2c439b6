"""What was published when, and back to the generation before."""

from __future__ import annotations

import datetime
import json
import shutil
import struct
from pathlib import Path

import pytest
from command_line import run

import qtsearch
from qtsearch.codec.container import OLDEST_WITH_METADATA
from qtsearch.errors import IndexVersionError

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of some articles, published once."""
    source = Path(shutil.copytree(EXAMPLES, tmp_path / "articles"))
    qtsearch.reindex(source, tmp_path / "index")
    return tmp_path / "index"


def reworded(folder: Path, word: str) -> None:
    """Change one article, so that it has a word."""
    path = min((folder.parent / "articles").rglob("*.md"))
    path.write_text(path.read_text().replace("answer: ", f"answer: {word} ", 1))


def files(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir() if path.name != "MAIN_WRITELOCK"}


def found(folder: Path, word: str) -> int:
    with qtsearch.open_index(folder) as index:
        return index.search(word, correct=False).total


def test_the_history_tells_of_each_generation(folder):
    """Newest first, with what changed; a run that changes nothing is no generation."""
    reworded(folder, "xyzzy")
    for _ in range(2):
        qtsearch.reindex(folder.parent / "articles", folder)
    newest, oldest = qtsearch.history(folder)
    assert (oldest.generation, oldest.by, oldest.pages, oldest.added) == (1, "full reindex", 66, 66)
    assert (newest.generation, newest.by, newest.changed, newest.added) == (2, "reindex", 1, 0)
    assert oldest.published <= newest.published <= datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize(
    ("version", "kept"), [(OLDEST_WITH_METADATA, True), (OLDEST_WITH_METADATA - 1, False)]
)
def test_an_index_of_an_older_version(folder, version, kept):
    """It is not opened, and a reindex makes it anew, with its history and its parameters from the version on
    that has them where they are now."""
    qtsearch.set_parameters(folder, qtsearch.RankingParameters(k1=1.7))
    for path in folder.glob("MAIN_*.*"):
        data = bytearray(path.read_bytes())
        struct.pack_into("<I", data, 8, version)
        path.write_bytes(data)
    with pytest.raises(IndexVersionError, match="build it again with `qtsearch reindex`"):
        qtsearch.open_index(folder)
    qtsearch.reindex(folder.parent / "articles", folder)
    generations = [entry.generation for entry in qtsearch.history(folder)]
    with qtsearch.open_index(folder) as index:
        assert (generations, index.parameters.k1) == (([3, 1], 1.7) if kept else ([3], 1.5))


def test_rollback_goes_back_and_forth(folder):
    """To the generation that was kept, with its hits; the next reindex finds again what has changed."""
    reworded(folder, "xyzzy")
    qtsearch.reindex(folder.parent / "articles", folder, keep_previous=True)
    assert found(folder, "xyzzy") == 1
    assert qtsearch.rollback(folder) == 3
    assert found(folder, "xyzzy") == 0
    assert len(list(folder.glob("MAIN_*.arrays"))) == 1
    assert [entry.by for entry in qtsearch.history(folder)] == ["rollback to 1", "reindex", "full reindex"]
    report = qtsearch.reindex(folder.parent / "articles", folder)
    assert (report.generation, report.changed) == (4, 1)
    assert found(folder, "xyzzy") == 1
    assert len(qtsearch.history(folder)) == 4


def test_nothing_to_go_back_to(folder):
    """Without --keep-previous that is an error that says so; also after a run that kept nothing."""
    with pytest.raises(qtsearch.RollbackError, match="--keep-previous"):
        qtsearch.rollback(folder)
    for word, keep in (("xyzzy", True), ("plugh", False)):
        reworded(folder, word)
        qtsearch.reindex(folder.parent / "articles", folder, keep_previous=keep)
    assert len(list(folder.glob("MAIN_*.arrays"))) == 1
    with pytest.raises(qtsearch.RollbackError):
        qtsearch.rollback(folder)
    assert files(folder) == {".arrays", ".impacts", ".sources", ".toc"}


def test_what_is_kept_outlasts_runs_without_changes_and_tuning(folder):
    """Until the next generation of articles."""
    reworded(folder, "xyzzy")
    qtsearch.reindex(folder.parent / "articles", folder, keep_previous=True)
    qtsearch.reindex(folder.parent / "articles", folder)
    qtsearch.set_parameters(folder, qtsearch.RankingParameters(k1=1.0))
    assert qtsearch.rollback(folder) == 4
    assert found(folder, "xyzzy") == 0


def test_the_commands(folder):
    """`history` prints a line for each generation, newest first; `rollback` says where it went."""
    reworded(folder, "xyzzy")
    done = run("reindex", folder.parent / "articles", "--index", folder, "--keep-previous")
    assert done.returncode == 0
    lines = run("history", "--index", folder).stdout.splitlines()
    assert len(lines) == 2
    assert "generation 2" in lines[0]
    assert "1 changed" in lines[0]
    entries = json.loads(run("history", "--index", folder, "--json").stdout)
    assert [entry["generation"] for entry in entries] == [2, 1]
    done = run("rollback", "--index", folder)
    assert (done.returncode, done.stdout) == (0, f"generation 3 in {folder}: rollback to 1, 66 pages\n")
    done = run("rollback", "--index", folder)
    assert done.returncode == 1
    assert "--keep-previous" in done.stderr
