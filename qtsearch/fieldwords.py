"""A word of one field → its articles, and what it counts in them: what it would if the others weighed 0."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment
from qtsearch.parameters import Weighting
from qtsearch.schema import FIELD_NAMES
from qtsearch.scoring import Formula

__all__ = ["FieldPostings", "FieldWords"]

_WORDS_KEPT: Final = 256


class FieldPostings(NamedTuple):
    """``docs``: ascending; ``impacts``: uint16, what the word counts in each."""

    docs: npt.NDArray[np.intp]
    impacts: npt.NDArray[np.uint16]


class FieldWords:
    """Looks up words of one field, by one weighting. Any number of threads may share it."""

    def __init__(self, segment: Segment, weighting: Weighting) -> None:
        self._segment = segment
        self._weighting = weighting
        self.postings = lru_cache(_WORDS_KEPT)(self._postings)
        self._formula = lru_cache(None)(self._formula_of)

    def _formula_of(self, field: int) -> Formula:
        parameters, own = self._weighting
        weights = [0.0] * len(FIELD_NAMES)
        weights[field] = own[field] or parameters.weights[field] or 1.0
        return Formula(self._segment.lengths, Weighting(parameters, tuple(weights)))

    def _postings(self, term: int, field: int) -> FieldPostings:
        """The articles that have a term in a field, by their numbers."""
        segment = self._segment
        start, stop = segment.offsets[term : term + 2].tolist()
        frequencies = segment.frequencies[start:stop]
        here = np.flatnonzero(frequencies[:, field])
        docs: npt.NDArray[Any] = segment.docs[start:stop][here].astype(np.intp)
        first, last = np.searchsorted(segment.keyword_postings, (start, stop))
        keywords = np.isin(here, segment.keyword_postings[first:last] - start, assume_unique=True)
        formula = self._formula(field)
        idf = formula.idf(np.array([stop - start]))
        impacts = formula.impacts(docs, frequencies[here], idf, np.flatnonzero(keywords))
        return FieldPostings(docs, impacts)
