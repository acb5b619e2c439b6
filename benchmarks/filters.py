"""What filters, orders, duplicates, totals and facets add to a search.

Measured: microseconds of a search for ten hits, none of them read, in each of several ways; then of the
    total and of each facet of its results, over all that match. Medians over the queries of the
    median of each one's rounds; `more` is the median of what each query takes more than the first.
Corpus: the real articles, or generated ones (corpus.py); the queries are questions of theirs.
Command: python benchmarks/filters.py [--queries N] [--rounds N] [--articles N] [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns

import corpus as corpora
from documents import Query
from peers import OURS, QUERY_PEERS, choose
from prepared import index_folder
from report import digits, table, write_json

import qtsearch
from qtsearch import Index, Results

#: By way of asking, the microseconds of each query.
Times = dict[str, list[float]]
Ask = Callable[[Query], object]

#: What is counted over all pages of results.
COUNTS: dict[str, Callable[[Results], object]] = {
    "total": lambda results: results.total,
    "subjects": lambda results: results.subjects,
    "months": lambda results: results.months,
}


def searches(index: Index, url: str, keyword: str) -> dict[str, Ask]:
    """The ways to search; the first is the plainest."""
    search = partial(index.search, correct=False)  # a filter may leave nothing of a query
    return {
        "plain, every page a hit": lambda query: search(query.text, collapse=False),
        "plain": lambda query: search(query.text),
        "subjects": lambda query: search(query.text, subjects=[query.subject]),
        "since, until": lambda query: search(query.text, since="2025-01", until="2025-02"),
        "keywords": lambda query: search(query.text, keywords=[keyword]),
        "exclude": lambda query: search(query.text, exclude=[url]),
        "all four": lambda query: search(
            query.text, subjects=[query.subject], since="2025", keywords=[keyword], exclude=[url]
        ),
        "sort: date": lambda query: search(query.text, sort="date"),
        "sort: question": lambda query: search(query.text, sort="question"),
    }


def time_in_turn(ways: dict[str, Ask], queries: list[Query], rounds: int) -> Times:
    """Each query in all ways, the one that starts changing from query to query."""
    names = list(ways)
    times: dict[str, list[list[float]]] = {name: [[] for _ in queries] for name in names}
    for number in range(rounds):
        for at, query in enumerate(queries):
            turn = (at + number) % len(names)
            for name in names[turn:] + names[:turn]:
                before = perf_counter_ns()
                ways[name](query)
                times[name][at].append((perf_counter_ns() - before) / 1e3)
    return {name: [median(sample) for sample in found] for name, found in times.items()}


def time_counts(index: Index, queries: list[Query], rounds: int) -> Times:
    """Each count, of results of which nothing has been counted yet."""
    times: Times = {}
    for collapse in (False, True):
        for name, count in COUNTS.items():
            found = times[f"{name}{'' if collapse else ', every page a hit'}"] = []
            for query in queries:
                sample = []
                for _ in range(rounds):
                    results = index.search(query.text, collapse=collapse, correct=False)
                    before = perf_counter_ns()
                    count(results)
                    sample.append((perf_counter_ns() - before) / 1e3)
                found.append(median(sample))
    return times


def print_times(title: str, times: Times, compare: bool) -> None:
    first = next(iter(times.values()))
    rows = []
    for name, sample in times.items():
        row = [name, digits(median(sample))]
        if compare:
            row.append(digits(median([one - other for one, other in zip(sample, first, strict=True)])))
        rows.append(row)
    table(title, ["", "µs", "more"] if compare else ["", "µs"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time filters, orders and facets of qtsearch.")
    corpora.add_arguments(parser)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    corpus = corpora.from_arguments(options)
    (peer,), _ = choose(QUERY_PEERS, OURS)
    print(f"{corpus}; {options.queries:,} questions, {options.rounds} rounds")
    with qtsearch.open_index(index_folder(peer, corpus, rebuild=options.rebuild)) as index:
        queries = corpus.questions(options.queries)
        hit = index.search(queries[0].text)[0]
        ways = searches(index, hit.url, hit.keywords[0])
        time_in_turn(ways, queries, 1)  # what is prepared when first needed
        found = time_in_turn(ways, queries, options.rounds)
        print_times("A search for ten hits", found, compare=True)
        counted = time_counts(index, queries, options.rounds)
        print_times("Counting all its hits", counted, compare=False)
    times = {name: median(sample) for name, sample in (found | counted).items()}
    write_json(options.json, {"corpus": str(corpus), "us": times})


if __name__ == "__main__":
    main()
