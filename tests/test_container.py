"""The container of arrays: what is written is read, and what is not what was written is noticed."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
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
    assert list(file.damages()) == []
    assert file.names == list(written)
    for name, array in written.items():
        read = file[name]
        assert (read.shape, read.dtype) == (array.shape, array.dtype.newbyteorder("<"))
        np.testing.assert_array_equal(read, array)
        if read.size:
            assert not read.flags.writeable
            assert read.ctypes.data % 64 == 0


@given(
    st.lists(st.integers(0, 9_000) | st.sampled_from([0, 2047, 2048, 2049]), min_size=1), st.integers(0, 99)
)
def test_an_array_in_parts(folder, sizes, seed):
    """It makes the file that the array put together makes, wherever the parts begin."""
    whole = np.random.default_rng(seed).integers(0, 256, (sum(sizes), 2), np.uint8)
    parts = np.split(whole, np.cumsum(sizes)[:-1])
    paths = path_in(folder), path_in(folder)
    for path, array in zip(paths, (whole, parts), strict=True):
        write_array_file(path, {"x": array, "y": np.ones(3)}, {}, sync=False)
    assert Path(paths[1]).read_bytes() == Path(paths[0]).read_bytes()


@given(st.lists(st.binary(max_size=20)))
def test_pieces(folder, pieces):
    """A blob is read piece by piece; its arrays and pieces outlive the file and the object."""
    path = path_in(folder)
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    blob = np.frombuffer(b"".join(pieces), np.uint8)
    write_array_file(path, {"x": np.ones(3), "blobs": blob, "blob_offsets": offsets}, {}, sync=False)
    file = ArrayFile(path)
    read, ones = file.pieces("blobs", "blob_offsets"), file["x"]
    del file
    os.unlink(path)
    assert read(range(len(pieces))) == pieces
    assert read(reversed(range(len(pieces)))) == pieces[::-1]
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


def test_every_byte_of_the_table_is_checked(good):
    """A changed byte of the beginning or the table is noticed at opening; one of the version told as such."""
    path, data = good
    for place in [*range(12), *range(data.index(b'{"metadata"'), len(data))]:
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
        file = ArrayFile(str(path))
        assert list(file.damages()) == [("numbers", start, start + len(numbers))]
        with pytest.raises(IndexDamagedError, match=f"'numbers', bytes {start:,} to {start + 400:,}"):
            file["numbers"]
        assert file["words"].tolist() == [b"a", b"bc"]


def test_every_byte_before_the_table_is_checked(good):
    """Whichever byte is changed, of an array, between arrays or of the checksums, it is found."""
    path, data = good
    end = data.index(b'{"metadata"')
    for place in range(12, end):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :])
        damages = ArrayFile(str(path)).damages()
        if place < end - 8:  # two blocks have checksums
            ((_, begin, stop),) = damages
            assert begin <= place < stop
        else:
            with pytest.raises(IndexDamagedError, match="checksums"):
                list(damages)


@pytest.fixture
def large(tmp_path):
    """A container of arrays of several blocks, and where each begins in the file."""
    path = tmp_path / "large"
    numbers = np.arange(10_000, dtype=np.uint16)
    blob = np.frombuffer(bytes(range(256)) * 40, np.uint8)
    offsets = np.arange(0, 10_241, 256)
    write_array_file(str(path), {"numbers": numbers, "blob": blob, "offsets": offsets}, {})
    data = path.read_bytes()
    return path, data.index(numbers.tobytes()), data.index(blob.tobytes())


@given(place=st.integers(0, 9_999), bounds=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_slice_is_checked_by_its_blocks(large, place, bounds):
    """A slice is refused if it is in a damaged block of 4 KiB, and only then; so is one taken before."""
    path, start, _ = large
    sound = path.read_bytes()
    low, high = sorted(bounds)
    array = ArrayFile(str(path)).sliced("numbers")
    assert len(array) == 10_000
    assert array[low:high].tolist() == array.part(low, high).tolist() == list(range(low, high))
    data = bytearray(sound)
    data[start + 2 * place] ^= 4
    path.unlink()
    path.write_bytes(data)
    array = ArrayFile(str(path)).sliced("numbers")
    block = 2 * place // 4_096
    if low < high and 2 * low // 4_096 <= block <= (2 * high - 1) // 4_096:
        for take in (array.__getitem__, lambda part: array.part(part.start, part.stop)):
            with pytest.raises(IndexDamagedError, match="'numbers'"):
                take(slice(low, high))
    else:
        # A slice of nothing looks at no byte, but may look at the block that it would be in.
        assert low == high or array[low:high].tolist() == list(range(low, high))
    path.unlink()
    path.write_bytes(sound)


def test_a_piece_is_checked_by_its_blocks(large):
    """Pieces in a damaged block are refused, and the others read; damaged offsets are refused at once."""
    path, _, start = large
    data = bytearray(path.read_bytes())
    data[start + 5_000] ^= 1
    path.unlink()
    path.write_bytes(data)
    read = ArrayFile(str(path)).pieces("blob", "offsets")
    for number in range(40):
        if 16 <= number < 32:
            with pytest.raises(IndexDamagedError, match="'blob', bytes"):
                read([number])
        else:
            assert read([number]) == [bytes(range(256))]
    data[data.index(np.arange(0, 10_241, 256).tobytes())] ^= 1
    path.unlink()
    path.write_bytes(data)
    with pytest.raises(IndexDamagedError, match="'offsets'"):
        ArrayFile(str(path)).pieces("blob", "offsets")


def test_a_block_is_checked_once(large, monkeypatch):
    """What was found to be sound is not checked again, whichever way it is used."""
    path, _, _ = large
    file = ArrayFile(str(path))
    sliced, read = file.sliced("numbers"), file.pieces("blob", "offsets")
    sliced[0:2_048], read([0])
    monkeypatch.setattr(container.zlib, "crc32", mock.Mock(side_effect=AssertionError))
    assert sliced[1:9].tolist() == [*range(1, 9)]
    assert read([15]) == [bytes(range(256))]
    with pytest.raises(AssertionError):
        sliced[2_048:2_049]


def test_a_pipe_is_refused(tmp_path):
    """What is no file is refused at once: from a pipe one would read for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IndexDamagedError, match="is no file"):
        ArrayFile(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    "table",
    [
        {"a": ["<i4", [-1], 0]},
        {"a": ["<i4", [1], -64]},
        {"a": ["O", [1], 0]},
        {"a": ["i4,O", [1], 0]},
        {"a": ["<i4", [1 << 70], 0]},
        {"a": ["<i4", "four", 0]},
        {"a": 7},
        7,
    ],
    ids=repr,
)
def test_forged_tables_are_refused(good, table):
    """A table that is sound by its checksum and says what cannot be is refused at opening."""
    path, data = good
    forged = json.dumps({"metadata": {}, "arrays": table, "checksums": [4_096, 0]}).encode()
    suffix = struct.pack("<II", len(forged), zlib.crc32(forged))
    path.write_bytes(data[:12].ljust(4_096, b"\0") + forged + suffix)
    with pytest.raises(IndexDamagedError):
        ArrayFile(str(path))


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
