"""One run of a reindex that has something to do: what has changed → read → built and published → reported.

Files are read by worker processes (:mod:`qtsearch.reindexing.workers`) where there are many of them. They
begin before :mod:`qtsearch.reindexing.building` is imported, which needs nearly all of this package.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import disk
from qtsearch.codec.filetable import FileTable
from qtsearch.codec.sources import rewrite_sources
from qtsearch.errors import IndexDamagedError, SourceError
from qtsearch.forks import late_imports
from qtsearch.generations import publishing
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing.changes import Changes, Comparison, Past, open_past
from qtsearch.reindexing.jobs import Job, Outcome, Reading
from qtsearch.reindexing.pool import read_all
from qtsearch.reindexing.processes import Started
from qtsearch.reindexing.report import ReindexReport, Timer
from qtsearch.reindexing.scan import Files

if TYPE_CHECKING:
    from qtsearch.reindexing.building import Begun, Build

__all__ = ["Run"]

_log: Final = logging.getLogger(__name__)


class _Prepared(NamedTuple):
    """What is to be published: no ``build`` if the articles are the same. ``full``: all files were read."""

    changes: Changes
    full: bool
    build: Build | None


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
        self._past: Past | None = None
        self._anew = False  # whatever is there

    def rehearse(self) -> ReindexReport:
        """What would be done; writes nothing."""
        return self._until_sound(self._rehearse)

    def perform(self) -> ReindexReport:
        """Do it. The caller holds the lock. Raises what reindex raises."""
        return self._until_sound(self._perform)

    def _rehearse(self) -> ReindexReport:
        with tempfile.TemporaryDirectory(prefix="qtsearch-") as work:
            return self._report(self._prepare(work))

    def _perform(self) -> ReindexReport:
        folder, segment_id = self._folder, publishing.new_segment_id()
        work = publishing.make_work_folder(folder, segment_id)
        try:
            prepared = self._prepare(work)
            if prepared.build is None:
                self._rewrite_table(prepared.changes.table, work)
                self._timer.end("publish")
                return self._report(prepared, published=False)
            number, sizes = prepared.build.publish(
                folder,
                segment_id,
                self._parameters,
                self._timer,
                full=prepared.full,
                include_no_index=self._include_no_index,
                keep_previous=self._keep_previous,
            )
            return self._report(prepared, number, sum(sizes.values()), published=True)
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

    def _prepare(self, work: str) -> _Prepared:
        """Read what must be read, and settle what is to be published. ``work``: a folder for chunks."""
        past = self._past = None if self._anew else open_past(self._folder)
        table = past.table if past else FileTable(())
        n_files = len(self._files.keys)
        if not self._allow_shrink and 2 * n_files < len(table):
            raise SourceError(
                f"the sources have {n_files:,} files, and had {len(table):,} at the last reindex: "
                "if that is meant, allow it (--allow-shrink); nothing was published"
            )
        comparison = Comparison(self._files, table)
        full = past is None or self._full or past.file.metadata["include_no_index"] != self._include_no_index
        if past is None or full:
            dictionary = _dictionary_of(self._files.paths)
            jobs = [Job(number, path) for number, path in enumerate(self._files.paths)]
            outcome, begun = self._read(jobs, Reading(dictionary, self._include_no_index, work)), None
        else:
            dictionary = past.segment.dictionary
            jobs = comparison.jobs(checksum=self._checksum)
            segment = self._folder, past.segment.segment_id
            # While files are read, what is there is made ready to be merged with.
            with ThreadPoolExecutor(1) as pool:
                beginning = pool.submit(_begin, past, comparison.docs_but_of(jobs))
                outcome = self._read(jobs, Reading(dictionary, self._include_no_index, work, segment))
            begun = beginning.result()
        changes = comparison.settle(outcome.results, self._scanned_ns, strict=self._strict)
        self._timer.end("read")
        new_parameters = self._parameters not in (None, past.segment.parameters if past else None)
        if past is not None and changes.same and not self._full and not new_parameters:
            return _Prepared(changes, full, None)
        with late_imports:
            from qtsearch.reindexing.building import Build
        build = Build(self._files.paths, changes, dictionary, outcome.chunks, past, begun)
        return _Prepared(changes, full, build)

    def _read(self, jobs: list[Job], reading: Reading) -> Outcome:
        if not jobs:
            return Outcome()
        worker, self._worker = self._worker, None  # it reads once
        return read_all(jobs, reading, self._processes, self._progress, worker)

    def _rewrite_table(self, table: FileTable, work: str) -> None:
        """Note what is new of the files, where no article has changed: times, and files that are none."""
        past = self._past
        if past is None:
            return
        metadata = past.file.metadata | {"include_no_index": self._include_no_index}
        if table.is_same(past.table) and metadata == past.file.metadata:
            return
        rewrite_sources(past.file, work, table, metadata)

    def _report(
        self,
        prepared: _Prepared,
        generation: int = 0,
        size_bytes: int = 0,
        *,
        published: bool | None = None,
    ) -> ReindexReport:
        """What was done. ``published``: whether a generation was, this one; None in a dry run."""
        past, (changes, full, build) = self._past, prepared
        warnings = build.warnings if build else tuple(past.file.metadata["warnings"]) if past else ()
        if past is not None and not published:
            generation = past.number
            size_bytes = sum(os.path.getsize(file.path) for file in (*past.segment.files, past.file))
        return ReindexReport(
            index=self._folder,
            generation=generation,
            published=bool(published),
            dry_run=published is None,
            full=full,
            pages=build.pages if build else past.segment.n_docs if past else 0,
            files=len(self._files.keys),
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            moved=changes.moved,
            unchanged=changes.unchanged,
            rejected=tuple(changes.rejected(self._files.paths)),
            kept=tuple(changes.kept(self._files.paths)),
            no_index=changes.no_index,
            warnings=warnings,
            phases=self._timer.phases,
            seconds=self._timer.seconds,
            size_bytes=size_bytes,
        )


def _begin(past: Past, stays: npt.NDArray[np.int32]) -> Begun:
    with late_imports:
        from qtsearch.reindexing.building import begin
    return begin(past, stays)


def _dictionary_of(paths: tuple[str, ...]) -> bytes:
    with late_imports:
        from qtsearch.reindexing.building import dictionary_of
    return dictionary_of(paths)
