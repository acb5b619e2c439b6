"""Which articles have words in order and near each other: phrases, found in the positions of their words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment
from qtsearch.schema import FIELD_NAMES, POSITION_GAP

__all__ = ["MAX_SLOP", "phrase_docs"]

#: A larger slop is taken as this one.
MAX_SLOP: Final = 4_096

_POSITION_BITS: Final = 16


def phrase_docs(
    segment: Segment, terms: Sequence[int], slop: int = 1, field: int | None = None
) -> npt.NDArray[np.intp]:
    """The articles, ascending, in which a field has the terms in this order.

    Each stands at most ``slop`` positions, 1 or more, behind the one before it; 1: next to it. ``field``: its
    number, ``None`` for any of the text fields.
    """
    slop = min(slop, MAX_SLOP)
    if field is None and slop >= POSITION_GAP:  # so far that words of two fields would meet
        found = [phrase_docs(segment, terms, slop, number) for number in range(len(FIELD_NAMES))]
        return reduce(np.union1d, found)
    postings = [segment.docs[segment.offsets[term] : segment.offsets[term + 1]] for term in terms]
    docs = reduce(
        lambda one, other: np.intersect1d(one, other, assume_unique=True), sorted(postings, key=len)
    )
    ends: npt.NDArray[np.int64] | None = None
    for term in terms:
        if not len(docs):
            break
        places = _places(segment, term, docs, field)
        if ends is not None:
            if not len(ends):
                break
            before = np.searchsorted(ends, places)
            nearest = ends[np.maximum(before - 1, 0)]
            places = places[(before > 0) & (places - nearest <= slop)]
        ends = places
        kept: npt.NDArray[Any] = ends >> _POSITION_BITS
        docs = np.unique(kept).astype(docs.dtype)
    return docs.astype(np.intp)


def _both(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.intersect1d(one, other, assume_unique=True)


def _places(segment: Segment, term: int, docs: npt.NDArray[Any], field: int | None) -> npt.NDArray[np.int64]:
    """Where the term stands in these of its articles: article and position in one number, ascending."""
    start, stop = segment.offsets[term : term + 2].tolist()
    counts = segment.frequencies[start:stop].sum(axis=1, dtype=np.int64)
    starts = np.cumsum(counts) - counts + segment.position_offsets[term]
    postings = np.searchsorted(segment.docs[start:stop], docs)
    counts, starts = counts[postings], starts[postings]
    first = np.cumsum(counts) - counts
    which = np.repeat(starts - first, counts) + np.arange(int(counts.sum()))
    positions = segment.positions[which].astype(np.int64)
    place_docs = np.repeat(docs.astype(np.int64), counts)
    places: npt.NDArray[np.int64] = (place_docs << _POSITION_BITS) | positions
    if field is None:
        return places
    inside = positions >= segment.field_starts[place_docs, field]
    if field + 1 < len(FIELD_NAMES):
        inside &= positions < segment.field_starts[place_docs, field + 1]
    kept: npt.NDArray[np.int64] = places[inside]
    return kept
