"""What pages are counted by and sorted by: prepared once a segment, when first needed, for any mask of pages.

The pages of a group are put side by side, so that counting a mask by group is one pass over it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import NO_DATE, Segment
from qtsearch.forks import cached_property

__all__ = ["Facets", "Grouping", "Mask"]

_UNIX_EPOCH: Final = 719_163  # as a proleptic Gregorian ordinal

#: A bool for each page.
Mask = npt.NDArray[np.bool_]


class Grouping:
    """The pages of a segment in groups of one value each. ``values``: of the groups, ascending."""

    def __init__(self, segment: Segment, values: npt.NDArray[Any]) -> None:
        """``values``: int, shape (n_docs,), of every page."""
        order = values.argsort(kind="stable")
        self.values, self._starts = np.unique(values[order], return_index=True)
        # Groups that lie as pages are numbered need no reordering.
        self._order = order if (np.diff(order) != 1).any() else None
        groups = self.values.searchsorted(values[segment.copies])
        keys = segment.originals[segment.copies].astype(np.int64) * len(self.values) + groups
        _, first, which, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        several = (sizes[which] > 1).nonzero()[0]
        # Pages of articles that stand on several pages of a group, and of each, the first of them.
        self._copies = segment.copies[several]
        self._firsts = segment.copies[first[which[several]]]

    def once(self, mask: Mask) -> Mask:
        """The mask with one page at most of an article in a group."""
        reduced = mask.copy()
        reduced[self._copies] = False
        reduced[self._firsts[mask.take(self._copies)]] = True
        return reduced

    def count(self, mask: Mask) -> npt.NDArray[np.uint32]:
        """How many pages of a mask each group has: shape (n_groups,)."""
        ordered = mask if self._order is None else mask.take(self._order)
        counts: npt.NDArray[np.uint32] = np.add.reduceat(
            ordered.view(np.uint8), self._starts, dtype=np.uint32
        )
        return counts


class Facets:
    """The groupings and orders of the pages of a segment. Any number of threads may share it."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._orders: dict[str, npt.NDArray[np.intp]] = {}

    @cached_property
    def all(self) -> Grouping:
        """All pages in one group."""
        return Grouping(self._segment, np.zeros(self._segment.n_docs, np.int8))

    @cached_property
    def subjects(self) -> Grouping:
        """By subject: its place in the segment's list of them."""
        segment = self._segment
        sizes = [subject.stop - subject.start for subject in segment.subjects]
        return Grouping(segment, np.repeat(np.arange(len(sizes)), sizes))

    @cached_property
    def months(self) -> Grouping:
        """By month: twelve times the year, and the months before it in the year; 0 for pages without date."""
        dates = self._segment.dates
        months = (dates.astype(np.int64) - _UNIX_EPOCH).astype("datetime64[D]").astype("datetime64[M]")
        return Grouping(self._segment, np.where(dates == NO_DATE, 0, months.astype(np.int64) + 12 * 1_970))

    def order(self, sort: str) -> npt.NDArray[np.intp]:
        """All pages by ``"date"`` with the newest first, ``"oldest"`` first or ``"question"``.

        Pages without date come last, equal ones by (subject, url).
        """
        order = self._orders.get(sort)
        if order is None:
            dates = self._segment.dates.astype(np.int64)
            if sort == "question":
                keys = self._segment.question_ranks
            else:
                keys = np.where(dates == NO_DATE, np.iinfo(np.int64).max, -dates if sort == "date" else dates)
            order = self._orders[sort] = keys.argsort(kind="stable")
        return order
