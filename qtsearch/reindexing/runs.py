"""One run of a reindex that has something to do: what has changed → a segment → published → reported.

A segment is merged from the one before and from the articles that have changed; the same articles give the
same segment on whichever way. Files are read by worker processes (:mod:`qtsearch.reindexing.workers`) where
there are many of them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.articles import read_article
from qtsearch.codec import records
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.filetable import STATES, FileTable
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.past import PastChunk
from qtsearch.codec.rest import Rest
from qtsearch.codec.segment import Segment
from qtsearch.codec.sources import Previous, rewrite_sources, sources_arrays, sources_path
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import ArticleError, IndexDamagedError, IndexMissingError, QtsearchError, SourceError
from qtsearch.generations import generation, publishing
from qtsearch.generations.publications import HISTORY_LENGTH, entry_of
from qtsearch.generations.tuning import published_parameters
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing import workers
from qtsearch.reindexing.changes import Changes, Comparison
from qtsearch.reindexing.checks import warnings_of
from qtsearch.reindexing.processes import Started
from qtsearch.reindexing.report import ReindexReport, Timer
from qtsearch.reindexing.scan import Files
from qtsearch.results import stored_article

__all__ = ["Run"]

_log = logging.getLogger(__name__)

#: Articles whose texts make the compression dictionary.
_DICTIONARY_SAMPLE: Final = 16
#: What so many articles count, which are likely to leave the index, is looked up while files are read.
_FEW_ARTICLES: Final = 1_000


class _Past(NamedTuple):
    """The generation before: its segment, the file of what that was made of, and the table of files in it."""

    number: int
    segment: Segment
    file: ArrayFile
    table: FileTable


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


class Run:
    """One run of :func:`qtsearch.reindex`; see there what the options mean.

    ``files``: as they were found at ``scanned_ns``. ``worker``: a process that waits for files to read.
    """

    def __init__(
        self,
        folder: str,
        files: Files,
        scanned_ns: int,
        timer: Timer,
        *,
        include_no_index: bool,
        parameters: RankingParameters | None,
        checksum: bool,
        full: bool,
        strict: bool,
        allow_shrink: bool,
        keep_previous: bool,
        processes: int | None,
        worker: Started | None,
        progress: Callable[[int, int], None],
    ) -> None:
        self._folder = folder
        self._files = files
        self._n_files = len(files.keys)
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
        self._worker = worker
        self._progress = progress
        self._past: _Past | None = None
        self._anew = False  # whatever is there

    def rehearse(self) -> ReindexReport:
        """What would be done; writes nothing."""
        return self._until_sound(self._rehearse)

    def perform(self) -> ReindexReport:
        """Do it. The caller holds the lock. Raises what reindex raises."""
        return self._until_sound(self._perform)

    def _rehearse(self) -> ReindexReport:
        with tempfile.TemporaryDirectory(prefix="qtsearch-") as work:
            return self._report(self._prepare(work), None)

    def _perform(self) -> ReindexReport:
        folder, segment_id = self._folder, publishing.new_segment_id()
        work = publishing.make_work_folder(folder, segment_id)
        try:
            prepared = self._prepare(work)
            return self._report(prepared, self._publish(prepared, segment_id, work))
        except BaseException:
            publishing.discard_segment(folder, segment_id)
            raise
        finally:
            disk.discard(work)

    def _until_sound(self, attempt: Callable[[], ReindexReport]) -> ReindexReport:
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

    def _prepare(self, work: str) -> _Prepared:
        """Read what must be read, and settle what is to be published. ``work``: a folder for chunks."""
        past = self._past = self._open_past()
        table = past.table if past else FileTable(())
        if not self._allow_shrink and 2 * self._n_files < len(table):
            raise SourceError(
                f"the sources have {self._n_files:,} files, and had {len(table):,} at the last reindex: "
                "if that is meant, allow it (--allow-shrink); nothing was published"
            )
        comparison = Comparison(self._files, table)
        jobs = comparison.jobs(checksum=self._checksum)
        full = past is None or self._full
        if past is not None and past.file.metadata["include_no_index"] != self._include_no_index:
            full = True
        if full:
            jobs = [workers.Job(number, path) for number, path in enumerate(self._files.paths)]
        dictionary = _dictionary(self._files.paths) if full or past is None else past.segment.dictionary
        segment = None if full or past is None else (self._folder, past.segment.segment_id)
        reading = workers.Reading(dictionary, self._include_no_index, work, segment)
        # While files are read, what is there is made ready to be merged with.
        with ThreadPoolExecutor(1) as pool:
            read = np.zeros(self._n_files, bool)
            read[[job.number for job in jobs]] = True
            stays = table.docs[comparison.rows[~read & (comparison.rows >= 0)]]
            begun = None if full or past is None else pool.submit(_begin, past, stays[stays >= 0])
            outcome = workers.Outcome()
            if jobs:
                worker, self._worker = self._worker, None  # it reads once
                outcome = workers.read_all(jobs, reading, self._processes, self._progress, worker)
        changes = comparison.settle(outcome.results, self._scanned_ns, strict=self._strict)
        self._timer.end("read")
        new_parameters = self._parameters not in (None, past.segment.parameters if past else None)
        if past is not None and changes.same and not self._full and not new_parameters:
            return _Prepared(changes, full, None, frozenset(), self._kept(changes), self._old_warnings())
        left_out: set[int] = set()
        writer = SegmentWriter([], dictionary)
        docs = changes.table.docs
        if past is not None and begun is not None:
            chunk, writer = begun.result()
            staying = np.flatnonzero(docs >= 0)
            file_of = np.full(past.segment.n_docs, -1, np.int32)
            file_of[docs[staying]] = staying
            chunk["files"] = file_of
            left_out.update(np.flatnonzero(file_of < 0).tolist())
        for path in outcome.chunks:
            writer.add(ArrayFile(path))
        if past is not None and full:
            last_good = np.flatnonzero(changes.table.are("rejected") & (docs >= 0)).tolist()
            if last_good:
                file_by_doc = {int(docs[number]): number for number in last_good}
                writer.add(_again(past.segment, file_by_doc, dictionary))
        if len(left_out) == len(writer.urls):
            raise SourceError(self._nothing_found(changes))
        self._give_way(writer, left_out, changes.table)
        without = frozenset(left_out)
        return _Prepared(changes, full, writer, without, self._kept(changes), warnings_of(writer, without))

    def _open_past(self) -> _Past | None:
        if self._anew:
            return None
        try:
            current, segment = generation.open_segment(self._folder)
            file = ArrayFile(sources_path(self._folder, current.segment_id))
            return _Past(current.number, segment, file, FileTable.read(file))
        except IndexMissingError:
            return None
        except (QtsearchError, OSError) as error:
            _log.warning("the index is built anew, for what is there cannot be gone on with: %s", error)
            return None

    def _kept(self, changes: Changes) -> tuple[str, ...]:
        kept = np.flatnonzero(changes.table.are("rejected") & (changes.table.docs >= 0))
        return tuple(self._files.paths[number] for number in kept.tolist())

    def _old_warnings(self) -> tuple[str, ...]:
        return tuple(self._past.file.metadata["warnings"]) if self._past else ()

    def _give_way(self, writer: SegmentWriter, left_out: set[int], table: FileTable) -> None:
        """Settle which of several articles with one url is taken, and of which file each article is."""
        present = np.ones(len(writer.urls), bool)
        present[list(left_out)] = False
        taken = np.flatnonzero(present)
        if len(np.unique(writer.url_hashes[taken])) < len(taken):
            taken = self._taken(writer, taken.tolist(), left_out, table)
        files = writer.files[taken]
        table.docs[files] = taken
        good = files[~table.are("rejected")[files]]  # of the others it is the last good version
        table.states[good] = STATES.index("article")
        for number in table.reasons.keys() & set(good.tolist()):
            del table.reasons[number]  # it had given way

    def _taken(
        self, writer: SegmentWriter, present: list[int], left_out: set[int], table: FileTable
    ) -> npt.NDArray[np.int64]:
        """Of the articles ``present`` those that are taken; the others join those left out."""
        files, urls, paths = writer.files.tolist(), writer.urls, self._files.paths
        # The best last, for of the same keys the last stays.
        best_last = sorted(present, key=lambda number: paths[files[number]], reverse=True)
        best_last.sort(key=lambda number: writer.dates[number])
        taken_of = {urls[number]: number for number in best_last}
        for number in best_last:
            taken = taken_of[urls[number]]
            if taken != number:
                left_out.add(number)
                row, other = table[files[number]], paths[files[taken]]
                row = row._replace(doc=-1)
                if row.state != "rejected":
                    reason = f"has the same url as {other}, which was taken: {urls[number].decode()}"
                    row = row._replace(state="duplicate", line=0, reason=reason)
                table[files[number]] = row
        return np.array(sorted(taken_of.values()))

    def _nothing_found(self, changes: Changes) -> str:
        rejected = self._rejected(changes)
        no_index = np.count_nonzero(changes.table.are("no_index"))
        reasons = f"; the first: {rejected[0]}" if rejected else ""
        return (
            f"none of {self._n_files} files is an article to be indexed ({len(rejected)} rejected, "
            f"{no_index} marked no_index), so nothing was published{reasons}"
        )

    # -- publish -----------------------------------------------------------------------------------

    def _publish(self, prepared: _Prepared, segment_id: str, work: str) -> _Published:
        """Write the segment and make it current; only the table of files, if the articles are the same."""
        past = self._past
        writer = prepared.writer
        if writer is None:
            self._rewrite_table(prepared.changes.table, work)
            self._timer.end("publish")
            return _Published(past.number if past else 0, {})
        parameters = self._parameters or published_parameters(self._folder)
        arrays: dict[str, npt.NDArray[Any]] = {}

        def tell_sources() -> None:
            arrays.update(sources_arrays(prepared.changes.table, writer.doc_of, writer.rest))

        sizes = writer.write(self._folder, segment_id, prepared.left_out, parameters, tell_sources)
        self._timer.end("merge")
        pages = len(writer.urls) - len(prepared.left_out)
        path = sources_path(self._folder, segment_id)
        sizes["sources"] = write_array_file(path, arrays, self._metadata(prepared, pages))
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

    def _rewrite_table(self, table: FileTable, work: str) -> None:
        """Note what is new of the files, where no article has changed: times, and files that are none."""
        past = self._past
        if past is None:
            return
        metadata = past.file.metadata | {"include_no_index": self._include_no_index}
        if table.is_same(past.table) and metadata == past.file.metadata:
            return
        rewrite_sources(past.file, work, table, metadata)

    # -- report ------------------------------------------------------------------------------------

    def _report(self, prepared: _Prepared, published: _Published | None) -> ReindexReport:
        """What was done; nothing was ``published`` in a dry run."""
        past, changes = self._past, prepared.changes
        if prepared.writer is not None:
            pages = len(prepared.writer.urls) - len(prepared.left_out)
        else:
            pages = past.segment.n_docs if past else 0
        sizes = published.sizes if published else {}
        if not sizes and past is not None:
            sizes = {file.path: os.path.getsize(file.path) for file in (*past.segment.files, past.file)}
        return ReindexReport(
            index=self._folder,
            generation=published.number if published else past.number if past else 0,
            published=published is not None and prepared.writer is not None,
            dry_run=published is None,
            full=prepared.full,
            pages=pages,
            files=self._n_files,
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            moved=changes.moved,
            unchanged=changes.unchanged,
            rejected=tuple(self._rejected(changes)),
            kept=prepared.kept,
            no_index=int(np.count_nonzero(changes.table.are("no_index"))),
            warnings=prepared.warnings,
            phases=self._timer.phases,
            seconds=self._timer.seconds,
            size_bytes=sum(sizes.values()),
        )

    def _rejected(self, changes: Changes) -> list[ArticleError]:
        table = changes.table
        found = np.flatnonzero(table.are("rejected") | table.are("duplicate")).tolist()
        rows = ((self._files.paths[number], table[number]) for number in found)
        return [ArticleError(path, row.line, row.reason) for path, row in rows]


def _begin(past: _Past, stays: npt.NDArray[np.int32]) -> tuple[PastChunk, SegmentWriter]:
    """The generation before as a chunk, and a writer that has it; ``stays``: the articles whose files are not
    read."""
    leaving = np.ones(past.segment.n_docs, bool)
    leaving[stays] = False
    left_out = np.flatnonzero(leaving).tolist()
    chunk = PastChunk(past.segment, Rest(past.file))
    writer = SegmentWriter([], past.segment.dictionary)
    # Of many that are read, few may turn out to have changed.
    writer.add(chunk, frozenset(left_out if len(left_out) <= _FEW_ARTICLES else ()))
    publishing.prepare()
    return chunk, writer


def _again(segment: Segment, stays: Mapping[int, int], dictionary: bytes) -> Arrays:
    """A chunk of articles of a segment, given with the numbers of their files."""
    builder = ChunkBuilder(dictionary)
    for doc, file in stays.items():
        builder.add(stored_article(segment, doc), file)
    return builder.arrays()


def _dictionary(paths: tuple[str, ...]) -> bytes:
    """A compression dictionary from articles spread over the files."""
    sample = []
    step = max(1, len(paths) // _DICTIONARY_SAMPLE)
    for path in paths[::step][:_DICTIONARY_SAMPLE]:
        with contextlib.suppress(ArticleError):  # reported when its turn comes
            sample.append(read_article(path))
    return records.make_dictionary(sample)
