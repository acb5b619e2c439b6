"""The slow oracle of filters, duplicates, orders and counts: loops over the articles, given a full ranking.

And small corpora to try it on, in which articles stand on several pages, or nearly do.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from corpora import KEYWORDS, MAX_PAGES, WORDS
from hypothesis import strategies as st
from oracle import terms_of

from qtsearch import Index, Results
from qtsearch.articles import Article
from qtsearch.schema import slugify

EVERYTHING = 1_000  # hits: more than there are
SORTS = ("score", "date", "oldest", "question")
#: Of these, `Computer Science` and `computer science!` are one, and the first and the last none.
SUBJECTS = ["", "Biology", "Computer Science", "computer science!", "Économie", "?!"]

_texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
_dates = st.none() | st.sampled_from(
    [
        datetime.date(*day)
        for day in ((999, 12, 31), (2024, 12, 31), (2025, 1, 1), (2025, 1, 31), (2025, 2, 1))
    ]
)
_keywords = st.lists(st.sampled_from(KEYWORDS), max_size=3).map(tuple)


@st.composite
def corpora(draw: st.DrawFn) -> list[Article]:
    """Pages of a few articles, each on several; some differ in the id, the question or the answer alone."""
    ids = st.sampled_from([None, 0, 1, 2])
    questions, answers = draw(st.lists(_texts, min_size=1, max_size=3)), draw(st.lists(_texts, min_size=1))
    contents = draw(
        st.lists(st.tuples(ids, st.sampled_from(questions), st.sampled_from(answers)), min_size=1, max_size=6)
    )
    return [
        Article(
            url=f"/{number}",
            id=content[0],
            question=content[1],
            answer=content[2],
            page_keywords=draw(_keywords),
            subject=draw(st.sampled_from(SUBJECTS)),
            date=draw(_dates),
        )
        for number, content in enumerate(
            draw(st.lists(st.sampled_from(contents), min_size=1, max_size=2 * MAX_PAGES))
        )
    ]


#: Words, some of which no page has, and queries that are worked out as trees.
queries = st.lists(st.sampled_from([*WORDS, "zebra"]), max_size=5).map(" ".join) | st.sampled_from(
    ["*:*", "vir*", '"cell cell" of', "cell -virus", "cell OR x_1", "answer:cell", "zebra*"]
)
boosts = st.sampled_from([None, None, {"answer": 0}, {"question": 0, "page_keywords": 0}])

_periods = st.sampled_from(["0999", "2024", "2024-12", "2025-1", "2025-01-01", "2025-01-31", "2025-02-02"])
_subjects = st.lists(st.sampled_from([*SUBJECTS, "COMPUTER-science", "Alchemy"]), max_size=3)
_wanted = st.lists(st.sampled_from([*KEYWORDS, "cells", "Virus CELLED", "zebra", ""]), max_size=2)
_urls = st.lists(st.integers(0, 2 * MAX_PAGES).map("/{}".format), max_size=3)

#: Arguments of a search that filter: each alone, or several.
filters = st.fixed_dictionaries(
    {},
    optional={
        "subjects": _subjects,
        "since": _periods,
        "until": _periods,
        "keywords": _wanted,
        "exclude": _urls,
    },
)


def same(page: Article) -> tuple[Any, ...]:
    """What pages of one article have in common."""
    return page.id, page.question, page.answer


class Pages:
    """The oracle: a corpus, of which it takes the hits that a search must give from those of all pages."""

    def __init__(self, pages: Iterable[Article]) -> None:
        self._pages = {page.url: page for page in pages}

    def __getitem__(self, url: str) -> Article:
        return self._pages[url]

    def passes(self, page: Article, filters: Mapping[str, Any], collapse: bool) -> bool:
        """Whether a page is one of those asked for."""
        day = page.date.isoformat() if page.date else None
        for name, wanted in filters.items():
            match name:
                case "subjects":
                    slugs = {slugify(subject) for subject in wanted} - {""}
                    found = slugify(page.subject) in slugs
                case "since":  # a period is a beginning of a day
                    found = day is not None and day[: len(_padded(wanted))] >= _padded(wanted)
                case "until":
                    found = day is not None and day[: len(_padded(wanted))] <= _padded(wanted)
                case "keywords":
                    carried = [terms_of(keyword) for keyword in page.page_keywords]
                    found = any(terms_of(keyword) in carried for keyword in wanted if terms_of(keyword))
                case _:
                    found = page.url not in wanted
                    if collapse:
                        excluded = [self._pages[url] for url in wanted if url in self._pages]
                        found = same(page) not in map(same, excluded)
            if not found:
                return False
        return True

    def passing(
        self, ranking: Sequence[tuple[str, float]], filters: Mapping[str, Any], collapse: bool
    ) -> list[tuple[str, float]]:
        """Those of the pages that are asked for, each article on all its pages."""
        return [hit for hit in ranking if self.passes(self[hit[0]], filters, collapse)]

    def select(
        self, ranking: Sequence[tuple[str, float]], filters: Mapping[str, Any], sort: str, collapse: bool
    ) -> list[tuple[str, float]]:
        """The hits, given all pages that match with their scores, best first."""
        hits = self.passing(ranking, filters, collapse)
        if sort != "score":
            hits.sort(key=lambda hit: (slugify(self[hit[0]].subject), hit[0]))
            hits.sort(key=lambda hit: self._sort_key(self[hit[0]], sort))
        if not collapse:
            return hits
        seen = set()
        kept = []
        for hit in hits:
            if same(self[hit[0]]) not in seen:
                seen.add(same(self[hit[0]]))
                kept.append(hit)
        return kept

    def _sort_key(self, page: Article, sort: str) -> Any:
        if sort == "question":
            return page.question.casefold()
        if page.date is None:
            return (1,)
        return 0, page.date.toordinal() * (-1 if sort == "date" else 1)


def _padded(period: str) -> str:
    return "-".join(part.zfill(2) for part in period.split("-"))


def search(index: Index, query: str, limit: int = EVERYTHING, **options: Any) -> Results:
    """A search without correction of the spelling."""
    return index.search(query, limit=limit, correct=False, **options)


def found(index: Index, query: str, limit: int = EVERYTHING, **options: Any) -> list[tuple[str, float]]:
    """Url and score of every hit, in order."""
    return [(hit.url, hit.score) for hit in search(index, query, limit, **options)]


def paged(index: Index, query: str, limit: int, **options: Any) -> list[tuple[str, float]]:
    """The same, ``limit`` at a time."""
    hits: list[tuple[str, float]] = []
    while True:
        results = search(index, query, limit, offset=len(hits), **options)
        hits += [(hit.url, hit.score) for hit in results]
        assert [hit.rank for hit in results] == list(range(len(hits) - len(results) + 1, len(hits) + 1))
        if len(results) < limit:
            return hits
