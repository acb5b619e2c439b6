"""The files that a segment was made of, and what became of each.

In columns: from one run to the next nearly all rows stay as they are, and to make an object of each takes
longer than to compare and copy all columns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.rest import narrow
from qtsearch.codec.texts import joined_texts, split_texts
from qtsearch.errors import IndexDamagedError

__all__ = ["STATES", "FileTable", "Row", "read_paths", "read_reasons"]

#: What became of a file: it is an article of the index; is marked no_index; is no article; or another file
#: with the same url was taken.
STATES: Final = ("article", "no_index", "rejected", "duplicate")

_DIGEST_BYTES: Final = 16
_NO_DIGEST: Final = "00" * _DIGEST_BYTES
#: The columns, and the arrays of a file that hold them.
_COLUMNS: Final = {
    **{name: name for name in ("sizes", "mtimes", "digests", "states")},
    "docs": "file_docs",
}


class Row(NamedTuple):
    """A file: ``mtime`` in nanoseconds, -1 where it may have changed within the grain since; ``digest`` in
    hex, empty where it could not be read; ``state``, one of :data:`STATES`; ``doc``, the article made of it,
    -1 for none, of a rejected one the last good; the line and the reason why it is no article."""

    path: str
    size: int
    mtime: int
    digest: str
    state: str
    doc: int
    line: int = 0
    reason: str = ""


class FileTable:
    """A row for each file, in the order they were found.

    ``paths``, and of each what :class:`Row` has: ``sizes`` and ``mtimes``, int64; ``digests``, uint8, shape
    (n, 16), all 0 where there is none; ``states``, uint8, by their places in :data:`STATES`; ``docs``, int32.
    ``reasons``: line and reason by number, of those that have one.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        """Of files of which nothing is known."""
        n_files = len(paths)
        self.paths = tuple(paths)
        self.sizes = np.full(n_files, -1, np.int64)
        self.mtimes = np.full(n_files, -1, np.int64)
        self.digests = np.zeros((n_files, _DIGEST_BYTES), np.uint8)
        self.states = np.zeros(n_files, np.uint8)
        self.docs = np.full(n_files, -1, np.int32)
        self.reasons: dict[int, tuple[int, str]] = {}

    @classmethod
    def read(cls, file: ArrayFile) -> FileTable:
        """From a file with the arrays that :meth:`arrays` gives. Raises IndexDamagedError."""
        table = cls(read_paths(file))
        for column, array in _COLUMNS.items():
            if file.shape(array) != getattr(table, column).shape:
                raise IndexDamagedError(file.path, f"has {array!r} of other files")
            getattr(table, column)[:] = file[array]
        if table.states.max(initial=0) >= len(STATES):
            raise IndexDamagedError(file.path, "has a file in no state that there is")
        table.reasons = read_reasons(file)
        return table

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Row:
        (digest,) = self.digests_of(np.array([number]))
        return Row(
            self.paths[number],
            int(self.sizes[number]),
            int(self.mtimes[number]),
            digest,
            STATES[self.states[number]],
            int(self.docs[number]),
            *self.reasons.get(number, ()),
        )

    def digests_of(self, numbers: npt.NDArray[np.int64]) -> list[str]:
        """The digests of some rows as :class:`Row` has them."""
        text = self.digests[numbers].tobytes().hex()
        size = 2 * _DIGEST_BYTES
        found = (text[start : start + size] for start in range(0, len(text), size))
        return [digest if digest != _NO_DIGEST else "" for digest in found]

    def put(self, rows: Mapping[int, Row]) -> None:
        """Put rows, given by their numbers, in the place of those that are there: all but the path."""
        if not rows:
            return
        numbers = [*rows]
        _, sizes, mtimes, digests, states, docs, lines, reasons = zip(*rows.values(), strict=True)
        known = bytes.fromhex("".join([digest or _NO_DIGEST for digest in digests]))
        self.sizes[numbers], self.mtimes[numbers], self.docs[numbers] = sizes, mtimes, docs
        self.digests[numbers] = np.frombuffer(known, np.uint8).reshape(-1, _DIGEST_BYTES)
        self.states[numbers] = [*map(STATES.index, states)]
        for number, line, reason in zip(numbers, lines, reasons, strict=True):
            self.reasons.pop(number, None)
            if reason:
                self.reasons[number] = line, reason

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(len(self)))

    def are(self, state: str) -> npt.NDArray[np.bool_]:
        """Of each file whether it is in a state."""
        found: npt.NDArray[np.bool_] = self.states == STATES.index(state)
        return found

    def numbers_of(self, paths: Sequence[str]) -> npt.NDArray[np.int64]:
        """The rows of files, -1 of one that is not here."""
        if tuple(paths) == self.paths:
            return np.arange(len(self))
        known = {path: number for number, path in enumerate(self.paths)}
        return np.array([known.get(path, -1) for path in paths], np.int64)

    def taken(self, numbers: npt.NDArray[np.int64], paths: Sequence[str]) -> FileTable:
        """A table of files with these paths: their rows are the ``numbers`` here, -1 of one that is not."""
        table = FileTable(paths)
        known = np.flatnonzero(numbers >= 0)
        before = numbers[known]
        for column in _COLUMNS:
            getattr(table, column)[known] = getattr(self, column)[before]
        with_reason = np.isin(before, np.array([*self.reasons], np.int64))
        pairs = zip(known[with_reason].tolist(), before[with_reason].tolist(), strict=True)
        table.reasons = {number: self.reasons[old] for number, old in pairs}
        return table

    def is_same(self, other: FileTable) -> bool:
        """Whether another table says the same."""
        return (
            self.paths == other.paths
            and self.reasons == other.reasons
            and all(np.array_equal(getattr(self, column), getattr(other, column)) for column in _COLUMNS)
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As the table in :mod:`qtsearch.codec.sources` has them."""
        split = (path.rpartition(os.sep) for path in self.paths)
        folders = groupby(split, itemgetter(0))
        paths = "\0\0".join("\0".join((folder, *(name for *_, name in found))) for folder, found in folders)
        reasons = sorted(self.reasons.items())
        return {
            "paths": np.frombuffer(os.fsencode(paths), np.uint8),
            **{array: getattr(self, column) for column, array in _COLUMNS.items()},
            "sizes": narrow(self.sizes),
            "reason_files": np.array([number for number, _ in reasons], np.int32),
            "reason_lines": np.array([line for _, (line, _) in reasons], np.int32),
            **joined_texts(
                "reasons", [reason.encode("utf-8", "surrogateescape") for _, (_, reason) in reasons]
            ),
        }


def read_paths(file: Arrays) -> list[str]:
    """The paths alone."""
    paths: list[str] = []
    for group in os.fsdecode(file["paths"].tobytes()).split("\0\0"):
        folder, *names = group.split("\0")
        start = folder + os.sep
        paths += [start + name for name in names]
    return paths


def read_reasons(file: Arrays) -> dict[int, tuple[int, str]]:
    """By number of file: the line, and the reason why it is no article of the index."""
    reasons = [reason.decode("utf-8", "surrogateescape") for reason in split_texts(file, "reasons")]
    lines = zip(file["reason_lines"].tolist(), reasons, strict=True)
    return dict(zip(file["reason_files"].tolist(), lines, strict=True))
