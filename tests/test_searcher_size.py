"""Where a narrow integer no longer does: articles beyond 16 bits, occurrences beyond a byte."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import Sums, assert_agrees, open_index_segment, scored
from oracle import Oracle

import qtsearch
from qtsearch.articles import Article
from qtsearch.codec.chunk import MAX_POSITIONS, ChunkBuilder
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import ArticleError
from qtsearch.generations import publishing

MANY = (1 << 16) + 50


def tiny(number: int) -> Article:
    """One of many articles: a few words each, some in all, some in one, two subjects; and phrases."""
    return Article(
        url=f"/{number:06}",
        question=f"n{number} all",
        answer=f"m{number % 7} k{number % 5} the" if number % 3 else "",
        page_keywords=(f"k{number % 5} all",) if number % 2 else (),
        subject="First" if number < MANY - 100 else "Second",
    )


@pytest.fixture(scope="module")
def many_articles():
    return [tiny(number) for number in range(MANY)]


@pytest.fixture(scope="module")
def publish_first(tmp_path_factory, many_articles):
    """``publish_first(n)``: an index of the first n of many articles, which are analysed but once."""
    builder = ChunkBuilder(b"")
    for article in many_articles:
        builder.add(article)
    writer = SegmentWriter([builder.arrays()], b"")

    def publish(count: int):
        folder = str(tmp_path_factory.mktemp("many"))
        writer.write(folder, "0", frozenset(range(count, MANY)))
        publishing.publish(folder, "0", count)
        return qtsearch.open_index(folder)

    return publish


@pytest.fixture(scope="module")
def many(publish_first):
    return publish_first(MANY)


def test_more_articles_than_sixteen_bits(many, many_articles):
    """Beyond 65,536 articles their numbers take 32 bits, and each is found by word, url and subject."""
    segment = open_index_segment(many.path)
    for docs in (segment.docs[:], segment.phrase_docs, segment.pair_docs[:]):
        assert docs.dtype == np.int32
        assert docs.max() > 65_535
    assert len(many) == MANY
    assert many.subjects() == {"First": MANY - 100, "Second": 100}
    for number in (0, 1, 65_535, 65_536, MANY - 1):
        page = many_articles[number]
        assert [hit.url for hit in many.search(f"n{number}")] == [page.url]
        assert [hit.url for hit in many.search(f"n{number}", subjects=[page.subject])] == [page.url]
        assert many.get(page.url) == page


def test_many_articles_are_ranked_alike(many, many_articles):
    """Beyond 65,536 articles, too, every query equals the slow sums, at any limit and for any subject."""
    sums = Sums(many, many_articles)
    for query in (
        f"all n{MANY - 1} m3",
        "m1 m2 the",
        "n65536 n3 m1 all",
        "all " * 16 + "m5",
        "the",
        "m1 k3 all",
        "k2 all the",
    ):
        for subjects in (None, ["Second"], ["First", "second"]):
            expected = sums.search(query, subjects)
            for limit in (10, 128, 1_000, MANY):
                results = many.search(query, subjects=subjects, limit=limit)
                assert results.total == len(expected)
                assert scored(results) == expected[:limit]


def test_exactly_sixteen_bits_of_articles(publish_first, many_articles):
    """Up to 65,536 articles 16 bits do: the last of them is number 65,535."""
    index = publish_first(1 << 16)
    assert len(index) == 1 << 16
    segment = open_index_segment(index.path)
    for docs in (segment.docs[:], segment.phrase_docs, segment.pair_docs[:]):
        assert docs.dtype == np.uint16
        assert docs.max() >= (1 << 16) - 2
    assert [hit.url for hit in index.search("n65535")] == [many_articles[65_535].url]
    assert index.search("all").total == 1 << 16


def test_more_occurrences_than_a_byte_counts(build_index):
    """A word that stands in a field over 255 times scores by its true frequency."""
    pages = [
        Article(url=f"/{times:05}", question=f"Page {times}?", answer="virus " * times + "cell " * 255)
        for times in (1, 254, 255, 256, 257, 1_000, 20_000)
    ]
    index = build_index(pages)
    found = open_index_segment(index.path).frequencies[:]
    assert {0, 1, 254, 255, 256, 257, 1_000, 20_000} == set(found.ravel().tolist())
    oracle = Oracle(pages)
    for query in ("virus", "cell", "virus cell page", "virus 256", "virus the"):
        assert_agrees(index, oracle, query, limit=10)


def test_the_longest_article(build_index):
    """An article of nearly 60,000 words is indexed to its last one, and one of more is refused as a whole."""
    words = MAX_POSITIONS - 1 - 2 * 64
    page = Article(url="/long", question="Long?", answer="word " * (words - 1) + "last")
    index = build_index([page, Article(url="/short", question="Short?", answer="Yes.")])
    assert [hit.url for hit in index.search("last")] == ["/long"]
    assert index.get("/long") == page

    builder = ChunkBuilder(b"")
    with pytest.raises(ArticleError, match=f"at most {MAX_POSITIONS}"):
        builder.add(Article(url="/long", question="Long?", answer="word " * words + "last", path="long.md"))
    assert len(builder) == 0
    builder.add(page)
    assert len(builder) == 1
