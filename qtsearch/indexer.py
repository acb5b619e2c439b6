"""Folders of articles → a published generation: find the files, read what has changed, build one segment.

Nothing is published unless all of it is written and synced; whatever stops a run, the generation before
it stays. A segment is merged from the one before and from the articles that have changed; the same articles
give the same segment on whichever way. Files are read by worker processes (:mod:`qtsearch.workers`) where
there are many of them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from qtsearch import disk, generation, publishing, workers
from qtsearch.articles import read_article
from qtsearch.changes import Changes, jobs_for, settle
from qtsearch.checks import warnings_of
from qtsearch.codec import records
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.past import PastChunk
from qtsearch.codec.segment import Segment
from qtsearch.codec.sources import (
    Previous,
    Row,
    kept_segments,
    read_rows,
    rewrite_sources,
    sources_path,
    write_sources,
)
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import ArticleError, IndexDamagedError, IndexMissingError, QtsearchError, SourceError
from qtsearch.index import default_path
from qtsearch.parameters import RankingParameters
from qtsearch.publications import HISTORY_LENGTH, entry_of
from qtsearch.report import ReindexReport
from qtsearch.results import stored_article
from qtsearch.scan import Found, find_files
from qtsearch.tuning import published_parameters

__all__ = ["ReindexReport", "reindex"]

_log = logging.getLogger(__name__)

#: Articles whose texts make the compression dictionary.
_DICTIONARY_SAMPLE: Final = 16

Path = str | os.PathLike[str]
Progress = Callable[[int, int], None]


def reindex(
    sources: Path | Iterable[Path],
    index: Path | None = None,
    *,
    include_no_index: bool = False,
    parameters: RankingParameters | None = None,
    checksum: bool = False,
    full: bool = False,
    strict: bool = False,
    allow_shrink: bool = False,
    keep_previous: bool = False,
    dry_run: bool = False,
    wait: float = 0.0,
    processes: int | None = None,
    progress: Progress | None = None,
) -> ReindexReport:
    """Bring the index up to date with article files, and publish it in place of what was there.

    Only files that may have changed are read; the index comes out as if all had been. Readers that have the
    index open go on undisturbed.

    Args:
        sources: folders, searched for ``.md`` files, and files, taken whatever they are called. Hidden
            files and folders are passed over, and links that lead out of their folder. What is in the index
            and not in the sources is removed from it.
        index: the folder of the index, made if need be; by default ``$QTSEARCH_INDEX``, else ``index``.
        include_no_index: take in the pages that are marked ``no_index: true``.
        parameters: of the ranking; by default those of the index as it is, or the defaults for a new one.
        checksum: look into every file, not only into those whose size or modification time has changed.
        full: read and index every file anew.
        strict: let the last good version of a file go that is no article any more; by default it stays.
        allow_shrink: publish even if more than half of the files have gone since the last reindex.
        keep_previous: keep the generation that is current now, for ``rollback``.
        dry_run: publish nothing and write nothing, but say what would be done.
        wait: seconds to wait for another process that writes to the index.
        processes: how many read files at a time, 1 or more; 1 reads them in this process. By default one
            for each processor, and this process for few files.
        progress: called from time to time, in the calling thread, with files read and files in all.

    A file that is no article is reported in ``rejected`` and the rest is indexed. Of two files with
    the same url the one with the later date is taken, of the same date the first by path.

    Raises:
        SourceError: a source does not exist, there is no article in them, or more than half of the files are
            gone; nothing was published.
        IndexLockedError: another process is writing to this index.
        WorkerError: a worker process died, for want of memory say.
        OSError: the index cannot be written.
        ValueError: ``processes`` is less than 1.
    """
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be 1 or more, not {processes}")
    timer = _Timer()
    scanned_ns = time.time_ns()
    files = find_files([sources] if isinstance(sources, (str, os.PathLike)) else sources)
    timer.end("scan")
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    run = _Run(
        folder,
        files,
        scanned_ns,
        timer,
        include_no_index=include_no_index,
        parameters=parameters,
        checksum=checksum,
        full=full,
        strict=strict,
        allow_shrink=allow_shrink,
        keep_previous=keep_previous,
        processes=processes,
        progress=progress or _no_progress,
    )
    if dry_run:
        return run.until_sound(lambda: _rehearse(run))
    publishing.make_index_folder(folder)
    with publishing.WriteLock(folder, wait):
        publishing.clean(folder, kept_segments(folder))
        return run.until_sound(lambda: _perform(run, folder))


def _rehearse(run: _Run) -> ReindexReport:
    with tempfile.TemporaryDirectory(prefix="qtsearch-") as work:
        return run.report(run.prepare(work), None)


def _perform(run: _Run, folder: str) -> ReindexReport:
    segment_id = publishing.new_segment_id()
    work = publishing.make_work_folder(folder, segment_id)
    try:
        prepared = run.prepare(work)
        return run.report(prepared, run.publish(prepared, segment_id, work))
    except BaseException:
        publishing.discard_segment(folder, segment_id)
        raise
    finally:
        disk.discard(work)


def _no_progress(done: int, total: int) -> None:
    pass


class _Timer:
    """Seconds by phase."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self.phases: dict[str, float] = {}

    def end(self, phase: str) -> None:
        now = time.monotonic()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._last
        self._last = now

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started


class _Past(NamedTuple):
    """The generation before: its segment, what it was made of by path, and what is known of it."""

    number: int
    segment: Segment
    file: ArrayFile
    rows: dict[str, Row]


class _Prepared(NamedTuple):
    """What is to be published: by a ``writer``, without the articles ``left_out``; no writer if all is known.

    ``full``: all files were read. ``kept``: paths of which the last good version stays.
    """

    changes: Changes
    full: bool
    writer: SegmentWriter | None
    left_out: frozenset[int]
    kept: tuple[str, ...]
    warnings: tuple[str, ...]


class _Published(NamedTuple):
    number: int
    sizes: dict[str, int]


class _Run:
    """One run of reindex. See there."""

    def __init__(
        self,
        folder: str,
        files: list[Found],
        scanned_ns: int,
        timer: _Timer,
        *,
        include_no_index: bool,
        parameters: RankingParameters | None,
        checksum: bool,
        full: bool,
        strict: bool,
        allow_shrink: bool,
        keep_previous: bool,
        processes: int | None,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._files = files
        self._scanned_ns = scanned_ns
        self._timer = timer
        self._include_no_index = include_no_index
        self._parameters = parameters
        self._checksum = checksum
        self._full = full
        self._strict = strict
        self._allow_shrink = allow_shrink
        self._keep_previous = keep_previous
        self._processes = processes
        self._progress = progress
        self._past: _Past | None = None
        self._anew = False  # whatever is there

    def until_sound(self, attempt: Callable[[], ReindexReport]) -> ReindexReport:
        """What an attempt gives, at the second time without the index as it is if that turns out damaged."""
        try:
            return attempt()
        except IndexDamagedError as error:
            if self._past is None:
                raise
            _log.warning("the index is built anew, for what is there is damaged: %s", error)
        self._anew = True
        return attempt()

    # -- read --------------------------------------------------------------------------------------

    def prepare(self, work: str) -> _Prepared:
        """Read what must be read, and settle what is to be published. ``work``: a folder for chunks."""
        past = self._past = self._open_past()
        rows = past.rows if past else {}
        if not self._allow_shrink and 2 * len(self._files) < len(rows):
            raise SourceError(
                f"the sources have {len(self._files):,} files, and had {len(rows):,} at the last reindex: "
                "if that is meant, allow it (--allow-shrink); nothing was published"
            )
        jobs = jobs_for(self._files, rows, checksum=self._checksum)
        full = past is None or self._full
        if past is not None and past.file.metadata["include_no_index"] != self._include_no_index:
            full = True
        if full:
            jobs = [workers.Job(number, file.path) for number, file in enumerate(self._files)]
        dictionary = _dictionary(self._files) if full or past is None else past.segment.dictionary
        outcome = workers.Outcome()
        if jobs:
            stems = {} if full or past is None else _stems(past.segment)
            reading = workers.Reading(dictionary, self._include_no_index, work, stems)
            outcome = workers.read_all(jobs, reading, self._processes, self._progress)
        changes = settle(self._files, rows, outcome.results, self._scanned_ns, strict=self._strict)
        self._timer.end("read")
        new_parameters = self._parameters not in (None, past.segment.parameters if past else None)
        if past is not None and changes.same and not self._full and not new_parameters:
            return _Prepared(changes, full, None, frozenset(), self._kept(changes), self._old_warnings())
        chunks: list[Arrays] = [ArrayFile(path) for path in outcome.chunks]
        left_out: set[int] = set()
        stays = {row.doc: number for number, row in enumerate(changes.rows) if row.doc >= 0}
        if past is not None and full:
            rows_of = changes.rows
            stays = {doc: number for doc, number in stays.items() if rows_of[number].state == "rejected"}
            chunks += _again(past.segment, stays, dictionary)
        elif past is not None:
            file_of = np.full(past.segment.n_docs, -1, np.int32)
            file_of[list(stays)] = list(stays.values())
            chunks.insert(0, PastChunk(past.segment, past.file, file_of))
            left_out.update(np.flatnonzero(file_of < 0).tolist())
        writer = SegmentWriter(chunks, dictionary) if chunks else None
        if writer is None or len(left_out) == len(writer.urls):
            raise SourceError(self._nothing_found(changes))
        self._give_way(writer, left_out, changes.rows)
        without = frozenset(left_out)
        return _Prepared(changes, full, writer, without, self._kept(changes), warnings_of(writer, without))

    def _open_past(self) -> _Past | None:
        if self._anew:
            return None
        try:
            current, segment = generation.open_segment(self._folder)
            file = ArrayFile(sources_path(self._folder, current.segment_id))
            return _Past(current.number, segment, file, {row.path: row for row in read_rows(file)})
        except IndexMissingError:
            return None
        except (QtsearchError, OSError) as error:
            _log.warning("the index is built anew, for what is there cannot be gone on with: %s", error)
            return None

    def _kept(self, changes: Changes) -> tuple[str, ...]:
        rows = zip(self._files, changes.rows, strict=True)
        return tuple(file.path for file, row in rows if row.state == "rejected" and row.doc >= 0)

    def _old_warnings(self) -> tuple[str, ...]:
        return tuple(self._past.file.metadata["warnings"]) if self._past else ()

    def _give_way(self, writer: SegmentWriter, left_out: set[int], rows: list[Row]) -> None:
        """Settle which of several articles with one url is taken, and of which file each article is."""
        files, urls = writer.files, writer.urls
        paths = [file.path for file in self._files]
        present = [number for number in range(len(urls)) if number not in left_out]
        taken_of = {urls[number]: number for number in present}
        others_of: dict[bytes, list[int]] = {}
        if len(taken_of) < len(present):
            # The best last, for of the same keys the last stays.
            present.sort(key=lambda number: paths[files[number]], reverse=True)
            present.sort(key=lambda number: writer.dates[number])
            taken_of = {urls[number]: number for number in present}
            for number in reversed(present):
                if taken_of[urls[number]] != number:
                    others_of.setdefault(urls[number], []).append(number)
        for url, taken in taken_of.items():
            file = files[taken]
            if rows[file].doc != taken or rows[file].state != "article":
                rows[file] = _settled(rows[file], taken, "article", "")
            for number in others_of.get(url, ()):
                left_out.add(number)
                reason = f"has the same url as {paths[file]}, which was taken: {url.decode()}"
                other = files[number]
                rows[other] = _settled(rows[other], -1, "duplicate", reason)

    def _nothing_found(self, changes: Changes) -> str:
        rejected = self._rejected(changes)
        no_index = sum(row.state == "no_index" for row in changes.rows)
        reasons = f"; the first: {rejected[0]}" if rejected else ""
        return (
            f"none of {len(self._files)} files is an article to be indexed ({len(rejected)} rejected, "
            f"{no_index} marked no_index), so nothing was published{reasons}"
        )

    # -- publish -----------------------------------------------------------------------------------

    def publish(self, prepared: _Prepared, segment_id: str, work: str) -> _Published:
        """Write the segment and make it current; only the table of files, if the articles are the same."""
        past = self._past
        writer = prepared.writer
        if writer is None:
            self._rewrite_table(prepared.changes.rows, work)
            self._timer.end("publish")
            return _Published(past.number if past else 0, {})
        parameters = self._parameters or published_parameters(self._folder)
        sizes = writer.write(self._folder, segment_id, prepared.left_out, parameters)
        self._timer.end("merge")
        doc_of = writer.doc_of.tolist()
        rows = [row if row.doc < 0 else row._replace(doc=doc_of[row.doc]) for row in prepared.changes.rows]
        pages = len(doc_of) - len(prepared.left_out)
        metadata = self._metadata(prepared, pages)
        path = sources_path(self._folder, segment_id)
        sizes["sources"] = write_sources(path, rows, writer.rest, metadata)
        previous = self._previous()
        number = publishing.publish(
            self._folder, segment_id, pages, [previous.segment_id] if previous else ()
        )
        self._timer.end("publish")
        return _Published(number, sizes)

    def _metadata(self, prepared: _Prepared, pages: int) -> dict[str, Any]:
        past, changes = self._past, prepared.changes
        entry = entry_of(
            publishing.next_number(self._folder),
            "full reindex" if prepared.full else "reindex",
            pages,
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            moved=changes.moved,
            rejected=len(self._rejected(changes)),
        )
        entries = [*(past.file.metadata["history"] if past else ()), entry]
        return {
            "include_no_index": self._include_no_index,
            "history": entries[-HISTORY_LENGTH:],
            "warnings": list(prepared.warnings),
            "previous": self._previous(),
        }

    def _previous(self) -> Previous | None:
        """The generation that is current now, if it is to be kept."""
        past = self._past
        if past is None or not self._keep_previous:
            return None
        return Previous(past.segment.segment_id, past.segment.n_docs, past.number)

    def _rewrite_table(self, rows: list[Row], work: str) -> None:
        """Note what is new of the files, where no article has changed: times, and files that are none."""
        past = self._past
        if past is None:
            return
        metadata = past.file.metadata | {"include_no_index": self._include_no_index}
        if rows == list(past.rows.values()) and metadata == past.file.metadata:
            return
        rewrite_sources(past.file, work, rows, metadata)

    # -- report ------------------------------------------------------------------------------------

    def report(self, prepared: _Prepared, published: _Published | None) -> ReindexReport:
        """What was done; nothing was ``published`` in a dry run."""
        past, changes = self._past, prepared.changes
        if prepared.writer is not None:
            pages = len(prepared.writer.urls) - len(prepared.left_out)
        else:
            pages = past.segment.n_docs if past else 0
        sizes = published.sizes if published else {}
        if not sizes and past is not None:
            sizes = {file.path: os.path.getsize(file.path) for file in (*past.segment.files, past.file)}
        report = ReindexReport(
            index=self._folder,
            generation=published.number if published else past.number if past else 0,
            published=published is not None and prepared.writer is not None,
            dry_run=published is None,
            full=prepared.full,
            pages=pages,
            files=len(self._files),
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            moved=changes.moved,
            unchanged=changes.unchanged,
            rejected=tuple(self._rejected(changes)),
            kept=prepared.kept,
            no_index=sum(row.state == "no_index" for row in changes.rows),
            warnings=prepared.warnings,
            phases=self._timer.phases,
            seconds=self._timer.seconds,
            size_bytes=sum(sizes.values()),
        )
        _log.info("%s", report)
        return report

    def _rejected(self, changes: Changes) -> list[ArticleError]:
        return [
            ArticleError(file.path, row.line, row.reason)
            for file, row in zip(self._files, changes.rows, strict=True)
            if row.state in ("rejected", "duplicate")
        ]


def _settled(row: Row, doc: int, state: str, reason: str) -> Row:
    """What became of a file, whose last good version it may have been: then it is rejected all the same."""
    if row.state == "rejected":
        return row._replace(doc=doc)
    return row._replace(doc=doc, state=state, line=0, reason=reason)


def _stems(segment: Segment) -> dict[bytes, bytes]:
    """The terms of all surface forms: most words of an article are known, and stemming takes a while."""
    return dict(zip(segment.forms.tolist(), segment.terms[segment.form_terms].tolist(), strict=True))


def _again(segment: Segment, stays: Mapping[int, int], dictionary: bytes) -> list[Arrays]:
    """A chunk of articles of a segment, given with the numbers of their files; none if there are none."""
    if not stays:
        return []
    builder = ChunkBuilder(dictionary)
    for doc, file in stays.items():
        builder.add(stored_article(segment, doc), file)
    return [builder.arrays()]


def _dictionary(files: Sequence[Found]) -> bytes:
    """A compression dictionary from articles spread over the files."""
    sample = []
    step = max(1, len(files) // _DICTIONARY_SAMPLE)
    for file in files[::step][:_DICTIONARY_SAMPLE]:
        with contextlib.suppress(ArticleError):  # reported when its turn comes
            sample.append(read_article(file.path))
    return records.make_dictionary(sample)
