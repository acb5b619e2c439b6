"""What each part of the formula is worth: taken away in turn, all else as it is.

Measured: nDCG@10 (linear gain) of each judged collection, their mean, and its difference from the full
    formula's; the p of a paired randomisation test over the queries of all collections together; nDCG@10
    of the tasks.
Corpus: the judged collections in $QTSEARCH_DATA/collections (judged.py), and two tasks made of the real
    articles (tasks.py), which do not enter the mean.
Command: python benchmarks/ablation.py [--collections a,b] [--json FILE]

The articles are read once: a variation is a generation that `qtsearch.set_parameters` publishes.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import corpus as corpora
from judged import Judged
from peers.ours import Qtsearch
from report import table, write_json
from significance import p_value
from tasks import TASKS, sources

import qtsearch
from qtsearch.evaluation import measure

DEPTH = 10
SIGNIFICANT = 0.05
FULL = "full formula"

# What is taken away → the parameters that do it.
VARIATIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        FULL: {},
        "every field weighs 1": {"question_weight": 1, "answer_weight": 1, "page_keywords_weight": 1},
        "lengths do not count": {"question_b": 0, "answer_b": 0, "page_keywords_b": 0},
        "no share of the question alone": {"question_share": 0},
        "no share of the keywords alone": {"page_keywords_share": 0},
        "soft words count in full": {"soft_share": 1},
        "no bonus for whole keywords": {"keyword_share": 0},
        "no proximity": {"pair_share": 0},
    }
)

PerQuery = dict[str, float]  # nDCG@10 by query


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take parts of the formula away, measure what is lost.")
    parser.add_argument("--collections", help="names, separated by commas; default: all there are")
    corpora.add_folder_arguments(parser)
    return parser.parse_args()


def ablate(judged: Judged) -> dict[str, PerQuery]:
    """nDCG@10 of every query under every variation, of one collection."""
    folder = judged.cache / "indexes" / "ablation"
    shutil.rmtree(folder, ignore_errors=True)
    engine = Qtsearch(judged.folder, boosts=judged.boosts)
    engine.build((), folder)
    return {label: _ask(engine, judged, folder, changes) for label, changes in VARIATIONS.items()}


def _ask(engine: Qtsearch, judged: Judged, folder: Path, changes: Mapping[str, float]) -> PerQuery:
    qtsearch.set_parameters(folder, qtsearch.RankingParameters().replace(**changes))
    engine.open(folder)
    found = measure(judged.run(engine, judged.queries, DEPTH), judged.qrels)
    engine.close()
    return {query: figures.ndcg_at_10 for query, figures in found.by_query.items()}


def mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def summarize(by_collection: Mapping[str, Mapping[str, PerQuery]]) -> dict[str, dict[str, Any]]:
    """Means, the difference from the full formula, and p, by variation."""
    summary: dict[str, dict[str, Any]] = {}
    collections = [name for name in by_collection if name not in TASKS] or list(by_collection)
    full = {name: list(found[FULL].values()) for name, found in by_collection.items()}
    for label in VARIATIONS:
        changed = {name: list(found[label].values()) for name, found in by_collection.items()}
        means = {name: mean(values) for name, values in changed.items()}
        summary[label] = {
            "nDCG@10": means,
            "mean": mean(means[name] for name in collections),
            "difference": mean(means[name] - mean(full[name]) for name in collections),
            "p": p_value(_pooled(full, collections), _pooled(changed, collections)),
            "p_of": {name: p_value(full[name], changed[name]) for name in full},
        }
    return summary


def _pooled(values: Mapping[str, list[float]], names: Iterable[str]) -> list[float]:
    return list(chain.from_iterable(values[name] for name in names))


def print_summary(summary: Mapping[str, Mapping[str, Any]]) -> None:
    rows = []
    for label, found in summary.items():
        cells = [
            f"{value:.3f}" + "*" * (found["p_of"][name] < SIGNIFICANT)
            for name, value in found["nDCG@10"].items()
        ]
        difference = [f"{found['difference']:+.4f}", f"{found['p']:.5f}"] if label != FULL else ["", ""]
        rows.append([label, *cells, f"{found['mean']:.4f}", *difference])
    collections = list(summary[FULL]["nDCG@10"])
    table("nDCG@10 without one part of the formula", ["", *collections, "mean", "difference", "p"], rows)
    print(f"\n* differs from the full formula on this collection with p < {SIGNIFICANT}")


def main() -> None:
    options = parse_arguments()
    wanted = sources(options.collections, options.cache)
    by_collection = {name: ablate(read()) for name, read in wanted.items()}
    summary = summarize(by_collection)
    print_summary(summary)
    write_json(options.json, {"variations": summary, "by_query": by_collection})


if __name__ == "__main__":
    main()
