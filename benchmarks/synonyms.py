"""What the abbreviations that articles define are worth to queries: by the weight of their expansions.

Measured: nDCG@10 (linear gain) without and with them; how many queries have one, and how many of those get a
    better and a worse nDCG@10; the p of a paired randomisation test.
Corpus: the judged collections in $QTSEARCH_DATA/collections (judged.py), and two tasks made of the real
    articles (tasks.py), which do not enter the mean.
Command: python benchmarks/synonyms.py [--collections a,b] [--shares 0.25,0.5] [--synonyms FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpus as corpora
from judged import Judged
from peers.base import Found
from peers.ours import Qtsearch
from report import table, write_json
from significance import p_value
from tasks import TASKS, sources

from qtsearch.evaluation import measure
from qtsearch.generations import generation
from qtsearch.parameters import Weighting, check_boosts
from qtsearch.search import synonyms
from qtsearch.search.searcher import Searcher
from qtsearch.search.synonyms import Expander, Synonyms

DEPTH = 10
CHANGE = 1e-9  # of nDCG


class Expanding(Qtsearch):
    """qtsearch with an expander, or with none; `expanded` are the queries that it changed."""

    expander: Expander | None = None
    expanded: set[str]

    def open(self, folder: Path) -> None:
        segment = generation.open_segment(str(folder))[1]
        boosts = self.options.get("boosts")
        weighting = Weighting.of(segment.parameters, check_boosts(boosts)) if boosts else None
        self.searcher = Searcher(segment, weighting)
        self.expanded = set()

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        plan = self.searcher.plan(query)
        if self.expander is not None:
            expanded = self.expander.expand(self.searcher.planner, plan)
            if expanded is not plan:
                self.expanded.add(query)
            plan = expanded
        docs, _ = self.searcher.search(plan, None, limit)
        return [self.searcher.segment.url_and_question(doc) for doc in docs]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure queries with and without expansions.")
    parser.add_argument("--collections", help="names, separated by commas; default: all there are")
    parser.add_argument("--shares", default="0.125,0.25,0.5,1", help="of a typed word; default: %(default)s")
    parser.add_argument("--synonyms", type=Path, help="a file of groups, beside the abbreviations learnt")
    corpora.add_folder_arguments(parser)
    return parser.parse_args()


def compare(judged: Judged, shares: Sequence[float], groups: Synonyms) -> dict[str, Any]:
    """The figures of one collection, by share; share 0 is without."""
    folder = judged.cache / "indexes" / "synonyms"
    engine = Expanding(judged.folder, boosts=judged.boosts)
    engine.build((), folder)
    engine.open(folder)
    plain = _ask(engine, judged)
    engine.expander = Expander(engine.searcher.planner, groups)
    found: dict[str, Any] = {"0": {"nDCG@10": sum(plain) / len(plain)}}
    for share in shares:
        synonyms.SHARE = share
        values = _ask(engine, judged)
        changes = [value - before for value, before in zip(values, plain, strict=True)]
        found[f"{share:g}"] = {
            "nDCG@10": sum(values) / len(values),
            "queries": len(values),
            "expanded": len(engine.expanded),
            "better": sum(change > CHANGE for change in changes),
            "worse": sum(change < -CHANGE for change in changes),
            "p": p_value(values, plain),
        }
    return found


def _ask(engine: Expanding, judged: Judged) -> list[float]:
    engine.expanded = set()
    found = measure(judged.run(engine, judged.queries, DEPTH), judged.qrels)
    return [found.by_query[query].ndcg_at_10 for query in judged.queries]


def print_figures(by_collection: dict[str, dict[str, Any]], shares: Sequence[str]) -> None:
    judged = [name for name in by_collection if name not in TASKS]
    for share in shares:
        rows = []
        for name, found in by_collection.items():
            one, plain = found[share], found["0"]["nDCG@10"]
            counts = [f"{one['expanded']} of {one['queries']}", str(one["better"]), str(one["worse"])]
            rows.append([name, f"{plain:.4f}", f"{one['nDCG@10']:.4f}", *counts, f"{one['p']:.3f}"])
        means = [
            sum(by_collection[name][which]["nDCG@10"] for name in judged) / max(len(judged), 1)
            for which in ("0", share)
        ]
        rows.append(["mean", *(f"{value:.5f}" for value in means), "", "", "", ""])
        head = ["", "without", "with", "expanded", "better", "worse", "p"]
        table(f"Expansions count {share} of a word typed: nDCG@10", head, rows)


def main() -> None:
    options = parse_arguments()
    shares = [float(share) for share in options.shares.split(",")]
    groups = Synonyms.read(options.synonyms) if options.synonyms else Synonyms()
    wanted = sources(options.collections, options.cache)
    by_collection = {name: compare(read(), shares, groups) for name, read in wanted.items()}
    print_figures(by_collection, [f"{share:g}" for share in shares])
    write_json(options.json, by_collection)


if __name__ == "__main__":
    main()
