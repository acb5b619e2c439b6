"""What a snippet costs: from an answer, as it is stored, to the passage to show, its words marked.

Measured: microseconds of processor time a hit, for the ten hits of a query: our snippet; the same with the
    reading of the article, as a hit gives it; beside it whoosh.highlight on the same text: sentence fragments
    of at most 240 characters, the best one, with the analyzer of whoosh's own English field. What rendering
    an answer takes, once, when it is indexed. And a thousand times over, what memory grows by.
Corpus: the real articles, or generated ones (corpus.py); keyword phrases and questions, others each round.
Command: python benchmarks/snippets.py [--queries N] [--rounds N] [--articles N] [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
from collections.abc import Callable
from time import process_time_ns
from typing import Any, NamedTuple

import corpus as corpora
from corpus import SEED, Corpus
from peers import OURS, QUERY_PEERS, choose
from prepared import index_folder
from report import digits, summarize, table, write_json

import qtsearch
from qtsearch import analysis
from qtsearch.text.rendering import plain_text
from qtsearch.text.snippets import Weights, in_sentences, make_snippet

MAX_CHARS = 240
SLOW_HITS = 200  # of a round, for whoosh
SNIPPET, HIT, WHOOSH = "snippet", "article read, snippet", "whoosh.highlight"
RENDERING = "rendering, once"


class Job(NamedTuple):
    """A hit, what is to be marked in it, and the same for Whoosh."""

    hit: qtsearch.Hit
    answer: str
    sentences: str
    weights: Weights
    text: str
    words: frozenset[str]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the snippets of the hits of real queries.")
    corpora.add_arguments(parser)
    parser.add_argument("--queries", type=int, default=100, help="of each kind, per round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def forms_by_stem(corpus: Corpus) -> dict[str, list[str]]:
    """Every surface form of the answers, by its stem: an index has this table."""
    forms = {
        analysis.fold(token) for document in corpus.documents for token in analysis.tokenize(document.answer)
    }
    by_stem: dict[str, list[str]] = {}
    for form in sorted(forms):
        by_stem.setdefault(analysis.stem(form), []).append(form)
    return by_stem


def prepare(index: qtsearch.Index, query: str, forms: dict[str, list[str]]) -> list[Job]:
    """The hits of a query. All words weigh the same, which costs the same as any other weights."""
    stems = {analysis.stem(analysis.fold(token)) for token in analysis.tokenize(query)}
    stems = {stem for stem in stems if not analysis.is_soft(stem)} or stems
    weights = {form: (stem, 1.0) for stem in stems for form in forms.get(stem, [])}
    words = frozenset(analysis.tokenize(query))
    answers = [hit.answer for hit in index.search(query, limit=10)]
    return [
        Job(hit, answer, in_sentences(answer), weights, plain_text(answer), words)
        for hit, answer in zip(index.search(query, limit=10), answers, strict=True)
    ]


def highlighter() -> Callable[[Job], Any]:
    """Whoosh's highlighting, as its documentation sets it up for a stemmed field."""
    from whoosh.analysis import StemmingAnalyzer
    from whoosh.highlight import HtmlFormatter, SentenceFragmenter, highlight

    analyzer, formatter = StemmingAnalyzer(), HtmlFormatter(tagname="mark")
    fragmenter = SentenceFragmenter(maxchars=MAX_CHARS)

    def run(job: Job) -> Any:
        terms = frozenset(token.text for word in job.words for token in analyzer(word))
        return highlight(job.text, terms, analyzer, fragmenter, formatter, top=1)

    return run


def time_jobs(run: Callable[[Job], Any], jobs: list[Job]) -> list[float]:
    times = []
    for job in jobs:
        before = process_time_ns()
        run(job)
        times.append((process_time_ns() - before) / 1e3)
    return times


def growth_bytes(run: Callable[[Job], Any], jobs: list[Job], times: int = 1_000) -> float:
    """What the peak of memory grows by with each call, when all are warm."""
    for job in jobs:
        run(job)
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(times):
        run(jobs[number % len(jobs)])
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / times


def main() -> None:
    options = parse_arguments()
    corpus = corpora.from_arguments(options)
    peers, _ = choose(QUERY_PEERS, OURS)
    index = qtsearch.open_index(index_folder(peers[0], corpus, rebuild=options.rebuild))
    forms = forms_by_stem(corpus)
    print(f"{corpus}; {options.rounds} rounds of {options.queries:,} phrases and as many questions")
    runs: dict[str, Callable[[Job], Any]] = {
        SNIPPET: lambda job: make_snippet(job.sentences, job.weights, max_chars=MAX_CHARS),
        HIT: lambda job: job.hit.snippet(MAX_CHARS),
        RENDERING: lambda job: in_sentences(job.answer),
        WHOOSH: highlighter(),
    }
    samples: dict[str, dict[str, list[float]]] = {}
    jobs: list[Job] = []
    for number in range(options.rounds):
        for kind, draw in (("phrase", corpus.keyword_phrases), ("question", corpus.questions)):
            found = samples.setdefault(kind, {name: [] for name in runs})
            queries = draw(options.queries, SEED + number)
            jobs = [job for query in queries for job in prepare(index, query.text, forms)]
            gc.collect()
            gc.freeze()  # what the benchmark itself keeps is none of their business
            for name, run in runs.items():
                found[name] += time_jobs(run, jobs[:SLOW_HITS] if name == WHOOSH else jobs)
    growth = growth_bytes(runs[SNIPPET], jobs)
    rows = []
    for kind, by_name in samples.items():
        for name, times in by_name.items():
            figures = summarize(times)
            values = [digits(value) for value in (figures.mean, figures.median, figures.p99)]
            rows.append([kind, name, *values, f"{figures.size:,}"])
    table("Microseconds a hit", ["query", "what", "mean", "median", "p99", "hits"], rows, names=2)
    ratios = {
        kind: summarize(by_name[SNIPPET]).mean / summarize(by_name[WHOOSH]).mean
        for kind, by_name in samples.items()
    }
    title = "qtsearch / whoosh.highlight, ratio of means (below 1: qtsearch is faster)"
    table(title, list(ratios), [[digits(ratio, 2) for ratio in ratios.values()]], names=0)
    print(f"\nMemory that stays taken: {growth:,.0f} bytes a snippet")
    summaries = {
        kind: {name: summarize(times)._asdict() for name, times in by_name.items()}
        for kind, by_name in samples.items()
    }
    write_json(
        options.json, {"corpus": str(corpus), "us": summaries, "ratios": ratios, "growth bytes": growth}
    )
    index.close()


if __name__ == "__main__":
    main()
