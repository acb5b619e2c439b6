"""Related pages: an article's own links, then what is most like it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from corpora import corpora, zipf_articles
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch.articles import Article, RelatedLink
from qtsearch.search.related import linked, most_similar, related


def page(url: str, text: str, *links: str, **keys: Any) -> Article:
    """A page whose question is a word that only pages with its id have, and which links to these urls."""
    related = tuple(RelatedLink(link, None, "", "") for link in links)
    question = f"q{keys['id']}" if "id" in keys else url.replace("/", "q")
    return Article(url=url, question=question, answer=text, related=related, **keys)


def searcher_of(index):
    return index._snapshot.searcher


def urls_of(index, docs: Sequence[int]) -> list[str]:
    segment = searcher_of(index).segment
    return [segment.url_and_question(doc)[0] for doc in docs]


def doc_of(index, url: str) -> int:
    doc = searcher_of(index).segment.find_url(url)
    assert doc >= 0
    return doc


def similar(index, url: str, k: int = 10, left_out: Sequence[str] = ()) -> list[str]:
    others = [doc_of(index, other) for other in left_out]
    return urls_of(index, most_similar(searcher_of(index), doc_of(index, url), k, others)[0])


def links(index, url: str) -> list[str]:
    return urls_of(index, linked(searcher_of(index).segment, doc_of(index, url)))


def all_related(index, url: str, k: int) -> tuple[list[str], list[str]]:
    found = related(searcher_of(index), doc_of(index, url), k)
    first = [doc for doc, score in found if not score]
    second = [doc for doc, score in found if score]
    assert [doc for doc, _ in found] == first + second
    return urls_of(index, first), urls_of(index, second)


#: Pages that share ever fewer words with the first, and some that share none.
SHARING = [
    page("/source", "artery clot stroke vessel brain"),
    page("/four", "artery clot stroke vessel lemon"),
    page("/three", "artery clot stroke lemon orange"),
    page("/two", "artery clot lemon orange apple"),
    page("/one", "artery lemon orange apple cherry"),
    *(page(f"/none/{n}", f"poem verse rhyme{n} stanza metre") for n in range(20)),
]


# -- what is similar -------------------------------------------------------------------------------


def test_pages_that_share_more_come_first(build_index):
    """The more key terms are shared, the better; pages that share none are not found, nor is the page."""
    index = build_index(SHARING)
    assert similar(index, "/source") == ["/four", "/three", "/two", "/one"]
    assert similar(index, "/source", 2) == ["/four", "/three"]
    docs, scores = most_similar(searcher_of(index), doc_of(index, "/source"), 10)
    assert len(docs) == len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_soft_words_make_nothing_similar(build_index):
    """Pages that share words of grammar only are not like each other."""
    index = build_index(
        [page("/a", "how is it that they were here"), page("/b", "how is it that they were here")]
    )
    assert similar(index, "/a") == []


@pytest.mark.parametrize("text", ["what is it", "!?", ""])
def test_article_without_words(build_index, text):
    """An article without hard words, or any, is like none, and none is like it."""
    index = build_index([Article(url="/empty", question="What?", answer=text), *SHARING])
    assert similar(index, "/empty") == []
    assert all_related(index, "/empty", 10) == ([], [])
    assert "/empty" not in similar(index, "/source", 100)


def test_single_article(build_index):
    """In an index of one page nothing is related."""
    assert all_related(build_index([SHARING[0]]), "/source", 5) == ([], [])


def test_same_subject_is_preferred(build_index):
    """Of two pages that share the same, that of the same subject comes first, whatever its number; pages
    without a subject have none in common."""
    texts = [("/a", "Alpha"), ("/source", "Beta"), ("/z", "Beta")]
    index = build_index([page(url, "artery clot stroke", subject=subject) for url, subject in texts])
    assert similar(index, "/source") == ["/z", "/a"]
    _, scores = most_similar(searcher_of(index), doc_of(index, "/source"), 2)
    assert scores[0] == scores[1] + scores[1] // 4
    index = build_index([page(url, "artery clot stroke") for url, _ in texts])
    _, scores = most_similar(searcher_of(index), doc_of(index, "/source"), 2)
    assert scores[0] == scores[1]


def test_ties_go_to_the_lower_number(build_index):
    """Pages of the same words come by number, at every depth, and at every call."""
    index = build_index([page(f"/p{n:03}", "artery clot stroke") for n in range(300)])
    every = [f"/p{n:03}" for n in range(300) if n != 7]
    for k in (1, 5, 130, 299, 1_000):
        assert similar(index, "/p007", k) == every[:k]


# -- each article once -----------------------------------------------------------------------------


def test_pages_of_one_article(build_index):
    """Other pages of the article are not similar to it; of another article the best page is there, once."""
    source = [page(f"/source/{n}", "artery clot stroke vessel", id=1, subject=f"S{n}") for n in range(3)]
    other = [page(f"/other/{n}", "artery clot stroke", id=2, subject=f"S{n}") for n in range(3)]
    index = build_index([*source, *other, page("/third", "artery clot", id=3)])
    assert similar(index, "/source/1") == ["/other/1", "/third"]
    assert similar(index, "/source/2", 1) == ["/other/2"]


def test_articles_on_many_pages(build_index):
    """However many pages an article stands on, it takes one place, and the page's own takes none."""
    own = [page(f"/own/{n:03}", "artery clot stroke", id=1) for n in range(150)]
    many = [page(f"/many/{n:03}", "artery clot stroke", id=2) for n in range(150)]
    few = [page(f"/few/{n}", "artery clot", id=10 + n) for n in range(5)]
    index = build_index([*own, *many, *few])
    assert similar(index, "/own/003", 4) == ["/many/000", "/few/0", "/few/1", "/few/2"]


def test_pages_without_an_id(build_index):
    """Pages without an id are articles of their own."""
    index = build_index([page(f"/p{n}", "artery clot stroke") for n in range(4)])
    assert similar(index, "/p2") == ["/p0", "/p1", "/p3"]


def test_left_out(build_index):
    """Articles that are not wanted are left out with all their pages, and others move up."""
    pages = [page(f"/two/{n}", "artery clot", id=2) for n in range(3)]
    index = build_index([*SHARING, *pages])
    assert similar(index, "/source", 2, ["/four", "/two/1"]) == ["/three", "/two"]


@pytest.mark.parametrize("k", [0, -1, -10])
def test_none_wanted(build_index, k):
    """None are given."""
    index = build_index([*SHARING, page("/links", "artery clot", "/source")])
    assert similar(index, "/source", k) == []
    assert all_related(index, "/links", k) == ([], [])


# -- links -----------------------------------------------------------------------------------------


def test_links_in_their_order(build_index):
    """Links come in their order, not by number or likeness; those that lead to no page are skipped."""
    index = build_index([*SHARING, page("/a", "artery", "/two", "/gone", "/none/3", "/four")])
    assert links(index, "/a") == ["/two", "/none/3", "/four"]
    assert links(index, "/source") == []


def test_links_each_once(build_index):
    """A link to the page itself, to another page of its article, to an article again: none counts."""
    index = build_index(
        [
            page("/a", "artery", "/a", "/twin", "/b1", "/two", "/b0", "/b1", "/two", id=1),
            page("/twin", "artery", id=1),
            page("/b0", "artery", id=2),
            page("/b1", "artery", id=2),
            *SHARING,
        ]
    )
    assert links(index, "/a") == ["/b1", "/two"]


def test_links_first_then_similar(build_index):
    """Similar pages fill up to ``k`` and repeat no link; too many links are cut."""
    index = build_index([*SHARING, page("/a", "artery clot stroke vessel brain", "/none/3", "/three")])
    assert all_related(index, "/a", 5) == (["/none/3", "/three"], ["/source", "/four", "/two"])
    assert all_related(index, "/a", 2) == (["/none/3", "/three"], [])
    assert all_related(index, "/a", 1) == (["/none/3"], [])
    assert all_related(index, "/a", 100) == (["/none/3", "/three"], ["/source", "/four", "/two", "/one"])


def test_samples(sample_index, sample_articles):
    """Every sample page shows the links of its file that lead somewhere, and other pages of the index."""
    ids = {article.url: article.id for article in sample_articles if not article.no_index}
    for article in sample_articles:
        if article.no_index:
            continue
        wanted = [link.url for link in article.related if ids.get(link.url, article.id) != article.id]
        assert links(sample_index, article.url) == wanted
        first, second = all_related(sample_index, article.url, 6)
        found = [article.id, *(ids[url] for url in first + second)]
        assert first == wanted[:6]
        assert len(found) <= 7
        assert len(set(found)) == len(found)


def test_sample_of_a_topic(sample_index):
    """A page on a procedure finds the others on it before all that are on something else."""
    url = "/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed"
    found = similar(sample_index, url, 4)
    assert all(word in " ".join(found) for word in ("thrombectomy", "stroke", "nurses"))


# -- properties --------------------------------------------------------------------------------------


def expected(index, url: str) -> list[tuple[int, int]]:
    """Number and score of every article like a page, by going through all postings."""
    segment = searcher_of(index).segment
    doc = doc_of(index, url)
    docs, impacts = segment.docs[:].tolist(), segment.impacts[:].tolist()
    scores: dict[int, int] = {}
    for term, weight in zip(segment.key_terms[doc].tolist(), segment.key_weights[doc].tolist(), strict=True):
        for place in range(segment.offsets[term], segment.offsets[term + 1]):
            scores[docs[place]] = scores.get(docs[place], 0) + weight * impacts[place]
    subject = segment.subject_of(doc)
    for other in scores:
        if subject.slug and segment.subject_of(other) == subject:
            scores[other] += scores[other] // 4
    found, seen = [], {segment.originals[doc]}
    for other in sorted(scores, key=lambda other: (-scores[other], other)):
        if scores[other] and segment.originals[other] not in seen:
            seen.add(segment.originals[other])
            found.append((other, scores[other]))
    return found


@settings(max_examples=60)
@given(corpora(), st.integers(1, 12))
def test_small_corpora(build_index, articles, k):
    """In any corpus, what is found is what a walk over all postings finds."""
    index = build_index(articles)
    for article in articles[-3:]:
        docs, scores = most_similar(searcher_of(index), doc_of(index, article.url), k)
        assert list(zip(docs, scores, strict=True)) == expected(index, article.url)[:k]


def test_larger_corpus(build_index):
    """So it is in one of a thousand pages, for few and for many; threads that share a searcher agree."""
    articles = zipf_articles(1_000, seed=11)
    index = build_index(articles)
    searcher = searcher_of(index)
    docs = list(range(0, 1_000, 25))
    for k in (10, 500):
        alone = [most_similar(searcher, doc, k) for doc in docs]
        for doc, (found, scores) in zip(docs, alone, strict=True):
            url = urls_of(index, [doc])[0]
            assert list(zip(found, scores, strict=True)) == expected(index, url)[:k]
        with ThreadPoolExecutor(8) as pool:
            together = pool.map(most_similar, repeat(searcher), docs * 4, repeat(k))
            assert list(together) == alone * 4


def test_boosts_count(build_index):
    """A searcher by other weights compares by these: with answers left out, by the other fields."""
    index = build_index(
        [
            Article(url="/source", question="artery", answer="clot clot clot"),
            Article(url="/answer", question="lemon", answer="clot clot clot clot"),
            Article(url="/question", question="artery", answer="lemon"),
        ]
    )
    assert set(similar(index, "/source")) == {"/answer", "/question"}
    boosted = index._snapshot.boosted({"answer": 0})
    assert urls_of(index, most_similar(boosted, doc_of(index, "/source"), 5)[0]) == ["/question"]


def test_damaged_key_terms(sample_folder: Path, tmp_path: Path):
    """Key terms that are none are an IndexError, which the index tells as damage."""
    qtsearch.reindex(sample_folder, tmp_path)
    index = qtsearch.open_index(tmp_path)
    segment = searcher_of(index).segment
    segment.key_terms = segment.key_terms.copy()
    segment.key_terms[3] = len(segment.terms)
    with pytest.raises(IndexError):
        most_similar(searcher_of(index), 3, 5)
