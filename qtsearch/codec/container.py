"""A file of named arrays: the container of everything an index stores.

Layout: ``magic, version, header size, header CRC`` (little-endian, 20 bytes), a JSON header with the
dtype, shape, offset and CRC-32 of every array and some metadata, then the arrays, each 64-byte aligned and
little-endian. Opening maps the file and checks the header and the file's size; it reads no array.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.errors import IndexDamagedError, IndexVersionError

__all__ = ["FORMAT_VERSION", "ArrayFile", "write_array_file"]

#: Raised with every change of what the files hold. Other versions are refused by name.
FORMAT_VERSION: Final = 4

_MAGIC: Final = b"QTSEARCH"
_PREFIX: Final = struct.Struct("<8sIII")
_ALIGNMENT: Final = 64


def _buffer(array: npt.NDArray[Any]) -> memoryview:
    """The bytes of an array as they stand in a file."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def write_array_file(
    path: str, arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, Any], *, sync: bool = True
) -> int:
    """Write a container, and fsync it unless told not to; returns its size in bytes.

    ``metadata`` must be JSON. The file must not exist yet. Raises OSError, and leaves no file behind, if it
    cannot be written.
    """
    table: dict[str, tuple[str, list[int], int, int]] = {}
    offset = 0  # from the end of the header
    for name, array in arrays.items():
        offset = _aligned(offset)
        crc = zlib.crc32(_buffer(array))
        table[name] = (array.dtype.newbyteorder("<").str, list(array.shape), offset, crc)
        offset += array.nbytes
    header = json.dumps({"metadata": metadata, "arrays": table}, separators=(",", ":")).encode()
    header += b" " * (_aligned(_PREFIX.size + len(header)) - _PREFIX.size - len(header))
    layer = disk.layer
    with layer.create(path) as file:
        try:
            prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, len(header), zlib.crc32(header))
            layer.write(file, prefix + header)
            start = file.tell()
            for name, array in arrays.items():
                layer.write(file, bytes(start + table[name][2] - file.tell()))
                layer.write(file, _buffer(array))
            if sync:
                layer.sync(file)
            return file.tell()
        except BaseException:
            disk.discard(path)
            raise


class ArrayFile:
    """An open container: read-only arrays over one memory map.

    The map lives as long as any array taken from it; there is nothing to close.
    """

    def __init__(self, path: str) -> None:
        """Map the file.

        Raises:
            OSError: it is not there or cannot be read.
            IndexVersionError: it has another format version.
            IndexDamagedError: it is cut short, or its header is not what was written.
        """
        self.path = path
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _PREFIX.size:
                raise IndexDamagedError(path, f"is cut short ({size} bytes)")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, header_size, crc = _PREFIX.unpack_from(self._map)
        if magic != _MAGIC:
            raise IndexDamagedError(path, "does not begin like an index file")
        if version != FORMAT_VERSION:
            raise IndexVersionError(path, version, FORMAT_VERSION)
        self._start = _PREFIX.size + header_size
        header = self._map[_PREFIX.size : self._start]
        if zlib.crc32(header) != crc:
            raise IndexDamagedError(path, "has a damaged header")
        try:
            parsed = json.loads(header)
            self.metadata: dict[str, Any] = parsed["metadata"]
            self._arrays: dict[str, tuple[str, list[int], int, int]] = parsed["arrays"]
            ends = [offset + self._size(name) for name, (_, _, offset, _) in self._arrays.items()]
        except Exception as error:  # a forged header can be anything that JSON can say
            raise IndexDamagedError(path, f"has a header of another kind ({error})") from error
        end = max(ends, default=0)
        if size != self._start + end:
            raise IndexDamagedError(path, f"is {size} bytes long instead of {self._start + end}")

    def _size(self, name: str) -> int:
        dtype, shape, _, _ = self._arrays[name]
        return np.dtype(dtype).itemsize * math.prod(shape)

    def _entry(self, name: str) -> tuple[str, list[int], int, int]:
        try:
            return self._arrays[name]
        except KeyError:
            raise IndexDamagedError(self.path, f"has no array {name!r}") from None

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return len(self._map)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One array, as a read-only view of the map."""
        dtype, shape, offset, _ = self._entry(name)
        if 0 in shape:
            return np.zeros(shape, dtype)
        try:
            flat = np.frombuffer(self._map, dtype, math.prod(shape), self._start + offset)
        except ValueError as error:
            raise IndexDamagedError(self.path, f"has no readable array {name!r} ({error})") from error
        return flat.reshape(shape) if len(shape) != 1 else flat

    def pieces(self, name: str, offsets: str) -> Callable[[int], bytes]:
        """A function that reads the n-th piece of the blob ``name``, by the int64 array ``offsets``.

        Slicing the map takes a third of what slicing two arrays does.
        """
        data = self._map
        start = self._start + self._arrays[name][2]
        starts = self._bytes(offsets).cast("q")

        def piece(number: int) -> bytes:
            return data[start + starts[number] : start + starts[number + 1]]

        return piece

    def _bytes(self, name: str) -> memoryview:
        offset = self._start + self._arrays[name][2]
        return memoryview(self._map)[offset : offset + self._size(name)]

    @property
    def names(self) -> list[str]:
        """Of the arrays."""
        return list(self._arrays)

    def damaged_arrays(self) -> list[str]:
        """The names of the arrays whose checksum is wrong: reads the whole file."""
        return [name for name, (_, _, _, crc) in self._arrays.items() if zlib.crc32(self._bytes(name)) != crc]
