"""``MAIN_<id>.sources``: what a segment was made of. Written with it, read by the next reindex, by no search.

With F files, R of them for a reason no articles, and with what else a chunk has that the arrays of the
segment lack (:mod:`qtsearch.codec.past`):

============  ======  =======  ===========================================================================
array         dtype   shape    meaning
============  ======  =======  ===========================================================================
paths         uint8            of the files, absolute, in the order they were found: a folder and the names in
                               it, 0 between them; 0, 0 between folders, one of which may come again
sizes         uint…   (F,)     in bytes
mtimes        int64   (F,)     in nanoseconds; -1 where the file may have changed within the grain since
digests       uint8   (F, 16)  BLAKE2b of the bytes; all 0 where the file could not be read
states        uint8   (F,)     which of :data:`STATES`
file_docs     int32   (F,)     the article made of the file, -1 for none; of a rejected one the last good
reasons       uint8            why a file was rejected, or gave way; ``reason_offsets`` int64 (R + 1,)
reason_files  int32   (R,)     the number of that file
reason_lines  int32   (R,)     and the line of it, 0 for none
============  ======  =======  ===========================================================================

The metadata holds ``include_no_index``, the ``history`` (a dict for each generation, newest last) and the
``previous`` generation where it is kept: the id of its segment, its number of pages and its own number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import groupby, starmap
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.rest import PACKED, REST, narrow, packed
from qtsearch.codec.segment import INDEX_NAME
from qtsearch.codec.texts import joined_texts, split_texts
from qtsearch.errors import QtsearchError
from qtsearch.generations import generation

__all__ = [
    "REST",
    "STATES",
    "Previous",
    "Row",
    "kept_segments",
    "read_paths",
    "read_reasons",
    "read_rows",
    "rewrite_sources",
    "sources_path",
    "write_sources",
]

#: What became of a file: it is an article of the index; is marked no_index; is no article; or another file
#: with the same url was taken.
STATES: Final = ("article", "no_index", "rejected", "duplicate")
_NO_DIGEST: Final = bytes(16)


class Row(NamedTuple):
    """A file, as the table of the module has it. ``digest`` in hex, empty where it could not be read."""

    path: str
    size: int
    mtime: int
    digest: str
    state: str
    doc: int
    line: int = 0
    reason: str = ""


class Previous(NamedTuple):
    """The generation before, where it is kept: the id of its segment, its pages, its number."""

    segment_id: str
    pages: int
    generation: int

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Previous | None:
        """From the metadata of the file."""
        found = metadata["previous"]
        return None if found is None else cls(*found)


def sources_path(folder: str, segment_id: str) -> str:
    """The file of a segment."""
    return os.path.join(folder, f"{INDEX_NAME}_{segment_id}.sources")


def write_sources(
    path: str,
    rows: Sequence[Row],
    doc_of: npt.NDArray[np.int32],
    rest: Arrays,
    metadata: Mapping[str, Any],
) -> int:
    """Write and fsync the file; returns its size in bytes. Raises OSError.

    ``doc_of``: by the article that a row names its number in the segment. ``rest``: of the chunk.
    """
    table = _table(rows)
    docs = table["file_docs"]
    table["file_docs"] = np.where(docs < 0, docs, doc_of.take(docs, mode="clip"))
    return write_array_file(path, table | packed(rest), metadata)


def _table(rows: Sequence[Row]) -> dict[str, npt.NDArray[Any]]:
    of_files, sizes, mtimes, digests, states, docs, _, reasons = zip(*rows, strict=True)
    odd = [number for number, reason in enumerate(reasons) if reason]
    state_of = {state: number for number, state in enumerate(STATES)}
    known = bytes.fromhex("".join([digest or _NO_DIGEST.hex() for digest in digests]))
    split = (path.rpartition(os.sep) for path in of_files)
    folders = groupby(split, itemgetter(0))
    paths = "\0\0".join("\0".join((folder, *(name for *_, name in found))) for folder, found in folders)
    return {
        "paths": np.frombuffer(os.fsencode(paths), np.uint8),
        "sizes": narrow(np.array(sizes, np.int64)),
        "mtimes": np.array(mtimes, np.int64),
        "digests": np.frombuffer(known, np.uint8).reshape(-1, 16),
        "states": np.array([state_of[state] for state in states], np.uint8),
        "file_docs": np.array(docs, np.int32),
        "reason_files": np.array(odd, np.int32),
        "reason_lines": np.array([rows[number].line for number in odd], np.int32),
        **joined_texts("reasons", [rows[number].reason.encode("utf-8", "surrogateescape") for number in odd]),
    }


def kept_segments(folder: str) -> tuple[str, ...]:
    """The ids of the segments that the current generation keeps beside its own: one, or none."""
    try:
        current = generation.latest(folder)
        previous = Previous.of(ArrayFile(sources_path(folder, current.segment_id)).metadata)
    except (QtsearchError, OSError):  # no index; or one that tells nothing of others
        return ()
    return () if previous is None else (previous.segment_id,)


def rewrite_sources(file: ArrayFile, work: str, rows: Sequence[Row], metadata: Mapping[str, Any]) -> None:
    """Put another table of files and other metadata in the place of a file's own, at once.

    ``work``: a folder for temporary files, on the same file system. Raises OSError.
    """
    temporary = os.path.join(work, "sources")
    write_array_file(temporary, _table(rows) | {name: file[name] for name in PACKED}, metadata)
    disk.layer.rename(temporary, file.path)
    disk.layer.sync_folder(os.path.dirname(file.path))


def read_rows(file: ArrayFile) -> list[Row]:
    """The table of files."""
    digests = file["digests"].tobytes().hex()
    columns = zip(
        read_paths(file),
        file["sizes"].tolist(),
        file["mtimes"].tolist(),
        (digests[start : start + 32] for start in range(0, len(digests), 32)),
        (STATES[state] for state in file["states"].tolist()),
        file["file_docs"].tolist(),
        strict=True,
    )
    none = _NO_DIGEST.hex()
    rows = [row if row.digest != none else row._replace(digest="") for row in starmap(Row, columns)]
    for number, (line, reason) in read_reasons(file).items():
        rows[number] = rows[number]._replace(line=line, reason=reason)
    return rows


def read_paths(file: ArrayFile) -> list[str]:
    """The paths of the table alone."""
    paths: list[str] = []
    for group in os.fsdecode(file["paths"].tobytes()).split("\0\0"):
        folder, *names = group.split("\0")
        start = folder + os.sep
        paths += [start + name for name in names]
    return paths


def read_reasons(file: ArrayFile) -> dict[int, tuple[int, str]]:
    """By number of file: the line, and the reason why it is no article of the index."""
    reasons = [reason.decode("utf-8", "surrogateescape") for reason in split_texts(file, "reasons")]
    lines = zip(file["reason_lines"].tolist(), reasons, strict=True)
    return dict(zip(file["reason_files"].tolist(), lines, strict=True))
