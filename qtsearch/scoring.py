"""The score of one word in one article, as an integer, and of what stands beside words: keywords and pairs.

All that depends on one term and one article is computed when an index is published and stored as one
``uint16``, the *impact*; a query adds impacts. For term t and article d::

    tf~   = Σ_f w_f · tf_f / (1 − b_f + b_f · len_f / avglen_f)
    idf   = ln(1 + (N − df + ½) / (df + ½))
    s     = idf · [ tf~ (k1 + 1) / (tf~ + k1) + Σ_f share_f · BM25(f, its own k1 and b, without idf)
                    + keyword_share · (t alone is a keyword of d) ]
    score = Σ_t q_t · s        q_t = times t stands in the query, soft_share of that for a soft word
            + Σ_p keyword_share · Σ_{t in p} idf_t        over keywords p of d that stand whole in the query;
                                                          of a soft word soft_share of its idf
            + mean_{a,b} pair_share · (idf_a + idf_b) · sat(times that b comes next after a in d's answer)
    sat(x) = x (pair_k1 + 1) / (x + pair_k1 (1 − pair_b + pair_b · len / avglen))       the answer's length

The question and the page keywords have a share, the answer has none. A query that neither begins nor ends
with a soft word is a phrase, and each two of its hard words that follow each other are a pair a, b; a
sentence has none. Average lengths are over the articles in which the field is not empty. BM25F: Robertson,
Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM 2004). Ordered pairs: Metzler and
Croft, "A Markov random field model for term dependencies" (SIGIR 2005). What each part is worth stands in
``docs/ranking.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from qtsearch.compiled import compiled
from qtsearch.parameters import RankingParameters, Weighting

__all__ = [
    "IMPACT_SCALE",
    "MAX_IMPACT",
    "PAIR_SCALE",
    "POSTINGS_AT_A_TIME",
    "Formula",
    "Sliced",
    "average_lengths",
    "compute_impacts",
    "compute_pair_impacts",
    "inverse_document_frequency",
    "share_of_field",
    "soften",
    "weigh_frequency",
]

#: Impacts and scores are whole numbers of 1/256.
IMPACT_SCALE: Final = 256
MAX_IMPACT: Final = 65_535

#: The impacts of pairs are whole numbers of 1/255 of the most that sat(x) can be.
PAIR_SCALE: Final = 255

#: Postings worked on at a time: arrays of this length stay in the processor's caches.
POSTINGS_AT_A_TIME: Final = 1 << 17


def average_lengths(lengths: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mean length of each field over the articles where it is not empty; 1 where there is none.

    ``lengths``: any integer dtype, shape (n_docs, 3).
    """
    filled = np.count_nonzero(lengths, axis=0)
    totals = lengths.sum(axis=0, dtype=np.int64)
    averages: npt.NDArray[np.float64] = np.where(filled > 0, totals / np.maximum(filled, 1), 1.0)
    return averages


def inverse_document_frequency(n_docs: int, df: int) -> float:
    """The idf of a term that ``df`` of ``n_docs`` articles have."""
    return math.log1p((n_docs - df + 0.5) / (df + 0.5))


def weigh_frequency(weighting: Weighting, field: int, frequency: float, relative: float) -> float:
    """What a frequency in a field adds to tf~; ``relative``: the field's length in average lengths."""
    b = weighting.parameters.b[field]
    return weighting.weights[field] * frequency / max(1.0 - b + b * relative, 1e-9)


def share_of_field(weighting: Weighting, field: int, frequency: float, relative: float) -> float:
    """What the BM25 of a field alone adds; ``relative``: the field's length in average lengths."""
    k1, b = weighting.parameters.share_k1, weighting.parameters.share_b
    saturated = frequency * (k1 + 1.0) / (frequency + k1 * (1.0 - b + b * relative))
    return weighting.shares[field] * saturated


kernel: Final[Callable[..., None] | None] = compiled("qtsearch._scoring", "impacts")


class Sliced(Protocol):
    """An array of which slices can be had."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> npt.NDArray[Any]: ...


def compute_impacts(
    docs: Sliced,
    frequencies: Sliced,
    offsets: npt.NDArray[np.int64],
    lengths: npt.NDArray[Any],
    keyword_postings: npt.NDArray[Any],
    weighting: Weighting,
) -> npt.NDArray[np.uint16]:
    """The impact of every posting: ``uint16``, shape (n_postings,), from 1 to 65,535; 0 for a posting whose
    fields all have the weight 0.

    Args:
        docs: article of each posting, shape (n_postings,).
        frequencies: term frequency in each field, shape (n_postings, 3).
        offsets: where each term's postings begin and the last one's end, shape (n_terms + 1,).
        lengths: field lengths, shape (n_docs, 3).
        keyword_postings: the postings whose term alone is a keyword of the article, ascending.
        weighting: the parameters, and the fields' weights.
    """
    formula = Formula(lengths, weighting)
    idf = formula.idf(offsets[1:] - offsets[:-1])
    impacts = np.empty(len(docs), np.uint16)
    for start in range(0, len(docs), POSTINGS_AT_A_TIME):
        part = slice(start, min(start + POSTINGS_AT_A_TIME, len(docs)))
        alone = keyword_postings[slice(*np.searchsorted(keyword_postings, (part.start, part.stop)))]
        # The term of each posting of this part, as runs between the offsets.
        first = int(np.searchsorted(offsets, part.start, "right")) - 1
        last = int(np.searchsorted(offsets, part.stop, "left"))
        bounds = np.clip(offsets[first : last + 1], part.start, part.stop)
        posting_idf = np.repeat(idf[first:last], bounds[1:] - bounds[:-1])
        impacts[part] = formula.impacts(docs[part], frequencies[part], posting_idf, alone - part.start)
    return impacts


class Formula:
    """The formula over the articles of an index, by one weighting."""

    def __init__(self, lengths: npt.NDArray[Any], weighting: Weighting) -> None:
        """``lengths``: field lengths, shape (n_docs, 3)."""
        self.weighting = weighting
        parameters, weights = weighting
        relative = lengths / average_lengths(lengths)
        b = np.asarray(parameters.b)
        self._n_docs = len(lengths)
        # What one occurrence in each field of each article counts: shape (3, n_docs). With b = 1 an empty
        # field, in which only stop words can occur, has no bound.
        gain = np.asarray(weights) / np.maximum(1.0 - b + b * relative, 1e-9)
        norms = parameters.share_k1 * (1.0 - parameters.share_b + parameters.share_b * relative)
        self._gain, self._share_norms = np.ascontiguousarray(gain.T), np.ascontiguousarray(norms.T)
        self._counting = np.asarray(weights) > 0.0
        self._fields = np.column_stack((weighting.shares, self._counting)).astype(np.float64)

    def idf(self, df: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The idf of terms by their document frequencies."""
        idf: npt.NDArray[np.float64] = np.log1p((self._n_docs - df + 0.5) / (df + 0.5))
        return idf

    def impacts(
        self,
        docs: npt.NDArray[Any],
        frequencies: npt.NDArray[Any],
        idf: npt.NDArray[np.float64],
        alone: npt.NDArray[Any],
    ) -> npt.NDArray[np.uint16]:
        """The impacts of postings, as :func:`compute_impacts` has them.

        ``docs``: article of each, shape (n,). ``frequencies``: shape (n, 3). ``idf``: of their terms, shape
        (n,), or of their term, shape (1,). ``alone``: those whose term alone is a keyword of the article.
        """
        parameters = self.weighting.parameters
        idf = idf * IMPACT_SCALE
        if kernel is not None:
            impacts = np.empty(len(docs), np.uint16)
            frequencies = np.ascontiguousarray(frequencies, np.uint16)
            are_alone = np.zeros(len(docs), np.bool_)
            are_alone[alone] = True
            arrays = self._gain, self._share_norms, self._fields, impacts
            worths = parameters.k1, parameters.share_k1, self.weighting.keyword_share
            kernel(docs, frequencies, idf, are_alone, *arrays, *worths)
            return impacts
        docs = docs.astype(np.intp)
        combined = np.zeros(len(docs))
        shares = []
        # Field by field, for most postings have but one.
        for field, share in enumerate(self.weighting.shares):
            tf = np.ascontiguousarray(frequencies[:, field])
            found = np.flatnonzero(tf > 0)
            tf, found_docs = tf[found].astype(np.float64), docs[found]
            combined[found] += tf * self._gain[field][found_docs]
            if share:
                saturated = tf * (parameters.share_k1 + 1.0)
                saturated /= tf + self._share_norms[field][found_docs]
                shares.append((found, share * saturated))
        # With k1 = 0 a word in no field that counts would be 0 / 0.
        score = combined * (parameters.k1 + 1.0) / np.maximum(combined + parameters.k1, 1e-300)
        for found, worth in shares:
            score[found] += worth
        score[alone] += self.weighting.keyword_share
        score *= idf
        impacts = np.clip(np.rint(score), 1, MAX_IMPACT).astype(np.uint16)
        if not self._counting.all():
            impacts[~frequencies[:, self._counting].any(axis=1)] = 0
        return impacts


def compute_pair_impacts(
    docs: npt.NDArray[Any],
    counts: npt.NDArray[Any],
    answer_lengths: npt.NDArray[Any],
    parameters: RankingParameters,
) -> npt.NDArray[np.uint8]:
    """sat(x) of every posting of a pair, in 1/255 of the most that it can be: ``uint8``, shape (n_postings,).

    Args:
        docs: article of each posting, shape (n_postings,).
        counts: how often it has the pair, shape (n_postings,).
        answer_lengths: lengths of the answers, shape (n_docs,).
    """
    b = parameters.pair_b
    relative = answer_lengths / average_lengths(answer_lengths[:, None])[0]
    norms = np.maximum(parameters.pair_k1 * (1.0 - b + b * relative), 1e-9)
    impacts = np.empty(len(docs), np.uint8)
    for start in range(0, len(docs), POSTINGS_AT_A_TIME):
        part = slice(start, start + POSTINGS_AT_A_TIME)
        times = counts[part].astype(np.float64)
        impacts[part] = np.rint(PAIR_SCALE * times / (times + norms[docs[part]]))
    return impacts


def soften(impacts: npt.NDArray[np.uint16], share: float) -> npt.NDArray[np.uint16]:
    """The share of a soft word of each impact, rounded up, so that a match by it still counts as one.

    ``share``: more than 0, at most 1; taken as a multiple of 1/256.
    """
    part = round(share * 256)
    if part == 64:
        quarters: npt.NDArray[np.uint16] = (impacts >> 2) + ((impacts & 3) != 0)
        return quarters
    return ((impacts.astype(np.uint32) * part + 255) >> 8).astype(np.uint16)
