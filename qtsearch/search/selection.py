"""What a search is about: the articles that match and pass its filters, each article once; in which order.

An article may stand on several pages, under different subjects. Unless it is asked otherwise, they are one
hit: the page that comes first, in whichever order is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from qtsearch.forks import cached_property
from qtsearch.search.facets import Facets, Grouping, Mask
from qtsearch.search.plans import Plan
from qtsearch.search.searcher import Ranges, Searcher

__all__ = ["SORTS", "Selection"]

#: What hits can be sorted by: score, date with the newest or the oldest first, question by the alphabet.
SORTS: Final = ("score", "date", "oldest", "question")


class Selection:
    """The articles of one search. ``facets``: of the searcher's segment.

    ``ranges``: of the subjects asked for, ``None`` for all. ``allowed``: by other filters, ``None`` for all.
    ``matched``: by a query tree, ``None`` where the words of the plan decide; ``patterns``: the surface forms
    that its patterns stand for.
    """

    def __init__(
        self,
        searcher: Searcher,
        facets: Facets,
        plan: Plan,
        *,
        ranges: Ranges | None = None,
        allowed: Mask | None = None,
        matched: Mask | None = None,
        patterns: npt.NDArray[np.intp] | None = None,
        collapse: bool = True,
    ) -> None:
        self.searcher = searcher
        self.plan = plan
        self._facets = facets
        self._ranges = ranges
        self._allowed = allowed
        self._matched = matched
        self._patterns = patterns
        self._collapse = collapse and len(searcher.segment.copies) > 0

    # -- hits --------------------------------------------------------------------------------------

    def best(self, k: int, sort: str) -> tuple[list[int], list[int]]:
        """The first ``k`` articles and their scores."""
        if k == 0:
            return [], []
        first = self._by_score if sort == "score" else self._ordered(sort)
        if not self._collapse:
            return first(k)
        searcher = self.searcher
        wanted = k + k // 4 + 2
        while True:
            docs, scores = first(wanted)
            repeated = list(filter(searcher.repeated.__getitem__, docs))
            if len(set(map(searcher.originals.__getitem__, repeated))) == len(repeated):
                return docs[:k], scores[:k]
            originals = list(map(searcher.originals.__getitem__, docs))
            last = len(docs) - 1
            places = sorted(dict(zip(originals[::-1], range(last, -1, -1), strict=True)).values())[:k]
            if len(places) == k or len(docs) < wanted:
                return [docs[place] for place in places], [scores[place] for place in places]
            wanted *= 2

    def _by_score(self, k: int) -> tuple[list[int], list[int]]:
        if self._matched is None:
            return self.searcher.search(self.plan, self._ranges, k, self._allowed)
        return self.searcher.best_of(self.plan, self.mask, k)

    def _ordered(self, sort: str) -> Callable[[int], tuple[list[int], list[int]]]:
        order = self._facets.order(sort)
        docs = order[self.mask.take(order)]

        def first(k: int) -> tuple[list[int], list[int]]:
            return docs[:k].tolist(), self.searcher.scores(self.plan).take(docs[:k]).tolist()

        return first

    @cached_property
    def weights(self) -> dict[str, tuple[int, float]]:
        """What to mark in a text: surface form → its term, and what the term weighs."""
        segment, plan = self.searcher.segment, self.plan
        planner = self.searcher.planner
        compounds = map(planner.postings, planner.compounds.terms(plan))
        found: dict[str, tuple[int, float]] = {}
        for word in (*plan.counts, *compounds, *(expansion.word for expansion in plan.expansions)):
            if not (word.soft and plan.some_hard):
                for form in segment.forms_of(word.term):
                    found[form.decode()] = word.term, word.idf
        if self._patterns is not None:
            terms = segment.form_terms[self._patterns].tolist()
            for form, term in zip(segment.forms[self._patterns].tolist(), terms, strict=True):
                found.setdefault(form.decode(), (term, 1.0))
        return found

    # -- counts ------------------------------------------------------------------------------------

    @cached_property
    def matching(self) -> Mask:
        """Which pages match the query, whatever the filters: shape (n_docs,)."""
        return self.searcher.matching(self.plan) if self._matched is None else self._matched

    @cached_property
    def mask(self) -> Mask:
        """Which pages match and pass the filters: shape (n_docs,)."""
        mask = self.matching
        if self._allowed is not None:
            mask = mask & self._allowed
        if self._ranges is not None:
            inside = np.zeros_like(mask)
            for start, stop in self._ranges:
                inside[start:stop] = mask[start:stop]
            mask = inside
        return mask

    @cached_property
    def total(self) -> int:
        """How many hits there are."""
        return int(np.count_nonzero(self._hits_in(self._facets.all)))

    def by_subject(self) -> dict[str, int]:
        """Hits by subject, most first. An article counts under each of its subjects."""
        subjects = self._facets.subjects
        counts = subjects.count(self._hits_in(subjects)).tolist()
        found = zip(self.searcher.segment.subjects, counts, strict=True)
        named = [(subject.name, count) for subject, count in found if count and subject.slug]
        return dict(sorted(named, key=lambda one: (-one[1], one[0])))

    def by_month(self) -> dict[str, int]:
        """Hits by month, ``"2025-01"`` say, oldest first. Pages without a date are left out."""
        months = self._facets.months
        found = zip(months.values.tolist(), months.count(self._hits_in(months)).tolist(), strict=True)
        return {f"{month // 12:04}-{month % 12 + 1:02}": count for month, count in found if month and count}

    def _hits_in(self, grouping: Grouping) -> Mask:
        """The pages to be counted by a grouping."""
        return grouping.once(self.mask) if self._collapse else self.mask
