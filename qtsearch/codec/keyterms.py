"""The key terms of every article: the few that tell it best from others, by tf·idf.

Postings lead from a term to articles; this is the way back, for related pages. Soft words are no key terms.
Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (1988); that a long article's few
terms make the query "more like this" is Lucene's way, and Whoosh's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.segment import offsets_of
from qtsearch.codec.sorting import ranges_of
from qtsearch.compiled import compiled
from qtsearch.scoring import POSTINGS_AT_A_TIME

__all__ = ["KEY_TERMS", "key_term_arrays"]

#: Of an article: 16 find a little less, 32 no more.
KEY_TERMS: Final = 24
#: A term counts at most so many times in an article.
_MAX_FREQUENCY: Final = 16
#: Weights fit a byte: idf is at most 14.8, for a term that one in four million articles has.
_MAX_WEIGHT: Final = 255
_WEIGHT_BITS: Final = 8
_TERM_BITS: Final = (MAX_DOCS - 1).bit_length()  # as many terms as articles

kernel: Final[Callable[..., None] | None] = compiled("qtsearch.codec._keyterms", "key_terms")


def key_term_arrays(
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    numbers: npt.NDArray[Any],
    triples: npt.NDArray[np.uint16],
    term_soft: npt.NDArray[np.bool_],
    n_docs: int,
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of key terms, as the table in :mod:`qtsearch.codec.segment` has them.

    Of terms that weigh the same, those with the lower numbers are taken.

    Args:
        offsets: where each term's postings begin and the last one's end, shape (n_terms + 1,).
        docs: article of each posting, shape (n_postings,).
        numbers: which of the triples is the term frequency of each posting, shape (n_postings,).
        triples: term frequencies in each field, shape (n_triples, fields).
        term_soft: whether it is the stem of a soft word, shape (n_terms,).
        n_docs: articles in the segment.
    """
    df = np.diff(offsets)
    idf = np.log1p((n_docs - df + 0.5) / (df + 0.5)).astype(np.float32)
    # What a term weighs in an article, by its frequency there.
    weights = np.rint(idf[:, None] * np.arange(_MAX_FREQUENCY + 1, dtype=np.float32))
    weights = np.clip(weights, 1, _MAX_WEIGHT).astype(np.uint8)
    weights[term_soft] = 0
    times = np.minimum(triples.sum(axis=1, dtype=np.int64), _MAX_FREQUENCY).astype(np.uint8)
    key_terms = np.zeros((n_docs, KEY_TERMS), np.min_scalar_type(len(df)))
    key_weights = np.zeros((n_docs, KEY_TERMS), np.uint8)
    if kernel is None:
        _fill_in(key_terms, key_weights, offsets, docs, weights, times[numbers])
    else:
        kernel(offsets, docs, numbers, times, weights, key_terms, key_weights, n_docs)
    return {"key_terms": key_terms, "key_weights": key_weights}


def _fill_in(
    key_terms: npt.NDArray[Any],
    key_weights: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    weights: npt.NDArray[np.uint8],
    times: npt.NDArray[np.uint8],
) -> None:
    """The same in NumPy. ``times``: how often an article has the term of a posting, shape (n_postings,)."""
    df = np.diff(offsets)
    term_hard = weights[:, 0] > 0
    starts = offsets_of(np.where(term_hard, df, 0))  # of the postings that are taken
    # One number a posting, which sorts several times faster than three keys.
    packed = np.empty(starts[-1], np.int64)
    for low, high in ranges_of(df, POSTINGS_AT_A_TIME):
        part = slice(offsets[low], offsets[high])
        hard = np.repeat(term_hard[low:high], df[low:high])
        terms = np.repeat(np.arange(low, high), df[low:high])[hard]
        keys = docs[part][hard].astype(np.int64)
        keys <<= _WEIGHT_BITS
        keys |= _MAX_WEIGHT - weights[terms, times[part][hard]]
        keys <<= _TERM_BITS
        keys |= terms
        packed[starts[low] : starts[high]] = keys
    packed.sort()
    bounds = packed.searchsorted(np.arange(len(key_terms) + 1) << _WEIGHT_BITS + _TERM_BITS)
    place = np.nonzero(np.arange(KEY_TERMS) < np.diff(bounds)[:, None])
    packed = packed[bounds[place[0]] + place[1]]
    key_terms[place] = packed & (1 << _TERM_BITS) - 1
    key_weights[place] = _MAX_WEIGHT - (packed >> _TERM_BITS & _MAX_WEIGHT)
