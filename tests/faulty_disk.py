"""Disks that fail, kill, or lose with the power what was not synced, for ``qtsearch.disk.layer``.

Each counts the steps it is asked for, and goes wrong at one of them. What is left after a power cut is the
worst that POSIX permits: of contents that were not synced nothing, a part, zeros or garbage; of changes in
a folder that was not synced any, each by itself, and a rename may leave both names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

from qtsearch import disk
from qtsearch.disk import Disk

__all__ = ["KINDS", "DeadlyDisk", "FailingDisk", "FaultyDisk", "PowerCut", "SimulatedCrash", "installed"]

#: The kind of each step.
KINDS = {
    "create": "write",
    "append": "write",
    "write": "write",
    "truncate": "write",
    "sync": "fsync",
    "sync_folder": "fsync",
    "rename": "rename",
    "link": "link",
    "mkdir": "folder",
    "unlink": "clean-up",
    "rmdir": "clean-up",
}
#: What a full disk still does.
_FREES_ROOM = {"truncate", "unlink", "rmdir"}

T = TypeVar("T")


class SimulatedCrash(BaseException):
    """The machine is off. No Exception: nobody is left to handle it."""


@contextlib.contextmanager
def installed(layer: Disk) -> Iterator[None]:
    """All is written through this one for a while."""
    before, disk.layer = disk.layer, layer
    try:
        yield
    finally:
        disk.layer = before


class FaultyDisk(Disk):
    """Counts, and goes wrong at step ``at``, from 0; -1: never. Steps of other kinds than ``kind`` do not
    count, if that is given. ``when``: "before" the step, "after" it, or, for a write, when "half" is written.

    Nothing is really synced, for that takes most of the time: the machine itself goes on.
    """

    def __init__(self, at: int = -1, *, kind: str = "", when: str = "before") -> None:
        self.steps: list[str] = []
        self._at = at
        self._kind = kind
        self._when = when

    def go_wrong(self, step: str) -> None:
        """What happens at step ``at``."""

    def _do(self, step: str, act: Callable[[], T], half: Callable[[], object] = lambda: None) -> T:
        if self._kind not in ("", KINDS[step]):
            return act()
        now = len(self.steps) == self._at
        self.steps.append(step)
        if now and self._when != "after":
            if self._when == "half":
                half()
            self.go_wrong(step)
        result = act()
        if now and self._when == "after":
            self.go_wrong(step)
        return result

    def create(self, path):
        return self._do("create", lambda: Disk.create(self, path))

    def append(self, path):
        return self._do("append", lambda: Disk.append(self, path))

    def write(self, file, data):
        if data:
            half = memoryview(data)[: len(data) // 2]
            self._do("write", lambda: Disk.write(self, file, data), lambda: Disk.write(self, file, half))

    def sync(self, file):
        self._do("sync", lambda: None)

    def sync_folder(self, path):
        self._do("sync_folder", lambda: None)

    def rename(self, source, target):
        self._do("rename", lambda: Disk.rename(self, source, target))

    def link(self, source, target):
        self._do("link", lambda: Disk.link(self, source, target))

    def truncate(self, path):
        self._do("truncate", lambda: Disk.truncate(self, path))

    def unlink(self, path):
        self._do("unlink", lambda: Disk.unlink(self, path))

    def mkdir(self, path):
        self._do("mkdir", lambda: Disk.mkdir(self, path))

    def rmdir(self, path):
        self._do("rmdir", lambda: Disk.rmdir(self, path))


class FailingDisk(FaultyDisk):
    """OSError with this number at the step; with ``lasting`` at every later one, too."""

    def __init__(self, at: int, number: int, *, lasting: bool = False, when: str = "before") -> None:
        super().__init__(at, when=when)
        self._number = number
        self._lasting = lasting

    def go_wrong(self, step: str) -> None:
        if self._lasting:
            self._at += 1
        if self._number != errno.ENOSPC or step not in _FREES_ROOM:
            raise OSError(self._number, os.strerror(self._number))


class DeadlyDisk(FaultyDisk):
    """Kills the process at the step, as kill -9 does."""

    def go_wrong(self, step: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


# -- the power cut -----------------------------------------------------------------------------------------


@dataclass(eq=False)
class _File:
    """Its contents, and those of the last fsync, which there need not have been."""

    contents: bytes = b""
    synced: bytes | None = None


class _Change(NamedTuple):
    """``name`` stands for ``node`` now, for nothing if that is None, and ``source`` for nothing any more."""

    name: str
    node: _File | _Folder | None
    source: str = ""


@dataclass(eq=False)
class _Folder:
    """What is in it; what was at the last fsync; what was changed since then."""

    names: dict[str, _File | _Folder] = field(default_factory=dict)
    synced: dict[str, _File | _Folder] = field(default_factory=dict)
    changes: list[_Change] = field(default_factory=list)

    def change(self, name: str, node: _File | _Folder | None, source: str = "") -> None:
        self.changes.append(_Change(name, node, source))
        if source:
            del self.names[source]
        if node is None:
            del self.names[name]
        else:
            self.names[name] = node


class PowerCut(FaultyDisk):
    """The power goes before step ``at``: that one and all that are tried after it are a SimulatedCrash.

    ``top`` is a folder that holds all that is written to. What was in it at first is taken to be synced.
    :meth:`power_up` brings it into one of the states that it may be in when the power is back.
    """

    def __init__(self, top: str | os.PathLike[str], at: int = -1) -> None:
        super().__init__(at)
        self._top = os.fspath(top)
        self._root = _read(self._top)

    def go_wrong(self, step: str) -> NoReturn:
        self._at += 1
        raise SimulatedCrash(step)

    def go_on(self, at: int = -1) -> None:
        """It was only a process that died: what it wrote is there, but no more synced than it was. The power
        goes before the ``at``-th step from now."""
        self._at = len(self.steps) + at if at >= 0 else -1

    def power_up(self, rng: random.Random) -> None:
        """Lose of what was not synced what ``rng`` chooses."""
        shutil.rmtree(self._top)
        _write(self._root, self._top, rng, rng.choice((0.0, 0.1, 0.5, 0.9, 1.0)))

    def _place(self, path: str) -> tuple[_Folder, str]:
        folder = self._root
        *parents, name = os.path.relpath(path, self._top).split(os.sep)
        for parent in parents:
            folder = folder.names[parent]
        return folder, name

    def _node(self, path: str) -> _File | _Folder:
        folder, name = self._place(path)
        return self._root if name == os.curdir else folder.names[name]

    def _change(self, path: str, node: _File | _Folder | None) -> None:
        folder, name = self._place(path)
        folder.change(name, node)

    def create(self, path):
        file = super().create(path)
        self._change(path, _File())
        return file

    def append(self, path):
        file = super().append(path)
        folder, name = self._place(path)
        if name not in folder.names:
            folder.change(name, _File())
        return file

    def write(self, file, data):
        super().write(file, data)
        self._node(file.name).contents += bytes(data)

    def sync(self, file):
        super().sync(file)
        node = self._node(file.name)
        node.synced = node.contents

    def sync_folder(self, path):
        super().sync_folder(path)
        node = self._node(path)
        node.synced = dict(node.names)
        node.changes.clear()

    def rename(self, source, target):
        super().rename(source, target)
        folder, name = self._place(target)
        source_folder, source_name = self._place(source)
        node = self._node(source)
        if source_folder is folder:
            folder.change(name, node, source_name)
        else:
            folder.change(name, node)
            source_folder.change(source_name, None)

    def link(self, source, target):
        super().link(source, target)
        self._change(target, self._node(source))

    def truncate(self, path):
        super().truncate(path)
        self._node(path).contents = b""

    def unlink(self, path):
        super().unlink(path)
        self._change(path, None)

    def mkdir(self, path):
        super().mkdir(path)
        self._change(path, _Folder())

    def rmdir(self, path):
        super().rmdir(path)
        self._change(path, None)


def _read(path: str) -> _Folder:
    """A folder, all of it synced."""
    folder = _Folder()
    for entry in os.scandir(path):
        if entry.is_dir():
            folder.names[entry.name] = _read(entry.path)
        else:
            contents = Path(entry.path).read_bytes()
            folder.names[entry.name] = _File(contents, contents)
    folder.synced = dict(folder.names)
    return folder


def _write(folder: _Folder, path: str, rng: random.Random, kept: float) -> None:
    """A folder as it may be found; ``kept``: the probability that a change was not lost."""
    names = dict(folder.synced)
    for change in folder.changes:
        if rng.random() < kept:
            if change.source and rng.random() < 0.7:  # else both names are there
                names.pop(change.source, None)
            if change.node is None:
                names.pop(change.name, None)
            else:
                names[change.name] = change.node
    os.mkdir(path)
    for name, node in names.items():
        if isinstance(node, _Folder):
            _write(node, os.path.join(path, name), rng, kept)
        else:
            Path(path, name).write_bytes(_damaged(node, rng))


def _damaged(file: _File, rng: random.Random) -> bytes:
    """The contents that may be found: surely those of the last fsync, if nothing was written after it."""
    size = len(file.contents)
    if file.synced == file.contents:
        return file.contents
    return rng.choice(
        (
            file.synced or b"",
            file.contents,
            file.contents[: rng.randint(0, size)],
            bytes(size),
            rng.randbytes(size),
            file.contents[: size // 2] + bytes(size - size // 2),
        )
    )
