"""Broadening: words of the best pages join a query."""

from __future__ import annotations

import pytest
from corpora import corpora, queries, zipf_articles
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.search import feedback

#: Ten pages on one thing, in words of their own, two that have such words but not its name, and others.
NAMED = [
    Article(
        url=f"/named/{n}",
        question="What is an aneurysm?",
        answer="An aneurysm is a bulging artery wall. Surgeons clip an aneurysm of a large artery.",
        subject="Medicine",
    )
    for n in range(10)
]
UNNAMED = [
    Article(url="/unnamed/wall", question="Why does a wall bulge?", answer="The artery is weak."),
    Article(url="/unnamed/clip", question="What do surgeons do?", answer="They clip a large vessel."),
]
OTHERS = [
    Article(url=f"/other/{n}", question="What is a poem?", answer="A poem has verses.", subject="Poetry")
    for n in range(30)
]


@pytest.fixture(scope="module")
def index(build_index):
    return build_index(NAMED + UNNAMED + OTHERS)


def found(index, query, **options):
    return [
        (hit.url, hit.score)
        for hit in index.search(query, limit=1_000, collapse=False, correct=False, **options)
    ]


def words(index, query, url, **options):
    """The typed words of an explanation by term, and the terms that joined."""
    parts = index.explain(query, url, **options).words
    return {part.term: part for part in parts if part.words}, {part.term for part in parts if not part.words}


# -- what joins ------------------------------------------------------------------------------------------


def test_pages_that_share_words_of_the_best_are_found(index):
    """Without broadening only pages with the word are found; with it also those that have words which the
    best pages have, after them; never those that share soft words alone."""
    named = {page.url for page in NAMED}
    assert {url for url, _ in found(index, "aneurysm")} == named
    broadened = found(index, "aneurysm", broaden=True)
    assert {url for url, _ in broadened[:10]} == named
    assert {url for url, _ in broadened[10:]} == {page.url for page in UNNAMED}
    assert index.search("aneurysm", broaden=True, collapse=False).total == 12
    typed, joined = words(index, "aneurysm", "/unnamed/wall", broaden=True)
    assert typed == {}
    assert joined == {"bulg", "arteri", "wall"}


@settings(max_examples=60)
@given(st.data())
def test_words_typed_count_at_least_as_before(build_index, data):
    """A typed word has the impact it had, and counts as often or more, if it is one of those that join; what
    is no word typed is hard; phrases stay; no page is lost, and what is counted is what is found."""
    articles = data.draw(corpora())
    index = build_index(articles)
    query = data.draw(queries)
    plain, broadened = found(index, query), found(index, query, broaden=True)
    assert {url for url, _ in plain} <= {url for url, _ in broadened}
    assert index.search(query, broaden=True, collapse=False, correct=False).total == len(broadened)
    all_joined = set()
    for url, score in broadened:
        explanation = index.explain(query, url, broaden=True)
        assert explanation.score == score > 0
        before, _ = words(index, query, url)
        after, joined = words(index, query, url, broaden=True)
        assert set(after) == set(before)
        for term, part in before.items():
            assert (after[term].impact, after[term].soft) == (part.impact, part.soft)
            assert after[term].score / after[term].times == part.score / part.times
            assert after[term].times == part.times if part.soft else after[term].times >= part.times
        assert explanation.phrases == index.explain(query, url).phrases
        assert not any(map(analysis.is_soft, joined))
        all_joined |= joined
    assert len(all_joined) <= feedback.TERMS == 10


def test_ten_words_join_at_most(build_index):
    """Of all the words of the best pages, ten; together they count half as much as the hard words typed."""
    index = build_index(zipf_articles(300, seed=3))
    for query in ("w3 w17", "w40 what", "w5 w6 w7"):
        joined = {}
        hard = [word for word in query.split() if not analysis.is_soft(word)]
        for url, _ in found(index, query, broaden=True):
            for part in index.explain(query, url, broaden=True).words:
                if not part.soft:
                    joined[part.term] = part.times - (part.term in hard)
        assert 3 <= sum(times > 0 for times in joined.values()) <= 10
        # In sixteenths, each rounded.
        assert abs(sum(joined.values()) - len(hard) / 2) <= 10 / 32
        assert all(16 * times == round(16 * times) for times in joined.values())


# -- what does not change --------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?!", "what is a", "zebra", "the zebra"])
def test_a_query_without_a_hard_word_is_unchanged(index, query):
    """Empty, unknown and soft words alone: the same hits, scores and total as without."""
    assert found(index, query, broaden=True) == found(index, query)
    assert (
        index.search(query, broaden=True, collapse=False, correct=False).total
        == index.search(query, collapse=False, correct=False).total
    )


def test_a_query_of_very_many_words_is_unchanged(build_index):
    """More words than 64 need no others."""
    index = build_index(zipf_articles(300, seed=3))
    words = sorted({word for page in zipf_articles(300, seed=3) for word in page.answer.split()} - {"w0"})
    hard = [word for word in words if not analysis.is_soft(word)]
    many, fewer = " ".join(hard[:65]), " ".join(hard[:64])
    assert found(index, many, broaden=True) == found(index, many)
    assert found(index, fewer, broaden=True) != found(index, fewer)


def test_the_same_again(index, build_index):
    """Asked twice, and of an index that was built again from the articles in another order: the same."""
    again = build_index([*OTHERS, *reversed(UNNAMED), *reversed(NAMED)])
    for query in ("aneurysm", "artery poem", "surgeons clip"):
        once = found(index, query, broaden=True)
        assert found(index, query, broaden=True) == once
        assert found(again, query, broaden=True) == once


def test_limit_and_offset_show_parts_of_one_list(index):
    """However few hits are wanted, ten pages give the words."""
    everything = found(index, "aneurysm", broaden=True)
    for limit, offset in ((1, 0), (3, 2), (5, 9)):
        hits = index.search("aneurysm", broaden=True, collapse=False, limit=limit, offset=offset)
        assert [(hit.url, hit.score) for hit in hits] == everything[offset : offset + limit]
        assert hits.total == len(everything)


# -- subjects and boosts ---------------------------------------------------------------------------------


def test_words_come_from_pages_of_the_subjects(index):
    """With a subject, only its pages are found, and only their words join."""
    query = "large poem"
    poetry = index.search(query, subjects=["Poetry"], broaden=True, collapse=False, limit=100)
    assert {hit.subject for hit in poetry} == {"Poetry"}
    assert poetry.total == len(OTHERS)
    _, joined = words(index, query, "/other/0", subjects=["Poetry"], broaden=True)
    assert joined == {"vers"}
    _, elsewhere = words(index, query, "/named/0", subjects=["Poetry"], broaden=True)
    assert elsewhere == set()
    _, medical = words(index, query, "/named/0", subjects=["Medicine"], broaden=True)
    assert "aneurysm" in medical
    assert index.search("aneurysm", subjects=["Poetry"], broaden=True, correct=False).total == 0


def test_boosts_hold_for_the_words_that_join(index):
    """A field that is left out counts for none of them."""
    broadened = found(index, "aneurysm", broaden=True, boosts={"answer": 0})
    assert {url for url, _ in broadened} == {page.url for page in NAMED} | {
        "/unnamed/wall",
        "/unnamed/clip",
    }
    only_answers = found(index, "aneurysm", broaden=True, boosts={"question": 0})
    for url, score in only_answers:
        explanation = index.explain("aneurysm", url, broaden=True, boosts={"question": 0})
        assert explanation.score == score
        assert not [
            part
            for word in explanation.words
            for part in word.fields
            if part.field == "question" and part.counted
        ]
