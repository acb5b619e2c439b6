"""Reading many files: in this process, or in several started for it, each driven by a thread.

Workers run :mod:`qtsearch.reindexing.workers`, which imports what reads articles; a process that has workers
does without that.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import IO, Final

from qtsearch.errors import WorkerError
from qtsearch.forks import late_imports
from qtsearch.reindexing.jobs import Job, Outcome, Reading, Result, receive, send
from qtsearch.reindexing.processes import FILES_WORTH_PROCESSES, Started, available, end, error_log, start

__all__ = ["read_all"]

#: So many are worth a process that has been started already.
_FILES_WORTH_A_PROCESS: Final = 50
_BATCH: Final = 200


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
    with late_imports:
        from qtsearch.reindexing.workers import Reader

    reader = Reader(reading, "0")
    results: list[Result] = []
    for batch in batches:
        results += reader.read(batch)
        progress(len(results), len(jobs))
    reader.finish()
    return Outcome(reader.chunks, results)


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
            send(worker.stdin, start)
            for batch in batches:
                send(worker.stdin, batch)
                self._answers.put([Result(*row) for row in receive(worker.stdout)])
            send(worker.stdin, None)
            self._answers.put(Outcome(receive(worker.stdout)))
        except BaseException as error:
            failure = WorkerError(f"a worker process ended ({_last_line(log)}): nothing was published")
            failure.__cause__ = error
            self._answers.put(failure)


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = log.read().strip().splitlines()
    return lines[-1] if lines else "it was killed, for want of memory perhaps"
