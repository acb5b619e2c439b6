"""How long a query takes, against other engines on the same articles in the same run.

Measured: milliseconds from the typed text to the urls and questions of ten hits: keyword phrases,
    articles' own questions, both within one subject, the first and the hundredth page; and queries
    a second of eight threads on one open index.
Corpus: the real articles, or generated ones (corpus.py); queries are drawn from them, others each
    round.
Command: python benchmarks/query.py [--engines qtsearch,bm25s,...] [--articles N] [--json FILE]
"""

from __future__ import annotations

import argparse
from typing import Any

import corpus as corpora
from corpus import SEED, Corpus
from measure import WORKLOADS, Samples, throughput, time_queries, warm_up
from peers import OURS, QUERY_PEERS, Peer, choose
from peers.base import Engine
from prepared import index_folder
from report import digits, summarize, table, write_json


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time queries of qtsearch and of its peers.")
    corpora.add_arguments(parser)
    parser.add_argument("--engines", help=f"default: all of {','.join(QUERY_PEERS)}")
    parser.add_argument("--queries", type=int, default=corpora.DEFAULT_QUERIES, help="per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--block", type=int, default=100, help="queries before engines change")
    parser.add_argument("--slow-queries", type=int, default=40, help="for whoosh and fts5, one round")
    parser.add_argument("--threads", type=int, default=8)
    return parser.parse_args()


def time_workloads(
    engines: dict[str, Engine], peers: list[Peer], corpus: Corpus, options: argparse.Namespace
) -> dict[str, dict[str, Samples]]:
    """Samples by workload and engine."""
    slow = {peer.name: options.slow_queries for peer in peers if peer.slow}
    fast = [engine for name, engine in engines.items() if name not in slow]
    warm_up(fast, WORKLOADS, corpus)
    return {
        workload.name: time_queries(
            engines,
            slow,
            workload,
            corpus,
            queries=options.queries,
            rounds=options.rounds,
            block=options.block,
        )
        for workload in WORKLOADS
    }


def time_threads(
    engines: dict[str, Engine], peers: list[Peer], corpus: Corpus, options: argparse.Namespace
) -> dict[str, dict[str, dict[str, float]]]:
    """The best rate of the rounds, by workload and engine, for one thread and for many."""
    rates: dict[str, dict[str, dict[str, float]]] = {}
    for workload in WORKLOADS[:2]:
        best = rates[workload.name] = {peer.name: {} for peer in peers if peer.shared}
        for number in range(options.rounds):
            queries = workload.draw(corpus, options.queries, SEED + 100 + number)
            for name, found in best.items():
                for threads in (1, options.threads):
                    rate = throughput(engines[name], workload, queries, threads)
                    found[str(threads)] = max(rate, found.get(str(threads), 0.0))
    return rates


def print_times(samples: dict[str, dict[str, Samples]]) -> None:
    rows = []
    for workload, by_engine in samples.items():
        for name, sample in by_engine.items():
            if not sample.times:
                continue
            times = summarize(sample.times.values())
            figures = [digits(value) for value in (times.mean, times.median, times.p99)]
            hits = f"{sample.hits / times.size:.1f}"
            rows.append([workload, name, *figures, f"{times.size:,}", hits])
    head = ["query", "engine", "mean ms", "median", "p99", "queries", "hits"]
    table("Times", head, rows, names=2)


def print_ratios(samples: dict[str, dict[str, Samples]]) -> dict[str, dict[str, list[float]]]:
    """Ours divided by the peer's, over the queries both have answered; below 1 we are faster."""
    ratios: dict[str, dict[str, list[float]]] = {}
    for workload, by_engine in samples.items():
        for name, sample in by_engine.items():
            if name == OURS or OURS not in by_engine or not sample.times:
                continue
            ours, theirs = map(summarize, by_engine[OURS].common(sample))
            found = [ours.mean / theirs.mean, ours.median / theirs.median, ours.p99 / theirs.p99]
            ratios.setdefault(name, {})[workload] = found
    for at, statistic in ((0, "means"), (2, "99th percentiles")):
        rows = [
            [name, *(digits(found[at], 2) for found in by_workload.values())]
            for name, by_workload in ratios.items()
        ]
        if rows:
            title = f"qtsearch / peer, ratio of {statistic} (below 1: qtsearch is faster)"
            table(title, ["peer", *samples], rows)
    return ratios


def print_rates(rates: dict[str, dict[str, dict[str, float]]], threads: int) -> None:
    rows = []
    for workload, by_engine in rates.items():
        ours = by_engine.get(OURS, {}).get(str(threads))
        for name, found in by_engine.items():
            one, many = found["1"], found[str(threads)]
            ratio = digits(ours / many, 2) if ours else "-"
            rows.append([workload, name, f"{one:,.0f}", f"{many:,.0f}", ratio])
    head = ["query", "engine", "1 thread", f"{threads} threads", "qtsearch / engine"]
    table("Queries a second, one index shared (above 1: qtsearch answers more)", head, rows, names=2)


def as_json(samples: dict[str, dict[str, Samples]]) -> dict[str, Any]:
    return {
        workload: {
            name: summarize(sample.times.values())._asdict()
            for name, sample in by_engine.items()
            if sample.times
        }
        for workload, by_engine in samples.items()
    }


def main() -> None:
    options = parse_arguments()
    corpus = corpora.from_arguments(options)
    peers, reasons = choose(QUERY_PEERS, options.engines)
    print(f"{corpus}; {options.rounds} rounds of {options.queries:,} queries each")
    for reason in reasons:
        print(reason)
    engines: dict[str, Engine] = {}
    for peer in peers:
        engines[peer.name] = peer.create(corpus.folder)
        engines[peer.name].open(index_folder(peer, corpus, rebuild=options.rebuild))
        print(f"{peer.name} {peer.version}: {peer.about}")
    samples = time_workloads(engines, peers, corpus, options)
    print_times(samples)
    ratios = print_ratios(samples)
    rates = time_threads(engines, peers, corpus, options)
    print_rates(rates, options.threads)
    figures = {"corpus": str(corpus), "ms": as_json(samples), "ratios": ratios, "rates": rates}
    write_json(options.json, figures)
    for engine in engines.values():
        engine.close()


if __name__ == "__main__":
    main()
