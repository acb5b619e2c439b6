"""What the searches of an open index share: segment, searchers, and what is prepared when first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from qtsearch.forks import Lock, cached_property
from qtsearch.generations.generation import open_segment
from qtsearch.parameters import Weighting, check_boosts
from qtsearch.search.completion import Completer
from qtsearch.search.facets import Facets
from qtsearch.search.searcher import Searcher
from qtsearch.search.spelling import Speller
from qtsearch.search.synonyms import Expander, Synonyms
from qtsearch.search.vocabulary import Vocabulary

__all__ = ["Snapshot"]

#: Sets of boosts whose impacts are kept: two bytes a posting each.
_BOOSTS_KEPT: Final = 4


class Snapshot:
    """One generation of an index. Any number of threads may share it."""

    def __init__(self, folder: str, synonyms: Synonyms = Synonyms(), *, abbreviations: bool = True) -> None:
        """Open the current generation of the index in ``folder``. Raises what open_segment does.

        ``abbreviations``: let those that the articles define join a query, beside the ``synonyms``.
        """
        self.generation, segment = open_segment(folder)
        self.segment = segment
        self.facets = Facets(segment)
        self._synonyms = synonyms
        self._abbreviations = abbreviations
        self._boosted: OrderedDict[Weighting, Searcher] = OrderedDict()
        self._lock = Lock()

    def boosted(self, boosts: Mapping[str, float] | None) -> Searcher:
        """The searcher by these weights. Raises what check_boosts does."""
        if not boosts:
            return self.searcher
        weighting = Weighting.of(self.segment.parameters, check_boosts(boosts))
        if weighting == self.searcher.planner.weighting:
            return self.searcher
        with self._lock:  # one thread computes, the others wait for it
            searcher = self._boosted.get(weighting)
            if searcher is None:
                while len(self._boosted) >= _BOOSTS_KEPT:
                    self._boosted.popitem(last=False)
                searcher = self._boosted[weighting] = Searcher(self.segment, weighting)
            else:
                self._boosted.move_to_end(weighting)
        return searcher

    def prepare(self, like: Snapshot) -> None:
        """Compute what another snapshot had to compute, lest the next searches wait for it."""
        _compute_as(self, like)
        _compute_as(self.segment, like.segment)
        _compute_as(self.facets, like.facets)
        if "speller" in vars(like):
            _compute_as(self.speller, like.speller)
        if "vocabulary" in vars(like):
            _compute_as(self.vocabulary, like.vocabulary)

    @cached_property
    def searcher(self) -> Searcher:
        """The one by the weights that the index was published with: made by the first search, not at
        opening, for it checks what it needs."""
        return Searcher(self.segment)

    @cached_property
    def expander(self) -> Expander:
        """What lets synonyms join a query."""
        return Expander(self.searcher.planner, self._synonyms, learned=self._abbreviations)

    @cached_property
    def completer(self) -> Completer:
        """What completes what is being typed."""
        return Completer(self.segment, self.speller.near_prefix)

    @cached_property
    def speller(self) -> Speller:
        """What puts words right that the index lacks."""
        return Speller(self.segment.forms, self.segment.form_frequencies.sum(axis=1))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the index as written."""
        return Vocabulary(self.segment)


def _compute_as(new: object, old: object) -> None:
    """Compute the cached properties that another object of the same class has computed."""
    for name in list(vars(old)):  # another thread may compute one
        if isinstance(getattr(type(old), name, None), cached_property):
            getattr(new, name)
