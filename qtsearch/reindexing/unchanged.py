"""The run that finds nothing changed, as most nights do: told by the table of files of the index alone.

The table is compared as a whole, and of its rows only those are read that a report names. That takes less
time than importing what reads articles.
"""

from __future__ import annotations

import os
from typing import Final

import numpy as np

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.filetable import STATES, read_paths, read_reasons
from qtsearch.codec.sources import sources_path
from qtsearch.errors import ArticleError, QtsearchError
from qtsearch.generations import generation
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing.report import ReindexReport, Timer
from qtsearch.reindexing.scan import Files

__all__ = ["report_unchanged"]

_REJECTED: Final = STATES.index("rejected")
_NO_INDEX: Final = STATES.index("no_index")


def report_unchanged(
    folder: str,
    files: Files,
    timer: Timer,
    *,
    include_no_index: bool,
    parameters: RankingParameters | None,
    strict: bool,
    dry_run: bool,
) -> ReindexReport | None:
    """What is to be said if a run with these options would change nothing; None where it may.

    ``files``: as found now. For the others see :func:`qtsearch.reindex`.
    """
    try:
        current, segment = generation.open_segment(folder)
        table = ArrayFile(sources_path(folder, current.segment_id))
        if (
            table.metadata["include_no_index"] != include_no_index
            or parameters not in (None, segment.parameters)
            or not _as_they_were(files, table)
        ):
            return None
        kept = np.flatnonzero((table["states"] == _REJECTED) & (table["file_docs"] >= 0)).tolist()
        if strict and kept:
            return None
        sizes = [os.path.getsize(file.path) for file in (*segment.files, table)]
        reasons = sorted(read_reasons(table).items())
        timer.end("read")
        return ReindexReport(
            index=folder,
            generation=current.number,
            published=False,
            dry_run=dry_run,
            full=False,
            pages=segment.n_docs,
            files=len(files.keys),
            added=0,
            changed=0,
            removed=0,
            moved=0,
            unchanged=int((table["file_docs"] >= 0).sum()),
            rejected=tuple(ArticleError(files.paths[n], line, reason) for n, (line, reason) in reasons),
            kept=tuple(files.paths[number] for number in kept),
            no_index=int((table["states"] == _NO_INDEX).sum()),
            warnings=tuple(table.metadata["warnings"]),
            phases=timer.phases,
            seconds=timer.seconds,
            size_bytes=sum(sizes),
        )
    except (QtsearchError, OSError):
        return None  # no index, or a damaged one: the run that comes now says so


def _as_they_were(files: Files, table: ArrayFile) -> bool:
    """Whether these are the files of the table, in their order, of the same sizes and times."""
    return (
        len(files.keys) == len(table["sizes"])
        and files.mtimes == tuple(table["mtimes"].tolist())
        and files.sizes == tuple(table["sizes"].tolist())
        and files.keys == tuple(read_paths(table))
        and bool(table["digests"].any(axis=1).all())  # one that could not be read is tried again
    )
