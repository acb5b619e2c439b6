"""What it means that the engine agrees with an oracle: within the quantum, or exactly.

The quantum, in units of 1/256. A word: an impact is ``max(1, rint(256 · s))``: at most ½ below ``256 · s``,
and less than 1 above it, for a word that stands in nearly every page still counts 1. A quarter of it, rounded
up, is at most ⅛ below ``64 · s``, and less than 1 above it (⅛ + ¾, or 1 where the impact is 1). A word that
counts c times in the query errs c times as much.
A keyword: ``rint(256 · s)``, at most ½ above or below.

A pair that adds at most M, of which a page gets r = x / (x + norm) for x times: stored is T = rint(255 · r),
which is at most ½ off; M is rounded to L, at most ½ off; what the engine adds is ``⌊T · L / 255⌋``. Since
T · L / 255 is r · M, but for r · ½ at most and for ½ · L / 255 at most, L being M + ½ at most::

    r · M − e − 1  ≤  added  ≤  r · M + e        e = ½ + (M + ½) / 510

If every page is at most ``below`` under what the oracle says and at most ``above`` over it, the page at any
rank of the engine differs from the page at that rank of the oracle by at most their sum: only pages as close
as that may have changed places.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from oracle import (
    KEYWORD_SHARE,
    PAIR_K1,
    PAIR_SHARE,
    SOFT_SHARE,
    Compound,
    FoundPair,
    Oracle,
    Ranking,
    joined_by,
    joins,
    pairs_of,
    query_terms,
    runs_of,
)

from qtsearch import Hit, Index, analysis
from qtsearch.articles import Article
from qtsearch.codec.container import write_array_file
from qtsearch.codec.segment import Segment
from qtsearch.generations import generation
from qtsearch.schema import slugify

UNITS = 256
TINY = 1e-6  # of float arithmetic


def assert_agrees(
    index: Index, oracle: Oracle, query: str, limit: int, subjects: Sequence[str] | None = None
) -> None:
    """The engine's total, scores and order are the oracle's, but for the quantum."""
    expected = oracle.search(query, subjects)
    results = index.search(query, subjects=subjects, limit=limit, collapse=False, correct=False)
    assert results.total == len(expected)
    assert len({hit.url for hit in results}) == len(results) == min(limit, len(expected))
    most_below, most_above = _most_off(expected)
    for hit, at_this_rank in zip(results, expected.best(limit), strict=True):
        found = expected.of(hit.url)
        exact = UNITS * found.score
        below, above = _off(found.counted, found.keywords, found.pairs)
        assert exact - below <= UNITS * hit.score <= exact + above
        assert UNITS * abs(found.score - at_this_rank.score) <= most_below + most_above
    # Equal scores stand in the order of (subject, url).
    keys = [(-hit.score, slugify(hit.subject), hit.url) for hit in results]
    assert keys == sorted(keys)


def _off(counted: int, keywords: int, pairs: Sequence[FoundPair]) -> tuple[float, float]:
    """How far the engine may be below what the oracle says of a page with these, and how far above it."""
    below = counted / 2 + keywords / 2 + TINY
    above = counted + keywords / 2 + TINY
    for pair in pairs:
        rounded = 0.5 + (UNITS * pair.most + 0.5) / 510
        below += rounded + 1
        above += rounded
    return below, above


def _most_off(expected: Ranking) -> tuple[float, float]:
    """The same of any page."""
    pairs = [next(iter(pair.values())) for pair in expected.pairs if pair]  # all the same most
    counted = expected.counts.total() + len(expected.joined)
    return _off(counted, len(expected.keywords), pairs)


class Sums:
    """The slow oracle over a segment: it adds up what is stored, one by one, in Python's integers.

    Of words that is impacts, of keywords the pages that carry them, of pairs what they count of 255.
    ``articles``: any that hold those of the segment, in any order.
    """

    def __init__(self, index: Index, articles: Iterable[Article]) -> None:
        self._segment = open_index_segment(index.path)
        self._terms = [term.decode() for term in self._segment.terms.tolist()]
        self._numbers = {term: number for number, term in enumerate(self._terms)}
        self._keywords = self._stored_keywords()
        segment = self._segment
        firsts = np.repeat(np.arange(len(self._terms)), np.diff(segment.compound_children)).tolist()
        rows = zip(firsts, segment.compound_seconds.tolist(), segment.compound_wholes.tolist(), strict=True)
        self._compounds = [Compound(*(self._terms[number] for number in row)) for row in rows]
        # How a segment numbers its articles.
        pages = sorted((slugify(page.subject), page.url) for page in articles)
        self._slugs = [slug for slug, _ in pages]
        self._urls = [url for _, url in pages]

    def _stored_keywords(self) -> dict[tuple[str, ...], list[int]]:
        """The articles by keyword, for which every node of the trie is spelt out."""
        segment = self._segment
        spelt: list[tuple[str, ...]] = []
        docs = segment.phrase_docs.tolist()
        found = {}
        for node, key in enumerate(segment.phrase_keys.tolist()):
            parent, last = divmod(key, len(self._terms))
            before = parent - len(self._terms)
            spelt.append((*(spelt[before] if before >= 0 else (self._terms[parent],)), self._terms[last]))
            start, stop = segment.phrase_offsets[node : node + 2].tolist()
            found[spelt[-1]] = docs[start:stop]
        return found

    def _idf(self, term: str) -> float:
        start, stop = self._segment.offsets[self._numbers[term] :][:2].tolist()
        return math.log1p((self._segment.n_docs - (stop - start) + 0.5) / (stop - start + 0.5))

    def search(self, query: str, subjects: Iterable[str] | None = None) -> list[tuple[str, int]]:
        """The url and the score of every page that matches, best first."""
        sums: Counter[int] = Counter()
        terms = query_terms(query)
        counts = Counter(term for term in terms if term in self._numbers)
        self._add_words(counts, sums)
        for joining in joined_by(self._compounds, terms, counts):
            having = {word: set(self._postings(word)) for word in joining.typed}
            beside = {pair: self._pair_counts(*pair) for pair in joining.pairs}
            for doc, impact in self._postings(joining.term).items():
                if joins(joining, having, beside, doc):
                    sums[doc] += impact
        for run in runs_of(terms):
            if self._keywords.get(run):
                idfs = [self._idf(term) * (SOFT_SHARE if analysis.is_soft(term) else 1.0) for term in run]
                worth = round(UNITS * KEYWORD_SHARE * sum(idfs))
                sums.update(dict.fromkeys(self._keywords[run], worth))
        pairs = pairs_of(terms, counts) if counts else []
        for first, second in pairs:
            self._add_pair(first, second, len(pairs), sums)
        if subjects is not None:
            slugs = {slugify(subject) for subject in subjects}
            sums = Counter({doc: value for doc, value in sums.items() if self._slugs[doc] in slugs})
        docs = sorted(sums, key=lambda doc: (-sums[doc], doc))
        return [(self._urls[doc], sums[doc]) for doc in docs]

    def _add_words(self, counts: Counter[str], sums: Counter[int]) -> None:
        all_soft = all(map(analysis.is_soft, counts))
        for term, times in counts.items():
            quarter = analysis.is_soft(term) and not all_soft
            for doc, impact in self._postings(term).items():
                sums[doc] += min(times, 16) * (-(-impact // 4) if quarter else impact)

    def _postings(self, term: str) -> dict[int, int]:
        """The articles that have a term, and its impact in each."""
        segment, number = self._segment, self._numbers[term]
        part = slice(segment.offsets[number], segment.offsets[number + 1])
        return dict(zip(segment.docs[part].tolist(), segment.impacts[part].tolist(), strict=True))

    def _add_pair(self, first: str, second: str, n_pairs: int, sums: Counter[int]) -> None:
        most = (self._idf(first) + self._idf(second)) * (PAIR_SHARE * (PAIR_K1 + 1) * UNITS)
        largest = round(most / n_pairs)
        for doc, impact in self._pair_counts(first, second).items():
            sums[doc] += impact * largest // 255

    def _pair_counts(self, first: str, second: str) -> dict[int, int]:
        """The articles that have a pair, and what it counts in each."""
        segment, number = self._segment, self._numbers[first]
        seconds, offsets = segment.pair_seconds[:], segment.pair_offsets[:]
        for node in range(segment.pair_children[number], segment.pair_children[number + 1]):
            if seconds[node] == self._numbers[second]:
                part = slice(offsets[node], offsets[node + 1])
                impacts = segment.pair_impacts[part].tolist()
                return dict(zip(segment.pair_docs[part].tolist(), impacts, strict=True))
        return {}


def scored(hits: Iterable[Hit]) -> list[tuple[str, int]]:
    """Url and score in whole units of hits."""
    return [(hit.url, int(hit.score * UNITS)) for hit in hits]


def open_index_segment(folder: str | os.PathLike[str]) -> Segment:
    """The segment of the index in a folder."""
    return Segment(os.fspath(folder), generation.latest(os.fspath(folder)).segment_id)


def all_arrays(segment: Segment) -> dict[str, npt.NDArray[Any]]:
    """Every array of a segment by name, the names read from its files as their layout is documented."""
    found = {}
    for file in segment.files:
        data = Path(file.path).read_bytes()
        size, _ = struct.unpack("<II", data[-8:])
        names = json.loads(data[-8 - size : -8])["arrays"]
        found |= {name: file[name] for name in names}
    return found


def replace_impacts(index: Index, largest: int) -> None:
    """Put random impacts of words in place of those of an index, which must be opened again to use them.

    They go up to ``largest``, for half of the terms to an eighth of it.
    """
    segment = open_index_segment(index.path)
    rng = np.random.default_rng(largest)
    counts = np.diff(segment.offsets)
    limits = rng.choice([largest, max(1, largest // 8)], len(counts))
    impacts = rng.integers(1, np.repeat(limits, counts), endpoint=True).astype(np.uint16)
    arrays = {
        "impacts": impacts,
        "max_impacts": np.maximum.reduceat(impacts, segment.offsets[:-1]),
        "pair_impacts": segment.pair_impacts[:],
    }
    path = segment.files[1].path
    os.unlink(path)
    write_array_file(path, arrays, segment.files[1].metadata, sync=False)
