"""The container of arrays: what is written is read, and what is not what was written is noticed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import qtsearch
from qtsearch.codec import container
from qtsearch.codec.container import FORMAT_VERSION, ArrayFile, write_array_file
from qtsearch.errors import IndexDamagedError, IndexVersionError

dtypes = (
    npst.boolean_dtypes()
    | npst.integer_dtypes(endianness="?")
    | npst.unsigned_integer_dtypes(endianness="?")
    | npst.floating_dtypes(endianness="?")
    | npst.byte_string_dtypes(max_len=40)
)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
metadata = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text()), max_size=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("container")


def path_in(folder: Path) -> str:
    return str(folder / os.urandom(8).hex())


# -- round trip ----------------------------------------------------------------------------------------


@given(written=st.dictionaries(st.text(max_size=9), arrays, max_size=5), about=metadata)
@example(written={}, about={})
@example(written={"a": np.zeros(0, np.int8), "b": np.zeros((3, 0), "S7"), "c": np.zeros(1)}, about={})
@example(written={"a": np.ones(1, np.int8), "b": np.zeros(0, np.int64)}, about={})
@example(written={"a": np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2].T}, about={"é": "\0"})
def test_round_trip(folder, written, about):
    """Arrays of any dtype, byte order, layout and shape come back little-endian, with the metadata."""
    path = path_in(folder)
    size = write_array_file(path, written, about, sync=False)
    assert size == os.path.getsize(path)
    file = ArrayFile(path)
    assert file.metadata == about
    assert file.damaged_arrays() == []
    for name, array in written.items():
        read = file[name]
        assert (read.shape, read.dtype) == (array.shape, array.dtype.newbyteorder("<"))
        np.testing.assert_array_equal(read, array)
        if read.size:
            assert not read.flags.writeable
            assert read.ctypes.data % 64 == 0


@given(st.lists(st.binary(max_size=20)))
def test_pieces(folder, pieces):
    """A blob is read piece by piece; its arrays and pieces outlive the file and the object."""
    path = path_in(folder)
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    blob = np.frombuffer(b"".join(pieces), np.uint8)
    write_array_file(path, {"x": np.ones(3), "blobs": blob, "blob_offsets": offsets}, {}, sync=False)
    file = ArrayFile(path)
    piece, ones = file.pieces("blobs", "blob_offsets"), file["x"]
    del file
    os.unlink(path)
    assert [piece(number) for number in range(len(pieces))] == pieces
    assert ones.tolist() == [1, 1, 1]


# -- damage --------------------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path):
    """The path of a container, and its bytes."""
    path = tmp_path / "good"
    numbers, words = np.arange(100, dtype=np.int32), np.array([b"a", b"bc"])
    write_array_file(str(path), {"numbers": numbers, "words": words, "none": np.zeros(0)}, {"about": "this"})
    return path, path.read_bytes()


def test_every_length_but_the_right_one_is_noticed(good):
    """A file cut short anywhere, or grown, is refused when it is opened."""
    path, data = good
    for size in [*range(len(data)), len(data) + 1, len(data) + 64]:
        path.write_bytes(data[:size].ljust(size, b"\0"))
        with pytest.raises(IndexDamagedError) as caught:
            ArrayFile(str(path))
        assert caught.value.path == str(path)


def test_every_byte_of_the_header_is_checked(good):
    """A changed byte before the first array is noticed at opening; one of the version is told as such."""
    path, data = good
    start = data.index(np.arange(100, dtype=np.int32).tobytes())
    for place in range(start):
        for change in (0x01, 0x80, 0xFF):
            path.write_bytes(data[:place] + bytes([data[place] ^ change]) + data[place + 1 :])
            with pytest.raises(IndexVersionError if 8 <= place < 12 else IndexDamagedError):
                ArrayFile(str(path))


def test_every_byte_of_an_array_is_checked(good):
    """A changed byte of an array is found by its checksum, which names the array."""
    path, data = good
    numbers = np.arange(100, dtype=np.int32).tobytes()
    start = data.index(numbers)
    for place in range(start, start + len(numbers), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        assert ArrayFile(str(path)).damaged_arrays() == ["numbers"]


@pytest.mark.parametrize("found", [0, FORMAT_VERSION + 1, 0xFFFF_FFFF])
def test_other_versions_are_refused(good, found):
    """A file of another format version is refused by that, whatever else it holds."""
    path, data = good
    path.write_bytes(data[:8] + found.to_bytes(4, "little") + b"whatever this version holds")
    with pytest.raises(IndexVersionError) as caught:
        ArrayFile(str(path))
    assert (caught.value.found, caught.value.expected) == (found, FORMAT_VERSION)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\0" * 100, b"QTSEARCH", b"{}" * 50, b"QTSEARCI" + b"\1" * 36]
)
def test_other_files_are_refused(tmp_path, content):
    """What never was a container is refused."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(IndexDamagedError):
        ArrayFile(str(path))


def test_missing_file_is_an_os_error(tmp_path):
    """A file that is not there is the system's error: whoever opens it knows what that means."""
    with pytest.raises(FileNotFoundError):
        ArrayFile(str(tmp_path / "none"))


# -- a disk that is full -------------------------------------------------------------------------------


def test_existing_file_is_kept(good):
    """An existing file is never written over, nor removed by the failure."""
    path, data = good
    with pytest.raises(FileExistsError):
        write_array_file(str(path), {"a": np.zeros(3)}, {})
    assert path.read_bytes() == data


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_failure_at_the_last_step_leaves_no_file(tmp_path, monkeypatch, error):
    """If the file cannot be synced, or the user interrupts, nothing is left of it."""

    def fail(descriptor):
        raise error

    monkeypatch.setattr(container.os, "fsync", fail)
    with pytest.raises(type(error)):
        write_array_file(str(tmp_path / "file"), {"a": np.zeros(3)}, {})
    assert list(tmp_path.iterdir()) == []


_SCRIPT = """
import resource, sys
import numpy as np
from qtsearch.codec.container import write_array_file
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    print(write_array_file(sys.argv[1], {"a": np.zeros(50_000), "b": np.ones(3)}, {"about": "x" * 2_000}))
except OSError as error:
    print("OSError", error.errno)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sets a limit that Windows does not have")
@pytest.mark.parametrize("limit", [0, 10, 1_000, 10_000, 300_000, 402_000])
def test_full_disk_leaves_no_file(tmp_path, limit):
    """If the disk takes no more, wherever that happens, it is an OSError and nothing is left of the file."""
    path = tmp_path / "file"
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(qtsearch.__file__).parent.parent,
    )
    assert run.stdout == f"OSError {errno.EFBIG}\n"
    assert not path.exists()
