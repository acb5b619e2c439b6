"""A word of one field → its articles, and what it counts in them: what it would if the others weighed 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
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
        # Not methods: a cache of these would be a cycle, and the segment wait for the garbage collector.
        formula = lru_cache(None)(partial(_formula, segment, weighting))
        #: The articles that a term has in a field, by their numbers.
        self.postings = lru_cache(_WORDS_KEPT)(partial(_postings, segment, formula))


def _formula(segment: Segment, weighting: Weighting, field: int) -> Formula:
    parameters, own = weighting
    weights = [0.0] * len(FIELD_NAMES)
    weights[field] = own[field] or parameters.weights[field] or 1.0
    return Formula(segment.lengths, Weighting(parameters, tuple(weights)))


def _postings(segment: Segment, formula_of: Callable[[int], Formula], term: int, field: int) -> FieldPostings:
    start, stop = segment.offsets[term : term + 2].tolist()
    frequencies = segment.frequencies[start:stop]
    here = np.flatnonzero(frequencies[:, field])
    docs: npt.NDArray[Any] = segment.docs[start:stop][here].astype(np.intp)
    first, last = np.searchsorted(segment.keyword_postings, (start, stop))
    keywords = np.isin(here, segment.keyword_postings[first:last] - start, assume_unique=True)
    formula = formula_of(field)
    idf = formula.idf(np.array([stop - start]))
    impacts = formula.impacts(docs, frequencies[here], idf, np.flatnonzero(keywords))
    return FieldPostings(docs, impacts)
