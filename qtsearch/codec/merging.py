"""Postings of chunks → the postings of one segment, a range of terms at a time, which bounds the memory.

Whatever a chunk was made of, new files or the segment before, its postings are there already: articles and
terms get their new numbers, postings are sorted by them, and their positions follow. Merging of inverted
lists: Witten, Moffat, Bell, "Managing Gigabytes" (1999), 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.frequencies import Arrays, number_frequencies
from qtsearch.codec.segment import offsets_of
from qtsearch.codec.sorting import ascending, ranges_of
from qtsearch.schema import FIELD_NAMES

__all__ = ["merged_postings"]

#: Tokens merged at a time. Arrays of this length stay in the processor's caches.
_TOKENS_AT_A_TIME: Final = 1 << 18
_DOC_BITS: Final = (MAX_DOCS - 1).bit_length()
#: A bit for each text field.
_KINDS: Final = tuple(1 << field for field in range(len(FIELD_NAMES)))


class _Part(NamedTuple):
    """The postings of a chunk: ``places`` and ``new_docs``, the new numbers of its terms and articles;
    ``numbers``, the frequencies of each."""

    places: npt.NDArray[np.int64]
    new_docs: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    docs: npt.NDArray[Any]
    numbers: npt.NDArray[Any]
    position_offsets: npt.NDArray[np.int64]
    positions: npt.NDArray[np.uint16]


def merged_postings(
    chunks: Sequence[tuple[Arrays, npt.NDArray[np.int64], npt.NDArray[np.int32]]],
    n_terms: int,
    doc_type: Any,
    pool: Executor,
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any], npt.NDArray[np.uint16], npt.NDArray[Any]]:
    """The arrays of postings but for their frequencies; these as ``encode_numbered`` takes them; and the
    frequency of each in all fields together.

    ``chunks``: each with the new number of each of its terms, ascending, and of each of its articles, -1 for
    one that is left out; an article is in one chunk. A term of which no posting stays has any number, or -1.
    """
    numbers, triples = number_frequencies([chunk for chunk, _, _ in chunks])
    names = ("offsets", "docs", "position_offsets", "positions")
    parts = []
    tokens = np.zeros(n_terms, np.int64)
    for (chunk, places, new_docs), of_chunk in zip(chunks, numbers, strict=True):
        offsets, docs, position_offsets, positions = (chunk[name] for name in names)
        parts.append(_Part(places, new_docs, offsets, docs, of_chunk, position_offsets, positions))
        there = places >= 0
        np.add.at(tokens, places[there], np.diff(position_offsets)[there])
    totals = triples.sum(axis=1, dtype=np.int64)
    kinds = ((triples > 0) @ np.array(_KINDS, np.uint8)).astype(np.uint8)
    columns = zip(
        *pool.map(
            lambda terms: _merged(parts, terms, totals, kinds, doc_type), ranges_of(tokens, _TOKENS_AT_A_TIME)
        ),
        strict=True,
    )
    posting_counts, token_counts, field_df, docs, merged, frequencies, positions = map(
        np.concatenate, columns
    )
    arrays = {
        "offsets": offsets_of(posting_counts),
        "docs": docs,
        "field_df": field_df,
        "position_offsets": offsets_of(token_counts),
        "positions": positions,
    }
    return arrays, merged, triples, frequencies


def _merged(
    parts: Sequence[_Part],
    terms: tuple[int, int],
    totals: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    doc_type: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """The postings of the terms low ≤ term < high. Of each triple ``totals`` has the sum, and ``kinds`` a bit
    for each field that is not 0.

    Returns postings and tokens of each term (int64), and articles by field; article and frequencies of each
    posting, and their sum; the positions.
    """
    low, high = terms
    columns = []
    n_before = 0  # positions of the parts before
    for part in parts:
        first, last = np.searchsorted(part.places, (low, high))
        offsets = part.offsets[first : last + 1]
        postings = slice(offsets[0], offsets[-1])
        keys = np.repeat((part.places[first:last] - low) << _DOC_BITS, np.diff(offsets))
        keys |= part.new_docs.take(part.docs[postings])  # -1 stays -1
        numbers = part.numbers[postings]
        positions = part.positions[slice(*part.position_offsets[[first, last]])]
        lengths = totals.take(numbers)
        starts = np.cumsum(lengths)
        starts += n_before - lengths
        n_before += len(positions)
        columns.append((keys, numbers, lengths, starts, positions))
    keys, numbers, lengths, starts, positions = map(np.concatenate, zip(*columns, strict=True))
    order = np.flatnonzero(keys >= 0)
    order = order[ascending(keys[order])]
    keys, numbers, lengths, starts = keys[order], numbers[order], lengths[order], starts[order]
    offsets = np.searchsorted(keys, np.arange(high - low + 1) << _DOC_BITS)
    bounds = offsets_of(lengths)
    # Postings that follow each other as before are moved as one.
    shifts = starts - bounds[:-1]
    first = np.flatnonzero(np.diff(shifts, prepend=-1) != 0)
    places = np.repeat(shifts[first], np.diff(bounds[first], append=bounds[-1]))
    places += np.arange(len(places))
    fields = kinds.take(numbers)
    df = [np.diff(np.flatnonzero((fields & kind) > 0).searchsorted(offsets)) for kind in _KINDS]
    return (
        np.diff(offsets),
        np.diff(bounds[offsets]),
        np.stack(df, axis=1).astype(np.uint32),
        (keys & (MAX_DOCS - 1)).astype(doc_type),
        numbers,
        lengths.astype(np.min_scalar_type(int(totals.max(initial=0)))),
        positions[places],
    )
