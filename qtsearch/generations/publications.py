"""What was published when; and back to the generation before, where that was kept."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any, Final

from qtsearch import disk
from qtsearch.codec.container import OLDEST_WITH_METADATA, ArrayFile
from qtsearch.codec.filetable import FileTable
from qtsearch.codec.segment import Segment
from qtsearch.codec.sources import Previous, kept_segments, rewrite_sources, sources_path
from qtsearch.errors import QtsearchError, RollbackError
from qtsearch.generations import generation, publishing
from qtsearch.generations.generation import default_path

__all__ = ["HISTORY_LENGTH", "Publication", "entries_so_far", "entry_of", "history", "rollback"]

#: Generations that the history tells of.
HISTORY_LENGTH: Final = 100

Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Publication:
    """One generation: its number, when (UTC) and ``by`` what it was published, and what it changed.

    ``pages``: of the index then. ``rejected``: files that were no articles, or gave way to others.
    """

    generation: int
    published: datetime.datetime
    by: str
    pages: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    moved: int = 0
    rejected: int = 0

    def to_dict(self) -> dict[str, Any]:
        """What ``history --json`` prints; the time in ISO form."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"published": self.published.isoformat(timespec="seconds")}


def history(index: Path | None = None) -> list[Publication]:
    """The generations of an index that ``reindex`` and ``rollback`` have published, newest first.

    Args:
        index: the folder of the index; by default ``$QTSEARCH_INDEX``, else ``index``.

    Raises:
        IndexMissingError, IndexVersionError, IndexDamagedError, ForeignSegmentError: as ``open_index``.
    """
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    current = generation.latest(folder)
    entries = ArrayFile(sources_path(folder, current.segment_id)).metadata["history"]
    return [
        Publication(**{**entry, "published": datetime.datetime.fromisoformat(entry["published"])})
        for entry in reversed(entries)
    ]


def entries_so_far(folder: str) -> list[dict[str, Any]]:
    """The history as it is stored, oldest first; none where it cannot be read."""
    try:
        path = sources_path(folder, generation.latest(folder).segment_id)
        return list(ArrayFile(path, OLDEST_WITH_METADATA).metadata["history"])
    except (QtsearchError, OSError, KeyError, TypeError):
        return []


def entry_of(number: int, by: str, pages: int, **changes: int) -> dict[str, Any]:
    """An entry of the history, for now."""
    now = datetime.datetime.now(datetime.UTC)
    return Publication(number, now, by, pages, **changes).to_dict()


def rollback(index: Path | None = None, *, wait: float = 0.0) -> int:
    """Publish the generation before once more, if it was kept; returns the number that it has now.

    The next ``reindex`` finds what has changed since, and brings the index up to date again.

    Args:
        index: the folder of the index; by default ``$QTSEARCH_INDEX``, else ``index``.
        wait: seconds to wait for another process that writes to the index.

    Raises:
        RollbackError: no generation was kept (``reindex(keep_previous=True)``).
        IndexMissingError, IndexVersionError, IndexDamagedError, ForeignSegmentError: as ``open_index``.
        IndexLockedError: another process is writing to this index.
        OSError: the index cannot be written.
    """
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    generation.latest(folder)  # before a lock is taken where no index is
    with publishing.WriteLock(folder, wait):
        publishing.clean(folder, kept_segments(folder))
        current = generation.latest(folder)
        metadata = ArrayFile(sources_path(folder, current.segment_id)).metadata
        previous = Previous.of(metadata)
        if previous is None:
            raise RollbackError(
                f"{folder}: the generation before was not kept: `reindex --keep-previous` does that"
            )
        try:
            segment = Segment(folder, previous.segment_id)
            before = ArrayFile(sources_path(folder, previous.segment_id))
        except FileNotFoundError as error:  # in a backup, say
            raise RollbackError(f"{error.filename} is gone, so there is no going back") from error
        number = publishing.next_number(folder)
        entry = entry_of(number, f"rollback to {previous.generation}", segment.n_docs)
        work = publishing.make_work_folder(folder, publishing.new_segment_id())
        try:
            entries = [*metadata["history"], entry][-HISTORY_LENGTH:]
            changed = {**before.metadata, "history": entries, "previous": None}
            rewrite_sources(before, work, FileTable.read(before), changed)
            return publishing.publish(folder, segment.segment_id, segment.n_docs)
        finally:
            disk.discard(work)
