"""Files as they were at the last reindex, and as they are → what is to be read, and what became of each.

A file is told by size and modification time, and by a hash of its bytes where one of these differs, or where
it may have changed within the grain of the clock. No article is read here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.filetable import FileTable, Row
from qtsearch.codec.segment import Segment
from qtsearch.codec.sources import sources_path
from qtsearch.errors import ArticleError, IndexDamagedError, IndexMissingError, QtsearchError
from qtsearch.generations import generation
from qtsearch.reindexing.jobs import Job, Result
from qtsearch.reindexing.scan import Files

__all__ = ["Changes", "Comparison", "Past", "open_past"]

_log: Final = logging.getLogger(__name__)

#: Two changes of a file within this time may leave the same mtime: 2 s on FAT, less elsewhere.
_GRAIN_NS: Final = 2_000_000_000


class Changes(NamedTuple):
    """What has changed.

    ``table``: of the files found what is known now; in ``docs`` the article of the index as it was, if that
    stays. Numbers of files: ``added``, ``changed``, ``removed`` from the index, ``moved`` to another path,
    ``unchanged``. ``same``: the articles of the index are the same.
    """

    table: FileTable
    added: int
    changed: int
    removed: int
    moved: int
    unchanged: int
    same: bool

    @property
    def no_index(self) -> int:
        """How many files are marked so."""
        return int(np.count_nonzero(self.table.are("no_index")))

    def rejected(self, paths: Sequence[str]) -> list[ArticleError]:
        """Why files are no articles, or gave way to others. ``paths``: as the files are to be named."""
        found = np.flatnonzero(self.table.are("rejected") | self.table.are("duplicate")).tolist()
        rows = ((paths[number], self.table[number]) for number in found)
        return [ArticleError(path, row.line, row.reason) for path, row in rows]

    def kept(self, paths: Sequence[str]) -> list[str]:
        """The files of which the last good version stays."""
        found = np.flatnonzero(self.table.are("rejected") & (self.table.docs >= 0)).tolist()
        return [paths[number] for number in found]


class Past(NamedTuple):
    """The generation before: its segment, the file of what that was made of, and the table of files in it."""

    number: int
    segment: Segment
    file: ArrayFile
    table: FileTable


def open_past(folder: str) -> Past | None:
    """The current generation; None if there is none that can be gone on with."""
    try:
        current, segment = generation.open_segment(folder)
        file = ArrayFile(sources_path(folder, current.segment_id))
        table = FileTable.read(file)
        if table.docs.max(initial=-1) >= segment.n_docs:
            raise IndexDamagedError(file.path, f"does not belong to {segment.files[0].path}")
        return Past(current.number, segment, file, table)
    except IndexMissingError:
        return None
    except (QtsearchError, OSError) as error:
        _log.warning("the index is built anew, for what is there cannot be gone on with: %s", error)
        return None


class Comparison:
    """Files as they were found, beside what was known of them."""

    def __init__(self, files: Files, past: FileTable) -> None:
        self._files = files
        self._past = past
        self._sizes = np.array(files.sizes, np.int64)
        self._mtimes = np.array(files.mtimes, np.int64)
        # Of each file found the row that it has in the table of the past, -1 for none; and what that says.
        self._rows = past.numbers_of(files.keys)
        self._table = past.taken(self._rows, files.keys)

    def jobs(self, *, checksum: bool) -> list[Job]:
        """The files that must be read: all that may have changed and, if there is any change, those that gave
        way to another file with the same url, which may have gone.

        ``checksum``: all, whatever their times.
        """
        before = self._table
        same = (before.sizes == self._sizes) & (before.mtimes == self._mtimes) & before.digests.any(axis=1)
        reading = ~same | checksum
        gave_way = (self._rows >= 0) & before.are("duplicate")
        first = np.flatnonzero(reading)
        last = first[:0]
        if reading.any() or len(self._files.keys) < len(self._past):
            first, last = np.flatnonzero(reading & ~gave_way), np.flatnonzero(gave_way)
        paths = self._files.paths
        jobs = zip(first.tolist(), before.digests_of(first), strict=True)
        return [Job(number, paths[number], digest) for number, digest in jobs] + [
            Job(number, paths[number]) for number in last.tolist()
        ]

    def docs_but_of(self, jobs: Sequence[Job]) -> npt.NDArray[np.int32]:
        """The articles of the files that are found and are not to be read."""
        docs = self._table.docs.copy()
        docs[[job.number for job in jobs]] = -1
        return docs[docs >= 0]

    def settle(self, results: Sequence[Result], scanned_ns: int, *, strict: bool) -> Changes:
        """What became of the files, given what was read of them: the last that is asked, and but once.

        ``scanned_ns``: when the files were looked for. ``strict``: of a file that is no article any more, the
        last good version goes, too.
        """
        past, table = self._past, self._table
        result_of = {result.number: result for result in results}
        mtimes = np.where(self._mtimes < scanned_ns - _GRAIN_NS, self._mtimes, -1)
        as_it_was = (self._rows >= 0) & (table.sizes == self._sizes) & (table.mtimes == mtimes)
        as_it_was[list(result_of)] = False
        if strict:
            as_it_was &= ~table.are("rejected")
        settled: dict[int, Row] = {}
        added: list[str] = []  # digests
        changed = dropped = 0
        unchanged = int(np.count_nonzero(as_it_was & (table.docs >= 0)))
        files = [*zip(self._files.keys, self._files.sizes, mtimes.tolist(), strict=True)]
        known = (self._rows >= 0).tolist()
        for number in np.flatnonzero(~as_it_was).tolist():
            row = table[number] if known[number] else None
            result = result_of.get(number)
            new = _settled(files[number], row, result, strict)
            was_there = row is not None and row.doc >= 0
            if result is not None and result.state == "article":
                if row is not None and row.digest == result.digest and row.state in ("article", "duplicate"):
                    new = new._replace(state=row.state, reason=row.reason, doc=row.doc)
                    unchanged += was_there
                elif was_there:
                    changed += 1
                else:
                    added.append(result.digest)
            elif new.doc >= 0:
                unchanged += 1
            else:
                dropped += was_there
            settled[number] = new
        table.put(settled)
        gone = np.ones(len(past), bool)
        gone[self._rows[self._rows >= 0]] = False
        lost = [past[number].digest for number in np.flatnonzero(gone & (past.docs >= 0)).tolist()]
        moved = (Counter(lost) & Counter(added)).total()
        removed = len(lost) + dropped - moved
        same = not (added or changed or lost or dropped)
        return Changes(table, len(added) - moved, changed, removed, moved, unchanged, same)


def _settled(file: tuple[str, int, int], row: Row | None, result: Result | None, strict: bool) -> Row:
    """What is known of a file now. ``file``: its path, size and time; ``row``: what was known before;
    ``result``: what is in it, where it was read."""
    if result is not None and result.state in ("article", "no_index"):
        return Row(*file, result.digest, result.state, -1)
    if result is not None and result.state == "rejected":
        doc = -1 if strict or row is None else row.doc
        return Row(*file, result.digest, "rejected", doc, result.line, result.reason)
    if row is None:
        raise ValueError(f"{file[0]} was neither read nor known")
    dropped = strict and row.state == "rejected"
    return Row(*file, row.digest, row.state, -1 if dropped else row.doc, row.line, row.reason)
