"""How good the hits are, against other engines on the same text in the same run.

Measured: nDCG@10 (linear gain), MRR@10 and R@100, means over the queries that have a relevant page; the p of
    a paired randomisation test of qtsearch's nDCG@10 against the best peer's; milliseconds a query for ten
    hits, the engines in turns.
Corpus: the judged collections in $QTSEARCH_DATA/collections, every folder in BEIR's layout (judged.py), and
    two tasks made of the real articles (tasks.py).
Command: python benchmarks/relevance.py [--collections a,b] [--engines qtsearch,whoosh,...] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import corpus as corpora
from corpus import SEED, Corpus
from documents import Query
from judged import Judged
from measure import Workload, time_queries
from peers import JUDGED_PEERS, OURS, Peer, choose
from peers.base import Engine
from prepared import index_folder
from report import digits, summarize, table, write_json
from significance import p_value
from tasks import TASKS, sources

from qtsearch.evaluation import Measured
from qtsearch.evaluation import measure as measure_run

SLOW_TIMED = 20  # queries that a slow engine is timed with
BM25S = "bm25s"
MEASURES = ("nDCG@10", "MRR@10", "R@100")
MS = "ms"


@dataclass(frozen=True)
class Result:
    """What one engine did on one collection; `sampled` if it was not asked all queries."""

    measured: Measured
    ms: float
    sampled: bool

    @property
    def ndcg(self) -> dict[str, float]:
        """nDCG@10 by query."""
        return {query: figures.ndcg_at_10 for query, figures in self.measured.by_query.items()}

    def to_dict(self) -> dict[str, Any]:
        figures = self.measured.mean.to_dict()
        return {
            **figures,
            "ms": self.ms,
            "queries": len(self.ndcg),
            "sampled": self.sampled,
            "by_query": self.ndcg,
        }


Results = Mapping[str, Result]  # by engine


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the relevance of qtsearch and of its peers.")
    parser.add_argument("--collections", help="names of collections and of tasks; default: all there are")
    parser.add_argument("--engines", help=f"default: all of {','.join(JUDGED_PEERS)}; no slow one for tasks")
    parser.add_argument("--slow-queries", type=int, default=200, help="for whoosh, drawn; 0: all")
    parser.add_argument("--rounds", type=int, default=3, help="of timing")
    parser.add_argument("--rebuild", action="store_true", help="build cached indexes anew")
    corpora.add_folder_arguments(parser)
    return parser.parse_args()


def run(judged: Judged, peers: list[Peer], options: argparse.Namespace) -> dict[str, Result]:
    """Every engine over one collection: first all queries for relevance, then in turns for time."""
    sample = list(judged.queries)
    if 0 < options.slow_queries < len(sample):
        sample = random.Random(SEED).sample(sample, options.slow_queries)
    engines: dict[str, Engine] = {}
    measured: dict[str, Measured] = {}
    for peer in peers:
        if peer.name == OURS and judged.boosts is not None:
            peer = replace(peer, options={**peer.options, "boosts": judged.boosts})
        engine = engines[peer.name] = peer.create(judged.folder)
        engine.open(index_folder(peer, judged, rebuild=options.rebuild))
        queries = sample if peer.slow else list(judged.queries)
        qrels = {query: judged.qrels[query] for query in queries}
        measured[peer.name] = measure_run(judged.run(engine, queries), qrels)
    slow = {peer.name: SLOW_TIMED for peer in peers if peer.slow}
    ms = time_engines(engines, slow, judged, options.rounds)
    for engine in engines.values():
        engine.close()
    return {
        name: Result(found, ms[name], sampled=len(found.by_query) < len(judged.queries))
        for name, found in measured.items()
    }


def time_engines(
    engines: dict[str, Engine], slow: dict[str, int], judged: Judged, rounds: int
) -> dict[str, float]:
    """Mean milliseconds a query for ten hits; all are warm, for they have just answered the same queries."""

    def draw(_: Corpus, n: int, seed: int) -> list[Query]:
        texts = list(judged.queries.values())
        return [Query(text, "") for text in random.Random(seed).sample(texts, min(n, len(texts)))]

    samples = time_queries(
        engines,
        slow,
        Workload("ten hits", draw),
        judged,
        queries=corpora.DEFAULT_QUERIES,
        rounds=rounds,
        block=50,
    )
    return {name: summarize(sample.times.values()).mean for name, sample in samples.items()}


class Tested(NamedTuple):
    """The peer that comes nearest to qtsearch, or furthest ahead of it, and the p of the difference."""

    peer: str
    p: float


def significance(results: Results) -> Tested | None:
    """Test qtsearch against its best peer, each by the queries that both were asked."""
    if OURS not in results or len(results) == 1:
        return None
    ours = results[OURS].ndcg
    pairs = {
        name: [(ours[query], value) for query, value in result.ndcg.items()]
        for name, result in results.items()
        if name != OURS
    }
    leads = {name: sum(their - our for our, their in both) / len(both) for name, both in pairs.items()}
    peer = max(leads, key=lambda name: leads[name])
    our, their = zip(*pairs[peer], strict=True)
    return Tested(peer, p_value(our, their))


# -- tables ----------------------------------------------------------------------------------------

Cell = tuple[float, bool]  # a figure, and whether it is over a sample


def print_tables(title: str, by_collection: Mapping[str, Results], *, mean: bool) -> None:
    """One table a measure, collections down and engines across; `mean` adds the mean over collections."""
    print_table(f"{title}: {MEASURES[0]}", MEASURES[0], by_collection, mean=mean, tested=True)
    for measure in MEASURES[1:]:
        print_table(f"{title}: {measure}", measure, by_collection, mean=mean)
    print_table(f"{title}: mean ms a query, ten hits", MS, by_collection, mean=False)


def print_table(
    title: str, measure: str, by_collection: Mapping[str, Results], *, mean: bool, tested: bool = False
) -> None:
    """One measure; `tested` adds the best peer of each collection and the p of the difference to it."""
    cells = {collection: row_of(results, measure) for collection, results in by_collection.items()}
    columns = list(dict.fromkeys(name for row in cells.values() for name in row))
    rows = []
    for collection, row in cells.items():
        results = by_collection[collection]
        asked = max(len(result.ndcg) for result in results.values())
        rows.append([collection, f"{asked:,}", *(shown(row.get(name), measure) for name in columns)])
        if tested:
            found = significance(results)
            rows[-1] += ["-", "-"] if found is None else [found.peer, f"{found.p:.5f}"]
    if mean and len(rows) > 1:
        means = {name: mean_of([row.get(name) for row in cells.values()]) for name in columns}
        rows.append(["mean", "", *(shown(means[name], measure) for name in columns), *[""] * 2 * tested])
    head = ["", "queries", *columns, *(["best peer", "p"] if tested else [])]
    table(title, head, rows)


def row_of(results: Results, measure: str) -> dict[str, Cell]:
    """One measure of each engine, and the best of the settings of bm25s."""
    row = {name: (value_of(result, measure), result.sampled) for name, result in results.items()}
    settings = [cell for name, cell in row.items() if name.startswith(BM25S)]
    if measure != MS and len(settings) > 1:
        row[f"best {BM25S}"] = max(settings)
    return row


def mean_of(column: Sequence[Cell | None]) -> Cell | None:
    """The mean of a column without gaps, over a sample if one of its figures is."""
    cells = [cell for cell in column if cell is not None]
    if len(cells) < len(column):
        return None
    return sum(value for value, _ in cells) / len(cells), any(sampled for _, sampled in cells)


def print_notes(by_collection: Mapping[str, Results], peers: Sequence[Peer]) -> None:
    slow = ", ".join(peer.name for peer in peers if peer.slow)
    if slow:
        print(f"\n{slow}: ms over {SLOW_TIMED} queries")
    samples = {
        len(result.ndcg)
        for results in by_collection.values()
        for result in results.values()
        if result.sampled
    }
    if samples:
        print(f"* over a sample of {max(samples):,} queries; p, too, where this is the best peer")


def value_of(result: Result, measure: str) -> float:
    return result.ms if measure == MS else result.measured.mean.to_dict()[measure]


def shown(cell: Cell | None, measure: str) -> str:
    """A figure, marked where it is over a sample; a dash where there is none."""
    if cell is None:
        return "-"
    value, sampled = cell
    return digits(value, 2) if measure == MS else f"{value:.3f}" + "*" * sampled


def as_json(by_collection: Mapping[str, Results]) -> dict[str, Any]:
    figures = {}
    for collection, results in by_collection.items():
        found = significance(results)
        figures[collection] = {
            "engines": {name: result.to_dict() for name, result in results.items()},
            "best_peer": found and found.peer,
            "p": found and found.p,
        }
    return figures


def main() -> None:
    options = parse_arguments()
    wanted = sources(options.collections, options.cache)
    peers, reasons = choose(JUDGED_PEERS, options.engines)
    for reason in reasons:
        print(reason)
    for peer in peers:
        print(f"{peer.name} {peer.version}: {peer.about}")
    collections: dict[str, Results] = {}
    tasks: dict[str, Results] = {}
    for name, read in wanted.items():
        if name in TASKS:
            asked = [peer for peer in peers if options.engines or not peer.slow]
            tasks[name] = run(read(), asked, options)
        else:
            collections[name] = run(read(), peers, options)
    if collections:
        print_tables("Judged collections", collections, mean=True)
    if tasks:
        print_tables("Real articles", tasks, mean=False)
    print_notes(collections | tasks, peers)
    write_json(options.json, {"collections": as_json(collections), "tasks": as_json(tasks)})


if __name__ == "__main__":
    main()
