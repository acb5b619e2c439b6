"""Making a generation current: the write lock, the synced table of contents, the clean-up.

A publish is old or new at every instant: the segment's files are written under a new name and synced, then
Whoosh's TOC is written, synced and renamed into place. Files that no generation needs any more are unlinked;
whoever has them mapped keeps them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import time
from types import TracebackType
from typing import Final

from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC, clean_files

from qtsearch import generation
from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.plugin import ArraySegment
from qtsearch.codec.segment import INDEX_NAME, SEGMENT_EXTENSIONS
from qtsearch.errors import IndexLockedError, QtsearchError

__all__ = [
    "WriteLock",
    "discard_segment",
    "make_work_folder",
    "new_segment_id",
    "next_number",
    "publish",
    "sync",
]

_LOCK_NAME: Final = f"{INDEX_NAME}_WRITELOCK"  # the one that Whoosh's own writers take
_WORK_SUFFIX: Final = ".work"


class WriteLock:
    """The right to write to an index: held by one process at a time, and free again when that one dies."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, _LOCK_NAME)
        self._lock = FileStorage(folder).lock(_LOCK_NAME)

    def __enter__(self) -> WriteLock:
        """Take the lock. Raises IndexLockedError, which says who holds it."""
        if not self._lock.acquire(blocking=False):
            with open(self._path, encoding="utf-8", errors="replace") as file:
                holder = file.read().strip() or "another program"
            raise IndexLockedError(f"{self._path} is locked by {holder}: try again when it has ended")
        with open(self._path, "w", encoding="utf-8") as file:
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T%z')}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.truncate(self._path, 0)  # nobody is to be blamed for the next one who holds it
        self._lock.release()


def new_segment_id() -> str:
    """Sixteen random characters: a name that no file of the index ever had."""
    return secrets.token_hex(8)


def make_work_folder(folder: str, segment_id: str) -> str:
    """A folder for temporary files, within that of the index. Those of runs that were killed are removed."""
    for name in os.listdir(folder):
        if name.startswith(f"{INDEX_NAME}_") and name.endswith(_WORK_SUFFIX):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    path = os.path.join(folder, f"{INDEX_NAME}_{segment_id}{_WORK_SUFFIX}")
    os.mkdir(path)
    return path


def discard_segment(folder: str, segment_id: str) -> None:
    """Remove the files of a segment, unless it was published after all before something went wrong."""
    with contextlib.suppress(QtsearchError):
        if generation.latest(folder).segment_id == segment_id:
            return
    for extension in SEGMENT_EXTENSIONS:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, f"{INDEX_NAME}_{segment_id}{extension}"))


def publish(folder: str, segment_id: str, n_docs: int) -> int:
    """Make a segment, whose files are written and synced, the current one; returns the generation's number.

    The caller holds the lock. Raises OSError; the generation before is then still current.
    """
    number = next_number(folder)
    segment = ArraySegment(INDEX_NAME, segment_id, n_docs)
    storage = _SyncedStorage(folder)
    TOC(whoosh_schema(), [segment], number).write(storage, INDEX_NAME)
    clean_files(storage, INDEX_NAME, number, [segment])
    for name in os.listdir(folder):
        if name.startswith(f"_{INDEX_NAME}_") and ".toc." in name:
            os.unlink(os.path.join(folder, name))  # the unfinished TOC of a run that was killed
    return number


def next_number(folder: str) -> int:
    """The number of the generation to be published next."""
    with contextlib.suppress(QtsearchError):
        return generation.latest(folder).number + 1
    # No index, or none that can be read: number it after whatever Whoosh sees there.
    seen: int = TOC._latest_generation(FileStorage(folder), INDEX_NAME)
    return max(0, seen) + 1


class _SyncedStorage(FileStorage):  # type: ignore[misc]
    """Whoosh's storage, with what it leaves out: a rename is of a synced file, in a synced folder."""

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        sync(self._fpath(oldname))
        sync(self.folder)
        super().rename_file(oldname, newname, safe)
        sync(self.folder)


def sync(path: str) -> None:
    """fsync a file or a folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
