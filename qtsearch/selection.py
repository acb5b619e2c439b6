"""What a search is about: the articles that match and pass its filters, each article once; in which order.

An article may stand on several pages, under different subjects. Unless it is asked otherwise, they are one
hit: the page that comes first, in whichever order is asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import NO_DATE
from qtsearch.planner import Plan
from qtsearch.searcher import Ranges, Searcher

__all__ = ["SORTS", "Selection"]

#: What hits can be sorted by: score, date with the newest or the oldest first, question by the alphabet.
SORTS: Final = ("score", "date", "oldest", "question")

_UNIX_EPOCH: Final = 719_163  # as a proleptic Gregorian ordinal

Mask = npt.NDArray[np.bool_]


class Selection:
    """The articles of one search, of a snapshot.

    ``ranges``: of the subjects asked for, ``None`` for all. ``allowed``: by other filters, ``None`` for all.
    ``matched``: by a query tree, ``None`` where the words of the plan decide; ``patterns``: the surface forms
    that its patterns stand for.
    """

    def __init__(
        self,
        searcher: Searcher,
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
        if sort != "score":
            return self._sorted(k, sort)
        if not self._collapse:
            return self._best(k)
        original_of = self.searcher.originals
        wanted = k + k // 4 + 2
        while True:
            docs, scores = self._best(wanted)
            originals = [original_of[doc] for doc in docs]
            if len(set(originals)) < len(docs):
                first = dict(zip(reversed(originals), range(len(docs) - 1, -1, -1), strict=True))
                kept = sorted(first.values())
                docs_kept = [docs[place] for place in kept]
                scores = [scores[place] for place in kept]
            else:
                docs_kept = docs
            if len(docs_kept) >= k or len(docs) < wanted:
                return docs_kept[:k], scores[:k]
            wanted *= 2

    def _best(self, k: int) -> tuple[list[int], list[int]]:
        if self._allowed is None and self._matched is None:
            return self.searcher.search(self.plan, self._ranges, k)
        return self.searcher.best_of(self.plan, self.mask, k)

    def _sorted(self, k: int, sort: str) -> tuple[list[int], list[int]]:
        segment = self.searcher.segment
        docs = self.mask.nonzero()[0]
        if sort == "question":
            keys = segment.question_ranks[docs].astype(np.int64)
        else:
            dates = segment.dates[docs].astype(np.int64)
            keys = np.where(dates == NO_DATE, np.iinfo(np.int64).max, -dates if sort == "date" else dates)
        docs = docs[keys.argsort(kind="stable")]
        if self._collapse:
            first = np.unique(segment.originals[docs], return_index=True)[1]
            docs = docs[np.sort(first)]
        docs = docs[:k]
        return docs.tolist(), self.searcher.scores(self.plan)[docs].tolist()

    @cached_property
    def weights(self) -> dict[str, tuple[int, float]]:
        """What to mark in a text: surface form → its term, and what the term weighs."""
        segment, plan = self.searcher.segment, self.plan
        soft_share = segment.parameters.soft_share if plan.some_hard else 1.0
        words = [*plan.counts, *(expansion.word for expansion in plan.expansions)]
        weights = np.zeros(len(segment.terms))
        for word in words:
            weights[word.term] = word.idf * (soft_share if word.soft else 1.0)
        forms = (weights[segment.form_terms] > 0).nonzero()[0]
        terms = segment.form_terms[forms].tolist()
        found = {
            form.decode(): (term, float(weights[term]))
            for form, term in zip(segment.forms[forms].tolist(), terms, strict=True)
        }
        if self._patterns is not None:
            terms = segment.form_terms[self._patterns].tolist()
            for form, term in zip(segment.forms[self._patterns].tolist(), terms, strict=True):
                found.setdefault(form.decode(), (term, 1.0))
        return found

    # -- counts ------------------------------------------------------------------------------------

    @cached_property
    def mask(self) -> Mask:
        """Which pages are selected: bool, shape (n_docs,)."""
        mask = self.searcher.matching(self.plan) if self._matched is None else self._matched.copy()
        if self._allowed is not None:
            mask &= self._allowed
        if self._ranges is not None:
            inside = np.zeros_like(mask)
            for start, stop in self._ranges:
                inside[start:stop] = True
            mask &= inside
        return mask

    @cached_property
    def total(self) -> int:
        """How many hits there are."""
        if not self._collapse:
            return int(np.count_nonzero(self.mask))
        return len(self._distinct(np.zeros(len(self.mask), np.int8)))

    def _distinct(self, values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """The selected pages, but of an article one for each of the ``values`` of its pages."""
        if not self._collapse:
            return self.mask.nonzero()[0]
        segment = self.searcher.segment
        copies = segment.copies
        copies = copies[self.mask[copies]]
        keys = segment.originals[copies].astype(np.int64) * (int(values.max(initial=0)) + 1) + values[copies]
        kept = copies[np.unique(keys, return_index=True)[1]]
        single = self.mask.copy()
        single[segment.copies] = False
        return np.concatenate((single.nonzero()[0], kept))

    def by_subject(self) -> dict[str, int]:
        """Hits by subject, most first. An article counts under each of its subjects."""
        segment = self.searcher.segment
        starts = [subject.start for subject in segment.subjects]
        sizes = np.diff([*starts, segment.n_docs])
        numbers = np.repeat(np.arange(len(starts)), sizes)
        counts = np.bincount(numbers[self._distinct(numbers)], minlength=len(starts)).tolist()
        found = [(count, subject.name) for count, subject in zip(counts, segment.subjects, strict=True)]
        ordered = sorted(found, key=lambda one: (-one[0], one[1]))
        return {name: count for count, name in ordered if count and name}

    def by_month(self) -> dict[str, int]:
        """Hits by month, ``"2025-01"`` say, oldest first. Pages without a date are left out."""
        dates = self.searcher.segment.dates
        months = (dates.astype(np.int64) - _UNIX_EPOCH).astype("datetime64[D]").astype("datetime64[M]")
        numbers = np.where(dates == NO_DATE, 0, months.astype(np.int64) + 12 * 1_970)
        counts = np.bincount(numbers[self._distinct(numbers)])
        found = counts.nonzero()[0]
        return {
            f"{month // 12:04}-{month % 12 + 1:02}": int(counts[month]) for month in found.tolist() if month
        }
