"""Worker processes, as they begin and end: fresh interpreters that run :mod:`qtsearch.reindexing.workers`.

Not forks, which can deadlock a program with threads, and not ``multiprocessing``, which runs the caller's
script again. This module imports little, so that a run starts its first worker before anything else: that
imports what it needs while this process finds out what is to be read.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from qtsearch.errors import WorkerError

__all__ = [
    "FILES_WORTH_PROCESSES",
    "Started",
    "available",
    "end",
    "error_log",
    "start",
    "started_early",
    "was_large",
]

#: Below so many files, starting processes takes longer than it saves.
FILES_WORTH_PROCESSES: Final = 1_000
#: An index has more than that of each file in its table.
_BYTES_A_FILE: Final = 100

# For workers: one BLAS thread, and a glibc that keeps the memory it is given back. To return and fault in
# the same pages for every article takes a fifth of a worker's time.
_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(256 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "MALLOC_TOP_PAD_": str(16 << 20),
}


class Started(NamedTuple):
    """A worker process, and the file that its errors go to."""

    process: subprocess.Popen[str]
    errors: IO[str]


def available() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def was_large(folder: str) -> bool:
    """Whether the index in a folder was made of many files, as far as the size of its table of them tells."""
    try:
        with os.scandir(folder) as entries:
            sizes = [entry.stat().st_size for entry in entries if entry.name.endswith(".sources")]
    except OSError:
        return False
    return max(sizes, default=0) >= _BYTES_A_FILE * FILES_WORTH_PROCESSES


def error_log() -> IO[str]:
    """A file for the errors of a worker, which has no name and so is never left over."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def start(errors: IO[str]) -> subprocess.Popen[str]:
    """A worker. Raises WorkerError."""
    # The worker imports what this process would: the same package, from the same places.
    code = (
        "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
        "from qtsearch.reindexing.workers import main; main()"
    )
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **_ENVIRONMENT},
        )
    except (OSError, TypeError) as error:
        raise WorkerError(
            f"{sys.executable!r} cannot be started as a worker ({error}): pass processes=1"
        ) from error


def end(process: subprocess.Popen[str]) -> None:
    """Stop a worker, if it has not ended, and wait for it."""
    process.kill()
    with contextlib.suppress(BrokenPipeError), process:
        pass  # closes its pipes and waits for it


@contextlib.contextmanager
def started_early(wanted: bool) -> Iterator[Started | None]:
    """A worker from now on to the end of the block, if one is wanted. Raises WorkerError."""
    if not wanted:
        yield None
        return
    with error_log() as errors:
        process = start(errors)
        try:
            yield Started(process, errors)
        finally:
            end(process)
