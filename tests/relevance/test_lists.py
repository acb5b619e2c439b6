"""Ordered lists: which pages of the samples must be found for a query, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

LISTS = Path(__file__).with_name("lists.txt")


class Wanted(NamedTuple):
    """A page by the end of its url; ``next``: it comes directly after the one before, or first."""

    page: str
    next: bool
    reason: str


class OrderedList(NamedTuple):
    query: str
    subjects: list[str] | None
    wanted: list[Wanted]


def read_lists(text: str) -> list[OrderedList]:
    """The lists of the file, whose head says how they are written."""
    lists = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if lines:
            query, *rest = lines
            subjects = None
            if rest[0].startswith("@"):
                subjects = [name.strip() for name in rest.pop(0)[1:].split(",")]
            wanted = []
            for line in rest:
                page, _, reason = line[2:].partition(": ")
                wanted.append(Wanted(page, {"! ": True, "  ": False}[line[:2]], reason))
            lists.append(OrderedList(query, subjects, wanted))
    return lists


ALL = read_lists(LISTS.read_text(encoding="utf-8"))


def test_the_lists_can_be_read(sample_articles):
    """Each has pages, each page a reason, and its name is the end of one url."""
    assert len(ALL) >= 25
    assert len({(one.query, str(one.subjects)) for one in ALL}) == len(ALL)
    urls = [article.url for article in sample_articles if not article.no_index]
    for one in ALL:
        assert one.wanted
        for wanted in one.wanted:
            assert wanted.reason
            assert len([url for url in urls if url.endswith("/" + wanted.page)]) == 1, wanted.page


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.query)
def test_list(sample_index, one):
    """The pages are found in the order of the list, one that is marked directly after the one above it."""
    hits = sample_index.search(one.query, subjects=one.subjects, limit=100, collapse=False)
    urls = [hit.url for hit in hits]
    told = "\n".join(f"{hit.rank}. {hit.score:.2f} {hit.url}" for hit in list(hits)[:8])
    before = -1
    for wanted in one.wanted:
        (place,) = [n for n, url in enumerate(urls) if url.endswith("/" + wanted.page)] or [-1]
        assert place == before + 1 if wanted.next else place > before, f"{wanted}\n{told}"
        before = place
