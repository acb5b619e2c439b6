"""Which articles have words in order and near each other: phrases, found in the positions of their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment
from qtsearch.schema import FIELD_NAMES, POSITION_GAP

__all__ = ["phrase_docs"]

#: A place is one number: article, field if they are told apart, position. No slop leads from one to the next.
_POSITION_BITS: Final = 20
_FIELD_BITS: Final = 2
_MAX_SLOP: Final = 1 << 19

Places = npt.NDArray[np.int64]  # ascending


def phrase_docs(
    segment: Segment, terms: Sequence[int], slop: int = 1, field: int | None = None
) -> npt.NDArray[np.intp]:
    """The articles, ascending, in which a field has the terms in this order.

    Each stands at most ``slop`` positions, 1 or more, behind the one before it; 1: next to it. ``field``: its
    number, ``None`` for any of the text fields.
    """
    slop = min(slop, _MAX_SLOP)
    apart = field is None and slop >= POSITION_GAP  # so far that words of two fields would meet
    docs = having_all = _having_all(segment, terms)
    ends = _places(segment, terms[0], docs, field, apart)
    for place, term in enumerate(terms[1:]):
        if place:
            docs = np.intersect1d(_docs_of(ends), having_all, assume_unique=True)
        ends = _following(ends, _places(segment, term, docs, field, apart), slop)
    return _docs_of(ends)


def _having_all(segment: Segment, terms: Sequence[int]) -> npt.NDArray[np.intp]:
    """The articles, ascending, that have all terms."""
    postings = [segment.docs[segment.offsets[term] : segment.offsets[term + 1]] for term in set(terms)]
    first, *others = sorted(postings, key=len)
    docs = first.astype(np.intp)
    for other in others:
        having = np.zeros(segment.n_docs, bool)
        having[other] = True
        docs = docs[having[docs]]
    return docs


def _places(
    segment: Segment, term: int, docs: npt.NDArray[np.intp], field: int | None, apart: bool
) -> Places:
    """Where the term stands in these of its articles, and perhaps in others."""
    start, stop = segment.offsets[term : term + 2].tolist()
    counts = segment.frequencies.totals(start, stop)
    positions = segment.positions[slice(*segment.position_offsets[term : term + 2].tolist())]
    if 2 * len(docs) > stop - start:  # to leave out the others would take longer
        docs = segment.docs[start:stop].astype(np.intp)
    else:
        postings = segment.docs[start:stop].searchsorted(docs)
        shifts = (np.cumsum(counts) - counts)[postings]
        counts = counts[postings]
        shifts -= np.cumsum(counts) - counts
        positions = positions[np.repeat(shifts, counts) + np.arange(counts.sum())]
    places: Places = np.repeat(docs << (_FIELD_BITS + _POSITION_BITS), counts)
    places += positions
    if field is None and not apart:
        return places
    starts = segment.field_starts[docs]
    number = sum(positions >= np.repeat(starts[:, one], counts) for one in range(1, len(FIELD_NAMES)))
    if field is not None:
        inside: Places = places[number == field]
        return inside
    places += number << _POSITION_BITS
    return places


def _following(ends: Places, places: Places, slop: int) -> Places:
    """Those of the places that are at most ``slop`` behind one of the ends."""
    if slop == 1:
        both = np.concatenate((ends + 1, places))
        both.sort(kind="stable")  # which merges two ascending arrays
        equal: Places = both[1:][both[1:] == both[:-1]]
        return equal
    nearest = np.concatenate(([-slop - 1], ends))[ends.searchsorted(places)]
    following: Places = places[places - nearest <= slop]
    return following


def _docs_of(places: Places) -> npt.NDArray[np.intp]:
    docs: npt.NDArray[np.intp] = places >> (_FIELD_BITS + _POSITION_BITS)
    return docs[np.diff(docs, prepend=-1) > 0]
