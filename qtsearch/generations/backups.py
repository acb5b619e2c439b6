"""A consistent copy of an index while it is searched and written to.

The files of one generation are opened first: then a newer one may be published, and their names go, but not
what they hold. They are copied, not linked, for a copy must outlive damage of what it is a copy of.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import BinaryIO, Final

from qtsearch import disk
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.segment import INDEX_NAME
from qtsearch.errors import BackupError, IndexDamagedError
from qtsearch.generations import generation, publishing
from qtsearch.generations.generation import Generation, default_path

__all__ = ["backup"]

_MAX_ATTEMPTS: Final = 20
_COPIED_AT_A_TIME: Final = 1 << 20


def backup(index: str | os.PathLike[str] | None, target: str | os.PathLike[str]) -> int:
    """Copy the current generation into a folder of its own; returns the generation's number.

    The copy is an index: it opens, searches, and can be reindexed. It is synced, and every checksum in it was
    checked. What makes it an index is written last: where this was interrupted, there is none.

    Args:
        index: the folder of the index; by default ``$QTSEARCH_INDEX``, else ``index``.
        target: a folder that does not exist, or is empty.

    Raises:
        BackupError: there is something in ``target`` already.
        IndexMissingError, ForeignSegmentError: as ``open_index``.
        IndexVersionError, IndexDamagedError: as ``open_index``, or a checksum is wrong; no copy is left.
        OSError: the copy cannot be written; none is left.

    >>> import qtsearch
    >>> report = qtsearch.reindex("examples/articles", "index")
    >>> qtsearch.backup("index", "backups/monday") == report.generation
    True
    >>> with qtsearch.open_index("backups/monday") as index:
    ...     len(index)
    66
    """
    source = os.path.abspath(default_path() if index is None else os.fspath(index))
    folder = os.path.abspath(os.fspath(target))
    with contextlib.ExitStack() as opened:
        current, files = _pin(source, opened)
        existed = _exists_empty(folder)
        try:
            publishing.make_index_folder(folder)
            _copy(files, source, folder, current)
        except BaseException:
            for name in reversed(files):  # what makes it an index first
                disk.discard(os.path.join(folder, name))
            if not existed:
                with contextlib.suppress(OSError):  # not empty: somebody else's
                    disk.layer.rmdir(folder)
            raise
    return current.number


def _pin(source: str, opened: contextlib.ExitStack) -> tuple[Generation, dict[str, BinaryIO]]:
    """Open all files of the current generation: by name, the table of contents last."""
    for _ in range(_MAX_ATTEMPTS):
        current = generation.latest(source)
        prefix, toc = f"{INDEX_NAME}_{current.segment_id}.", f"_{INDEX_NAME}_{current.number}.toc"
        names = sorted(name for name in os.listdir(source) if name.startswith(prefix))
        with contextlib.ExitStack() as trial:
            try:
                files: dict[str, BinaryIO] = {
                    name: trial.enter_context(open(os.path.join(source, name), "rb"))
                    for name in [*names, toc]
                    if stat.S_ISREG(os.stat(os.path.join(source, name)).st_mode)
                }
            except FileNotFoundError:
                continue  # a newer generation was published
            # Files go only after a newer generation is there: these are all there were.
            if generation.latest(source) == current:
                for name in (f"{prefix}arrays", f"{prefix}impacts"):
                    if name not in files:
                        raise IndexDamagedError(os.path.join(source, name), "is missing")
                opened.push(trial.pop_all())
                return current, files
    raise IndexDamagedError(source, "changes faster than it can be opened")


def _exists_empty(folder: str) -> bool:
    """Whether it is there already. Raises BackupError if anything is in it, or if it is no folder."""
    if not os.path.lexists(folder):
        return False
    if not os.path.isdir(folder):
        raise BackupError(f"{folder} is a file: name a new folder for the backup")
    if os.listdir(folder):
        raise BackupError(f"{folder} is not empty: name a new folder for the backup")
    return True


def _copy(files: dict[str, BinaryIO], source: str, folder: str, current: Generation) -> None:
    *arrays, toc = files
    for name in arrays:
        _copy_file(files[name], os.path.join(folder, name))
        for damage in ArrayFile(os.path.join(folder, name)).damages():
            what = repr(damage.name) if damage.name else "what lies between its arrays"
            reason = f"is damaged in {what}, bytes {damage.start:,} to {damage.stop:,}"
            raise IndexDamagedError(os.path.join(source, name), reason)
    unfinished = os.path.join(folder, f"{toc}.unfinished")
    try:
        _copy_file(files[toc], unfinished)
        os.utime(unfinished, ns=(current.published_ns, current.published_ns))  # when it was published
        disk.layer.sync_folder(folder)
        disk.layer.rename(unfinished, os.path.join(folder, toc))
    except BaseException:
        disk.discard(unfinished)
        raise
    disk.layer.sync_folder(folder)
    disk.layer.sync_folder(os.path.dirname(folder))


def _copy_file(source: BinaryIO, path: str) -> None:
    with disk.layer.create(path) as file:
        while data := source.read(_COPIED_AT_A_TIME):
            disk.layer.write(file, data)
        disk.layer.sync(file)
