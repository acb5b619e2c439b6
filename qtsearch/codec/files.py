"""The files of a segment while they are made: one thread writes what is known, while others make the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

import numpy.typing as npt

from qtsearch import disk
from qtsearch.codec.container import ArrayWriter, Parts, write_array_file
from qtsearch.codec.segment import segment_file

__all__ = ["SegmentFiles"]

T = TypeVar("T")


class SegmentFiles:
    """``MAIN_<id>.arrays``, array by array, and the others at once.

    All is written by one thread in the order it was given, and nothing more once something could not be. Left
    without :meth:`finish`, by an error, it leaves no file behind.
    """

    def __init__(self, folder: str, segment_id: str) -> None:
        """The files must not exist yet. Raises OSError."""
        self._segment = folder, segment_id
        self._file = ArrayWriter(self._path("arrays"))
        self._thread = ThreadPoolExecutor(1)
        self._written: list[Future[Any]] = []
        self._others: dict[str, Future[int]] = {}
        self._failed = False
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._file.__exit__()
        if not self._finished:
            for name in self._others:
                disk.discard(self._path(name))

    def add(self, arrays: Mapping[str, npt.NDArray[Any] | Parts]) -> None:
        """Have some more arrays written."""
        self._submit(lambda: self._file.add(arrays))

    def sync(self) -> None:
        """Have what was given so far brought to the disk: then less is left for the end."""
        self._submit(self._file.sync)

    def add_file(
        self, name: str, arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, Any]
    ) -> None:
        """Have another file written and synced, ``impacts`` say."""
        path = self._path(name)
        self._others[name] = self._submit(lambda: write_array_file(path, arrays, metadata))

    def finish(self, metadata: Mapping[str, Any]) -> dict[str, int]:
        """Return when all is written and synced: the size in bytes of each file by name.

        ``metadata``: of the arrays. Raises OSError.
        """
        size = self._submit(lambda: self._file.finish(metadata))
        for one in self._written:
            one.result()
        self._finished = True
        return {"arrays": size.result()} | {name: other.result() for name, other in self._others.items()}

    def _path(self, name: str) -> str:
        return segment_file(*self._segment, f".{name}")

    def _submit(self, write: Callable[[], T]) -> Future[T]:
        future = self._thread.submit(self._write, write)
        self._written.append(future)
        return future

    def _write(self, write: Callable[[], T]) -> T:
        if self._failed:
            raise RuntimeError("nothing more is written after an error")
        try:
            return write()
        except BaseException:
            self._failed = True
            raise
