"""Signals that end a command which writes an index: whatever the moment, they leave one index and no litter.

The library installs no handlers: to raise in the main thread is a decision of the program that runs in it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final, NoReturn

__all__ = ["Stopped", "stoppable"]

#: Ctrl-C; what systemd and `kill` send; the end of the terminal, which Windows does not tell.
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_AS_IT_WAS: Final = "the index is as it was"


class Stopped(BaseException):
    """A signal came; no ``Exception``, so that nothing on the way takes it for an error.

    Attributes: ``code`` of the exit, and ``outcome``, which says what became of the index.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number
        self.outcome = _AS_IT_WAS

    def __str__(self) -> str:
        return f"interrupted; {self.outcome}"


@contextlib.contextmanager
def stoppable(index: str | None) -> Iterator[None]:
    """A signal within raises :class:`Stopped`, once what the command has begun in the index is removed.

    That and an OSError say what became of the index.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers belong to the main thread
        return
    before = _generation(index)
    # One that is ignored, as by nohup, stays so.
    caught = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    handlers: dict[int, Any] = {number: signal.signal(number, _stop) for number in caught}
    try:
        yield
    except Stopped as stopped:
        for number in caught:
            signal.signal(number, signal.SIG_IGN)
        _clean(index)
        stopped.outcome = _outcome(index, before)
        raise
    except OSError as error:
        if error.strerror:
            error.strerror = f"{error.strerror}; {_outcome(index, before)}"
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _outcome(index: str | None, before: int) -> str:
    """What became of an index of which a generation, 0 for none, was current ``before``."""
    now = _generation(index)
    return _AS_IT_WAS if now == before else f"generation {now} is published"


def _generation(index: str | None) -> int:
    """The number of the current generation, 0 if there is none that can be read."""
    from qtsearch.errors import QtsearchError
    from qtsearch.generations import generation
    from qtsearch.generations.generation import default_path

    try:
        return generation.latest(default_path() if index is None else index).number
    except QtsearchError:
        return 0


def _clean(index: str | None) -> None:
    """Remove what is left over: the signal may have come between the making of a file and its `try`."""
    from qtsearch.codec.sources import kept_segments
    from qtsearch.errors import IndexLockedError
    from qtsearch.generations import publishing
    from qtsearch.generations.generation import default_path

    folder = default_path() if index is None else index
    # Another process that writes cleans up itself; a folder that cannot be written has nothing of ours.
    with contextlib.suppress(IndexLockedError, OSError), publishing.WriteLock(folder):
        publishing.clean(folder, kept_segments(folder))
