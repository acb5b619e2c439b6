"""A damaged or hostile table of contents is a typed error that names the path; nothing in it is run."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import whoosh.index
from article_pairs import Pair
from index_checks import assert_helpful, assert_reindex_recovers
from whoosh import fields

import qtsearch
from qtsearch.errors import ForeignSegmentError, IndexDamagedError, QtsearchError


def _toc(folder: Path) -> Path:
    return folder / "_MAIN_1.toc"


@pytest.mark.parametrize("seed", range(5))
def test_garbage_as_toc(index_copy: Path, seed: int) -> None:
    """A table of contents of random bytes is reported as damaged; reindex mends it."""
    rng = random.Random(seed)
    for size in (0, 1, 30, 3_000):
        _toc(index_copy).write_bytes(rng.randbytes(size))
        with pytest.raises(IndexDamagedError) as caught:
            qtsearch.open_index(index_copy)
        assert_helpful(caught.value, _toc(index_copy))
    assert_reindex_recovers(index_copy)


def test_toc_cut_at_any_length(index_copy: Path) -> None:
    """A table of contents that is cut short anywhere is reported as damaged."""
    data = _toc(index_copy).read_bytes()
    for length in range(len(data)):
        _toc(index_copy).write_bytes(data[:length])
        with pytest.raises(IndexDamagedError) as caught:
            qtsearch.open_index(index_copy)
        assert_helpful(caught.value, _toc(index_copy))


@pytest.mark.parametrize("mask", [0xFF, 1])
def test_any_byte_of_toc(index_copy: Path, mask: int) -> None:
    """Whichever byte of the table of contents is changed, the index opens or there is a typed error."""
    data = _toc(index_copy).read_bytes()
    n_refused = 0
    for place in range(len(data)):
        _toc(index_copy).write_bytes(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :])
        try:
            assert len(qtsearch.open_index(index_copy)) > 0
        except QtsearchError as error:
            n_refused += 1
            assert_helpful(error, index_copy)
    assert n_refused > 50


def _with_pickles(toc: bytes, *, schema: bytes | None = None, segments: bytes | None = None) -> bytes:
    """A table of contents with other pickles in it."""
    stream = io.BytesIO(toc)
    stream.seek(3 + 4 + 4 + 3)  # three sizes, byte order mark, version, three numbers of the release
    prefix = toc[: stream.tell()]
    start = stream.tell()
    size = shift = 0
    while True:
        byte = stream.read(1)[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    old_schema = toc[start : stream.seek(size, os.SEEK_CUR)]
    numbers = stream.read(8)
    if schema is not None:
        length = bytearray()
        rest = len(schema)
        while rest >= 0x80:
            length.append(rest & 0x7F | 0x80)
            rest >>= 7
        old_schema = bytes([*length, rest]) + schema
    return prefix + old_schema + numbers + (stream.read() if segments is None else segments)


class _Call:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


def _hostile_pickles(marker: Path) -> dict[str, bytes]:
    command = f"touch '{marker}'"
    return {
        "os.system": pickle.dumps([_Call(os.system, command)], 2),
        "eval": pickle.dumps([_Call(eval, f"open({str(marker)!r}, 'w').close()")], 4),
        "Path.touch": pickle.dumps([_Call(getattr, marker, "touch")], 2),
        "within our module": b"\x80\x04\x8c\x15qtsearch.codec.plugin\x8c\x0abase.Codec\x93)R.",
        "our segment's globals": b"cqtsearch.codec.plugin\nArraySegment.__init__\n.",
        "the module of the class": b"cqtsearch.codec.plugin\n_refuse\n(S'x'\ntR.",
        "a persistent id": b"P1\n.",
        "an extension": b"\x80\x02\x82\x01.",
    }


@pytest.mark.parametrize("name", _hostile_pickles(Path("marker")))
def test_hostile_segment_list(index_copy: Path, tmp_path: Path, name: str) -> None:
    """A list of segments that names another class or function is refused, and nothing in it is run."""
    marker = tmp_path / "marker"
    hostile = _hostile_pickles(marker)[name]
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), segments=hostile))
    with pytest.raises((ForeignSegmentError, IndexDamagedError)) as caught:
        qtsearch.open_index(index_copy)
    assert_reindex_recovers(index_copy)
    assert not marker.exists()
    assert_helpful(caught.value, index_copy)


def _segment_with(state: object) -> bytes:
    """A list of one segment of our class with any state at all."""
    return b"\x80\x02]cqtsearch.codec.plugin\nArraySegment\n)\x81" + pickle.dumps(state, 2)[2:-1] + b"ba."


def _nested(depth: int) -> list[Any]:
    """A list that is short to pickle and long to print."""
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested, nested]
    return nested


@pytest.mark.parametrize(
    "hostile",
    [
        _segment_with({"segid": _nested(20)}),
        b"\x80\x02]r\xff\xff\xff\x00.",
        b"\x80\x04\x8e" + b"\0" * 4 + b"\x01\0\0\0.",
        b"\x80\x05\x96" + b"\0" * 4 + b"\x01\0\0\0.",
        b"\x80\x02" + b"]2" * 100_000 + b".",
    ],
    ids=["a name to print", "a place in the memo", "a size", "the size of a byte array", "copies"],
)
def test_greedy_segment_list(index_copy: Path, hostile: bytes) -> None:
    """A few bytes in the list of segments cannot ask for much memory."""
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), segments=hostile))
    tracemalloc.start()
    try:
        with pytest.raises((ForeignSegmentError, IndexDamagedError)) as caught:
            qtsearch.open_index(index_copy)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20
    assert_helpful(caught.value, index_copy)


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.",
        b"\x80\x02" + b"(" * 200_000 + b".",
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x02cqtsearch.codec.plugin\nArraySegment\n(NN}U\x07__new__cqtsearch.codec.plugin\nArraySegment\ns"
        b"\x86b)\x81.",
    ],
    ids=["a tuple to hash", "marks", "lists in lists", "a class that makes itself"],
)
def test_deep_segment_list(index_copy: Path, hostile: bytes) -> None:
    """What is nested deeply is refused, and does not end the interpreter, which hashes tuples recursively."""
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), segments=hostile))
    # In a process of its own, or there would be no test left to fail.
    code = (
        "import sys, qtsearch\n"
        "try: qtsearch.open_index(sys.argv[1])\n"
        "except qtsearch.IndexDamagedError: print('told')"
    )
    command = [sys.executable, "-c", code, str(index_copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("told\n", "")


def test_endless_number_in_toc(index_copy: Path) -> None:
    """A number that goes on and on is refused before it is computed."""
    data = _toc(index_copy).read_bytes()
    _toc(index_copy).write_bytes(data[:14] + b"\xff" * 200_000 + data[14:])
    with pytest.raises(IndexDamagedError, match="number without end"):
        qtsearch.open_index(index_copy)


def test_huge_toc(index_copy: Path) -> None:
    """A table of contents of many gigabytes is not read."""
    with _toc(index_copy).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(IndexDamagedError, match="longer than") as caught:
        qtsearch.open_index(index_copy)
    assert_helpful(caught.value, _toc(index_copy))


def test_pipe_as_toc(index_copy: Path) -> None:
    """A pipe in place of a file is refused: one would wait for ever to read from it."""
    _toc(index_copy).unlink()
    os.mkfifo(_toc(index_copy))
    with pytest.raises(IndexDamagedError, match="is no file") as caught:
        qtsearch.open_index(index_copy)
    assert_helpful(caught.value, _toc(index_copy))


@pytest.mark.parametrize(
    "state",
    [{"segid": 7}, {"segid": None}, {"segid": "../x"}, {"segid": ""}, {"segid": "A"}, {}, 7, (None, None)],
)
def test_segment_with_odd_name(index_copy: Path, state: object) -> None:
    """A segment whose name is no name of ours is reported as damage."""
    hostile = _segment_with(state)
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), segments=hostile))
    with pytest.raises(IndexDamagedError) as caught:
        qtsearch.open_index(index_copy)
    assert_helpful(caught.value, index_copy)


def test_hostile_segment_list_changes_no_class(examples: Pair, index_copy: Path) -> None:
    """A hostile list of segments cannot keep the process that read it from opening sound indexes."""
    segment_class = b"cqtsearch.codec.plugin\nArraySegment\n"
    hostile = b"\x80\x02" + segment_class + b"N}U\x0c__setstate__" + segment_class + b"s\x86b."
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), segments=hostile))
    # In a process of its own, or the tests after this one would be those kept from it.
    code = (
        "import sys, contextlib, qtsearch\n"
        "with contextlib.suppress(qtsearch.QtsearchError): qtsearch.open_index(sys.argv[1])\n"
        "qtsearch.open_index(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, str(index_copy), examples.ours]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_hostile_schema(index_copy: Path, tmp_path: Path) -> None:
    """The pickled schema is not read by qtsearch, so that what is in it cannot run."""
    marker = tmp_path / "marker"
    hostile = _hostile_pickles(marker)["os.system"]
    _toc(index_copy).write_bytes(_with_pickles(_toc(index_copy).read_bytes(), schema=hostile))
    assert qtsearch.open_index(index_copy).search("thrombectomy")
    assert_reindex_recovers(index_copy)
    assert not marker.exists()


def test_pickles_are_replaced_where_they_stand(index_copy: Path) -> None:
    """The tests above change what they mean to: with its own pickles a table of contents is as before."""
    toc = _toc(index_copy).read_bytes()
    assert _with_pickles(toc) == toc
    schema, segments = pickle.dumps(fields.Schema(), 2), pickle.dumps([], 2)
    _toc(index_copy).write_bytes(_with_pickles(toc, schema=schema, segments=segments))
    with whoosh.index.open_dir(index_copy).searcher() as searcher:
        assert searcher.schema == fields.Schema()
        assert searcher.doc_count() == 0
