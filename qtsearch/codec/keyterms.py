"""The key terms of every article: the few that tell it best from others, by tf·idf.

Postings lead from a term to articles; this is the way back, for related pages. Soft words are no key terms.
Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (1988); that a long article's few
terms make the query "more like this" is Lucene's way, and Whoosh's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS

__all__ = ["KEY_TERMS", "key_term_arrays"]

#: Of an article: 16 find a little less, 32 no more.
KEY_TERMS: Final = 24
#: A term counts at most so many times in an article.
_MAX_FREQUENCY: Final = 16
#: Weights fit a byte: idf is at most 14.8, for a term that one in four million articles has.
_MAX_WEIGHT: Final = 255
_WEIGHT_BITS: Final = 8
_TERM_BITS: Final = (MAX_DOCS - 1).bit_length()  # as many terms as articles


def key_term_arrays(
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    totals: npt.NDArray[Any],
    term_soft: npt.NDArray[np.bool_],
    n_docs: int,
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of key terms, as the table in :mod:`qtsearch.codec.segment` has them.

    Of terms that weigh the same, those with the lower numbers are taken.

    Args:
        offsets: where each term's postings begin and the last one's end, shape (n_terms + 1,).
        docs: article of each posting, shape (n_postings,).
        totals: term frequency in all fields together, shape (n_postings,).
        term_soft: whether it is the stem of a soft word, shape (n_terms,).
        n_docs: articles in the segment.
    """
    df = np.diff(offsets)
    idf = np.log1p((n_docs - df + 0.5) / (df + 0.5)).astype(np.float32)
    n_hard = np.where(term_soft, 0, df)  # postings of each term that are taken
    hard = np.flatnonzero(np.repeat(~term_soft, df))
    hard_docs = docs[hard]
    weights = np.minimum(totals[hard], _MAX_FREQUENCY).astype(np.float32)
    weights *= np.repeat(idf, n_hard)
    np.rint(weights, out=weights)
    np.clip(weights, 1, _MAX_WEIGHT, out=weights)
    # One number a posting, which sorts several times faster than three keys.
    packed = hard_docs.astype(np.int64)
    packed <<= _WEIGHT_BITS
    packed |= _MAX_WEIGHT - weights.astype(np.uint8)
    packed <<= _TERM_BITS
    packed |= np.repeat(np.arange(len(df)), n_hard)
    packed.sort()
    counts = np.bincount(hard_docs, minlength=n_docs)
    place = np.nonzero(np.arange(KEY_TERMS) < counts[:, None])
    packed = packed[(np.cumsum(counts) - counts)[place[0]] + place[1]]
    key_terms = np.zeros((n_docs, KEY_TERMS), np.min_scalar_type(len(df)))
    key_weights = np.zeros((n_docs, KEY_TERMS), np.uint8)
    key_terms[place] = packed & (1 << _TERM_BITS) - 1
    key_weights[place] = _MAX_WEIGHT - (packed >> _TERM_BITS & _MAX_WEIGHT)
    return {"key_terms": key_terms, "key_weights": key_weights}
