"""What a fork must not leave taken: a child has one thread, and what others held would be held for ever.

gunicorn with ``--preload`` and multiprocessing's ``fork`` start workers from a process that may be searching.
Locks of ours are new in the child. An import under way in another thread is waited for before the fork, and
what searching imports when it first needs it, it imports under a lock, so that none begins then.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TypeVar

__all__ = ["Lock", "cached_property", "late_imports"]

_T = TypeVar("_T")

#: What searching imports when it is first needed, ours and others'.
_IMPORTED_LATE: Final = {"nltk", "pyromark", "qtsearch", "whoosh", "yaml"}


class Lock:
    """A re-entrant lock that is free in a forked child, whoever held it in the parent."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks.add(self)

    def acquire(self, *, blocking: bool = True) -> bool:
        """Take it; whether it was had, which only without ``blocking`` it may not be."""
        return self._lock.acquire(blocking)

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def renew(self) -> None:
        """Forget who holds it."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class cached_property(functools.cached_property[_T]):  # noqa: N801 - called as what it stands in for
    """The standard library's, whose lock in Python 3.11, one for all instances, a fork would leave taken."""

    lock: Any  # of no use from Python 3.12 on

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        super().__init__(compute)
        _properties.append(self)

    def renew(self) -> None:
        """Forget who holds it."""
        self.lock = threading.RLock()


_locks: Final[weakref.WeakSet[Lock]] = weakref.WeakSet()
_properties: Final[list[cached_property[Any]]] = []


#: Held by whoever imports what is not imported with the module, and while the process forks.
late_imports: Final = Lock()


def _renew() -> None:
    for lock in _locks:
        lock.renew()
    for computed in _properties:
        computed.renew()


def _wait_for_imports() -> None:
    late_imports.acquire()
    # The lock of a module being imported cannot be made anew; importing it once more waits for it. Others may
    # have been begun meanwhile; one that this very thread has begun is not worth waiting for twice.
    waited: set[str] = set()
    while begun := set(filter(_is_being_imported, list(sys.modules))) - waited:
        for name in begun:
            importlib.import_module(name)
        waited |= begun


def _is_being_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return name.partition(".")[0] in _IMPORTED_LATE and getattr(spec, "_initializing", False)


if hasattr(os, "register_at_fork"):  # where there is no fork, there is nothing to do
    os.register_at_fork(before=_wait_for_imports, after_in_parent=late_imports.release, after_in_child=_renew)
