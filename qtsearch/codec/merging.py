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

__all__ = ["merged_postings"]

#: Tokens merged at a time. Arrays of this length stay in the processor's caches.
_TOKENS_AT_A_TIME: Final = 1 << 20
_DOC_BITS: Final = (MAX_DOCS - 1).bit_length()


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
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any], npt.NDArray[np.uint16]]:
    """The arrays of postings but for their frequencies, and these as ``encode_numbered`` takes them.

    ``chunks``: each with the new number of each of its terms, ascending, and of each of its articles, -1 for
    one that is left out; an article is in one chunk.
    """
    numbers, triples = number_frequencies([chunk for chunk, _, _ in chunks])
    names = ("offsets", "docs", "position_offsets", "positions")
    parts = []
    tokens = np.zeros(n_terms, np.int64)
    for (chunk, places, new_docs), of_chunk in zip(chunks, numbers, strict=True):
        offsets, docs, position_offsets, positions = (chunk[name] for name in names)
        parts.append(_Part(places, new_docs, offsets, docs, of_chunk, position_offsets, positions))
        there = places < n_terms
        np.add.at(tokens, places[there], np.diff(position_offsets)[there])
    totals = triples.sum(axis=1, dtype=np.int64)
    columns = zip(
        *pool.map(lambda terms: _merged(parts, terms, totals, doc_type), _ranges(tokens)), strict=True
    )
    posting_counts, token_counts, docs, merged, positions = map(np.concatenate, columns)
    offsets = offsets_of(posting_counts)
    df = [np.add.reduceat(has[merged], offsets[:-1], dtype=np.uint32) for has in (triples > 0).T]
    arrays = {
        "offsets": offsets,
        "docs": docs,
        "field_df": np.stack(df, axis=1),
        "position_offsets": offsets_of(token_counts),
        "positions": positions,
    }
    return arrays, merged, triples


def _ranges(counts: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of terms with about :data:`_TOKENS_AT_A_TIME` tokens each, more only where one term has more."""
    if not len(counts):
        return [(0, 0)]
    which = (np.cumsum(counts) - counts) // _TOKENS_AT_A_TIME
    starts = np.flatnonzero(np.diff(which, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(counts)], strict=True))


def _merged(
    parts: Sequence[_Part], terms: tuple[int, int], totals: npt.NDArray[np.int64], doc_type: Any
) -> tuple[npt.NDArray[Any], ...]:
    """The postings of the terms low ≤ term < high. ``totals``: of each triple the sum.

    Returns postings and tokens of each term (int64); article and frequencies of each posting; the positions.
    """
    low, high = terms
    columns = []
    all_positions = []
    n_before = 0  # positions of the parts before
    for part in parts:
        first, last = np.searchsorted(part.places, (low, high))
        offsets = part.offsets[first : last + 1]
        postings = slice(offsets[0], offsets[-1])
        docs = part.new_docs.take(part.docs[postings])
        keys = np.repeat((part.places[first:last] - low) << _DOC_BITS, np.diff(offsets))
        keys |= docs
        numbers = part.numbers[postings]
        starts = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(totals.take(numbers), out=starts[1:])
        starts += n_before
        n_before = int(starts[-1])
        kept = slice(None) if docs.min(initial=0) >= 0 else docs >= 0
        columns.append((keys[kept], numbers[kept], starts[:-1][kept]))
        all_positions.append(part.positions[slice(*part.position_offsets[[first, last]])])
    keys, numbers, starts = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(keys)
    keys, numbers, starts = keys[order], numbers[order], starts[order]
    offsets = np.searchsorted(keys, np.arange(high - low + 1) << _DOC_BITS)
    ends = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(totals.take(numbers), out=ends[1:])
    narrow = np.int32 if n_before < 1 << 31 else np.int64  # half the memory to go through
    places = np.repeat((starts - ends[:-1]).astype(narrow), np.diff(ends))
    places += np.arange(len(places), dtype=narrow)
    return (
        np.diff(offsets),
        np.diff(ends[offsets]),
        (keys & (MAX_DOCS - 1)).astype(doc_type),
        numbers,
        np.concatenate(all_positions)[places],
    )
