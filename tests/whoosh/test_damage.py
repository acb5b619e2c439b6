"""Damaged files of a segment, foreign and absent indexes: a typed error names the path and what to do."""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import whoosh.index
from article_pairs import EXAMPLES, Pair
from index_checks import assert_helpful, assert_reindex_recovers
from whoosh import fields

import qtsearch
from qtsearch.codec.container import FORMAT_VERSION
from qtsearch.errors import (
    ForeignSegmentError,
    IndexDamagedError,
    IndexMissingError,
    IndexVersionError,
)

FILES = [".arrays", ".impacts"]
PREFIX = struct.Struct("<8sI")  # magic, version
SUFFIX = struct.Struct("<II")  # table size, table CRC


def _file(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*{suffix}")
    return path


def _open_with_whoosh(folder: Path) -> None:
    whoosh.index.open_dir(folder).searcher().close()


OPENERS = pytest.mark.parametrize("opener", [qtsearch.open_index, _open_with_whoosh])


# -- the files of the segment ----------------------------------------------------------------------


def _change(data: bytes, place: int, mask: int = 0xFF) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def _table_start(data: bytes) -> int:
    table_size: int = SUFFIX.unpack(data[-SUFFIX.size :])[0]
    return len(data) - SUFFIX.size - table_size


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: b"",
    "one byte": lambda data: data[:1],
    "cut in the prefix": lambda data: data[: PREFIX.size - 1],
    "cut after the prefix": lambda data: data[: PREFIX.size],
    "cut before the table": lambda data: data[: _table_start(data)],
    "cut in the table": lambda data: data[: _table_start(data) + 100],
    "cut after the table": lambda data: data[: -SUFFIX.size],
    "cut in half": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "one byte more": lambda data: data + b"\0",
    "doubled": lambda data: data + data,
    "zeroed table": lambda data: data[: _table_start(data)].ljust(len(data), b"\0"),
    "zeroed": lambda data: bytes(len(data)),
    "zeroed but for the beginning": lambda data: data[: PREFIX.size].ljust(len(data), b"\0"),
    "a text": lambda data: b"Not an index at all, but long enough to be looked at.\n" * 100,
    "another magic": lambda data: _change(data, 0),
    "another table size": lambda data: _change(data, len(data) - 8),
    "another checksum": lambda data: _change(data, len(data) - 1),
    "another byte of the table": lambda data: _change(data, _table_start(data) + 40, 1),
}


@OPENERS
@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_segment(index_copy: Path, suffix: str, damage: str, opener: Callable[[Path], Any]) -> None:
    """A damaged file is reported by name, by qtsearch and through Whoosh alike; reindex mends it."""
    path = _file(index_copy, suffix)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(IndexDamagedError) as caught:
        opener(index_copy)
    assert_helpful(caught.value, path)
    assert caught.value.path == str(path)
    assert_reindex_recovers(index_copy)


@pytest.mark.parametrize("suffix", FILES)
def test_any_byte_of_the_table(index_copy: Path, suffix: str) -> None:
    """Whichever byte of the beginning or of the table is changed, the file is refused."""
    path = _file(index_copy, suffix)
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place in (*range(PREFIX.size), *range(_table_start(data), len(data))):
            for mask in (0xFF, 1):
                os.pwrite(file.fileno(), bytes([data[place] ^ mask]), place)
                with pytest.raises((IndexDamagedError, IndexVersionError)) as caught:
                    qtsearch.open_index(index_copy)
                assert_helpful(caught.value, path)
            os.pwrite(file.fileno(), data[place : place + 1], place)
    assert qtsearch.open_index(index_copy).search("thrombectomy")


@OPENERS
@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, 2**32 - 1])
def test_other_version(index_copy: Path, suffix: str, version: int, opener: Callable[[Path], Any]) -> None:
    """A file of another format version says which it has and which is read."""
    path = _file(index_copy, suffix)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 8, version)
    path.write_bytes(data)
    with pytest.raises(IndexVersionError) as caught:
        opener(index_copy)
    assert (caught.value.found, caught.value.expected) == (version, FORMAT_VERSION)
    assert caught.value.path == str(path)
    assert_helpful(caught.value, path)
    assert re.search(rf"\b{version}\b.*\b{FORMAT_VERSION}\b", str(caught.value))
    assert ("upgrade" in str(caught.value)) == (version > FORMAT_VERSION)


@OPENERS
@pytest.mark.parametrize("suffix", FILES)
def test_file_of_other_segment(
    index_copy: Path, tmp_path: Path, suffix: str, opener: Callable[[Path], Any]
) -> None:
    """A sound file that belongs to another segment is noticed."""
    qtsearch.reindex(EXAMPLES / "nursing", tmp_path / "other", full=True, allow_shrink=True)
    shutil.copy(_file(tmp_path / "other", suffix), _file(index_copy, suffix))
    with pytest.raises(IndexDamagedError, match="does not belong to") as caught:
        opener(index_copy)
    assert_helpful(caught.value, _file(index_copy, ".impacts"))


@OPENERS
@pytest.mark.parametrize(("suffix", "other"), [FILES, FILES[::-1]])
def test_file_of_other_kind(index_copy: Path, suffix: str, other: str, opener: Callable[[Path], Any]) -> None:
    """A sound file with other arrays than its name promises is noticed."""
    path = _file(index_copy, suffix)
    shutil.copy(_file(index_copy, other), path)
    with pytest.raises(IndexDamagedError) as caught:
        opener(index_copy)
    assert_helpful(caught.value, path)


@pytest.mark.parametrize("suffix", FILES)
def test_missing_file(index_copy: Path, suffix: str) -> None:
    """A lost file is reported as missing; Whoosh, which tries again after an OSError, gives up with one."""
    path = _file(index_copy, suffix)
    path.unlink()
    with pytest.raises(IndexDamagedError, match="is missing") as caught:
        qtsearch.open_index(index_copy)
    assert_helpful(caught.value, path)
    with pytest.raises(FileNotFoundError) as caught_by_whoosh:
        _open_with_whoosh(index_copy)
    assert caught_by_whoosh.value.filename == str(path)
    assert_reindex_recovers(index_copy)


def test_damaged_article(examples: Pair, index_copy: Path) -> None:
    """Whichever byte of an article's text is changed, reading it gives an error."""
    path = _file(index_copy, ".arrays")
    number = 20
    url = examples.articles[number].url
    article = qtsearch.open_index(index_copy).get(url)
    record = qtsearch.open_index(index_copy)._snapshot.searcher.segment._records([number])[0]
    start = path.read_bytes().index(record)
    with path.open("r+b", buffering=0) as file:
        for place in range(len(record)):
            os.pwrite(file.fileno(), bytes([record[place] ^ 0x10]), start + place)
            with pytest.raises(IndexDamagedError, match="'records'") as caught:
                qtsearch.open_index(index_copy).get(url)
            assert_helpful(caught.value, path)
            os.pwrite(file.fileno(), record[place : place + 1], start + place)
    assert qtsearch.open_index(index_copy).get(url) == article


def test_damaged_article_through_whoosh(index_copy: Path) -> None:
    """An article whose text is damaged is an error in Whoosh too; articles of other blocks are read."""
    path = _file(index_copy, ".arrays")
    record = qtsearch.open_index(index_copy)._snapshot.searcher.segment._records([20])[0]
    path.write_bytes(path.read_bytes().replace(record, bytes(len(record))))
    with whoosh.index.open_dir(index_copy).searcher() as searcher:
        with pytest.raises(IndexDamagedError) as caught:
            searcher.stored_fields(20)
        assert searcher.stored_fields(0)["answer"]
        assert searcher.stored_fields(searcher.doc_count() - 1)["answer"]
    assert_helpful(caught.value, path)


# -- foreign and absent ----------------------------------------------------------------------------


def test_stock_index(examples: Pair, tmp_path: Path) -> None:
    """An index that stock Whoosh wrote is refused as foreign, with the class of its segment."""
    shutil.copytree(examples.stock, tmp_path / "stock")
    with pytest.raises(ForeignSegmentError, match=r"whoosh\.codec\.whoosh3\.W3Segment") as caught:
        qtsearch.open_index(tmp_path / "stock")
    assert_reindex_recovers(tmp_path / "stock")
    assert_helpful(caught.value, tmp_path / "stock")


def test_stock_index_without_segments(tmp_path: Path) -> None:
    """So is one that has no pages yet."""
    whoosh.index.create_in(tmp_path, fields.Schema())
    with pytest.raises(ForeignSegmentError) as caught:
        qtsearch.open_index(tmp_path)
    assert_reindex_recovers(tmp_path)
    assert_helpful(caught.value, tmp_path)


def test_no_index(tmp_path: Path) -> None:
    """An empty folder, a missing one, a file and an index of another name hold no index."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "other").mkdir()
    whoosh.index.create_in(tmp_path / "other", fields.Schema(), indexname="OTHER")
    for name in ("empty", "missing", "file", "file/below", "other"):
        with pytest.raises(IndexMissingError) as caught:
            qtsearch.open_index(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "reindex" in str(caught.value)
