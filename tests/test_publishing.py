"""Publishing: the table of contents, and what the clean-up takes and leaves."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_disk import FailingDisk, FaultyDisk, installed
from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC

import qtsearch
from qtsearch import disk
from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.plugin import ArraySegment
from qtsearch.codec.segment import INDEX_NAME
from qtsearch.generations import generation, publishing

SAMPLES = Path(__file__).parent.parent / "examples" / "articles"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    qtsearch.reindex(SAMPLES / "nursing", folder)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """An index of two articles, generation 1."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def segment_of(folder: Path) -> str:
    return generation.latest(str(folder)).segment_id


def add_segment(folder: Path, segment_id: str) -> set[str]:
    """The files of one more segment."""
    for extension in (".arrays", ".impacts"):
        source = folder / f"{INDEX_NAME}_{segment_of(folder)}{extension}"
        shutil.copy(source, folder / f"{INDEX_NAME}_{segment_id}{extension}")
    (folder / f"{INDEX_NAME}_{segment_id}.sources").write_bytes(b"of no use to a search")
    return {f"{INDEX_NAME}_{segment_id}{extension}" for extension in (".arrays", ".impacts", ".sources")}


def test_the_toc_is_whooshs_own(folder, tmp_path):
    """Byte for byte what Whoosh would have written."""
    (tmp_path / "theirs").mkdir()
    toc = TOC(whoosh_schema(), [ArraySegment(INDEX_NAME, segment_of(folder), 2)], 1)
    toc.write(FileStorage(str(tmp_path / "theirs")), INDEX_NAME)
    ours = (folder / "_MAIN_1.toc").read_bytes()
    assert ours == (tmp_path / "theirs" / "_MAIN_1.toc").read_bytes()


def test_a_publish_removes_what_went_before(folder):
    """The generation before goes, all three files of it and its TOC."""
    first = segment_of(folder)
    (folder / f"MAIN_{first}.sources").write_bytes(b"")
    second = add_segment(folder, "1")
    assert publishing.publish(str(folder), "1", 2) == 2
    assert names(folder) == second | {"_MAIN_2.toc", "MAIN_WRITELOCK"}
    assert publishing.is_published(str(folder), "1")
    assert not publishing.is_published(str(folder), first)


def test_segments_that_are_kept(folder):
    """``keep`` names segments whose files stay; without their TOC, and until a run does not name them."""
    first = segment_of(folder)
    kept = {f"MAIN_{first}.{extension}" for extension in ("arrays", "impacts", "sources")}
    second = add_segment(folder, "1")
    publishing.publish(str(folder), "1", 2, keep=[first])
    assert names(folder) == kept | second | {"_MAIN_2.toc", "MAIN_WRITELOCK"}
    publishing.clean(str(folder), keep=[first])
    assert kept < names(folder)
    publishing.clean(str(folder))
    assert names(folder) == second | {"_MAIN_2.toc", "MAIN_WRITELOCK"}


OURS = ["_MAIN_0.toc", "_MAIN_2.toc.abc", "_MAIN_1.toc.1700000000.5", "MAIN_0.sources", "MAIN_00ff.arrays"]
#: As Whoosh names the files of its segments.
WHOOSHS = ["MAIN_0123456789abcdxy.seg", "MAIN_0123456789abcdxy.dci.tmp"]
STRANGERS = ["notes.txt", "MAIN_notes.txt", "MAIN.arrays", "_OTHER_2.toc", "OTHER_0.arrays", "_MAIN_x.toc"]


def test_a_clean_up_takes_what_is_ours_alone(folder):
    """Litter of runs that died, of Whoosh's too; nothing else, whatever it is called."""
    before = names(folder)
    for name in [*OURS, *WHOOSHS, *STRANGERS]:
        (folder / name).write_text("x")
    (folder / "MAIN_0.work" / "deeper").mkdir(parents=True)
    (folder / "MAIN_0.work" / "deeper" / "0-0.chunk").write_text("x")
    (folder / "work").mkdir()
    publishing.clean(str(folder))
    assert names(folder) == before | {*STRANGERS, "work"}


def test_a_linked_work_folder_is_not_followed(folder, tmp_path):
    """Of a link to a folder only the link goes."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("x")
    (folder / "MAIN_0.work").symlink_to(tmp_path / "theirs")
    (folder / "MAIN_1.work").mkdir()
    (folder / "MAIN_1.work" / "linked").symlink_to(tmp_path / "theirs")
    publishing.clean(str(folder))
    assert not {"MAIN_0.work", "MAIN_1.work"} & names(folder)
    assert (tmp_path / "theirs" / "file").read_text() == "x"


def test_segments_of_an_index_that_cannot_be_read_stay(folder):
    """A damaged TOC does not say what is needed: only what never is goes."""
    add_segment(folder, "1")
    (folder / "_MAIN_7.toc").write_bytes(b"damaged")
    kept = names(folder)
    (folder / "MAIN_2.work").mkdir()
    (folder / "_MAIN_8.toc.x").write_text("x")
    publishing.clean(str(folder))
    assert names(folder) == kept
    assert qtsearch.reindex(SAMPLES / "nursing", folder).generation == 8


def test_a_run_that_fails_has_cleaned_up(folder):
    """The litter of the run before goes although this one has nothing to publish."""
    before = names(folder)
    add_segment(folder, "1")
    (folder.parent / "none").mkdir()
    (folder.parent / "none" / "a.md").write_text("no article")
    with pytest.raises(qtsearch.SourceError):
        qtsearch.reindex(folder.parent / "none", folder)
    assert names(folder) == before


def test_what_cannot_be_removed_is_no_error(folder, caplog):
    """The new generation is published; the log names the file, and the next run removes it."""
    add_segment(folder, "1")
    with installed(layer := FaultyDisk()):
        publishing.publish(str(folder), "1", 2)
    add_segment(folder, "2")
    with installed(FailingDisk(layer.steps.index("unlink"), errno.EPERM)):
        assert publishing.publish(str(folder), "2", 2) == 3
    assert "_MAIN_2.toc is left over until the next run" in caplog.text
    assert "_MAIN_2.toc" in names(folder)
    assert generation.latest(str(folder)).number == 3
    publishing.clean(str(folder))
    assert "_MAIN_2.toc" not in names(folder)


def test_nothing_to_clean_costs_no_sync(folder):
    """A folder without litter is only listed."""
    with installed(layer := FaultyDisk()):
        publishing.clean(str(folder))
    assert layer.steps == []


def test_folders_are_made_where_they_are_missing(tmp_path, monkeypatch):
    """Those above it too, each synced into the one it lies in; a relative path as well."""
    monkeypatch.chdir(tmp_path)
    with installed(layer := FaultyDisk()):
        publishing.make_index_folder(os.path.join("a", "b", "c"))
        publishing.make_index_folder("a")
    assert layer.steps == ["mkdir", "sync_folder"] * 3
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_write_that_the_system_takes_in_parts(tmp_path):
    """All of it is written."""

    class Slow(disk.io.FileIO):
        def write(self, data):
            return super().write(bytes(data)[:7])

    with Slow(tmp_path / "file", "xb") as file:
        disk.layer.write(file, b"x" * 100)
    assert (tmp_path / "file").read_bytes() == b"x" * 100


def test_the_short_form_of_the_fault_runs(tmp_path):
    """``benchmarks/faults.py``: kills of each kind, power cuts and errors, none of which is wrong."""
    command = [sys.executable, "benchmarks/faults.py", "--runs", "36", "--parts", "kills"]
    root = Path(qtsearch.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], capture_output=True, text=True, cwd=root, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "| all     |            |   36 |" in done.stdout
