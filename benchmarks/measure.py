"""The loop that times queries: engines in turn, block by block, over several rounds.

Each round draws queries of its own, so that nothing is asked twice within a few minutes and an
engine gains nothing by remembering results. Within a round the engines alternate: the first answers
a block of queries, then the next the same block, and the one that starts changes from block to
block. Noise of the machine thus falls on all of them alike. Only `search` is inside the clock,
parsing of the query and reading of url and question included; garbage collection stays on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns

from corpus import SEED, Corpus
from documents import Query
from peers.base import Engine

LIMIT = 10
WARM_UP_SEED = 1


@dataclass(frozen=True)
class Workload:
    """What is asked: which kind of query, of all articles or of one subject, which page."""

    name: str
    draw: Callable[[Corpus, int, int], list[Query]]
    filtered: bool = False
    offset: int = 0


WORKLOADS = (
    Workload("phrase", Corpus.keyword_phrases),
    Workload("question", Corpus.questions),
    Workload("phrase, in its subject", Corpus.keyword_phrases, filtered=True),
    Workload("question, in its subject", Corpus.questions, filtered=True),
    Workload("phrase, page 100", Corpus.keyword_phrases, offset=990),
    Workload("question, page 100", Corpus.questions, offset=990),
)


@dataclass
class Samples:
    """Milliseconds by (round, number of the query), for one engine and one workload."""

    times: dict[tuple[int, int], float] = field(default_factory=dict)
    hits: int = 0

    def common(self, other: Samples) -> tuple[list[float], list[float]]:
        """The times of the queries that both have answered."""
        keys = self.times.keys() & other.times.keys()
        return [self.times[key] for key in keys], [other.times[key] for key in keys]


def ask(engine: Engine, workload: Workload, query: Query) -> int:
    """One search; the number of hits, to be compared between engines."""
    subject = query.subject if workload.filtered else None
    return len(engine.search(query.text, LIMIT, workload.offset, subject))


def warm_up(engines: Sequence[Engine], workloads: Sequence[Workload], corpus: Corpus) -> None:
    """Other queries than the timed ones: files into memory, and what an engine does once in a process,
    compile or, for a word that it does not know or a sign that may be an operator, import."""
    for workload in workloads:
        drawn = workload.draw(corpus, 1_000, WARM_UP_SEED)
        for query in [*drawn, drawn[0]._replace(text="-acid zyzzyvas")]:
            for engine in engines:
                ask(engine, workload, query)


def time_queries(
    engines: dict[str, Engine],
    slow: dict[str, int],
    workload: Workload,
    corpus: Corpus,
    *,
    queries: int,
    rounds: int,
    block: int,
) -> dict[str, Samples]:
    """Time every engine. `slow` names engines that are asked only so many queries, in one round."""
    samples = {name: Samples() for name in engines}
    names = list(engines)
    for number in range(rounds):
        drawn = workload.draw(corpus, queries, SEED + number)
        for start in range(0, len(drawn), block):
            turn = (start // block + number) % len(names)
            for name in names[turn:] + names[:turn]:
                end = start + block
                if name in slow:
                    end = min(end, slow[name]) if number == 0 else 0
                for at, query in enumerate(drawn[start:end], start=start):
                    subject = query.subject if workload.filtered else None
                    search = engines[name].search
                    before = perf_counter_ns()
                    hits = search(query.text, LIMIT, workload.offset, subject)
                    after = perf_counter_ns()
                    samples[name].times[number, at] = (after - before) / 1e6
                    samples[name].hits += len(hits)
    return samples


def throughput(engine: Engine, workload: Workload, queries: Sequence[Query], threads: int) -> float:
    """Queries a second of one engine shared by `threads` threads, each with its part of them."""
    barrier = threading.Barrier(threads + 1)
    failures: list[BaseException] = []

    def work(part: Sequence[Query]) -> None:
        barrier.wait()
        try:
            for query in part:
                ask(engine, workload, query)
        except Exception as error:
            failures.append(error)

    running = [threading.Thread(target=work, args=(queries[at::threads],)) for at in range(threads)]
    for thread in running:
        thread.start()
    barrier.wait()
    before = perf_counter_ns()
    for thread in running:
        thread.join()
    elapsed = perf_counter_ns() - before
    if failures:
        raise failures[0]
    return len(queries) / (elapsed / 1e9)
