"""Reader processes and threads search while an index is published again and again: what they see, and hold.

Measured: answers that are of no one edition (mixed), errors, generations seen, file descriptors and private
    memory of each process as it goes on; nanoseconds of a query with and without automatic refresh.
Corpus: generated editions of a hundred short articles and more, published in turn. Of every query the
    answer of each edition is known: each page names its edition, and each edition has another size.
Command: python benchmarks/readers.py [--publishes N] [--processes N] [--threads N] [--spawn]

Exits 1 if there was an error or a mixed answer, or a process saw too little, or holds more and more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import memory
from report import write_json

import qtsearch
from qtsearch.search import current

EDITIONS = 3
SMALLEST = 100  # pages of the first edition; each next one has fifty more
STEP = 50
LOOKS = 10  # at what the processes hold
#: What a process may hold more in the second half of the run than in the first: it goes up and down with what
#: its threads are at.
GROWTH_BYTES = 8 << 20


def size_of(edition: int) -> int:
    return SMALLEST + STEP * edition


def write_editions(folder: Path) -> list[Path]:
    """Folders of articles. Every page of an edition names it, in each of its fields."""
    folders = []
    for edition in range(EDITIONS):
        source = folder / f"edition{edition}"
        source.mkdir()
        for page in range(size_of(edition)):
            filler = " ".join(f"filler{(page * 7 + n * n) % 500}" for n in range(40))
            (source / f"{page}.md").write_text(
                f"---\nurl: /page{page}\nid: {page}\nquestion: Why page{page} of mark{edition}?\n"
                f"answer: The blood clot of mark{edition} on page{page}. {filler}.\n"
                f"subject: Subject{edition}\ndate: 2025-01-0{edition + 1}\n"
                f"seo:\n  page_keywords: keyword mark{edition}, blood clot\n---\n"
            )
        folders.append(source)
    return folders


# -- readers -----------------------------------------------------------------------------------------------


def named(answer: str) -> str:
    """The edition that an answer names."""
    return answer.partition(" on page")[0][-1]


def faults(index: qtsearch.Index, number: int) -> Iterator[str]:
    """Ask something, and say what is of no one edition. Each call may be of another one, by itself whole."""
    kind = number % 6
    if kind == 0:
        results = index.search("blood clot", limit=5, offset=number % 50, collapse=False)
        told = {named(hit.answer) for hit in results} | {hit.subject[-1] for hit in results}
        counts = {results.total, sum(results.subjects.values())}
        if {size_of(int(edition)) for edition in told} != counts:
            yield f"{counts} pages, of editions {told}"
    elif kind == 1:
        results = index.search('"blood clot" +why page*', collapse=False)
        editions = {hit.question[-2] for hit in results}
        if {size_of(int(edition)) for edition in editions} != {results.total}:
            yield f"tree: {results.total} pages, of editions {editions}"
    elif kind == 2:
        article = index.get(f"/page{number % SMALLEST}")
        if article is None or {article.question[-2], article.subject[-1]} != {named(article.answer)}:
            yield f"article {article}"
    elif kind == 3:
        found = [one.text for one in index.complete("keyword m")]
        if len(found) != 1 or not found[0].startswith("keyword mark"):
            yield f"completions {found}"
    elif kind == 4:
        counts = index.subjects()
        if counts not in [{f"Subject{edition}": size_of(edition)} for edition in range(EDITIONS)]:
            yield f"subjects {counts}"
    else:
        hits = index.related(f"/page{number % SMALLEST}", limit=5)
        if len({hit.subject for hit in hits} | {f"Subject{hit.question[-2]}" for hit in hits}) != 1:
            yield f"related pages of {[hit.subject for hit in hits]}"


class Reader:
    """One process with some threads that search one index until told to stop."""

    def __init__(self, index: qtsearch.Index, threads: int) -> None:
        self.index = index
        self.threads = threads
        self.faults: list[str] = []
        self.errors: list[str] = []
        self.generations: set[int] = set()
        self.calls = 0
        self.stop = threading.Event()

    def run(self, seed: int) -> None:
        number = seed
        calls = 0
        while not self.stop.is_set():
            try:
                self.faults += faults(self.index, number)
                self.generations.add(self.index.generation)
            except Exception as error:
                self.errors.append(repr(error))
            number += 1
            calls += 1
        self.calls += calls

    def serve(self, pipe: Connection) -> None:
        """Search in threads; answer ``"look"`` with what is held, ``"stop"`` with all that was seen."""
        threads = [threading.Thread(target=self.run, args=(seed * 1_000,)) for seed in range(self.threads)]
        for thread in threads:
            thread.start()
        while pipe.recv() == "look":
            pipe.send(self.held())
        self.stop.set()
        for thread in threads:
            thread.join()
        pipe.send(
            {
                "errors": self.errors,
                "faults": self.faults,
                "generations": sorted(self.generations),
                "calls": self.calls,
            }
        )

    @staticmethod
    def held() -> dict[str, Any]:
        return {"files": memory.open_files(), "bytes": memory.private_bytes()}


def serve(index: qtsearch.Index | str, threads: int, interval: float, pipe: Connection) -> None:
    current._INTERVAL = interval
    Reader(qtsearch.open_index(index) if isinstance(index, str) else index, threads).serve(pipe)


def ask(pipes: list[Connection], message: str) -> list[dict[str, Any]]:
    for pipe in pipes:
        pipe.send(message)
    return [pipe.recv() for pipe in pipes]


def read_through(options: argparse.Namespace, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """What each process saw and held, and how many generations were published."""
    sources = write_editions(folder)
    path = str(folder / "index")
    publish(sources[0], path)
    opened = qtsearch.open_index(path)  # before the fork: its map is shared
    context = multiprocessing.get_context("spawn" if options.spawn else "fork")
    pipes, processes = [], []
    for _ in range(options.processes):
        ours, theirs = context.Pipe()
        shared = path if options.spawn else opened
        arguments = (shared, options.threads, options.interval, theirs)
        processes.append(context.Process(target=serve, args=arguments, daemon=True))
        processes[-1].start()
        theirs.close()
        pipes.append(ours)
    opened.close()
    looks: list[list[dict[str, Any]]] = []
    for number in range(1, options.publishes + 1):
        publish(sources[number % EDITIONS], path)
        time.sleep(options.interval + options.pause)
        if number % max(1, options.publishes // LOOKS) == 0:
            looks.append(ask(pipes, "look"))
    seen = ask(pipes, "stop")
    for process, one, *before in zip(processes, seen, *looks, strict=True):
        process.join()
        one["looks"] = before
        one["exit"] = process.exitcode
    return seen, options.publishes + 1


def publish(source: Path, path: str) -> None:
    qtsearch.reindex(source, path, processes=1, allow_shrink=True)


# -- verdict -----------------------------------------------------------------------------------------------


def wrong(one: dict[str, Any], publishes: int) -> list[str]:
    """What is wrong with what one process saw and held."""
    found = [f"error: {error}" for error in one["errors"][:3]]
    found += [f"mixed: {fault}" for fault in one["faults"][:3]]
    seen = one["generations"]
    if len(seen) < publishes // 2 or seen[-1] != publishes:
        found.append(f"saw {len(seen)} generations up to {seen[-1:]} of {publishes}")
    half = len(one["looks"]) // 2
    earlier, later = one["looks"][1:half], one["looks"][half:]  # at the first, not all of it was in use
    if later[0]["files"] is not None:
        most, least = max(look["files"] for look in earlier), min(look["files"] for look in later)
        if least > most:
            found.append(f"at most {most} files open, then at least {least}")
    if later[0]["bytes"] is not None:
        growth = median(look["bytes"] for look in later) - median(look["bytes"] for look in earlier)
        if growth > GROWTH_BYTES:
            found.append(f"private memory grew by {growth / 1e6:.1f} MB from one half to the other")
    return found + ([f"exit code {one['exit']}"] if one["exit"] else [])


def cost_of_looking(path: str, rounds: int) -> tuple[float, float]:
    """Nanoseconds of a query with automatic refresh and without, medians of pairs."""
    indexes = [qtsearch.open_index(path, auto_refresh=auto) for auto in (True, False)]
    times: list[list[int]] = [[], []]
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            before = time.perf_counter_ns()
            indexes[which].search("blood clot")
            times[which].append(time.perf_counter_ns() - before)
    return median(times[0]), median(times[0][n] - times[1][n] for n in range(rounds))


def main() -> int:
    parser = argparse.ArgumentParser(description="Search through many publishes from processes and threads.")
    parser.add_argument("--publishes", type=int, default=50, help="8 or more (default: 50)")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between looks (default: 1)")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds to wait longer than that")
    parser.add_argument("--spawn", action="store_true", help="processes that open the index, not forked ones")
    parser.add_argument("--rounds", type=int, default=20_000, help="queries timed (default: 20,000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen, publishes = read_through(options, Path(folder))
        query_ns, look_ns = cost_of_looking(str(Path(folder) / "index"), options.rounds)
    failures = [
        f"process {number}: {text}" for number, one in enumerate(seen) for text in wrong(one, publishes)
    ]
    print(
        f"{options.processes} processes of {options.threads} threads, {publishes} generations: "
        f"{sum(one['calls'] for one in seen):,} calls, {sum(len(one['errors']) for one in seen)} errors, "
        f"{sum(len(one['faults']) for one in seen)} mixed answers"
    )
    for number, one in enumerate(seen):
        files = [str(look["files"]) for look in one["looks"]]
        megabytes = [f"{(look['bytes'] or 0) / 1e6:.1f}" for look in one["looks"]]
        print(
            f"process {number}: {len(one['generations'])} generations seen; open files {' '.join(files)}; "
            f"private MB {' '.join(megabytes)}"
        )
    print(f"a query takes {query_ns:,.0f} ns with automatic refresh, {look_ns:+,.0f} ns against without")
    write_json(options.json, {"seen": seen, "query ns": query_ns, "refresh ns": look_ns})
    print("\n".join(failures) or "nothing wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
