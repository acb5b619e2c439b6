"""Found however it is typed: each way to write a thing finds the articles that write it in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import pytest

from qtsearch import Index
from qtsearch.articles import Article


class Compound(NamedTuple):
    """Ways to write two words that may be one: with a hyphen, side by side, and in one word."""

    hyphenated: tuple[str, ...]
    apart: tuple[str, ...]
    together: tuple[str, ...]


#: Ways that come to the same words.
SAME = [
    ("CO2", "CO₂", "CO_2", r"$\mathrm{CO}_2$", "co2"),
    ("Ca2+", "Ca²⁺", "Ca^{2+}", "Ca^2+"),
    ("SO42-", "SO₄²⁻", "SO_4^{2-}", "SO4^{2-}"),
    ("H2SO4", "H₂SO₄", "H_2SO_4", r"\text{H}_2\text{SO}_4"),
    ("x^2", "x²", "x^{2}"),
    ("10^6", "10⁶", "10^{6}"),
    ("Crohn's", "Crohns", "Crohn’s", "Crohn"),
    ("U.S.", "US", "U.S"),
    ("naïve", "naive", "nai\N{COMBINING DIAERESIS}ve", "NAÏVE"),
    ("3.5 mg", "3.5mg", "3.5 MG"),
    ("5 mL", "5ml", "5mL", "5 ml"),
    ("7 µm", "7μm", "7um"),
    ("1,000", "1000"),
    ("\N{MICRO SIGN}g", "\N{GREEK SMALL LETTER MU}g", "ug"),
]
COMPOUNDS = [
    Compound(("COVID-19", "COVID\N{HYPHEN}19"), ("covid 19",), ("covid19",)),
    Compound(("T-cell", "T\N{NON-BREAKING HYPHEN}cell", "t-cells"), ("T cell",), ("tcell",)),
    Compound(("non-steroidal",), ("non steroidal",), ("nonsteroidal",)),
    Compound(("β-blocker", "beta-blocker"), ("beta blocker", "β blocker"), ("betablocker",)),
    Compound(("TNF-α", "TNF-alpha"), ("TNF alpha",), ("TNFα",)),
]
#: Articles on one of the words, or on nothing of all this.
OTHERS = "covid 19 t cells non steroidal beta blocker tnf alpha 3.5 mg ml 7 x co ca so h a b c d e f".split()

Build = Callable[[Sequence[Article]], Index]


def all_ways(group: tuple[str, ...] | Compound) -> list[str]:
    return [way for ways in group for way in ways] if isinstance(group, Compound) else list(group)


GROUPS = [all_ways(group) for group in (*SAME, *COMPOUNDS)]


def article(url: str, way: str) -> Article:
    return Article(url=url, question="-", answer=f"One reads {way} here.")


def urls(index: Index, query: str) -> list[str]:
    return [hit.url for hit in index.search(query, limit=len(index), collapse=False, correct=False)]


@pytest.fixture(scope="module")
def everything(build_index: Build) -> Index:
    """An article for each way to write a thing, and articles that have one word of it."""
    pages = [
        article(f"/{number}/{place}", way)
        for number, ways in enumerate(GROUPS)
        for place, way in enumerate(ways)
    ]
    return build_index([*pages, *(article(f"/other/{word}", word) for word in OTHERS)])


@pytest.mark.parametrize(
    ("number", "typed"), [(number, way) for number, ways in enumerate(GROUPS) for way in ways]
)
def test_every_way_finds_every_way_first(everything, number, typed):
    """Where an index holds all the ways, each of them finds all, before articles with one of the words."""
    expected = {f"/{number}/{place}" for place in range(len(GROUPS[number]))}
    assert set(urls(everything, typed)[: len(expected)]) == expected


@pytest.mark.parametrize("ways", SAME, ids=lambda ways: ways[0])
def test_ways_that_come_to_the_same_words(build_index, ways):
    """They find each other without the help of any other article, with the same score."""
    for way in ways:
        index = build_index([article("/only", way), article("/other", "nothing")])
        assert all(urls(index, typed) == ["/only"] for typed in ways)
        # The command of LaTeX is a word of its own.
        scores = {hit.score for typed in ways if "\\" not in typed for hit in index.search(typed)}
        assert len(scores) == 1


@pytest.mark.parametrize("compound", COMPOUNDS, ids=lambda compound: compound.hyphenated[0])
def test_what_an_index_learns_from_hyphens(build_index, compound):
    """That two words may be one an index knows only from an article that has the hyphen: by design, articles
    that write one word are not found by two words in an index without it, nor the other way round."""
    not_found = set(product((*compound.hyphenated, *compound.apart), compound.together))
    not_found |= set(product(compound.together, compound.apart))
    for way in all_ways(compound):
        alone = build_index([article("/only", way), article("/other", "nothing")])
        pages = [article("/only", way), article("/hyphen", compound.hyphenated[0])]
        beside = build_index([*pages, article("/other", "nothing")])
        for typed in all_ways(compound):
            assert urls(alone, typed) == ([] if (typed, way) in not_found else ["/only"])
            assert set(urls(beside, typed)) == {"/only", "/hyphen"}


def test_chains_with_stop_words_are_no_compounds(build_index):
    """Those of three words and more: their words are found, but nothing in one word."""
    index = build_index([article("/chain", "a state-of-the-art T-cell-line"), article("/other", "nothing")])
    for typed in ("state", "art", "state of the art", "tcell", "cellline", "T cell line"):
        assert urls(index, typed) == ["/chain"]
    for typed in ("stateof", "theart", "stateoftheart", "tcellline"):
        assert urls(index, typed) == []


def test_compounds_of_keywords_are_none(build_index):
    """A keyword is found by its words; in one word it is not, for compounds are those of the text."""
    page = Article(url="/keyword", question="-", answer="Nothing.", page_keywords=("T-cell",))
    index = build_index([page, article("/other", "nothing")])
    assert urls(index, "T-cell") == urls(index, "t cell") == urls(index, "cells") == ["/keyword"]
    assert urls(index, "tcell") == []
