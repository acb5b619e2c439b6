"""Facets: how many hits each subject and each month has, over all pages of results."""

from __future__ import annotations

import datetime

from copied import Pages, boosts, corpora, filters, found, queries, search
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch.articles import Article

MONTHS = ["0999-12", "2024-12", "2025-01", "2025-02"]  # of the corpora


@settings(max_examples=60)
@given(st.data())
def test_counts_are_those_of_the_hits(build_index, data):
    """Under any query and filters: of each subject and month, the hits that are left if that is asked for."""
    articles = data.draw(corpora())
    index, pages = build_index(articles), Pages(articles)
    for _ in range(4):
        query, weights, collapse = data.draw(queries), data.draw(boosts), data.draw(st.booleans())
        chosen = data.draw(filters)
        results = search(index, query, boosts=weights, collapse=collapse, **chosen)
        passing = pages.passing(found(index, query, boosts=weights, collapse=False), chosen, collapse)

        def count(collapse=collapse, passing=passing, **more):
            return len(pages.select(passing, more, "score", collapse))

        counts = {subject: count(subjects=[subject]) for subject in index.subjects()}
        assert results.subjects == {subject: n for subject, n in counts.items() if n}
        counts = {month: count(since=month, until=month) for month in MONTHS}
        assert results.months == {month: n for month, n in counts.items() if n}


@settings(max_examples=40)
@given(st.data())
def test_a_count_is_the_total_of_the_search_with_that_filter(build_index, data):
    """Who chooses a subject or a month gets as many hits as were promised."""
    index = build_index(data.draw(corpora()))
    for _ in range(4):
        query, collapse = data.draw(queries), data.draw(st.booleans())
        results = search(index, query, collapse=collapse)
        for subject, count in results.subjects.items():
            assert search(index, query, collapse=collapse, subjects=[subject]).total == count
        for month, count in results.months.items():
            assert search(index, query, collapse=collapse, since=month, until=month).total == count


def test_order_of_counts(build_index):
    """Subjects with the most hits first, then by name; months the oldest first."""
    subjects = ["Zoology", "Law", "Law", "Art", "biology", "Biology", "Biology"]
    months = [5, 3, 12, 3, 5, 11, 3]
    pages = [
        Article(
            url=f"/{n}",
            question="Clot?",
            answer="-",
            id=n,
            subject=subject,
            date=datetime.date(2024, month, 9),
        )
        for n, (subject, month) in enumerate(zip(subjects, months, strict=True))
    ]
    results = search(build_index(pages), "clot", 1)
    assert list(results.subjects.items()) == [("Biology", 3), ("Law", 2), ("Art", 1), ("Zoology", 1)]
    assert list(results.months.items()) == [("2024-03", 3), ("2024-05", 2), ("2024-11", 1), ("2024-12", 1)]


def test_an_article_counts_once_under_each_of_its_own(build_index):
    """On three pages of two subjects and two months it is one hit, one of each subject and of each month."""
    places = [("Law", 1), ("Law", 2), ("Art", 2)]
    pages = [
        Article(
            url=f"/{n}",
            question="Clot?",
            answer="-",
            id=1,
            subject=subject,
            date=datetime.date(2025, month, n + 1),
        )
        for n, (subject, month) in enumerate(places)
    ]
    index = build_index(pages)
    results = search(index, "clot")
    assert (results.total, results.subjects) == (1, {"Art": 1, "Law": 1})
    assert results.months == {"2025-01": 1, "2025-02": 1}
    results = search(index, "clot", collapse=False)
    assert (results.total, results.subjects) == (3, {"Law": 2, "Art": 1})
    assert results.months == {"2025-01": 1, "2025-02": 2}


def test_pages_without_subject_or_date_are_not_counted(build_index):
    """Nor those whose subject has no letter or digit, which no filter can name."""
    pages = [
        Article(url="/1", question="Clot?", answer="-", subject="?!"),
        Article(url="/2", question="Clot?", answer="-", subject="Law", id=2),
        Article(url="/3", question="Clot?", answer="-", date=datetime.date(1, 1, 1), id=3),
        Article(url="/4", question="Clot?", answer="-", date=datetime.date(9999, 12, 31), id=4),
    ]
    results = search(build_index(pages), "clot")
    assert (results.total, results.subjects) == (4, {"Law": 1})
    assert results.months == {"0001-01": 1, "9999-12": 1}


def test_real_counts(real_index, real_articles):
    """The real articles: the counts of what loops over all hits count."""
    pages = Pages(real_articles)
    for query, chosen in (
        ("blood pressure", {}),
        ("how do fiscal policies affect inflation", {"since": "2025"}),
    ):
        passing = pages.passing(found(real_index, query, 100_000, collapse=False), chosen, True)
        for collapse in (True, False):
            results = search(real_index, query, collapse=collapse, **chosen)
            counts = {
                subject: len(pages.select(passing, {"subjects": [subject]}, "score", collapse))
                for subject in real_index.subjects()
            }
            assert results.subjects == {subject: n for subject, n in counts.items() if n}
            months = {f"{pages[url].date:%Y-%m}" for url, _ in passing}
            counts = {
                month: len(pages.select(passing, {"since": month, "until": month}, "score", collapse))
                for month in sorted(months)
            }
            assert results.months == counts
