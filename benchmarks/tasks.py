"""Two judged tasks made of the real articles, where nobody but their authors did the judging.

`related`: the question of a page → the pages that its author links to as related. The page itself, the same
article on other pages and other answers to the same question are neither relevant nor hits.

`keyword`: a keyword phrase → the pages that carry exactly this phrase, whatever its case. The keywords are
not searched, so that the phrase has to be found in questions and answers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpus import SEED, data_folder
from judged import Judged, chosen, find_collections, read_articles, read_collection

QUERIES = 1_000
MIN_PAGES, MAX_PAGES = 2, 50  # that carry a phrase: on one it may be a whim, on many it says little


def related(folder: Path, cache: Path) -> Judged:
    """Questions of pages → their related pages, all of one grade."""
    articles = read_articles(folder)
    same: dict[object, set[str]] = defaultdict(set)
    for article in articles:
        same[_key(article.question)].add(article.url)
        if article.id is not None:
            same[article.id].add(article.url)
    urls = {article.url for article in articles}
    queries, qrels, ignored = {}, {}, {}
    for article in articles:
        twins = frozenset(same[_key(article.question)] | same.get(article.id, set()))
        targets = {link.url for link in article.related} & urls - twins
        if targets:
            queries[article.url] = article.question
            qrels[article.url] = dict.fromkeys(sorted(targets), 1)
            ignored[article.url] = twins
    drawn = _sample(queries, "related")
    return Judged(folder, cache, kind="related", queries=drawn, qrels=qrels, ignored=ignored)


def keyword(folder: Path, cache: Path) -> Judged:
    """Keyword phrases → the pages that carry them, all of one grade."""
    pages: dict[str, set[str]] = defaultdict(set)
    for article in read_articles(folder):
        for phrase in article.page_keywords:
            pages[phrase.casefold()].add(article.url)
    qrels = {
        phrase: dict.fromkeys(sorted(urls), 1)
        for phrase, urls in pages.items()
        if MIN_PAGES <= len(urls) <= MAX_PAGES
    }
    drawn = _sample({phrase: phrase for phrase in qrels}, "keyword")
    return Judged(
        folder,
        cache,
        kind="keyword",
        queries=drawn,
        qrels=qrels,
        keywords=False,
        boosts={"page_keywords": 0},
    )


TASKS = {"related": related, "keyword": keyword}


def sources(names: str | None, cache: Path) -> dict[str, Callable[[], Judged]]:
    """How to read each collection and task of a comma separated list, or of all there are, by name."""
    data = data_folder()
    found: dict[str, Callable[[], Judged]] = {
        name: partial(read_collection, folder, cache)
        for name, folder in find_collections(data / "collections").items()
    }
    if (data / "learn").is_dir():
        found |= {name: partial(make, data / "learn", cache) for name, make in TASKS.items()}
    return chosen(found, names)


def _key(question: str) -> str:
    return " ".join(question.casefold().split())


def _sample(queries: dict[str, str], name: str) -> dict[str, str]:
    """A thousand of them, or all; the same ones every time."""
    ids = sorted(queries)
    drawn = random.Random(f"{name} {SEED}").sample(ids, min(QUERIES, len(ids)))
    return {id_: queries[id_] for id_ in drawn}
