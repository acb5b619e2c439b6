"""Making a generation current: a synced segment, a table of contents renamed into place, the clean-up.

A publish is old or new at every instant. Each step is on the disk before the next one rests on it: the
segment's files, their names, Whoosh's TOC under a temporary name, its rename. Only then are files unlinked
that no generation needs any more; whoever has them mapped keeps them. See docs/durability.md.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Collection
from typing import Final

from qtsearch import disk
from qtsearch.codec.segment import INDEX_NAME, SEGMENT_EXTENSIONS, segment_file
from qtsearch.errors import IndexMissingError, QtsearchError
from qtsearch.generations import generation
from qtsearch.generations.locking import WriteLock

__all__ = [
    "WriteLock",
    "clean",
    "discard_segment",
    "is_published",
    "make_index_folder",
    "make_work_folder",
    "new_segment_id",
    "next_number",
    "prepare",
    "publish",
]

_TOC_NAME: Final = re.compile(rf"_{INDEX_NAME}_([0-9]+)\.toc")
_TEMPORARY_NAME: Final = re.compile(rf"_{INDEX_NAME}_[0-9]+\.toc\..+|{INDEX_NAME}_[0-9a-z]+\.work")
_OUR_EXTENSIONS: Final = "|".join(re.escape(extension) for extension in SEGMENT_EXTENSIONS)
#: A file of a segment: ours, or Whoosh's, whose names are of 16 characters.
_SEGMENT_NAME: Final = re.compile(
    rf"{INDEX_NAME}_(?:([0-9a-z]+)(?:{_OUR_EXTENSIONS})|([0-9a-z]{{16}})\.[A-Za-z0-9_.]+)"
)


def make_index_folder(folder: str) -> None:
    """Make the folder of an index, and those it lies in, so that they outlast a power cut. Raises OSError."""
    folder = os.path.abspath(folder)
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_index_folder(parent)
    with contextlib.suppress(FileExistsError):  # another process was faster, or a file has the name:
        disk.layer.mkdir(folder)  # then taking the lock fails, and says so
    disk.layer.sync_folder(parent)


def new_segment_id() -> str:
    """Sixteen random characters: a name that no file of the index ever had."""
    return os.urandom(8).hex()


def make_work_folder(folder: str, segment_id: str) -> str:
    """A folder for temporary files, within that of the index. Raises OSError."""
    path = os.path.join(folder, _work_name(segment_id))
    try:
        disk.layer.mkdir(path)
    except BaseException:
        disk.discard(path)
        raise
    return path


def _work_name(segment_id: str) -> str:
    return f"{INDEX_NAME}_{segment_id}.work"


def is_published(folder: str, segment_id: str) -> bool:
    """Whether this segment is the current one: also when :func:`publish` did not return."""
    with contextlib.suppress(QtsearchError):
        return generation.latest(folder).segment_id == segment_id
    return False


def discard_segment(folder: str, segment_id: str) -> None:
    """Remove the files of a segment, unless it was published after all before something went wrong."""
    if not is_published(folder, segment_id):
        for extension in SEGMENT_EXTENSIONS:
            disk.discard(segment_file(folder, segment_id, extension))


def prepare() -> None:
    """Import what publishing needs, which takes a while, at a time when there is nothing better to do."""
    for module in ("whoosh.index", "qtsearch.codec.fields", "qtsearch.codec.plugin"):
        importlib.import_module(module)


def publish(folder: str, segment_id: str, n_docs: int, keep: Collection[str] = ()) -> int:
    """Make a segment, whose files are written and synced, the current one; returns the generation's number.

    The caller holds the lock, and removes its work folder. ``keep``: ids of other segments whose files stay.

    Raises OSError. Then the generation before is still current, or, if it was the last sync that failed, the
    new one is, and may be lost with the power: :func:`is_published` tells. A clean-up that fails is no error.
    """
    disk.layer.sync_folder(folder)
    number = next_number(folder)
    path = os.path.join(folder, f"_{INDEX_NAME}_{number}.toc")
    temporary = f"{path}.{segment_id}"
    try:
        with disk.layer.create(temporary) as file:
            disk.layer.write(file, _table_of_contents(number, segment_id, n_docs))
            disk.layer.sync(file)
        disk.layer.rename(temporary, path)
    except BaseException:
        disk.discard(temporary)
        raise
    disk.layer.sync_folder(folder)
    litter = _litter(folder, number, {segment_id, *keep})
    _discard_all(folder, [name for name in litter if name != _work_name(segment_id)])
    return number


def clean(folder: str, keep: Collection[str] = ()) -> None:
    """Remove what runs that were killed have left: for the beginning of a run, or the end of one that failed.

    The caller holds the lock. ``keep``: ids of segments whose files stay, beside the current one's. Files
    that are not of this index stay; so do all segments of an index that cannot be read. Raises OSError if
    the folder cannot be synced.
    """
    try:
        current = generation.latest(folder)
    except IndexMissingError:
        litter = _litter(folder, 0, {*keep})
    except QtsearchError:
        litter = [name for name in os.listdir(folder) if _TEMPORARY_NAME.fullmatch(name)]
    else:
        litter = _litter(folder, current.number, {current.segment_id, *keep})
    if litter:
        # The run before may have died between its rename and its sync. The old files are all there is then.
        disk.layer.sync_folder(folder)
        _discard_all(folder, litter)


def _litter(folder: str, number: int, needed: set[str]) -> list[str]:
    """The names of what neither generation ``number`` nor a needed segment is made of, TOCs first."""
    found = []
    for name in os.listdir(folder):
        toc, segment = _TOC_NAME.fullmatch(name), _SEGMENT_NAME.fullmatch(name)
        if (
            _TEMPORARY_NAME.fullmatch(name)
            or (toc and int(toc[1]) != number)
            or (segment and (segment[1] or segment[2]) not in needed)
        ):
            found.append(name)
    return sorted(found, key=lambda name: (not name.startswith("_"), name))


def _discard_all(folder: str, names: list[str]) -> None:
    for name in names:
        disk.discard(os.path.join(folder, name))


def next_number(folder: str) -> int:
    """The number of the generation to be published next."""
    with contextlib.suppress(QtsearchError):
        return generation.latest(folder).number + 1
    # No index, or none that can be read: number it after whatever Whoosh sees there.
    from whoosh.filedb.filestore import FileStorage
    from whoosh.index import TOC

    seen: int = TOC._latest_generation(FileStorage(folder), INDEX_NAME)
    return max(0, seen) + 1


def _table_of_contents(number: int, segment_id: str, n_docs: int) -> bytes:
    """What Whoosh would write, which neither syncs it nor goes through our disk."""
    # Here: a run that finds nothing changed, most nights', does without Whoosh.
    from whoosh.filedb.filestore import RamStorage
    from whoosh.index import TOC

    from qtsearch.codec.fields import whoosh_schema
    from qtsearch.codec.plugin import ArraySegment

    storage = RamStorage()
    TOC(whoosh_schema(), [ArraySegment(INDEX_NAME, segment_id, n_docs)], number).write(storage, INDEX_NAME)
    data: bytes = storage.files[f"_{INDEX_NAME}_{number}.toc"]
    return data
