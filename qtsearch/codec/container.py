"""A file of named arrays: the container of everything an index stores.

Layout: ``magic, version`` (little-endian, 12 bytes); the arrays, each 64-byte aligned and little-endian; the
checksums: a CRC-32, as little-endian uint32, of every block of every array in turn; a JSON table with the
dtype, shape and place of every array and some metadata; ``table size, table CRC`` (8 bytes). Blocks are 4 KiB
long, the last one of an array as long as what is left of it. What lies between arrays is 0.

The table comes last, so that an array is written as soon as it is known. Opening maps the file and checks the
table and the file's size; it reads no array. A block is checked when it is first used, and not again as long
as the file is open.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.errors import IndexDamagedError, IndexVersionError
from qtsearch.forks import cached_property

__all__ = [
    "FORMAT_VERSION",
    "OLDEST_WITH_METADATA",
    "ArrayFile",
    "ArrayWriter",
    "Damage",
    "Parts",
    "SlicedArray",
    "write_array_file",
]

#: Raised with every change of what the files hold. Other versions are refused by name.
FORMAT_VERSION: Final = 9
#: From this version on the table is at the end: the metadata can be read, if nothing else.
OLDEST_WITH_METADATA: Final = 8

_MAGIC: Final = b"QTSEARCH"
_PREFIX: Final = struct.Struct("<8sI")
_SUFFIX: Final = struct.Struct("<II")
_ALIGNMENT: Final = 64
_BLOCK_BITS: Final = 12
_BLOCK: Final = 1 << _BLOCK_BITS
_CHECKSUM: Final = np.dtype("<u4")
_KINDS: Final = "biufS"  # of dtypes: numbers and bytes

#: An array in parts that follow each other, one at least: it is written without being put together.
Parts = list[npt.NDArray[Any]]


def _buffer(array: npt.NDArray[Any]) -> memoryview:
    """The bytes of an array as they stand in a file."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


def _blocks(size: int) -> int:
    """How many blocks so many bytes have."""
    return -(-size // _BLOCK)


def _block_checksums(buffers: Iterable[memoryview]) -> list[int]:
    """Of every block of what these hold together."""
    checksums: list[int] = []
    room = 0  # in the last block
    for buffer in buffers:
        if room:
            checksums[-1] = zlib.crc32(buffer[:room], checksums[-1])
        checksums += [
            zlib.crc32(buffer[start : start + _BLOCK]) for start in range(room, len(buffer), _BLOCK)
        ]
        room = (room - len(buffer)) % _BLOCK
    return checksums


class ArrayWriter:
    """A container that is being written, array by array.

    Left without :meth:`finish`, by an error, it leaves no file behind.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "file")
    >>> with ArrayWriter(path) as file:
    ...     file.add({"ones": np.ones(3)})
    ...     size = file.finish({"about": "this"})
    >>> ArrayFile(path)["ones"].tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, path: str) -> None:
        """The file must not exist yet. Raises OSError."""
        self._path = path
        self._table: dict[str, tuple[str, list[int], int]] = {}
        self._checksums: list[int] = []
        self._finished = False
        self._layer = disk.layer
        self._file = self._layer.create(path)
        try:
            self._write(_PREFIX.pack(_MAGIC, FORMAT_VERSION))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._finished:
            disk.discard(self._path)

    def add(self, arrays: Mapping[str, npt.NDArray[Any] | Parts]) -> None:
        """Write some more arrays, of other names than those before. Raises OSError."""
        for name, array in arrays.items():
            self._align()
            if isinstance(array, list):
                parts, shape = array, [sum(map(len, array)), *array[0].shape[1:]]
            else:
                parts, shape = [array], [*array.shape]
            self._table[name] = (parts[0].dtype.newbyteorder("<").str, shape, self._file.tell())
            buffers = [*map(_buffer, parts)]
            self._checksums += _block_checksums(buffers)
            for buffer in buffers:
                self._write(buffer)

    def sync(self) -> None:
        """Return when what was written so far is on the disk: then less is left for the end. Raises
        OSError."""
        self._layer.sync(self._file)

    def finish(self, metadata: Mapping[str, Any], *, sync: bool = True) -> int:
        """Write what is left, and fsync the file unless told not to; returns its size in bytes.

        ``metadata`` must be JSON. Raises OSError.
        """
        self._align()
        checksums = np.array(self._checksums, _CHECKSUM).tobytes()
        place = self._file.tell(), zlib.crc32(checksums)
        about = {"metadata": metadata, "arrays": self._table, "checksums": place}
        table = json.dumps(about, separators=(",", ":")).encode()
        self._write(checksums + table + _SUFFIX.pack(len(table), zlib.crc32(table)))
        if sync:
            self.sync()
        self._finished = True
        return self._file.tell()

    def _write(self, data: bytes | memoryview) -> None:
        self._layer.write(self._file, data)

    def _align(self) -> None:
        self._write(bytes(-self._file.tell() % _ALIGNMENT))


def write_array_file(
    path: str,
    arrays: Mapping[str, npt.NDArray[Any] | Parts],
    metadata: Mapping[str, Any],
    *,
    sync: bool = True,
) -> int:
    """Write a container at once, and fsync it unless told not to; returns its size in bytes.

    ``metadata`` must be JSON. The file must not exist yet. Raises OSError, and leaves no file behind, if it
    cannot be written.
    """
    with ArrayWriter(path) as file:
        file.add(arrays)
        return file.finish(metadata, sync=sync)


class _Entry(NamedTuple):
    """Where an array lies: the byte of the file that it begins at, its size in bytes, its first block."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    size: int
    block: int


class Damage(NamedTuple):
    """``start`` ≤ byte < ``stop`` of a file are not what was written.

    ``name``: of the array that they are in; ``""``: of none.
    """

    name: str
    start: int
    stop: int


class SlicedArray:
    """An array of one dimension of which slices are used: each is checked when it is first taken.

    A slice of it is a NumPy array, a view of the map. Slicing raises IndexDamagedError.
    """

    __slots__ = ("_array", "check", "unchecked")

    def __init__(self, array: npt.NDArray[Any], check: Callable[[int, int], None]) -> None:
        self._array = array
        #: ``check(start, stop)`` raises IndexDamagedError if one of these elements is damaged.
        self.check = check
        #: All elements, for whoever checks those that are used.
        self.unchecked = array.data

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        return self._array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, part: slice) -> npt.NDArray[Any]:
        start, stop, _ = part.indices(len(self._array))
        self.check(start, stop)
        return self._array[part]

    def part(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The elements from ``start`` up to before ``stop``, neither negative: slicing, in half the time."""
        self.check(start, stop)
        return self._array[start:stop]


class ArrayFile:
    """An open container: read-only arrays over one memory map.

    The map lives as long as any array taken from it; there is nothing to close. Any number of threads may
    share it: two may check a block at once, and both find the same.
    """

    def __init__(self, path: str, oldest: int = FORMAT_VERSION) -> None:
        """Map the file. ``oldest``: the oldest version to be taken.

        Raises:
            OSError: it is not there or cannot be read.
            IndexVersionError: it has another format version.
            IndexDamagedError: it is cut short, or its table is not what was written.
        """
        self.path = path
        with disk.open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size < _PREFIX.size + _SUFFIX.size:
                raise IndexDamagedError(path, f"is cut short ({size} bytes)")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version = _PREFIX.unpack_from(self._map)
        if magic != _MAGIC:
            raise IndexDamagedError(path, "does not begin like an index file")
        if not oldest <= version <= FORMAT_VERSION:
            raise IndexVersionError(path, version, FORMAT_VERSION)
        table_size, crc = _SUFFIX.unpack(self._map[-_SUFFIX.size :])
        end = size - _SUFFIX.size - table_size
        if end < _PREFIX.size or zlib.crc32(table := self._map[end : -_SUFFIX.size]) != crc:
            raise IndexDamagedError(path, f"is cut short ({size} bytes), or its table is damaged")
        try:
            parsed = json.loads(table)
            self.metadata: dict[str, Any] = parsed["metadata"]
            self._entries = self._read_entries(parsed["arrays"])
            self._checksums_place, self._checksums_crc = map(int, parsed["checksums"])
        except Exception as error:  # a forged table can be anything that JSON can say
            raise IndexDamagedError(path, f"has a table of another kind ({error})") from error
        n_blocks = sum(_blocks(entry.size) for entry in self._entries.values())
        self._checksums_end = end
        ends = [entry.start + entry.size for entry in self._entries.values()]
        checksums_size = n_blocks * _CHECKSUM.itemsize
        if self._checksums_place + checksums_size != end or max(ends, default=0) > self._checksums_place:
            raise IndexDamagedError(path, "has a table of another file")
        #: Of every block, whether it was checked.
        self._verified = bytearray(n_blocks)

    def _read_entries(self, table: Mapping[str, tuple[str, list[int], int]]) -> dict[str, _Entry]:
        entries: dict[str, _Entry] = {}
        block = 0
        for name, (kind, shape, place) in table.items():
            dtype, sides = np.dtype(kind), tuple(map(int, shape))
            if dtype.kind not in _KINDS or min(int(place), *sides, 0) < 0:
                raise ValueError(f"array {name!r}")
            size = dtype.itemsize * math.prod(sides)
            entries[name] = _Entry(dtype, sides, int(place), size, block)
            block += _blocks(size)
        return entries

    # -- arrays ------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Of all arrays."""
        return list(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, by the table alone. Raises IndexDamagedError if there is none."""
        return self._entry(name).shape

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return len(self._map)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One array, as a read-only view of the map, checked wholly. Raises IndexDamagedError."""
        entry = self._entry(name)
        if self._verified.find(0, entry.block, entry.block + _blocks(entry.size)) >= 0:
            self._verify(name, 0, entry.size)
        return self._unverified(name)

    def sliced(self, name: str) -> SlicedArray:
        """One array of one dimension, of which what is used is checked."""
        return SlicedArray(self._unverified(name), self._checker(name))

    def pieces(self, name: str, offsets: str) -> Callable[[Iterable[int]], list[bytes]]:
        """A function that reads the pieces with these numbers of the blob ``name``, by the int64 array
        ``offsets``.

        That array is checked here, and a piece when it is read. Slicing the map takes a third of what slicing
        two arrays does.
        """
        data, verified, verify = self._map, self._verified, self._verify
        starts = self[offsets].data
        entry = self._entry(name)
        begin, base = entry.start, entry.block << _BLOCK_BITS
        above = base + _BLOCK - 1

        def pieces(numbers: Iterable[int]) -> list[bytes]:
            found = []
            for number in numbers:
                start, stop = starts[number], starts[number + 1]
                first, last = (base + start) >> _BLOCK_BITS, (above + stop) >> _BLOCK_BITS
                if not verified[first] if last - first == 1 else verified.find(0, first, last) >= 0:
                    verify(name, start, stop)
                found.append(data[begin + start : begin + stop])
            return found

        return pieces

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise IndexDamagedError(self.path, f"has no array {name!r}") from None

    def _unverified(self, name: str) -> npt.NDArray[Any]:
        dtype, shape, start, size, _ = self._entry(name)
        if not size:
            return np.zeros(shape, dtype)
        flat = np.frombuffer(self._map, dtype, math.prod(shape), start)
        return flat.reshape(shape) if len(shape) != 1 else flat

    # -- checksums ---------------------------------------------------------------------------------

    def _checker(self, name: str) -> Callable[[int, int], None]:
        """``check(start, stop)`` raises IndexDamagedError if one of these elements is damaged."""
        verified, verify = self._verified, self._verify
        entry = self._entry(name)
        size = entry.dtype.itemsize
        base = entry.block << _BLOCK_BITS
        above = base + _BLOCK - 1

        def check(start: int, stop: int) -> None:
            first, last = (base + start * size) >> _BLOCK_BITS, (above + stop * size) >> _BLOCK_BITS
            # To look for a 0 takes five times as long.
            if not verified[first] if last - first == 1 else verified.find(0, first, last) >= 0:
                verify(name, start * size, stop * size)

        return check

    @cached_property
    def _checksums(self) -> memoryview:
        """Of every block."""
        data = self._map[self._checksums_place : self._checksums_end]
        if zlib.crc32(data) != self._checksums_crc:
            where = f"bytes {self._checksums_place:,} to {self._checksums_end:,}"
            raise IndexDamagedError(self.path, f"has damaged checksums ({where})")
        return np.frombuffer(data, _CHECKSUM).astype(np.uint32).data

    def _verify(self, name: str, start: int, stop: int) -> None:
        """Check the blocks of these bytes of an array that were not checked yet."""
        entry = self._entries[name]
        first, last = max(start, 0) >> _BLOCK_BITS, _blocks(min(stop, entry.size))
        for number in range(first, last):
            if not self._verified[entry.block + number]:
                if not self._is_sound(entry, number):
                    begin, end = self._bounds(entry, number)
                    reason = f"is damaged in {name!r}, bytes {begin:,} to {end:,}"
                    raise IndexDamagedError(self.path, reason)
                self._verified[entry.block + number] = 1

    def _is_sound(self, entry: _Entry, number: int) -> bool:
        begin, end = self._bounds(entry, number)
        return zlib.crc32(self._map[begin:end]) == self._checksums[entry.block + number]

    @staticmethod
    def _bounds(entry: _Entry, number: int) -> tuple[int, int]:
        """Where the n-th block of an array begins and ends in the file."""
        begin = entry.start + (number << _BLOCK_BITS)
        return begin, min(begin + _BLOCK, entry.start + entry.size)

    def damages(self) -> Iterator[Damage]:
        """All that is not what was written, in order of the file: reads it all, whatever was checked before.

        Damaged blocks side by side are one. Raises IndexDamagedError if the checksums are damaged.
        """
        end = _PREFIX.size
        for name, entry in sorted(self._entries.items(), key=lambda item: item[1].start):
            yield from self._padding(end, entry.start)
            damaged = [n for n in range(_blocks(entry.size)) if not self._is_sound(entry, n)]
            while damaged:
                length = next((n for n, block in enumerate(damaged) if block != damaged[0] + n), len(damaged))
                begin, _ = self._bounds(entry, damaged[0])
                yield Damage(name, begin, self._bounds(entry, damaged[length - 1])[1])
                del damaged[:length]
            end = entry.start + entry.size
        yield from self._padding(end, self._checksums_place)

    def _padding(self, start: int, stop: int) -> Iterator[Damage]:
        if any(self._map[start:stop]):
            yield Damage("", start, stop)
