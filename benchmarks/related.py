"""How well similar pages are found, beside Whoosh's `more_like`.

Measured: recall@10: of the pages that an author links to as related, how many are among the ten articles
    most like the page, means over pages; the p of a paired randomisation test against the best setting of
    Whoosh; milliseconds a page, warm: of each the median of the rounds, then mean, median and p99.
Corpus: the real articles; a thousand pages that link to others, Whoosh a part of them. The links are the
    truth, and nobody's input. Whoosh is handed the text of the field, which is the faster way.
Command: python benchmarks/related.py [--slow-queries N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from time import perf_counter_ns
from typing import Any

import corpus as corpora
from corpus import SEED, Corpus, data_folder
from judged import Judged, read_articles
from peers import OURS, QUERY_PEERS
from peers.plain_whoosh import PlainWhoosh
from prepared import index_folder
from report import digits, summarize, table, write_json
from significance import p_value
from tasks import related as related_task

from qtsearch.articles import Article
from qtsearch.generations import generation
from qtsearch.search.related import most_similar, related
from qtsearch.search.searcher import Searcher

DEPTH = 10
SPARE = 20  # asked for beyond that, for several pages of one article and for other answers to the question
#: Field and number of key terms; five is the default, and 24 as many as qtsearch has.
SETTINGS = (("question", 5), ("answer", 5), ("keywords", 5), ("answer", 24))

Similar = Callable[[Article], Sequence[str]]  # a page → urls, best first


class Truth:
    """The pages asked, the articles that each links to, and recall@10 over them."""

    def __init__(self, judged: Judged) -> None:
        self.pages = {article.url: article for article in read_articles(judged.folder)}
        self._judged = judged
        self.asked = [self.pages[url] for url in judged.queries]

    def _article(self, url: str) -> object:
        """What the pages of one article share."""
        return self.pages[url].id or url

    def recall(self, page: Article, found: Sequence[str]) -> float:
        """The share of the articles linked to that are among the first ten found, each counted once."""
        ignored = self._judged.ignored[page.url]
        articles = list(dict.fromkeys(self._article(url) for url in found if url not in ignored))[:DEPTH]
        wanted = {self._article(url) for url in self._judged.qrels[page.url]}
        return len(wanted.intersection(articles)) / len(wanted)


def open_ours(corpus: Corpus, rebuild: bool) -> Searcher:
    folder = index_folder(QUERY_PEERS[OURS], corpus, rebuild=rebuild)
    return Searcher(generation.open_segment(str(folder))[1])


def ask_whoosh(engine: PlainWhoosh, field: str, terms: int) -> Similar:
    def similar(page: Article) -> list[str]:
        text = ", ".join(page.page_keywords) if field == "keywords" else getattr(page, field)
        number = engine.searcher.document_number(url=page.url)
        results = engine.searcher.more_like(number, field, text=text, top=DEPTH + SPARE, numterms=terms)
        return [hit["url"] for hit in results]

    return similar


def time_pages(work: Callable[[int], object], docs: Sequence[int], rounds: int) -> list[float]:
    """Milliseconds of each page, the median of the rounds; one more goes before, to warm up."""
    times: dict[int, list[float]] = {doc: [] for doc in docs}
    for number in range(rounds + 1):
        for doc in docs:
            before = perf_counter_ns()
            work(doc)
            if number:
                times[doc].append((perf_counter_ns() - before) / 1e6)
    return [median(sample) for sample in times.values()]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure similar pages, beside Whoosh's more_like.")
    parser.add_argument("--slow-queries", type=int, default=200, help="pages asked of Whoosh; 0: none")
    parser.add_argument("--rounds", type=int, default=5, help="of timing")
    parser.add_argument("--rebuild", action="store_true", help="build cached indexes anew")
    corpora.add_folder_arguments(parser)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    folder: Path = data_folder() / "learn"
    if not folder.is_dir():
        raise SystemExit(f"no articles in {folder}: unpack them, or set QTSEARCH_DATA")
    corpus = Corpus(folder, options.cache, kind="real")
    truth = Truth(related_task(folder, options.cache))
    searcher = open_ours(corpus, options.rebuild)
    segment = searcher.segment
    docs = {page.url: segment.find_url(page.url) for page in truth.asked}
    ours = {}
    for page in truth.asked:
        found, _ = most_similar(searcher, docs[page.url], DEPTH + SPARE)
        ours[page.url] = truth.recall(page, [segment.url_and_question(doc)[0] for doc in found])
    figures: dict[str, Any] = {}
    rows = []
    for name, work in (
        ("qtsearch, similar", lambda doc: most_similar(searcher, doc, DEPTH)),
        ("qtsearch, links and similar", lambda doc: related(searcher, doc, DEPTH)),
    ):
        times = summarize(time_pages(work, list(docs.values()), options.rounds))
        recall = fmean(ours.values()) if not figures else None
        figures[name] = {"recall@10": recall, "ms": times._asdict()}
        ms = [digits(value, 2) for value in (times.mean, times.median, times.p99)]
        rows.append([name, f"{times.size:,}", "-" if recall is None else f"{recall:.3f}", "-", "-", *ms])
    sample = random.Random(SEED).sample(truth.asked, min(options.slow_queries, len(truth.asked)))
    same = [ours[page.url] for page in sample]
    engine = PlainWhoosh()
    if sample:
        engine.open(index_folder(QUERY_PEERS["whoosh"], corpus, rebuild=options.rebuild))
    for field, terms in SETTINGS if sample else ():
        similar = ask_whoosh(engine, field, terms)
        recalls, ms_of = [], []
        for page in sample:
            before = perf_counter_ns()
            urls = similar(page)
            ms_of.append((perf_counter_ns() - before) / 1e6)
            recalls.append(truth.recall(page, urls))
        times, name = summarize(ms_of), f"whoosh, {field}, {terms} terms"
        p = p_value(same, recalls)
        figures[name] = {"recall@10": fmean(recalls), "qtsearch": fmean(same), "p": p, "ms": times._asdict()}
        ms = [digits(value, 2) for value in (times.mean, times.median, times.p99)]
        rows.append([name, str(times.size), f"{fmean(recalls):.3f}", f"{fmean(same):.3f}", f"{p:.5f}", *ms])
    head = ["", "pages", "recall@10", "qtsearch on these", "p", "mean ms", "median", "p99"]
    table(f"{corpus}: links found among the ten most similar articles", head, rows)
    write_json(options.json, figures)


if __name__ == "__main__":
    main()
