"""The order of hits: by score, by date, by question. Which pages are hits does not depend on it."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from copied import SORTS, Pages, boosts, corpora, filters, found, paged, queries, search
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch.articles import Article


@settings(max_examples=60)
@given(st.data())
def test_every_order_has_the_same_hits(build_index, data):
    """Sorted by loops over the articles: hits, scores and total, however they are paged."""
    articles = data.draw(corpora())
    index, pages = build_index(articles), Pages(articles)
    for _ in range(4):
        query, weights = data.draw(queries), data.draw(boosts)
        chosen, collapse = data.draw(filters), data.draw(st.booleans())
        ranking = found(index, query, boosts=weights, collapse=False)
        for sort in SORTS:
            expected = pages.select(ranking, chosen, sort, collapse)
            options = {**chosen, "boosts": weights, "collapse": collapse, "sort": sort}
            assert found(index, query, **options) == expected
            assert paged(index, query, data.draw(st.integers(1, 4)), **options) == expected
            assert search(index, query, 1, **options).total == len(expected)


@pytest.fixture(scope="module")
def small(build_index):
    """Pages of which some have the same date or question, and some none."""
    pages = [
        Article(url="/1", question="beta clot?", answer="-", subject="B", date=datetime.date(2025, 1, 1)),
        Article(url="/2", question="Alpha clot?", answer="-", subject="A", date=datetime.date(2025, 1, 1)),
        Article(url="/3", question="Gamma clot?", answer="-", date=datetime.date(2024, 1, 1)),
        Article(url="/4", question="alpha clot?", answer="--", subject="B"),
        Article(url="/5", question="Clot, clot, clot?", answer="Clot.", date=datetime.date(2026, 1, 1)),
    ]
    return build_index(pages)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("date", "/5 /2 /1 /3 /4"),
        ("oldest", "/3 /2 /1 /5 /4"),
        ("question", "/2 /4 /1 /5 /3"),
    ],
)
def test_orders(small, sort, expected):
    """Pages without date come last either way; case makes no difference; ties go by subject and url."""
    results = search(small, "clot", sort=sort)
    assert [hit.url for hit in results] == expected.split()
    scores = dict(found(small, "clot"))
    assert [hit.score for hit in results] == [scores[hit.url] for hit in results]
    assert [hit.rank for hit in results] == [1, 2, 3, 4, 5]
    part = search(small, "clot", 2, sort=sort, offset=2)
    assert [(hit.rank, hit.url) for hit in part] == [(hit.rank, hit.url) for hit in results[2:4]]
    assert len(search(small, "clot", sort=sort, offset=5)) == 0
    assert len(search(small, "zebra", sort=sort)) == len(search(small, "", sort=sort)) == 0


@pytest.mark.parametrize("sort", ["newest", "", "Date", None, "-date"])
def test_unknown_orders_are_refused(small, sort):
    """The error lists the ones there are."""
    with pytest.raises(ValueError, match="sort must be one of score, date, oldest, question, not"):
        small.search("clot", sort=sort)


def test_of_several_pages_the_first_in_the_order_is_shown(build_index):
    """An article comes where its first page does, and is that page."""
    days = {"/1": 3, "/2": 1, "/3": 2, "/4": 4}
    pages = [
        Article(
            url=url,
            question="Clot?" if url != "/3" else "Clots?",
            answer="-",
            date=datetime.date(2025, 1, day),
        )
        for url, day in days.items()
    ]
    index = build_index(pages)
    assert [hit.url for hit in search(index, "clot", sort="date")] == ["/4", "/3"]
    assert [hit.url for hit in search(index, "clot", sort="oldest")] == ["/2", "/3"]
    assert [hit.url for hit in search(index, "clot", sort="oldest", until="2025-01-02")] == ["/2", "/3"]
    assert [hit.url for hit in search(index, "clot", sort="date", until="2025-01-02")] == ["/3", "/2"]


def test_threads_sort_alike(small, build_index):
    """The orders are prepared when first needed, by whichever thread comes first."""
    expected = {sort: found(small, "clot", sort=sort) for sort in SORTS}
    pages = [small.get(f"/{n}") for n in range(1, 6)]
    for _ in range(5):
        index = build_index(pages)
        with ThreadPoolExecutor(8) as threads:
            asked = list(SORTS) * 10
            answers = threads.map(lambda sort: found(index, "clot", sort=sort), asked)  # noqa: B023
            assert list(answers) == [expected[sort] for sort in asked]


def test_real_orders(real_index, real_articles):
    """The real articles, the first and a later page of results."""
    pages = Pages(real_articles)
    ranking = found(real_index, "blood pressure", 100_000, collapse=False)
    for sort in SORTS:
        expected = pages.select(ranking, {}, sort, True)
        assert search(real_index, "blood pressure", sort=sort).total == len(expected)
        for offset in (0, 990):
            assert (
                found(real_index, "blood pressure", 10, offset=offset, sort=sort)
                == expected[offset : offset + 10]
            )
