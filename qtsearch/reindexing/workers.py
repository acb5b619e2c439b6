"""Reading and analysing many files: in this process, or in several started for it.

Workers (:mod:`qtsearch.reindexing.processes`) run this module. Each gets batches of file names as lines of
JSON, says of each file what is in it, and in the end which chunk files it has written.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import IO, Any, Final, Literal, NamedTuple

from qtsearch.articles import parse_article, read_bytes
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import write_array_file
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import Segment
from qtsearch.errors import ArticleError, IndexDamagedError, WorkerError
from qtsearch.reindexing.processes import FILES_WORTH_PROCESSES, Started, available, end, error_log, start
from qtsearch.reindexing.stemmer import import_stemmer

__all__ = ["Job", "Outcome", "Reading", "Result", "read_all"]

#: So many are worth a process that has been started already.
_FILES_WORTH_A_PROCESS: Final = 50
_BATCH: Final = 200
#: A chunk is written out at this many articles, which bounds a worker's memory.
_CHUNK_ARTICLES: Final = 36_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read: the compression dictionary, whether to take pages marked no_index, where to write; folder
    and id of the segment that the articles come into, if there is one: the stems of its words are known."""

    dictionary: bytes
    include_no_index: bool
    folder: str
    segment: tuple[str, str] | None = None


class Job(NamedTuple):
    """A file to read: its number, its path, and the digest of what was in it before, in hex, if known."""

    number: int
    path: str
    digest: str = ""


class Result(NamedTuple):
    """What is in a file: an article, one marked ``no_index``, what was there ``before``, or no article.

    ``digest``: BLAKE2b of its bytes, 16 bytes in hex, empty where it cannot be read. ``line`` and ``reason``:
    why it is no article.
    """

    number: int
    state: Literal["article", "no_index", "before", "rejected"]
    digest: str
    line: int = 0
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of files: the chunk files written, and of each file what is in it."""

    chunks: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


class _Reader:
    """Reads files into chunks; ``name`` tells its chunk files from those of others."""

    def __init__(self, reading: Reading, name: str) -> None:
        self._reading = reading
        self._name = name
        self._known = _known_forms(*reading.segment) if reading.segment else None
        self._builder = self._new_builder()
        self.chunks: list[str] = []

    def read(self, jobs: list[Job]) -> list[Result]:
        results = [self._result(job) for job in jobs]
        if len(self._builder) >= _CHUNK_ARTICLES:
            self.finish()
        return results

    def _result(self, job: Job) -> Result:
        digest = ""
        try:
            data = read_bytes(job.path)
            digest = blake2b(data, digest_size=16).hexdigest()
            if digest == job.digest:
                return Result(job.number, "before", digest)
            article = parse_article(data, job.path)
            if article.no_index and not self._reading.include_no_index:
                return Result(job.number, "no_index", digest)
            self._builder.add(article, job.number)
        except ArticleError as error:
            return Result(job.number, "rejected", digest, error.line, error.reason)
        return Result(job.number, "article", digest)

    def finish(self) -> None:
        """Write the chunk out, if there is anything in it."""
        if len(self._builder):
            path = os.path.join(self._reading.folder, f"{self._name}-{len(self.chunks)}.chunk")
            write_array_file(path, self._builder.arrays(), {}, sync=False)
            self.chunks.append(path)
            self._builder = self._new_builder()

    def _new_builder(self) -> ChunkBuilder:
        return ChunkBuilder(self._reading.dictionary, self._known)


def read_all(
    jobs: list[Job],
    reading: Reading,
    processes: int | None,
    progress: Callable[[int, int], None],
    early: Started | None = None,
) -> Outcome:
    """Read files into chunks. The results come in any order.

    ``early``: a worker that has been started already, if there is one.

    Raises:
        WorkerError: a worker process could not be started, or died.
        OSError: a chunk could not be written.
    """
    batches = [jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH)]
    if processes is None:
        processes = available() if len(jobs) >= FILES_WORTH_PROCESSES else 1
    processes = min(processes, len(batches))
    progress(0, len(jobs))
    if processes > 1 or (early and len(jobs) >= _FILES_WORTH_A_PROCESS):
        return _Pool(reading, processes, early).run(batches, len(jobs), progress)
    reader = _Reader(reading, "0")
    results: list[Result] = []
    for batch in batches:
        results += reader.read(batch)
        progress(len(results), len(jobs))
    reader.finish()
    return Outcome(reader.chunks, results)


def _known_forms(folder: str, segment_id: str) -> Arrays | None:
    """The surface forms of a segment and their terms: most words of an article are known, and stemming takes
    a while."""
    try:
        arrays = Segment(folder, segment_id).files[0]
        return {name: arrays[name] for name in ("forms", "form_terms", "terms")}
    except IndexDamagedError:
        return None  # whoever merges the segment says so


# -- the pool, in the parent -----------------------------------------------------------------------


class _Pool:
    """Worker processes, each driven by a thread that hands it batch after batch."""

    def __init__(self, reading: Reading, processes: int, early: Started | None) -> None:
        self._reading = reading
        self._early = early
        # Answers of the workers: results, in the end the chunks, or what went wrong.
        self._answers: queue.SimpleQueue[list[Result] | Outcome | BaseException] = queue.SimpleQueue()
        self._workers: list[subprocess.Popen[str]] = []
        self._processes = processes

    def run(self, batches: list[list[Job]], total: int, progress: Callable[[int, int], None]) -> Outcome:
        remaining = iter(batches)
        lock = threading.Lock()

        def next_batches() -> Iterator[list[Job]]:
            while True:
                with lock:
                    batch = next(remaining, None)
                if batch is None:
                    return
                yield batch

        outcome = Outcome()
        drivers: list[threading.Thread] = []
        logs: list[IO[str]] = []
        try:
            if self._early:
                self._workers.append(self._early.process)
                logs.append(self._early.errors)
            while len(logs) < self._processes:
                logs.append(error_log())
                self._workers.append(self._start(logs[-1]))
            for number, (worker, log) in enumerate(zip(self._workers, logs, strict=True)):
                driven = (worker, log, str(number), next_batches())
                drivers.append(threading.Thread(target=self._drive, args=driven))
                drivers[-1].start()
            unfinished = len(drivers)
            while unfinished:
                answer = self._answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                if isinstance(answer, Outcome):
                    unfinished -= 1
                    outcome.chunks += answer.chunks
                else:
                    outcome.results += answer
                    progress(len(outcome.results), total)
        finally:
            for worker in self._workers:
                worker.kill()  # one that has answered has nothing left to do
            for driver in drivers:
                driver.join()
            for worker in self._workers:
                end(worker)
            for log in logs:
                log.close()
        outcome.chunks.sort()
        return outcome

    def _start(self, log: IO[str]) -> subprocess.Popen[str]:
        return start(log)

    def _drive(
        self, worker: subprocess.Popen[str], log: IO[str], name: str, batches: Iterator[list[Job]]
    ) -> None:
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            reading = self._reading
            start = [
                *(reading.dictionary.hex(), reading.include_no_index, reading.folder),
                *(reading.segment, name),
            ]
            _send(worker.stdin, start)
            for batch in batches:
                _send(worker.stdin, batch)
                self._answers.put([Result(*row) for row in _receive(worker.stdout)])
            _send(worker.stdin, None)
            self._answers.put(Outcome(_receive(worker.stdout)))
        except BaseException as error:
            failure = WorkerError(f"a worker process ended ({_last_line(log)}): nothing was published")
            failure.__cause__ = error
            self._answers.put(failure)


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = log.read().strip().splitlines()
    return lines[-1] if lines else "it was killed, for want of memory perhaps"


def _send(stream: IO[str], message: Any) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def _receive(stream: IO[str]) -> Any:
    line = stream.readline()
    if not line:
        raise EOFError
    return json.loads(line)


# -- the worker process ----------------------------------------------------------------------------


def main() -> None:
    """Run as a worker process; ends with its parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # what stops the parent as well, which ends its workers
    gc.disable()  # articles are trees, and there are many of them
    import_stemmer()  # while the parent finds out what is to be read
    answers = sys.stdout
    sys.stdout = sys.stderr  # nothing else may write to the pipe
    try:
        dictionary, include_no_index, folder, segment, name = _receive(sys.stdin)
        reader = _Reader(Reading(bytes.fromhex(dictionary), include_no_index, folder, segment), name)
        while batch := _receive(sys.stdin):
            _send(answers, reader.read([Job(*row) for row in batch]))
        reader.finish()
        _send(answers, reader.chunks)
    except EOFError:
        pass  # the parent is gone
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None
