"""Articles that stand on several pages: one hit, with the other pages on it."""

from __future__ import annotations

import pytest
from copied import Pages, corpora, found, paged, queries, same, search
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch.articles import Article


@settings(max_examples=60)
@given(st.data())
def test_an_article_is_one_hit_the_best_of_its_pages(build_index, data):
    """Of those that match: whatever the limit, in the order of all pages, none repeated or dropped."""
    articles = data.draw(corpora())
    index, pages = build_index(articles), Pages(articles)
    for _ in range(6):
        query = data.draw(queries)
        expected = pages.select(found(index, query, collapse=False), {}, "score", True)
        assert found(index, query) == expected
        assert search(index, query, 0).total == len(expected)
        for limit in range(1, 5):
            assert paged(index, query, limit) == expected


@settings(max_examples=60)
@given(st.data())
def test_copies_are_the_other_pages(build_index, data):
    """With their subjects, in the order of subject and url, collapsed or not, whatever is asked for."""
    articles = data.draw(corpora())
    index, pages = build_index(articles), Pages(articles)
    order = [hit.url for hit in sorted(search(index, "*:*", collapse=False), key=lambda hit: hit.rank)]
    assert len(order) == len(articles)
    for options in ({}, {"collapse": False}, {"subjects": ["Biology"]}, {"since": "2025"}):
        for hit in search(index, "*:*", **options):
            others = [url for url in order if url != hit.url and same(pages[url]) == same(pages[hit.url])]
            assert [copy.url for copy in hit.copies] == others
            subjects = {other.url: other.subject for other in search(index, "*:*", collapse=False)}
            assert [copy.subject for copy in hit.copies] == [subjects[url] for url in others]


PAGE = {"url": "/1", "question": "Clot?", "answer": "A clot.", "id": 7}


@pytest.mark.parametrize(
    ("other", "hits"),
    [
        ({"subject": "Law"}, 1),
        ({"page_keywords": ("clot",)}, 1),
        ({"id": 8}, 2),
        ({"id": None}, 2),
        ({"id": 0}, 2),
        ({"question": "Clot ?"}, 2),
        ({"answer": "A clot"}, 2),
        ({"question": "Clot?\0A", "answer": "clot."}, 2),
    ],
)
def test_what_makes_an_article_the_same(build_index, other, hits):
    """Id, question and answer, to the letter; nothing else."""
    index = build_index([Article(**PAGE), Article(**{**PAGE, "url": "/2", **other})])
    results = search(index, "clot")
    assert (len(results), results.total) == (hits, hits)
    assert {len(hit.copies) for hit in results} == {2 - hits}


def test_articles_without_id(build_index):
    """Are the same by question and answer."""
    pages = [Article(url=f"/{n}", question="Clot?", answer="A clot.") for n in range(3)]
    (hit,) = search(build_index(pages), "clot")
    assert (hit.url, [copy.url for copy in hit.copies], hit.id) == ("/0", ["/1", "/2"], None)


def test_the_page_that_is_shown_is_the_best(build_index):
    """A keyword makes one of the pages better; a filter shows the page that passes, with its own score."""
    pages = [
        Article(url="/art", question="Clot?", answer="A clot.", subject="Art"),
        Article(url="/law", question="Clot?", answer="A clot.", subject="Law", page_keywords=("clot",)),
        Article(url="/other", question="Clot?", answer="Another clot.", subject="Law"),
    ]
    index = build_index(pages)
    scores = dict(found(index, "clot", collapse=False))
    assert scores["/law"] > scores["/art"]
    assert [hit.url for hit in search(index, "clot")] == ["/law", "/other"]
    (hit,) = search(index, "clot", subjects=["art"])
    assert (hit.url, hit.subject, hit.score) == ("/art", "Art", scores["/art"])
    assert hit.copies == (("/law", "Law"),)
    assert [hit.url for hit in search(index, "clot", keywords=["clot"])] == ["/law"]


def test_an_article_left_out_is_left_out_on_all_its_pages(build_index):
    """Unless its pages are hits of their own."""
    pages = [Article(url=f"/{n}", question="Clot?", answer="A clot.", subject=str(n)) for n in range(3)]
    index = build_index([*pages, Article(url="/x", question="Clot?", answer="-")])
    assert [hit.url for hit in search(index, "clot", exclude=["/1"])] == ["/x"]
    left = {hit.url for hit in search(index, "clot", exclude=["/1"], collapse=False)}
    assert left == {"/0", "/2", "/x"}


def test_hundreds_of_pages_of_few_articles(build_index):
    """More copies than a page of results has hits, before the first other article."""
    pages = [
        Article(url=f"/{n:03}", question=f"Clot {n // 100}?", answer="Clot. " * (4 - n // 100), id=n // 100)
        for n in range(400)
    ]
    index = build_index(pages)
    expected = Pages(pages).select(found(index, "clot", collapse=False), {}, "score", True)
    assert len(expected) == 4
    for limit in (1, 2, 3, 4, 5, 150):
        assert paged(index, "clot", limit) == expected
    assert search(index, "clot").subjects == {}
    assert len(search(index, "clot")[0].copies) == 99


def test_hits_are_read_after_closing(build_index):
    """Hits, totals and counts are of the snapshot, whether or not they were asked for before."""
    pages = [Article(url=f"/{n}", question="Clot?", answer="A clot.", subject=f"S{n}") for n in range(2)]
    with qtsearch.open_index(build_index(pages).path) as index:
        results = search(index, "clot")
    assert results[0].copies == (("/1", "S1"),)
    assert (results.total, results.subjects, results.months) == (1, {"S0": 1, "S1": 1}, {})
    with pytest.raises(ValueError, match="closed"):
        index.search("clot")


def test_real_articles_are_found_once(real_index, real_articles):
    """As many hits as there are articles, over all pages of a query that finds them all."""
    pages = Pages(real_articles)
    expected = pages.select(found(real_index, "the of in", 100_000, collapse=False), {}, "score", True)
    assert search(real_index, "the of in").total == len(expected) < len(real_index)
    assert paged(real_index, "the of in", 5_000) == expected
    assert found(real_index, "the of in", 10, offset=20) == expected[20:30]
