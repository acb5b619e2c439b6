"""What it means that the engine agrees with an oracle: within the quantum, or exactly.

The quantum. An impact is ``max(1, rint(256 · s))``: at most ½ below ``256 · s``, and less than 1 above it,
for a word that stands in nearly every page still counts 1. A quarter of it, rounded up, is at most ⅛ below
``64 · s``, and less than 1 above it (⅛ + ¾, or 1 where the impact is 1). A word that counts c times in the
query errs c times as much. So in units of 1/256, where n is how many of the query's words a page has, each as
often as it counts::

    256 · oracle − n/2  ≤  engine  ≤  256 · oracle + n

If no page errs by more, the page at any rank of the engine differs from the page at that rank of the oracle
by at most 3n/2, n now being that of the whole query: only pages as close as that may have changed places.
"""

from __future__ import annotations

import json
import os
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from oracle import Oracle, query_terms

from qtsearch import Hit, Index, analysis, generation
from qtsearch.articles import Article
from qtsearch.codec.container import write_array_file
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
    assert len({hit.url for hit in results}) == len(results) == min(limit, len(expected))
    quantum = 1.5 * expected.most_counted() + TINY
    for hit, at_this_rank in zip(results, expected.best(limit), strict=True):
        found = expected.of(hit.url)
        exact = UNITS * found.score
        assert exact - found.counted / 2 - TINY <= UNITS * hit.score <= exact + found.counted + TINY
        assert UNITS * abs(found.score - at_this_rank.score) <= quantum
    # Equal scores stand in the order of (subject, url).
    keys = [(-hit.score, slugify(hit.subject), hit.url) for hit in results]
    assert keys == sorted(keys)


class Sums:
    """The slow oracle over a segment: it adds up stored impacts, one by one, in Python's integers."""

    def __init__(self, index: Index, articles: Iterable[Article]) -> None:
        self._segment = open_index_segment(index.path)
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
            number = self._numbers[term]
            part = slice(segment.offsets[number], segment.offsets[number + 1])
            quarter = analysis.is_soft(term) and not all_soft
            for doc, impact in zip(segment.docs[part].tolist(), segment.impacts[part].tolist(), strict=True):
                value = -(-impact // 4) if quarter else impact
                sums[doc] = sums.get(doc, 0) + min(times, 16) * value
        if subjects is not None:
            slugs = {slugify(subject) for subject in subjects}
            sums = {doc: value for doc, value in sums.items() if self._slugs[doc] in slugs}
        docs = sorted(sums, key=lambda doc: (-sums[doc], doc))
        return [(self._urls[doc], sums[doc]) for doc in docs]


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
        with open(file.path, "rb") as opened:
            _, _, size, _ = struct.unpack("<8sIII", opened.read(20))
            names = json.loads(opened.read(size))["arrays"]
        found |= {name: file[name] for name in names}
    return found


def replace_impacts(index: Index, largest: int) -> None:
    """Put random impacts in place of those of an index, which must be opened again to be searched by them.

    They go up to ``largest``, for half of the terms to an eighth of it.
    """
    segment = open_index_segment(index.path)
    rng = np.random.default_rng(largest)
    counts = np.diff(segment.offsets)
    limits = rng.choice([largest, max(1, largest // 8)], len(counts))
    impacts = rng.integers(1, np.repeat(limits, counts), endpoint=True).astype(np.uint16)
    arrays = {"impacts": impacts, "max_impacts": np.maximum.reduceat(impacts, segment.offsets[:-1])}
    path = segment.files[1].path
    os.unlink(path)
    write_array_file(path, arrays, segment.files[1].metadata, sync=False)
