"""The first-stage score: BM25F over all fields plus a share of the question's own BM25, as integers.

All that depends on one term and one article is computed when an index is published and stored as one
``uint16``, the *impact*; a query adds impacts. For term t and article d::

    tf~   = Σ_f w_f · tf_f / (1 − b_f + b_f · len_f / avglen_f)
    idf   = ln(1 + (N − df + ½) / (df + ½))
    s     = idf · [ tf~ (k1 + 1) / (tf~ + k1) + share · BM25(question, its own k1 and b, without idf) ]
    score = Σ_t q_t · s        q_t = times t stands in the query, a quarter of that for a soft word

BM25F: Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM 2004).
Average lengths are over the articles in which the field is not empty.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.schema import TEXT_FIELDS

__all__ = ["IMPACT_SCALE", "MAX_IMPACT", "Parameters", "average_lengths", "compute_impacts", "soften"]

#: Impacts and scores are whole numbers of 1/256.
IMPACT_SCALE: Final = 256
MAX_IMPACT: Final = 65_535

_WEIGHTS: Final = tuple(field.weight for field in TEXT_FIELDS)
_B: Final = tuple(field.b for field in TEXT_FIELDS)
_POSTINGS_AT_A_TIME: Final = 1 << 19


class Parameters(NamedTuple):
    """What the formula can be tuned by; the defaults come from an ablation over judged collections.

    ``weights`` and ``b`` are in the order of the schema's text fields. ``k1`` ≥ 0 saturates term frequency;
    ``question_share`` ≥ 0 is how much the question's own BM25 adds.
    """

    k1: float = 1.5
    weights: tuple[float, ...] = _WEIGHTS
    b: tuple[float, ...] = _B
    question_share: float = 0.4
    question_k1: float = 1.2
    question_b: float = 0.75


def average_lengths(lengths: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mean length of each field over the articles where it is not empty; 1 where there is none.

    ``lengths``: any integer dtype, shape (n_docs, 3).
    """
    filled = np.count_nonzero(lengths, axis=0)
    totals = lengths.sum(axis=0, dtype=np.int64)
    averages: npt.NDArray[np.float64] = np.where(filled > 0, totals / np.maximum(filled, 1), 1.0)
    return averages


def compute_impacts(
    docs: npt.NDArray[Any],
    frequencies: npt.NDArray[Any],
    offsets: npt.NDArray[np.int64],
    lengths: npt.NDArray[Any],
    parameters: Parameters = Parameters(),
) -> npt.NDArray[np.uint16]:
    """The impact of every posting: ``uint16``, shape (n_postings,), from 1 to 65,535.

    Args:
        docs: article of each posting, shape (n_postings,).
        frequencies: term frequency in each field, shape (n_postings, 3).
        offsets: where each term's postings begin and the last one's end, shape (n_terms + 1,).
        lengths: field lengths, shape (n_docs, 3).
    """
    n_docs = len(lengths)
    relative = lengths / average_lengths(lengths)
    b = np.asarray(parameters.b)
    # What one occurrence in each field of each article counts: shape (n_docs, 3). With b = 1 an empty field,
    # in which only stop words can occur, has no bound.
    gain = np.asarray(parameters.weights) / np.maximum(1.0 - b + b * relative, 1e-9)
    question_norm = parameters.question_k1 * (
        1.0 - parameters.question_b + parameters.question_b * relative[:, 0]
    )
    df = offsets[1:] - offsets[:-1]
    idf = np.log1p((n_docs - df + 0.5) / (df + 0.5)) * IMPACT_SCALE

    impacts = np.empty(len(docs), np.uint16)
    for start in range(0, len(docs), _POSTINGS_AT_A_TIME):
        part = slice(start, min(start + _POSTINGS_AT_A_TIME, len(docs)))
        doc = docs[part].astype(np.intp)
        tf = frequencies[part].astype(np.float64)
        combined = np.einsum("pf,pf->p", tf, gain[doc])
        score = combined * (parameters.k1 + 1.0) / (combined + parameters.k1)
        tf_question = tf[:, 0]
        asked = np.flatnonzero(tf_question)
        tf_asked = tf_question[asked]
        saturated = tf_asked * (parameters.question_k1 + 1.0) / (tf_asked + question_norm[doc[asked]])
        score[asked] += parameters.question_share * saturated
        # The term of each posting of this part, as runs between the offsets.
        first = int(np.searchsorted(offsets, part.start, "right")) - 1
        last = int(np.searchsorted(offsets, part.stop, "left"))
        bounds = np.clip(offsets[first : last + 1], part.start, part.stop)
        score *= np.repeat(idf[first:last], bounds[1:] - bounds[:-1])
        impacts[part] = np.clip(np.rint(score), 1, MAX_IMPACT)
    return impacts


def soften(impacts: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """A quarter of each impact, rounded up, so that a match by a soft word still counts as one."""
    quarters: npt.NDArray[np.uint16] = (impacts >> 2) + ((impacts & 3) != 0)
    return quarters
