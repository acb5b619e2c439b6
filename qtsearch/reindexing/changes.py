"""Files as they were at the last reindex, and as they are → what is to be read, and what became of each.

A file is told by size and modification time, and by a hash of its bytes where one of these differs, or where
it may have changed within the grain of the clock. Nothing here touches a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from qtsearch.codec.sources import Row
from qtsearch.reindexing.scan import Found
from qtsearch.reindexing.workers import Job, Result

__all__ = ["Changes", "jobs_for", "settle"]

#: Two changes of a file within this time may leave the same mtime: 2 s on FAT, less elsewhere.
_GRAIN_NS: Final = 2_000_000_000


class Changes(NamedTuple):
    """What has changed.

    ``rows``: of each file found what is known now; in ``doc`` the article of the index as it was, if that
    stays. Numbers of files: ``added``, ``changed``, ``removed`` from the index, ``moved`` to another path,
    ``unchanged``. ``same``: the articles of the index are the same.
    """

    rows: list[Row]
    added: int
    changed: int
    removed: int
    moved: int
    unchanged: int
    same: bool


def jobs_for(files: Sequence[Found], past: Mapping[str, Row], *, checksum: bool) -> list[Job]:
    """The files that must be read: all that may have changed and, if there is any change, those that gave way
    to another file with the same url, which may have gone.

    ``past``: rows by path. ``checksum``: read all, whatever their times.
    """
    jobs = []
    given_way = []
    for number, file in enumerate(files):
        row = past.get(file.key)
        if row is not None and row.state == "duplicate":
            given_way.append(Job(number, file.path))
        if row is None or checksum or not row.digest or (row.size, row.mtime) != (file.size, file.mtime):
            jobs.append(Job(number, file.path, row.digest if row else ""))
    if given_way and (jobs or len(files) < len(past)):
        others = {job.number for job in given_way}
        jobs = [job for job in jobs if job.number not in others] + given_way
    return jobs


def settle(
    files: Sequence[Found],
    past: Mapping[str, Row],
    results: Sequence[Result],
    scanned_ns: int,
    *,
    strict: bool,
) -> Changes:
    """What became of the files, given what was read of them.

    ``scanned_ns``: when the files were looked for. ``strict``: of a file that is no article any more, the
    last good version goes, too.
    """
    result_of = {result.number: result for result in results}
    oldest_ns = scanned_ns - _GRAIN_NS
    rows: list[Row] = []
    added: list[str] = []  # digests
    changed = unchanged = dropped = still_there = 0
    for number, file in enumerate(files):
        row, result = past.get(file.key), result_of.get(number)
        still_there += row is not None
        mtime = file.mtime if file.mtime < oldest_ns else -1
        if row and not result and row[1:3] == (file.size, mtime) and not (strict and row.state == "rejected"):
            rows.append(row)  # as it was
            unchanged += row.doc >= 0
            continue
        new = _row(file, mtime, row, result, strict)
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
        rows.append(new)
    lost: list[str] = []
    if still_there < len(past):
        found = {file.key for file in files}
        lost = [row.digest for row in past.values() if row.doc >= 0 and row.path not in found]
    moved = (Counter(lost) & Counter(added)).total()
    removed = len(lost) + dropped - moved
    same = not (added or changed or lost or dropped)
    return Changes(rows, len(added) - moved, changed, removed, moved, unchanged, same)


def _row(file: Found, mtime: int, row: Row | None, result: Result | None, strict: bool) -> Row:
    if result is not None and result.state in ("article", "no_index"):
        return Row(file.key, file.size, mtime, result.digest, result.state, -1)
    if result is not None and result.state == "rejected":
        doc = -1 if strict or row is None else row.doc
        return Row(file.key, file.size, mtime, result.digest, "rejected", doc, result.line, result.reason)
    if row is None:
        raise ValueError(f"{file.path} was neither read nor known")
    dropped = strict and row.state == "rejected"
    if not dropped and (row.size, row.mtime) == (file.size, mtime):
        return row
    return row._replace(size=file.size, mtime=mtime, doc=-1 if dropped else row.doc)
