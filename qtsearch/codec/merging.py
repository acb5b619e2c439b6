"""Inverted lists of several parts → those of one segment: postings of terms, and of pairs of words.

Whatever a part was made of, new files or the segment before, its lists are there already: articles and
keys get their new numbers, postings are sorted by them, and their positions follow. Merging of inverted
lists: Witten, Moffat, Bell, "Managing Gigabytes" (1999), 5.2.

Where a compiler was found at installation, a kernel in C goes through them once; NumPy goes through a range
of keys at a time, which bounds the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.frequencies import Arrays, number_frequencies
from qtsearch.codec.segment import offsets_of
from qtsearch.codec.sorting import ascending, ranges_of
from qtsearch.compiled import compiled
from qtsearch.schema import FIELD_NAMES

__all__ = ["Lists", "Merged", "kernel", "merged_lists", "merged_postings"]

#: Postings and tokens merged at a time. Arrays of this length stay in the processor's caches.
_AT_A_TIME: Final = 1 << 18
_DOC_BITS: Final = (MAX_DOCS - 1).bit_length()
_LARGEST: Final = (1 << 63) - 1
#: A bit for each text field.
_KINDS: Final = tuple(1 << field for field in range(len(FIELD_NAMES)))

_N_COUNTS: Final = 2 + len(_KINDS)

Integers = npt.NDArray[np.int64]

kernel: Final[Callable[..., tuple[int, int, int]] | None] = compiled("qtsearch.codec._merging", "merge")


class Lists(NamedTuple):
    """The lists of a part: ``keys``, ascending; ``new_docs``, of each of its articles the new number, -1 for
    one that is left out; where the postings of each list begin and the last one's end, article of each, and a
    number that stands for its frequencies; where the positions of each list begin, and these."""

    keys: Integers
    new_docs: npt.NDArray[np.int32]
    offsets: Integers
    docs: npt.NDArray[Any]
    numbers: npt.NDArray[Any]
    position_offsets: Integers
    positions: npt.NDArray[np.uint16]


class Merged(NamedTuple):
    """The lists that have a posting: ``keys``, ascending, each once; ``counts`` of each, its postings, its
    positions, and how many of its articles have it in each field, shape (n, 1 + 1 + fields), or (n, 1) where
    there are no positions; article and number of each posting; positions."""

    keys: Integers
    counts: Integers
    docs: npt.NDArray[Any]
    numbers: npt.NDArray[Any]
    positions: npt.NDArray[np.uint16]


def merged_lists(
    parts: Sequence[Lists],
    totals: npt.NDArray[np.uint32],
    kinds: npt.NDArray[np.uint8],
    doc_type: Any,
    pool: Executor,
) -> Merged:
    """The lists of all parts, those of a key in order of the new numbers of articles.

    ``totals``: how many positions a posting has, by its number. ``kinds``: a bit for each field with some. An
    article is in one part. ``doc_type``: of the articles that come out, ``uint16`` or ``int32``.
    """
    if kernel is None:
        return _merged_in_ranges(parts, totals, kinds, doc_type, pool)
    n_lists = sum(len(part.keys) for part in parts)
    n_postings = sum(len(part.docs) for part in parts)
    n_tokens = sum(len(part.positions) for part in parts)
    merged = Merged(
        np.empty(n_lists, np.int64),
        np.empty((n_lists, _N_COUNTS if n_tokens else 1), np.int64),
        np.empty(n_postings, doc_type),
        np.empty(n_postings, parts[0].numbers.dtype),
        np.empty(n_tokens, np.uint16),
    )
    n_lists, n_postings, n_tokens = kernel([*map(tuple, parts)], totals, kinds, *merged)
    return Merged(
        merged.keys[:n_lists],
        merged.counts[:n_lists],
        merged.docs[:n_postings],
        merged.numbers[:n_postings],
        merged.positions[:n_tokens],
    )


def _merged_in_ranges(
    parts: Sequence[Lists],
    totals: npt.NDArray[np.uint32],
    kinds: npt.NDArray[np.uint8],
    doc_type: Any,
    pool: Executor,
) -> Merged:
    """The same in NumPy."""
    # Ranges of keys, which end where the largest part has so many more.
    largest = max(parts, key=lambda part: len(part.docs))
    sizes = np.diff(largest.offsets) + np.diff(largest.position_offsets)
    cuts = largest.keys[[first for first, _ in ranges_of(sizes, _AT_A_TIME)[1:]]]
    bounds = [[0, *part.keys.searchsorted(cuts).tolist(), len(part.keys)] for part in parts]
    ranges = zip(*map(pairwise, bounds), strict=True)
    found = pool.map(lambda of_parts: _merged_range(parts, of_parts, totals, kinds, doc_type), ranges)
    return Merged(*map(np.concatenate, zip(*found, strict=True)))


def _merged_range(
    parts: Sequence[Lists],
    ranges: Sequence[tuple[int, int]],
    totals: npt.NDArray[np.uint32],
    kinds: npt.NDArray[np.uint8],
    doc_type: Any,
) -> Merged:
    """What comes of these lists of each part, first ≤ list < last."""
    columns = []
    n_before = 0  # positions of the parts before
    for part, (first, last) in zip(parts, ranges, strict=True):
        offsets = part.offsets[first : last + 1]
        postings = slice(offsets[0], offsets[-1])
        keys = np.repeat(part.keys[first:last], np.diff(offsets))
        docs, numbers = part.new_docs.take(part.docs[postings]), part.numbers[postings]
        positions = part.positions[slice(*part.position_offsets[[first, last]])]
        lengths = totals.take(numbers).astype(np.int64)
        starts = np.cumsum(lengths)
        starts += n_before - lengths
        n_before += len(positions)
        columns.append((keys, docs, numbers, lengths, starts, positions))
    keys, docs, numbers, lengths, starts, positions = map(np.concatenate, zip(*columns, strict=True))
    order = np.flatnonzero(docs >= 0)
    order = order[_order(keys[order], docs[order])]
    keys, docs, numbers = keys[order], docs[order], numbers[order]
    lengths, starts = lengths[order], starts[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    offsets = np.append(firsts, len(keys))
    bounds = offsets_of(lengths)
    # Postings that follow each other as before are moved as one.
    shifts = starts - bounds[:-1]
    moved = np.flatnonzero(np.diff(shifts, prepend=-1) != 0)
    places = np.repeat(shifts[moved], np.diff(bounds[moved], append=bounds[-1]))
    places += np.arange(len(places))
    fields = kinds.take(numbers)
    df = [np.diff(np.flatnonzero((fields & kind) > 0).searchsorted(offsets)) for kind in _KINDS]
    sizes = [np.diff(offsets), np.diff(bounds[offsets]), *df]
    counts = np.stack(sizes if any(len(part.positions) for part in parts) else sizes[:1], axis=1)
    return Merged(keys[firsts], counts, docs.astype(doc_type), numbers, positions[places])


def _order(keys: Integers, docs: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """The order by key and article. Both in one number, counted from the first key, sort several times
    faster."""
    base = keys.min(initial=_LARGEST)
    if keys.max(initial=0) - base < 1 << (63 - _DOC_BITS):
        return ascending((keys - base) << _DOC_BITS | docs)
    return np.lexsort((docs, keys))


def merged_postings(
    chunks: Sequence[tuple[Arrays, Integers, npt.NDArray[np.int32]]],
    n_terms: int,
    doc_type: Any,
    pool: Executor,
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any], npt.NDArray[np.uint16]]:
    """The arrays of postings but for their frequencies; and these as ``encode_numbered`` takes them.

    ``chunks``: each with the new number of each of its terms, ascending, and of each of its articles, -1 for
    one that is left out; an article is in one chunk. A term of which no posting stays has any number, or -1.
    """
    numbers, triples = number_frequencies([chunk for chunk, _, _ in chunks])
    parts = []
    for (chunk, places, new_docs), of_chunk in zip(chunks, numbers, strict=True):
        tokens = chunk["position_offsets"], chunk["positions"]
        parts.append(Lists(places, new_docs, chunk["offsets"], chunk["docs"], of_chunk, *tokens))
    totals = triples.sum(axis=1, dtype=np.uint32)
    kinds = ((triples > 0) @ np.array(_KINDS, np.uint8)).astype(np.uint8)
    merged = merged_lists(parts, totals, kinds, doc_type, pool)
    counts = np.zeros((n_terms, _N_COUNTS), np.int64)
    counts[merged.keys] = merged.counts
    arrays = {
        "offsets": offsets_of(counts[:, 0]),
        "docs": merged.docs,
        "field_df": counts[:, 2:].astype(np.uint32),
        "position_offsets": offsets_of(counts[:, 1]),
        "positions": merged.positions,
    }
    return arrays, merged.numbers, triples
