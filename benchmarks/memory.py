"""Memory and open files, of this process and of others: what the operating system counts.

Where there is no /proc (macOS), figures that only it has are None or 0.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")


def private_bytes() -> int | None:
    """Memory that this process alone holds: private pages, not the files it maps and shares."""
    try:
        lines = (PROC / "self" / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kilobytes = [
        int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:"))
    ]
    return sum(kilobytes) * 1024


def open_files() -> int | None:
    """Open file descriptors of this process, without the one that counts them."""
    try:
        return len(os.listdir(PROC / "self" / "fd")) - 1
    except OSError:
        return None


def peak_bytes() -> int:
    """The most resident memory that this process, or any child it has waited for, ever had.

    On Linux its own part comes from VmHWM: `ru_maxrss` would begin with what the process that
    started this one held at that moment.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    with contextlib.suppress(OSError):
        for line in (PROC / "self" / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                own = int(line.split()[1]) * 1024
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit)


class TreePeak:
    """Watches, from a thread, the summed resident memory of a process and all its descendants.

    Pages that several of them share are counted for each. Twenty looks a second.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> TreePeak:
        return self

    def watch(self, pid: int) -> None:
        self._thread = threading.Thread(target=self._run, args=(pid,), daemon=True)
        self._thread.start()

    def _run(self, pid: int) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._done.wait(0.05):
            total = sum(_resident_pages(process) for process in _tree(pid)) * page
            self.peak_bytes = max(self.peak_bytes, total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()


def _resident_pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0  # gone meanwhile


def _tree(pid: int) -> list[int]:
    """A process and its descendants, as far as they still exist."""
    found = [pid]
    for parent in found:
        try:
            for task in (PROC / str(parent) / "task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found
