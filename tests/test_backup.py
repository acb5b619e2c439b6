"""A backup is a consistent index, whatever is published meanwhile, or it is none."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from unittest import mock

import pytest
from command_line import run

import qtsearch
from qtsearch.codec.container import ArrayFile
from qtsearch.errors import BackupError, IndexDamagedError, IndexMissingError
from qtsearch.generations import backups, generation


@pytest.fixture
def folder(tmp_path, sample_folder) -> Path:
    """The folder of an index of the samples, its third generation."""
    for _ in range(3):
        qtsearch.reindex(sample_folder, tmp_path / "index", processes=1, full=True, allow_shrink=True)
    return tmp_path / "index"


def everything(path) -> list:
    """Pages and scores of an index, and one text."""
    with qtsearch.open_index(path, auto_refresh=False) as index:
        found = [(hit.url, hit.score) for hit in index.search("the stroke of a clot", limit=100)]
        return [index.generation, len(index), found, index.search("clot")[0].answer, index.stats().published]


def test_the_copy_is_the_same_index(folder, tmp_path):
    """The same generation, published at the same time, with the same answers; no file is shared."""
    target = tmp_path / "deep" / "down"
    assert qtsearch.backup(folder, target) == 3
    assert everything(target) == everything(folder)
    copied = {path.name for path in target.iterdir()}
    assert copied == {path.name for path in folder.iterdir() if "LOCK" not in path.name}
    assert all(path.stat().st_nlink == 1 for path in target.iterdir())
    assert target.stat().st_mode == folder.stat().st_mode  # by the umask
    before = everything(target)
    shutil.rmtree(folder)
    assert everything(target) == before


def test_the_copy_can_be_reindexed_and_backed_up(folder, tmp_path, write_article):
    """It is an index like any other."""
    qtsearch.backup(folder, tmp_path / "copy")
    write_article(tmp_path / "new" / "a.md", url="/new", question="Where is the clot?")
    assert qtsearch.reindex(tmp_path / "new", tmp_path / "copy", full=True, allow_shrink=True).generation == 4
    assert qtsearch.backup(tmp_path / "copy", tmp_path / "again") == 4
    with qtsearch.open_index(tmp_path / "again") as index:
        assert [hit.url for hit in index.search("clot")] == ["/new"]


def test_every_file_of_the_segment_is_copied(folder, tmp_path):
    """Those, too, that searching does not read; work folders are not."""
    name = f"MAIN_{generation.latest(str(folder)).segment_id}"
    (folder / f"{name}.work").mkdir()
    qtsearch.backup(folder, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {
        f"{name}.arrays",
        f"{name}.impacts",
        f"{name}.sources",
        "_MAIN_3.toc",
    }


# -- while others write ------------------------------------------------------------------------------------


def test_what_is_published_after_the_files_are_open_does_no_harm(folder, tmp_path, write_article):
    """Their names go; the copy is of the generation before."""
    write_article(tmp_path / "new" / "a.md", url="/new", question="Where is the clot?")
    expected = everything(folder)
    really_copy = backups._copy

    def publish_first(*arguments):
        qtsearch.reindex(tmp_path / "new", folder, full=True, allow_shrink=True)
        really_copy(*arguments)

    with mock.patch.object(backups, "_copy", publish_first):
        assert qtsearch.backup(folder, tmp_path / "copy") == 3
    assert everything(tmp_path / "copy") == expected
    assert len(list(folder.glob("*.toc"))) == 1


@pytest.mark.parametrize("name", [".toc", ".arrays", ".impacts"])
def test_what_is_published_while_files_are_opened_is_copied_instead(
    folder, tmp_path, write_article, monkeypatch, name
):
    """If a file vanishes between its name and its opening, the newer generation is taken."""
    write_article(tmp_path / "new" / "a.md", url="/new", question="Where is the clot?")
    really_stat = os.stat
    published = []

    def publish_first(path, *arguments, **options):
        if str(path).endswith(name) and not published:
            published.append(path)
            qtsearch.reindex(tmp_path / "new", folder, processes=1, full=True, allow_shrink=True)
        return really_stat(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(backups.os, "stat", publish_first)
        assert qtsearch.backup(folder, tmp_path / "copy") == 4
    assert everything(tmp_path / "copy") == everything(folder)


def test_backups_while_an_index_is_published(tmp_path, write_article):
    """Each of many, taken while editions of different sizes are published, is one whole edition."""
    for number in (1, 2, 3):
        for page in range(number):
            path = tmp_path / str(number) / f"{page}.md"
            write_article(path, url=f"/{page}", question=f"Edition {number}?")
    folder = tmp_path / "index"
    qtsearch.reindex(tmp_path / "1", folder, full=True, allow_shrink=True)
    stop = threading.Event()

    def publish():
        number = 0
        while not stop.is_set():
            number += 1
            with mock.patch("os.fsync"):
                qtsearch.reindex(
                    tmp_path / str(number % 3 + 1), folder, processes=1, full=True, allow_shrink=True
                )

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        generations = set()
        for number in range(25):
            copy = tmp_path / "copies" / str(number)
            generations.add(qtsearch.backup(folder, copy))
            with qtsearch.open_index(copy) as index:
                edition = (index.generation - 1) % 3 + 1
                assert len(index) == index.search("edition", collapse=False).total == edition
    finally:
        stop.set()
        thread.join()
    assert len(generations) > 1


# -- refused -----------------------------------------------------------------------------------------------


def test_an_empty_folder_may_be_there(folder, tmp_path):
    """Nothing else: what is in a folder is not written over."""
    (tmp_path / "copy").mkdir()
    assert qtsearch.backup(folder, tmp_path / "copy") == 3
    with pytest.raises(BackupError, match="is not empty"):
        qtsearch.backup(folder, tmp_path / "copy")
    with pytest.raises(BackupError, match="is not empty"):
        qtsearch.backup(folder, folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match="is a file"):
        qtsearch.backup(folder, tmp_path / "file")
    with pytest.raises(IndexMissingError):
        qtsearch.backup(tmp_path / "none", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("existed", [True, False])
def test_a_damaged_index_leaves_no_backup(folder, tmp_path, existed):
    """A flipped byte anywhere is told with the file of the index that has it."""
    (path,) = folder.glob("*.arrays")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert list(ArrayFile(str(path)).damages())
    if existed:
        (tmp_path / "copy").mkdir()
    with pytest.raises(IndexDamagedError, match=str(path)):
        qtsearch.backup(folder, tmp_path / "copy")
    assert [path.name for path in tmp_path.glob("copy/*")] == []
    assert (tmp_path / "copy").exists() == existed


def test_a_missing_file_is_told(folder, tmp_path):
    """Not taken for a newer generation."""
    (path,) = folder.glob("*.impacts")
    path.unlink()
    with pytest.raises(IndexDamagedError, match=r"impacts: is missing"):
        qtsearch.backup(folder, tmp_path / "copy")


@pytest.mark.parametrize("step", range(12))
def test_what_was_interrupted_is_no_index(folder, tmp_path, step):
    """Stopped after any number of writes, syncs and renames: killed, it has no table of contents; ended by an
    error, there is nothing."""
    done = 0

    def stopping(function):
        def stop(*arguments, **options):
            nonlocal done
            done += 1
            if done > step:
                raise OSError(28, "No space left on device")
            return function(*arguments, **options)

        return stop

    patches = [
        mock.patch("shutil.copyfileobj", stopping(shutil.copyfileobj)),
        mock.patch("os.fsync", stopping(os.fsync)),
        mock.patch("os.rename", stopping(os.rename)),
        mock.patch("os.unlink"),  # as if the process had gone
        mock.patch("os.rmdir"),
    ]
    with patches[0], patches[1], patches[2]:
        with patches[3], patches[4]:
            try:
                qtsearch.backup(folder, tmp_path / "killed")
            except OSError:
                complete = False
            else:
                complete = True
        done = 0
        try:
            qtsearch.backup(folder, tmp_path / "failed")
        except OSError:
            assert not (tmp_path / "failed").exists()
    published = bool(list((tmp_path / "killed").glob("*.toc")))
    assert published >= complete
    if published:  # whole, even if the last syncs were not reached
        assert everything(tmp_path / "killed") == everything(folder)
    else:
        with pytest.raises(IndexMissingError):
            qtsearch.open_index(tmp_path / "killed")


# -- commands ----------------------------------------------------------------------------------------------


def test_the_command(folder, tmp_path):
    """Says which generation is where; what is wrong is one line, and exit code 1."""
    target = tmp_path / "copy"
    done = run("backup", target, "--index", folder)
    assert (done.returncode, done.stdout) == (0, f"generation 3 in {target}\n")
    done = run("backup", target, "--index", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"qtsearch: {target} is not empty: name a new folder for the backup\n"
    done = run("backup", tmp_path / "second", "--index", folder, "--json")
    assert json.loads(done.stdout) == {"generation": 3, "target": str(tmp_path / "second")}
