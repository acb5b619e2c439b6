"""Folders → the article files in them, with what the file system says of each. No file is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from qtsearch.errors import SourceError

__all__ = ["Files", "find_files"]

Path = str | os.PathLike[str]


class Files(NamedTuple):
    """Files: ``paths`` as they were reached; ``keys``, the same absolute; sizes in bytes, mtimes in ns.

    In columns, which take less time to make and to compare than one object for each.
    """

    paths: tuple[str, ...]
    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    mtimes: tuple[int, ...]


def find_files(sources: Iterable[Path]) -> Files:
    """The files to read, each once, sorted by path.

    ``sources``: folders, searched for ``.md`` files, and files, taken whatever they are called. Hidden files
    and folders are passed over, and links: to folders, and to files outside of the folder they were found in.

    Raises SourceError for a source that does not exist, and if there is no file.
    """
    found: list[tuple[str, str, int, int]] = []
    several = [os.fspath(source) for source in sources]
    for source in several:
        if os.path.isdir(source):
            found += _markdown_files(source)
        elif os.path.exists(source):
            status = os.stat(source)
            found.append((source, os.path.abspath(source), status.st_size, status.st_mtime_ns))
        else:
            raise SourceError(f"{source!r} does not exist: name a folder of articles or an article file")
    if not found:
        raise SourceError("no article files (.md) in the sources; nothing was published")
    if len(several) > 1:
        found = [*{file[1]: file for file in found}.values()]
    return Files(*zip(*sorted(found, key=itemgetter(0)), strict=True))


def _markdown_files(folder: str) -> list[tuple[str, str, int, int]]:
    """Of each file what :class:`Files` has."""
    inside = os.path.realpath(folder) + os.sep
    found = []
    waiting = [(folder, os.path.abspath(folder))]
    while waiting:
        path, key = waiting.pop()
        start = key + os.sep
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == ".":
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, start + name))
                    elif name.endswith(".md") and (
                        entry.is_file(follow_symlinks=False)
                        or (entry.is_file() and os.path.realpath(entry.path).startswith(inside))
                    ):
                        status = entry.stat()
                        found.append((entry.path, start + name, status.st_size, status.st_mtime_ns))
        except OSError as error:
            raise SourceError(f"{error.filename!r} cannot be read: {error.strerror}") from error
    return found
