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

from qtsearch.codec.sources import kept_segments
from qtsearch.generations import publishing
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing.processes import Started
from qtsearch.reindexing.report import ReindexReport, Timer
from qtsearch.reindexing.scan import find_files
from qtsearch.reindexing.unchanged import report_unchanged

__all__ = ["update"]

_log = logging.getLogger(__name__)

Path = str | os.PathLike[str]


def update(
    sources: Path | Iterable[Path],
    folder: str,
    timer: Timer,
    worker: Started | None,
    *,
    include_no_index: bool,
    parameters: RankingParameters | None,
    checksum: bool,
    full: bool,
    strict: bool,
    allow_shrink: bool,
    keep_previous: bool,
    dry_run: bool,
    wait: float,
    processes: int | None,
    progress: Callable[[int, int], None],
) -> ReindexReport:
    """What :func:`qtsearch.reindex` does; see there what the options mean.

    ``worker``: a process that waits for files to read.
    """
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
            worker=worker,
            progress=progress,
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
