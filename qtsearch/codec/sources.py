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
states        uint8   (F,)     which of :data:`qtsearch.codec.filetable.STATES`
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
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.filetable import FileTable
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.rest import PACKED, packed
from qtsearch.codec.segment import segment_file
from qtsearch.errors import QtsearchError
from qtsearch.generations import generation

__all__ = ["Previous", "kept_segments", "rewrite_sources", "sources_arrays", "sources_path"]


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
    return segment_file(folder, segment_id, ".sources")


def sources_arrays(
    table: FileTable, doc_of: npt.NDArray[np.int32], rest: Arrays
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the file. ``doc_of``: by the article that a row names its number in the segment.
    ``rest``: of the chunk."""
    docs = table.docs
    docs = np.where(docs < 0, docs, doc_of.take(docs, mode="clip"))
    return table.arrays() | {"file_docs": docs} | packed(rest)


def kept_segments(folder: str) -> tuple[str, ...]:
    """The ids of the segments that the current generation keeps beside its own: one, or none."""
    try:
        current = generation.latest(folder)
        previous = Previous.of(ArrayFile(sources_path(folder, current.segment_id)).metadata)
    except (QtsearchError, OSError):  # no index; or one that tells nothing of others
        return ()
    return () if previous is None else (previous.segment_id,)


def rewrite_sources(file: ArrayFile, work: str, table: FileTable, metadata: Mapping[str, Any]) -> None:
    """Put another table of files and other metadata in the place of a file's own, at once.

    ``work``: a folder for temporary files, on the same file system. Raises OSError.
    """
    temporary = os.path.join(work, "sources")
    write_array_file(temporary, table.arrays() | {name: file[name] for name in PACKED}, metadata)
    disk.layer.rename(temporary, file.path)
    disk.layer.sync_folder(os.path.dirname(file.path))
