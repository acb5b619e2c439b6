"""Folders of articles → a published generation: the files are found, and if any has changed, a run begins.

Nothing is published unless all of it is written and synced; whatever stops a run, the generation before it
stays. Most nights nothing has changed: what only a run needs (:mod:`qtsearch.reindexing.runs`) is imported
for it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable

from qtsearch.codec.sources import files_before, kept_segments
from qtsearch.generations import publishing
from qtsearch.generations.generation import default_path
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing.processes import FILES_WORTH_PROCESSES, available, started_early
from qtsearch.reindexing.report import ReindexReport, Timer
from qtsearch.reindexing.scan import find_files
from qtsearch.reindexing.unchanged import report_unchanged

__all__ = ["reindex"]

_log = logging.getLogger(__name__)

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
    timer = Timer()
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    # A worker takes as long to begin as this process takes to find out what is to be read.
    many = files_before(folder) >= FILES_WORTH_PROCESSES
    with started_early(many and processes is None and available() > 1) as worker:
        scanned_ns = time.time_ns()
        files = find_files([sources] if isinstance(sources, (str, os.PathLike)) else sources)
        timer.end("scan")

        def nothing_to_do() -> ReindexReport | None:
            if checksum or full:
                return None
            return report_unchanged(
                folder,
                files,
                timer,
                include_no_index=include_no_index,
                parameters=parameters,
                strict=strict,
                dry_run=dry_run,
            )

        def run() -> ReindexReport:
            from qtsearch.reindexing.runs import Run

            one = Run(
                folder,
                files.each(),
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
                worker=worker,
                progress=progress or _no_progress,
            )
            return one.rehearse() if dry_run else one.perform()

        if dry_run:
            report = nothing_to_do() or run()
        else:
            publishing.make_index_folder(folder)
            with publishing.WriteLock(folder, wait):
                publishing.clean(folder, kept_segments(folder))
                report = nothing_to_do() or run()
    _log.info("%s", report)
    return report


def _no_progress(done: int, total: int) -> None:
    pass
