"""Whoosh finds the same pages in our index as in its own, whatever the query.

Stock Whoosh's top ten may be wrong; what it finds with ``limit=None`` is right, and serves as the reference.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
import whoosh.index
from article_pairs import Pair
from query_trees import KINDS, QueryTrees, stems
from whoosh import query

#: Trees of each kind: fewer of those that take long, more of those that have many variants.
TREES = dict.fromkeys(KINDS, 40) | {"phrase": 80, "nested": 60, "wildcard": 30, "fuzzy": 30, "every": 8}


class Pages:
    """The urls that Whoosh finds in an index."""

    def __init__(self, folder: str) -> None:
        self._searcher = whoosh.index.open_dir(folder).searcher()
        self._urls = [fields["url"] for fields in self._searcher.reader().all_stored_fields()]

    def find(self, tree: query.Query) -> list[str]:
        """In ascending order, each as often as it was found."""
        results = self._searcher.search(tree, limit=None)
        return sorted(self._urls[results.docnum(rank)] for rank in range(results.scored_length()))


def _compare(pair: Pair, kind: str) -> None:
    ours, stock = Pages(pair.ours), Pages(pair.stock)
    trees = QueryTrees(pair.articles, seed=f"same pages, {kind}")
    n_found = n_broken = 0
    for number in range(TREES[kind]):
        tree = trees.tree(kind)
        try:
            expected = stock.find(tree)
        except IndexError:  # an AndNotMatcher may ask a matcher at its end for an id
            n_broken += 1
            continue
        assert ours.find(tree) == expected, f"tree {number}: {tree!r}"
        n_found += bool(expected)
    # Else the comparison would say little.
    assert n_found >= TREES[kind] // 3
    assert n_broken <= TREES[kind] // 20


@pytest.mark.parametrize("kind", KINDS)
def test_same_pages_of_sample_articles(examples: Pair, kind: str) -> None:
    """A query tree finds the same sample articles in our index as in Whoosh's own."""
    _compare(examples, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_same_pages_of_real_articles(real: Pair, kind: str) -> None:
    """A query tree finds the same real articles in our index as in Whoosh's own."""
    _compare(real, kind)


def test_enough_trees() -> None:
    """The comparison covers at least 500 trees."""
    assert sum(TREES.values()) >= 500


def test_no_phrase_spans_two_keywords(examples: Pair) -> None:
    """A phrase is found within a keyword, and not from the end of one to the beginning of the next."""
    pages = Pages(examples.ours)
    for article in examples.articles[::5]:
        keywords = [stems(keyword) for keyword in article.page_keywords]
        for keyword in keywords:
            assert article.url in pages.find(query.Phrase("page_keywords", keyword))
        for one, other in pairwise(keywords):
            if not any({one[-1], other[0]} <= set(keyword) for keyword in keywords):
                spanning = query.Phrase("page_keywords", [one[-1], other[0]], slop=60)
                assert article.url not in pages.find(spanning)
