"""``qtsearch.reindex``: a worker is started first, then what the work itself needs is imported.

A worker takes longer to begin than this process takes to find out what is to be read, and it is the worker
that a small change waits for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from qtsearch.generations.generation import default_path
from qtsearch.reindexing.processes import available, started_early, was_large
from qtsearch.reindexing.report import ReindexReport, Timer

if TYPE_CHECKING:
    from qtsearch.parameters import RankingParameters

__all__ = ["reindex"]

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
    with started_early(processes is None and available() > 1 and was_large(folder)) as worker:
        from qtsearch.reindexing.updating import update

        return update(
            sources,
            folder,
            timer,
            worker,
            include_no_index=include_no_index,
            parameters=parameters,
            checksum=checksum,
            full=full,
            strict=strict,
            allow_shrink=allow_shrink,
            keep_previous=keep_previous,
            dry_run=dry_run,
            wait=wait,
            processes=processes,
            progress=progress or _no_progress,
        )


def _no_progress(done: int, total: int) -> None:
    pass
