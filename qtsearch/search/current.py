"""The snapshot that an open index shows, and how it moves to a newer generation while others search.

A search takes the snapshot once and keeps it, as do its hits. One that was replaced is freed, and its files
are closed, when nobody has it any more.
"""

from __future__ import annotations

import logging
import math
import os
from time import monotonic
from typing import Final

from qtsearch.errors import QtsearchError
from qtsearch.forks import Lock
from qtsearch.generations import generation
from qtsearch.search.snapshot import Snapshot
from qtsearch.search.synonyms import Synonyms

__all__ = ["Current"]

#: Seconds between two looks for a newer generation.
_INTERVAL: Final = 1.0
#: Seconds until what could not be opened is tried again, if the folder does not change before.
_RETRY: Final = 30.0
#: Seconds within which a folder may change twice and keep its time: on FAT, the coarsest.
_GRAIN: Final = 2.0

_log = logging.getLogger(__name__)


class Current:
    """The snapshot of the generation that is shown. Any number of threads may share it."""

    def __init__(self, folder: str, synonyms: Synonyms, *, abbreviations: bool, auto_refresh: bool) -> None:
        """Open the newest one. ``auto_refresh``: look once a second whether there is a newer one."""
        self._folder = folder
        self._synonyms = synonyms
        self._abbreviations = abbreviations
        self._snapshot: Snapshot | None = self._open()
        #: The number of the generation that is, or was last, shown.
        self.number = self._snapshot.generation.number
        self._closed = False
        self._moving = Lock()
        self._next_look = monotonic() + _INTERVAL if auto_refresh else math.inf
        # Of the folder as it was last seen: which one and when changed; when that was first seen; whether it
        # has been so long enough that no later change can look the same; when to read it all the same.
        self._mark = (0, 0, 0)
        self._marked = 0.0
        self._settled = False
        self._retry = math.inf
        self._told: set[str] = set()

    def _open(self) -> Snapshot:
        return Snapshot(self._folder, self._synonyms, abbreviations=self._abbreviations)

    def get(self) -> Snapshot:
        """The snapshot to be searched. Raises ValueError if the index is closed."""
        if monotonic() >= self._next_look:
            self.look()
        return self._snapshot or self._shown()

    def _shown(self) -> Snapshot:
        snapshot = self._snapshot
        if snapshot is None:
            raise ValueError("this index is closed: open it again with qtsearch.open_index")
        return snapshot

    def refresh(self) -> bool:
        """Show the newest generation; whether it is another one. Raises what open_index does."""
        before = self._shown().generation
        with self._moving:
            self._move()
        return self._shown().generation != before

    def close(self) -> None:
        """Let go of the snapshot."""
        self._closed = True
        self._next_look = math.inf
        self._snapshot = None

    def look(self) -> None:
        """Move to a newer generation, if it is time to look for one, and there is one that can be opened.

        One thread at a time looks, and opens what is new; the others go on with what there is.
        """
        now = monotonic()
        if now < self._next_look or not self._moving.acquire(blocking=False):
            return
        try:
            self._next_look = now + _INTERVAL
            if self._may_have_changed(now):
                self._move()
                self._retry = math.inf
        except (QtsearchError, OSError) as error:
            # It may have taken long, and may be put right without a trace in the folder.
            self._settled, self._retry = True, now + _RETRY
            if str(error) not in self._told:
                self._told.add(str(error))
                _log.warning("still showing generation %d: %s", self.number, error)
        finally:
            self._moving.release()

    def _may_have_changed(self, now: float) -> bool:
        """Whether the folder may have changed since it was last read, by its time: some microseconds."""
        status = os.stat(self._folder)
        mark = status.st_dev, status.st_ino, status.st_mtime_ns
        if mark != self._mark:
            self._mark, self._marked, self._settled = mark, now, False
        elif self._settled and now < self._retry:
            return False
        # Measured by our clock: that of the file system may be another.
        self._settled = now - self._marked > _GRAIN
        return True

    def _move(self) -> None:
        """Show the newest generation."""
        before = self._snapshot
        if before is None or generation.latest(self._folder) == before.generation:
            return
        snapshot = self._open()
        snapshot.prepare(before)
        self._snapshot, self.number = snapshot, snapshot.generation.number
        if self._closed:  # in between
            self._snapshot = None
        self._told.clear()
        _log.info("showing generation %d", self.number)
