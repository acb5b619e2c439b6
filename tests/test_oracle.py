"""The engine against two oracles: the formula in floats from the articles' text, and sums of the stored impacts.

The quantum. An impact is ``max(1, rint(256 · s))``: at most ½ below ``256 · s``, and less than 1 above it, for a word
that stands in nearly every page still counts 1. A quarter of it rounded up is at most ⅛ below ``64 · s`` and
less than 1 above it (⅛ + ¾, or 1 where the impact is 1). A word that counts c times in the query errs c times
as much. So in units of 1/256, where n is how many of the query's words a page has, each as often as it counts::

    256 · oracle − n/2  ≤  engine  ≤  256 · oracle + n

If no page errs by more, the page at any rank of the engine differs from the page at that rank of the oracle by at
most 3n/2, n now being the largest of all pages: only pages as close as that may have changed places.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from corpora import SUBJECTS, corpora, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Found, Oracle, query_terms

from qtsearch import Index, analysis, generation
from qtsearch.articles import Article
from qtsearch.codec.segment import Segment
from qtsearch.schema import slugify

UNITS = 256
TINY = 1e-6  # of float arithmetic


def assert_agrees(
    index: Index, oracle: Oracle, query: str, limit: int, subjects: Sequence[str] | None = None
) -> None:
    """The engine's total, scores and order are the oracle's, but for the quantum."""
    expected = oracle.search(query, subjects)
    results = index.search(query, subjects=subjects, limit=limit)
    assert results.total == len(expected)
    assert len(results) == min(limit, len(expected))
    by_url = {found.url: found for found in expected}
    found_pages: list[Found] = [by_url[hit.url] for hit in results]
    assert len(set(found_pages)) == len(found_pages)
    for hit, found in zip(results, found_pages, strict=True):
        exact = UNITS * found.score
        assert exact - found.counted / 2 - TINY <= UNITS * hit.score <= exact + found.counted + TINY
    quantum = 1.5 * max((found.counted for found in expected), default=0) + TINY
    for found, at_this_rank in zip(found_pages, expected, strict=False):
        assert UNITS * abs(found.score - at_this_rank.score) <= quantum
    # Equal scores stand in the order of (subject, url).
    keys = [(-hit.score, slugify(hit.subject), hit.url) for hit in results]
    assert keys == sorted(keys)


class Sums:
    """The slow oracle over a segment: every query adds up stored impacts, one by one, in Python's integers."""

    def __init__(self, index: Index, articles: Iterable[Article]) -> None:
        self._segment = Segment(index.path, generation.latest(index.path).segment_id)
        self._numbers = {term.decode(): number for number, term in enumerate(self._segment.terms.tolist())}
        # How a segment numbers its articles.
        pages = sorted((slugify(page.subject), page.url) for page in articles)
        self._slugs = [slug for slug, _ in pages]
        self._urls = [url for _, url in pages]

    def search(self, query: str, subjects: Iterable[str] | None = None) -> list[tuple[str, int]]:
        """The url and the score of every page that matches, best first."""
        segment = self._segment
        counts = Counter(term for term in query_terms(query) if term in self._numbers)
        all_soft = all(map(analysis.is_soft, counts))
        sums: dict[int, int] = {}
        for term, times in counts.items():
            start, stop = segment.offsets[self._numbers[term]], segment.offsets[self._numbers[term] + 1]
            quarter = analysis.is_soft(term) and not all_soft
            postings = zip(segment.docs[start:stop].tolist(), segment.impacts[start:stop].tolist(), strict=True)
            for doc, impact in postings:
                value = -(-impact // 4) if quarter else impact
                sums[doc] = sums.get(doc, 0) + min(times, 16) * value
        if subjects is not None:
            slugs = {slugify(subject) for subject in subjects}
            sums = {doc: value for doc, value in sums.items() if self._slugs[doc] in slugs}
        docs = sorted(sums, key=lambda doc: (-sums[doc], doc))
        return [(self._urls[doc], sums[doc]) for doc in docs]


def scored(hits: Iterable[object]) -> list[tuple[str, int]]:
    """Url and score in whole units of hits."""
    return [(hit.url, int(hit.score * UNITS)) for hit in hits]  # type: ignore[attr-defined]


# -- random corpora ------------------------------------------------------------------------------------

subject_lists = st.none() | st.lists(st.sampled_from([*SUBJECTS[1:], "biology", "computer-science", "no such"]))


@given(articles=corpora(), query=queries, subjects=subject_lists)
@settings(max_examples=150)
def test_engine_ranks_like_the_formula(build_index, articles, query, subjects):
    """On any small corpus totals are the oracle's, and scores and order are its within the quantum."""
    index = build_index(articles)
    assert_agrees(index, Oracle(articles), query, limit=len(articles), subjects=subjects)


@given(articles=corpora(), query=queries, subjects=subject_lists)
@settings(max_examples=150)
def test_engine_equals_sums_of_stored_impacts(build_index, articles, query, subjects):
    """Hits, scores, ties and total are exactly those of adding up the stored impacts one by one."""
    index = build_index(articles)
    expected = Sums(index, articles).search(query, subjects)
    results = index.search(query, subjects=subjects, limit=len(articles))
    assert scored(results) == expected
    assert results.total == len(expected)


@given(articles=corpora(), query=queries, subjects=st.lists(st.sampled_from(SUBJECTS[1:]), min_size=1))
@settings(max_examples=100)
def test_subject_filter_keeps_scores(build_index, articles, query, subjects):
    """Filtering by subject leaves out pages and changes neither the score nor the order of the others."""
    index = build_index(articles)
    slugs = {slugify(subject) for subject in subjects}
    everywhere = index.search(query, limit=len(articles))
    expected = [(hit.url, hit.score) for hit in everywhere if slugify(hit.subject) in slugs]
    results = index.search(query, subjects=subjects, limit=len(articles))
    assert [(hit.url, hit.score) for hit in results] == expected
    assert results.total == len(expected)


@given(articles=corpora(), query=queries, size=st.integers(1, 5))
@settings(max_examples=100)
def test_pages_of_results_make_up_the_list(build_index, articles, query, size):
    """Pages of any size never overlap, and one after the other they are the full list, ranks included."""
    index = build_index(articles)
    full = [(hit.rank, hit.url, hit.score) for hit in index.search(query, limit=len(articles))]
    pages = [index.search(query, limit=size, offset=start) for start in range(0, len(articles) + size, size)]
    assert [(hit.rank, hit.url, hit.score) for page in pages for hit in page] == full
    assert {page.total for page in pages} == {len(full)}


# -- real articles and queries ---------------------------------------------------------------------------

QUESTIONS = KEYWORD_PHRASES = 260


@pytest.fixture(scope="module")
def real_pages(real_articles: list[Article]) -> list[Article]:
    return [article for article in real_articles if not article.no_index]


@pytest.fixture(scope="module")
def real_queries(real_pages: list[Article]) -> list[str]:
    """Half questions, half keyword phrases, in turn."""
    rng = random.Random(20250131)
    questions = [page.question for page in rng.sample(real_pages, QUESTIONS)]
    phrases = [rng.choice(page.page_keywords) for page in rng.sample(real_pages, KEYWORD_PHRASES)]
    return [query for pair in zip(questions, phrases, strict=True) for query in pair]


def test_real_queries_rank_like_the_formula(real_index, real_pages, real_queries):
    """Over 500 real questions and keyword phrases the first hundred hits are the oracle's, within the quantum."""
    only = frozenset(term for query in real_queries for term in query_terms(query))
    oracle = Oracle(real_pages, only)
    subjects = list(real_index.subjects())
    for number, query in enumerate(real_queries):
        assert_agrees(real_index, oracle, query, limit=100)
        if number % 10 == 0:
            assert_agrees(real_index, oracle, query, limit=100, subjects=subjects[number % 7 :: 7])


def test_real_queries_equal_sums_of_stored_impacts(real_index, real_pages, real_queries):
    """For real queries the whole list, however many hits are asked for, is that of adding impacts one by one."""
    sums = Sums(real_index, real_pages)
    subjects = list(real_index.subjects())
    for number, query in enumerate(real_queries[::4] + real_queries[1::4]):
        filters = subjects[number % 5 :: 5] if number % 4 == 0 else None
        expected = sums.search(query, filters)
        for limit in (1, 10, 127, 128, 129, 1_000, len(real_index)) if number % 10 == 0 else (10, 100, 500):
            results = real_index.search(query, subjects=filters, limit=limit)
            assert scored(results) == expected[:limit]
            assert results.total == len(expected)


def test_real_pages_of_results_make_up_the_list(real_index, real_queries):
    """On the real index, too, pages of results follow on each other without gap or overlap."""
    for query in real_queries[:40]:
        full = scored(real_index.search(query, limit=600))
        pages = [real_index.search(query, limit=50, offset=start) for start in range(0, 600, 50)]
        assert [pair for page in pages for pair in scored(page)] == full
        for above, below in pairwise(full):
            assert above[1] >= below[1]
