"""What becomes of queries that nobody would type: 200,000 in one process.

Measured: tracebacks; queries that take long, in milliseconds of processor time of the thread
    (`time.thread_time`: the machine may be shared), from the text to the total and the urls of ten hits;
    growth of the private memory of the process after the first tenth. Of a full garbage collection, which
    takes as long as the process holds objects, whoever made them, the time is told, and not the query's.
Corpus: an index; queries are made of its questions and keywords (mutations.py), by a fixed seed.
Command: python benchmarks/fuzz.py [--index FOLDER] [--queries N] [--no-timing]

Exits with 1 on a traceback, a query above --limit-ms, or growth above --growth-mb.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import sys
import time
import traceback
from dataclasses import dataclass, field

from memory import private_bytes
from mutations import QueryMaker

import qtsearch
from qtsearch.errors import QuerySyntaxError

SYNTAXES = ("auto",) * 8 + ("plain", "strict")
TEXTS = 3_000  # articles that real texts are taken from
WARM_UP = 300


@dataclass
class Collections:
    """The full garbage collections: how many, the longest, and milliseconds in all."""

    count: int = 0
    longest_ms: float = 0.0
    total_ms: float = 0.0
    _started: float = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """As the interpreter calls it when one starts and when it stops."""
        if info["generation"] == 2 and phase == "start":
            self._started = time.thread_time()
        elif info["generation"] == 2:
            elapsed_ms = (time.thread_time() - self._started) * 1e3
            self.count += 1
            self.total_ms += elapsed_ms
            self.longest_ms = max(self.longest_ms, elapsed_ms)


@dataclass
class Outcome:
    """What happened. ``slowest``: milliseconds and query, the ten slowest."""

    limit_ms: float
    collections: Collections
    queries: int = 0
    found: int = 0
    refused: int = 0
    slow: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def add_time(self, elapsed_ms: float, query: str) -> None:
        """Take note of a query's time."""
        self.slow += elapsed_ms > self.limit_ms
        heapq.heappush(self.slowest, (elapsed_ms, query))
        if len(self.slowest) > 10:
            heapq.heappop(self.slowest)


def texts_of(index: qtsearch.Index) -> list[str]:
    """Questions and keywords of articles throughout the index."""
    step = max(len(index) // TEXTS, 1)
    hits = list(index.search("*:*", limit=len(index), collapse=False))[::step]
    return [text for hit in hits for text in (hit.question, *hit.keywords[:2]) if text]


def ask(index: qtsearch.Index, query: str, syntax: str) -> int:
    """Search, and read what a page of results shows; the total."""
    results = index.search(query, syntax=syntax, correct=False)
    return results.total + sum(0 * len(hit.url) for hit in results)


def run(index: qtsearch.Index, maker: QueryMaker, count: int, outcome: Outcome) -> None:
    """Ask ``count`` queries."""
    for _ in range(count):
        query = maker.make()
        syntax = maker.random.choice(SYNTAXES)
        outcome.queries += 1
        collected_ms = outcome.collections.total_ms
        started = time.thread_time()
        try:
            outcome.found += ask(index, query, syntax) > 0
        except QuerySyntaxError:
            outcome.refused += 1
            if syntax != "strict":
                outcome.failed.append((query, traceback.format_exc()))
        except Exception:  # whatever it is, it is reported
            outcome.failed.append((query, traceback.format_exc()))
        elapsed_ms = (time.thread_time() - started) * 1e3
        outcome.add_time(elapsed_ms - (outcome.collections.total_ms - collected_ms), query)


def shown(query: str, limit: int = 120) -> str:
    """A query as text that any terminal takes."""
    text = ascii(query)
    return text if len(text) <= limit else f"{text[: limit - 20]}... ({len(query):,} characters)"


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask queries that nobody would type.")
    parser.add_argument("--index", help="default: as qtsearch's")
    parser.add_argument("--queries", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-ms", type=float, default=50.0)
    parser.add_argument("--growth-mb", type=float, default=100.0)
    parser.add_argument("--no-timing", action="store_true", help="times and memory are not judged")
    options = parser.parse_args()
    with qtsearch.open_index(options.index) as index:
        maker = QueryMaker(texts_of(index), options.seed)
        run(index, maker, WARM_UP, Outcome(options.limit_ms, Collections()))
        outcome = Outcome(options.limit_ms, Collections())
        gc.callbacks.append(outcome.collections)
        run(index, maker, options.queries // 10, outcome)
        before = private_bytes() or 0
        run(index, maker, options.queries - options.queries // 10, outcome)
        growth_mb = ((private_bytes() or 0) - before) / 1e6
    print(
        f"{outcome.queries:,} queries, {outcome.found:,} with hits, {outcome.refused:,} refused as strict;"
        f" {len(outcome.failed)} tracebacks; {outcome.slow} above {options.limit_ms:g} ms;"
        f" {growth_mb:+.1f} MB"
    )
    full = outcome.collections
    print(f"{full.count} full garbage collections, at most {full.longest_ms:.0f} ms")
    for query, trace in outcome.failed[:5]:
        print(f"\n{shown(query, 2_000)}\n{trace}")
    for elapsed_ms, query in sorted(outcome.slowest, reverse=True):
        print(f"{elapsed_ms:8.1f} ms  {shown(query)}")
    if options.no_timing:
        return 1 if outcome.failed else 0
    return 1 if outcome.failed or outcome.slow or growth_mb > options.growth_mb else 0


if __name__ == "__main__":
    sys.exit(main())
