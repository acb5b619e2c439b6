"""The write lock: one process, and in it one thread, writes to an index at a time.

The lock is the system's, on the file that Whoosh's own writers lock, so it is free again when whoever held it
dies, however that was. The file's text only says who holds it.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import socket
import sys
import time
import weakref
from types import TracebackType
from typing import Final

from qtsearch import disk
from qtsearch.codec.segment import INDEX_NAME
from qtsearch.errors import IndexLockedError

__all__ = ["LOCK_NAME", "WriteLock"]

_log = logging.getLogger(__name__)

LOCK_NAME: Final = f"{INDEX_NAME}_WRITELOCK"  # the one that Whoosh's own writers take
_POLL_SECONDS: Final = 0.05
#: What the system says of a lock that somebody else has.
_TAKEN: Final = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_NOTE: Final = re.compile(r"process (\d+) on (.*) since (.*)\n")


class WriteLock:
    """The right to write to an index, as a context manager.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with WriteLock(folder), WriteLock(folder, wait=0.1):
    ...     pass
    Traceback (most recent call last):
    qtsearch.errors.IndexLockedError: ...
    """

    def __init__(self, folder: str, wait: float = 0.0) -> None:
        """``wait``: seconds that it may take to get the lock. Raises ValueError if that is less than 0."""
        if not wait >= 0:  # nor is it "not a number"
            raise ValueError(f"wait must be 0 seconds or more, not {wait}")
        self._wait = wait
        self._path = os.path.join(folder, LOCK_NAME)
        self._file: int | None = None  # the descriptor that holds the lock

    def __enter__(self) -> WriteLock:
        """Take the lock.

        Raises:
            IndexLockedError: somebody else held it all the while; says who.
            OSError: the folder cannot be written to.
        """
        deadline = time.monotonic() + self._wait
        disk.layer.append(self._path).close()  # Whoosh would make it executable
        while not self._acquire():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise IndexLockedError(self._path, *_holder(self._path))
            time.sleep(min(_POLL_SECONDS, remaining))
        try:
            _held.add(self)
            since = time.strftime("%F %T%z")
            self._note(f"process {os.getpid()} on {socket.gethostname()} since {since}\n")
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return  # in the child of a fork
        try:
            self._note("")  # nobody is to be blamed for the next one who holds it
        finally:
            self._release()

    def _note(self, text: str) -> None:
        try:
            disk.layer.truncate(self._path)
            if text:
                with disk.layer.append(self._path) as file:
                    disk.layer.write(file, text.encode())
        except OSError as error:
            # The lock holds without it. Where the disk is full, this run may be the one that makes room.
            _log.warning("%s does not say who holds it: %s", self._path, error)

    def _acquire(self) -> bool:
        file = os.open(self._path, os.O_WRONLY)
        try:
            _take(file)
        except BaseException as error:
            os.close(file)
            if isinstance(error, OSError) and error.errno in _TAKEN:
                return False
            raise
        self._file = file
        return True

    def _release(self) -> None:
        _held.discard(self)
        if self._file is not None:
            _give_back(self._file)  # at once, though a child on its way to its own program may have it open
        self._leave()

    def _leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _give_back(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_held: weakref.WeakSet[WriteLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """A fork has its parent's lock: kept, it would outlive the parent; released, it would be lost to it."""
    for lock in _held:
        lock._leave()
    _held.clear()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_leave_to_parent)


def _holder(path: str) -> tuple[int, str, str]:
    """Process, host and time in the text of a lock; 0 and nothing where it does not say, or of a dead one."""
    with open(path, encoding="utf-8", errors="replace") as file:
        note = _NOTE.fullmatch(file.read())
    if note is None or (note[2] == socket.gethostname() and not _lives(int(note[1]))):
        return 0, "", ""
    return int(note[1]), note[2], note[3]


def _lives(process: int) -> bool:
    if os.name != "posix":
        return True  # on Windows, asking would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # somebody else's; or a number that another system wrote
    return True
