"""Filters: subjects, dates, keywords, urls left out. They choose among the hits, and change no score."""

from __future__ import annotations

import datetime

import pytest
from copied import Pages, boosts, corpora, filters, found, paged, queries, search
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch.articles import Article
from qtsearch.errors import QuerySyntaxError

LONG = "one two three four five six seven eight nine"


@settings(max_examples=60)
@given(st.data())
def test_filters_choose_from_the_unfiltered_ranking(build_index, data):
    """Alone or together, with any query and weights: hits, order, scores and total are those of all pages
    that match, less those that do not pass."""
    articles = data.draw(corpora())
    index, pages = build_index(articles), Pages(articles)
    for _ in range(6):
        query, weights, collapse = data.draw(queries), data.draw(boosts), data.draw(st.booleans())
        ranking = found(index, query, boosts=weights, collapse=False)
        assert search(index, query, boosts=weights, collapse=False).total == len(ranking)
        for _ in range(4):
            chosen = data.draw(filters)
            expected = pages.select(ranking, chosen, "score", collapse)
            options = {**chosen, "boosts": weights, "collapse": collapse}
            assert found(index, query, **options) == expected
            assert paged(index, query, data.draw(st.integers(1, 4)), **options) == expected
            assert search(index, query, 0, **options).total == len(expected)


@pytest.fixture(scope="module")
def dated(build_index):
    """Pages at the edges of months, one without date, and one of the year 999."""
    days = {
        "/999": datetime.date(999, 5, 1),
        "/dec": datetime.date(2024, 12, 31),
        "/jan": datetime.date(2025, 1, 1),
        "/end": datetime.date(2025, 1, 31),
        "/feb": datetime.date(2025, 2, 1),
        "/none": None,
    }
    return build_index(
        [Article(url=url, question="Clot?", answer="Clot.", date=day) for url, day in days.items()]
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "/999 /dec /end /feb /jan /none"),
        ({"since": "2025"}, "/end /feb /jan"),
        ({"since": "2025-01-31"}, "/end /feb"),
        ({"until": "2025-01"}, "/999 /dec /end /jan"),
        ({"until": "2024"}, "/999 /dec"),
        ({"since": "2025-1", "until": "2025-1"}, "/end /jan"),
        ({"since": datetime.date(2025, 1, 31), "until": datetime.date(2025, 1, 31)}, "/end"),
        ({"until": datetime.datetime(2025, 1, 1, 0, 0)}, "/999 /dec /jan"),
        ({"since": "0001", "until": "9999-12-31"}, "/999 /dec /end /feb /jan"),
        ({"since": "2026"}, ""),
        ({"since": "2025-02", "until": "2025-01"}, ""),
    ],
)
def test_dates_are_days_months_or_years(dated, options, expected):
    """Both ends belong to the period; a page without date is in none."""
    assert sorted(hit.url for hit in search(dated, "clot", collapse=False, **options)) == expected.split()


@pytest.mark.parametrize(
    "text", ["", "soon", "2025-13", "2025-02-30", "2025-1-1-1", "25", "2025/01/01", "0000", "2025-00"]
)
@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_date_is_refused(dated, name, text):
    """The error names the text."""
    with pytest.raises(ValueError, match="is no date") as raised:
        dated.search("clot", **{name: text})
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("value", [2025, 20250101.0, b"2025"])
def test_dates_are_dates_or_texts(dated, value):
    """Nothing else, which could mean anything."""
    with pytest.raises(TypeError, match="a date must be"):
        dated.search("clot", since=value)


@pytest.fixture(scope="module")
def carried(build_index):
    """Pages of one question with keywords of one, of several and of more words than are indexed as one."""
    keywords = {
        "/one": ("stroke",),
        "/two": ("Blood  clots", "stroke risk"),
        "/parts": ("blood", "clots"),
        "/more": ("blood clot care",),
        "/long": (LONG,),
        "/longer": (f"{LONG} ten", "nine"),
        "/none": (),
    }
    return build_index(
        [
            Article(url=url, question="Why?", answer=LONG, page_keywords=words)
            for url, words in keywords.items()
        ]
    )


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        (["stroke"], "/one"),
        ("Strokes", "/one"),
        (["stroke risk", "stroke"], "/one /two"),
        (["BLOOD-clot's"], "/two"),
        (["blood"], "/parts"),
        (["clots blood"], ""),
        (["blood clot cares"], "/more"),
        ([LONG], "/long"),
        ([LONG.upper() + " TEN", "zebra"], "/longer"),
        ([f"{LONG} eleven"], ""),
        (["two three four five six seven eight nine ten"], ""),
        (["zebra"], ""),
        (["", "!?"], ""),
        ([], ""),
    ],
)
def test_keywords_are_whole_and_in_any_form(carried, keywords, expected):
    """A page passes if one of its keywords is one of those asked for, whole, in any form of its words."""
    results = search(carried, "why", keywords=keywords, collapse=False)
    assert sorted(hit.url for hit in results) == expected.split()


def test_every_keyword_of_a_hit_finds_it(sample_index):
    """What a hit shows as its keywords can be asked for."""
    for hit in search(sample_index, "stroke"):
        for keyword in hit.keywords:
            assert hit.url in [other.url for other in search(sample_index, "stroke", keywords=keyword)]


def test_urls_left_out(carried):
    """Unknown urls make no difference, one text is one url."""
    everything = [hit.url for hit in search(carried, "why", collapse=False)]
    assert [hit.url for hit in search(carried, "why", collapse=False, exclude=["/x", ""])] == everything
    left = [hit.url for hit in search(carried, "why", collapse=False, exclude="/two")]
    assert left == [url for url in everything if url != "/two"]
    assert search(carried, "why", collapse=False, exclude=everything).total == 0


def test_url_left_out_in_another_normal_form(build_index):
    """Urls are the same in all normal forms of Unicode."""
    index = build_index([Article(url="/caf\N{LATIN SMALL LETTER E WITH ACUTE}", question="Why?", answer="-")])
    assert search(index, "why", exclude=["/cafe\N{COMBINING ACUTE ACCENT}"]).total == 0


def test_explanations_know_no_filter(sample_index):
    """A page that is of none of the subjects is explained as it is without them."""
    hit = sample_index.search("stroke", subjects=["Medicine"])[0]
    explained = sample_index.explain("stroke", hit.url, subjects=["Nursing"])
    assert explained == sample_index.explain("stroke", hit.url)
    assert explained.score == hit.score > 0


def test_unknown_syntax_is_refused(sample_index):
    """The error lists the ones there are."""
    with pytest.raises(ValueError, match="syntax must be one of auto, plain, strict, not 'lucene'"):
        sample_index.search("stroke", syntax="lucene")


def test_strict_syntax_has_its_own_error(sample_index):
    """And it is none of the arguments."""
    with pytest.raises(QuerySyntaxError):
        sample_index.search('"stroke', syntax="strict")


def test_one_page(build_index):
    """An index of a single page, of no subject, without date."""
    index = build_index([Article(url="/1", question="Clot?", answer="No.")])
    assert index.subjects() == {}
    for options in ({}, {"sort": "date"}, {"exclude": ["/2"]}, {"collapse": False}, {"sort": "question"}):
        results = search(index, "clot", **options)
        assert [hit.url for hit in results] == ["/1"]
        assert (results.total, results.subjects, results.months) == (1, {}, {})
    for options in ({"since": "2000"}, {"subjects": [""]}, {"keywords": ["clot"]}, {"exclude": ["/1"]}):
        results = search(index, "clot", **options)
        assert (len(results), results.total, results.subjects, results.months) == (0, 0, {}, {})


def test_real_filters(real_index, real_articles):
    """The real articles: what each filter leaves of the unfiltered ranking."""
    pages = Pages(real_articles)
    for query in ("blood pressure", "how do fiscal policies affect inflation"):
        ranking = found(real_index, query, 100_000, collapse=False)
        keyword = search(real_index, query)[0].keywords[0]
        for chosen in (
            {"subjects": ["Medicine", "health-studies"]},
            {"since": "2025-01", "until": "2025-02-15"},
            {"keywords": [keyword]},
            {"since": "2025", "subjects": "Computer science", "exclude": [ranking[0][0]]},
        ):
            wanted = {
                name: [value] if name == "subjects" and isinstance(value, str) else value
                for name, value in chosen.items()
            }
            for collapse in (False, True):
                expected = pages.select(ranking, wanted, "score", collapse)
                results = search(real_index, query, 100_000, collapse=collapse, **chosen)
                assert [(hit.url, hit.score) for hit in results] == expected
                assert results.total == len(expected)
                assert found(real_index, query, 10, offset=7, collapse=collapse, **chosen) == expected[7:17]


def test_threads_filter_alike(sample_index):
    """One open index, many threads, other filters: each gets its own hits."""
    from concurrent.futures import ThreadPoolExecutor

    asked = [
        {"subjects": ["Medicine"]},
        {"since": "2025-01"},
        {"sort": "date", "until": "2025-01"},
        {"sort": "question", "collapse": False},
        {"keywords": ["stroke risk"]},
    ] * 40
    with qtsearch.open_index(sample_index.path) as index, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda options: _everything(index, options), asked))
    assert answers == [_everything(sample_index, options) for options in asked]


def _everything(index, options):
    results = search(index, "why does a stroke need care", **options)
    return [(hit.url, hit.score) for hit in results], results.total, results.subjects, results.months
