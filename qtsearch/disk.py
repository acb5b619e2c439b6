"""The disk as an index is written to it: every change of a file or folder goes through :data:`layer`.

A test puts a :class:`Disk` of its own there, which fails, dies or loses what was not synced, and so meets
every step of a publish. Reading needs no layer: what is read is checked where it is read.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, Final

from qtsearch.errors import IndexDamagedError

__all__ = ["INDEX_NAME", "Disk", "discard", "layer", "open_regular"]

#: The name of the index within its folder, as Whoosh's ``open_dir`` expects it.
INDEX_NAME: Final = "MAIN"

_log = logging.getLogger(__name__)

_COPIED_AT_A_TIME: Final = 1 << 20


class Disk:
    """The steps of which all writing is made. Each raises OSError.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "file")
    >>> with layer.create(path) as file:
    ...     layer.write(file, b"what is written")
    ...     layer.sync(file)
    >>> layer.sync_folder(os.path.dirname(path))
    """

    def create(self, path: str) -> io.FileIO:
        """A new file, to be written to; its permissions follow the umask. FileExistsError if there is one."""
        return open(path, "xb", buffering=0)

    def append(self, path: str) -> io.FileIO:
        """A file to be written to at its end; made if need be."""
        return open(path, "ab", buffering=0)

    def write(self, file: io.FileIO, data: bytes | memoryview) -> None:
        """Write all of ``data``: a system may take it in parts."""
        rest = memoryview(data)
        with _named(file.name):
            while rest:
                rest = rest[file.write(rest) :]

    def sync(self, file: io.FileIO) -> None:
        """Return when what was written to the file is on the disk; its name need not be."""
        with _named(file.name):
            os.fsync(file.fileno())

    def sync_folder(self, path: str) -> None:
        """Return when the names in a folder are on the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with _named(path):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, in place of what had it."""
        os.replace(source, target)

    def link(self, source: str, target: str) -> None:
        """Give a file one more name."""
        os.link(source, target)

    def truncate(self, path: str) -> None:
        """Make a file empty."""
        os.truncate(path, 0)

    def unlink(self, path: str) -> None:
        """Take a name away from a file."""
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        """Make a folder; its permissions follow the umask."""
        os.mkdir(path)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        os.rmdir(path)

    def rmtree(self, path: str) -> None:
        """Remove a folder with all that is in it."""
        with os.scandir(path) as entries:
            found = list(entries)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                self.rmtree(entry.path)
            else:
                self.unlink(entry.path)
        self.rmdir(path)

    def copy(self, source: str, target: str) -> None:
        """Write a file once more, and fsync it."""
        with open(source, "rb") as read, self.create(target) as written:
            while data := read.read(_COPIED_AT_A_TIME):
                self.write(written, data)
            self.sync(written)


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    """An error within is one of this file or folder: the system does not say of which."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise


#: What writes. Tests replace it.
layer = Disk()


def discard(path: str) -> None:
    """Remove a file, or a folder with all in it, that nobody needs.

    That it cannot be removed is no error, for it does no harm: the log tells, and the next run tries again.
    """
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            layer.rmtree(path)
        elif os.path.lexists(path):
            layer.unlink(path)
    except FileNotFoundError:
        pass  # somebody was faster
    except OSError as error:
        _log.warning("%s is left over until the next run: %s", path, error)


def open_regular(path: str) -> BinaryIO:
    """Open for reading what must be a plain file: from a pipe, say, one would read for ever.

    Raises OSError, and IndexDamagedError for what is another kind of thing.
    """
    no_wait = getattr(os, "O_NONBLOCK", 0)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | no_wait))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise IndexDamagedError(path, "is no file")
    return file
