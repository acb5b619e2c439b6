"""Plan → the k best articles: exact, over one immutable segment.

A query adds integers: lists of articles with what each gets, for rare words and for phrases, and rows of a
number an article, for frequent words. Ties go to the lower article number, that is by (subject, url).

What rows may add is bounded (MaxScore: Turtle and Flood, 1995). If that is little for all of them, and less
than the k-th best has by the lists alone, the best are in the lists, and only those that come near it are
looked up in the rows. Otherwise large rows and lists are added into an accumulator, one number an article,
and small rows are looked up for those that come near the k-th best. It is found without sorting the rest: the
accumulator is folded into columns, and the k-th largest column maximum bounds the k-th largest score from
below.

Where a compiler was found at installation, a kernel in C does the same in one call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment
from qtsearch.compiled import compiled
from qtsearch.parameters import Weighting
from qtsearch.schema import slugify
from qtsearch.search.fieldwords import FieldWords
from qtsearch.search.planner import Planner
from qtsearch.search.plans import Laid, Plan

__all__ = ["Ranges", "Searcher"]

_COLUMNS: Final = 1_024  # the accumulator is folded into so many columns
_FEW_COLUMNS: Final = 64  # are looked at alone
_MAX_FOLDED_K: Final = 128  # for more hits than this, all matches are looked at
_MAX_COMPILED_SUM: Final = (1 << 31) - 1
_PUT_OFF: Final = 16  # rows are put off that add at most 1/16 of what all terms may add

_LARGEST: Final = itemgetter(0)

_FEW_ROWS: Final = 2  # are looked up one by one
_MIN_ROWS_PUT_OFF: Final = 4  # where there are so many that it saves more than it costs
_NOTHING: Final = np.zeros(0, np.intp), np.zeros(0, np.uint16)

Ranges = list[tuple[int, int]]
#: Articles, and what each has.
Found = tuple[npt.NDArray[Any], npt.NDArray[Any]]
#: The numbers of articles and their scores, best first.
Best = tuple[list[int], list[int]]


kernel: Final[Callable[..., Best] | None] = compiled("qtsearch.search._searcher", "best")


class Searcher:
    """Searches one segment, by one weighting of its fields. Any number of threads may share it."""

    def __init__(self, segment: Segment, weighting: Weighting | None = None) -> None:
        """``weighting``: by default the one that the index was published with."""
        self.segment = segment
        self._padded = -(-segment.n_docs // _COLUMNS) * _COLUMNS
        self.planner = Planner(segment, weighting or Weighting.of(segment.parameters), self._padded)
        self.plan = self.planner.plan
        self.field_words = FieldWords(segment, self.planner.weighting)
        self._subjects = {s.slug: (s.start, s.stop) for s in segment.subjects if s.slug}
        #: The first page of the article of each page, and 1 where there are several.
        self.originals = segment.originals.data
        repeated = np.zeros(segment.n_docs, np.uint8)
        repeated[segment.copies] = 1
        self.repeated = repeated.tobytes()
        self._everywhere: Ranges = [(0, segment.n_docs)]
        self._local = threading.local()

    # -- filter ------------------------------------------------------------------------------------

    def ranges(self, subjects: Iterable[str]) -> Ranges:
        """The articles of the subjects, named in any case or by slug, as ascending slices."""
        slugs = {slugify(subject) for subject in subjects}
        return sorted(self._subjects[slug] for slug in slugs if slug in self._subjects)

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no article has."""
        return [subject for subject in subjects if slugify(subject) not in self._subjects]

    # -- search ------------------------------------------------------------------------------------

    def search(
        self, plan: Plan, ranges: Ranges | None, k: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> Best:
        """The ``k`` best articles: their numbers and scores, best first.

        ``ranges``, ``allowed``: only articles in these slices, and of this mask of shape (n_docs,), count;
        they score as they would without.
        """
        if k == 0 or ranges == [] or not plan.counts:
            return [], []
        if kernel is not None and k <= _MAX_FOLDED_K and plan.bound <= _MAX_COMPILED_SUM:
            scores = self._buffer(plan.dtype)[: self._padded]
            added = plan.table.added
            return kernel(scores, added, plan.scattered, plan.rows, ranges or self._everywhere, allowed, k)
        if ranges is not None or allowed is not None:
            ranges = ranges or self._everywhere
            return _in_order(*self._within(plan, ranges, allowed, k), k)
        scores = self._buffer(plan.dtype)[: self._padded]
        small, large, slack = _split(plan) if k <= _MAX_FOLDED_K else ([], plan.rows, 0)
        self._set_rows(plan, large, scores)
        listed = self._add_lists(plan, scores)
        found = None if large else self._among(plan, listed, scores, k, slack)
        if found is None:
            found = self._reaching(scores, k, slack)
            if found is not None:
                self._look_up(plan, small, *found)
            else:
                self._add_rows(plan, small, scores, 0)
                found = self._reaching(scores, k, 0)
        docs, values = found or _NOTHING
        return _in_order(docs, values, k)

    def best_of(self, plan: Plan, mask: npt.NDArray[np.bool_], k: int) -> Best:
        """The ``k`` best of the articles of a mask, bool, shape (n_docs,), as :meth:`search` gives them.

        What a plan adds to none of them, they have all the same: the score 0.
        """
        docs = mask.nonzero()[0]
        values = self.scores(plan).take(docs)
        if 0 < k < len(docs):
            docs, values = _at_least(_at_rank(values, k), docs, values)
        return _in_order(docs, values, k)

    def best(self, scores: npt.NDArray[Any], k: int) -> Best:
        """The ``k`` best by a score for each article, 0 left out: their numbers and scores, best first.

        ``scores``: unsigned, shape (n_docs,). ``k``: 1 or more.
        """
        folded = np.zeros(self._padded, scores.dtype)
        folded[: len(scores)] = scores
        docs, values = self._reaching(folded, k, 0) or _NOTHING
        return _in_order(docs, values, k)

    def scores(self, plan: Plan) -> npt.NDArray[Any]:
        """What every article gets: shape (n_docs,). To be used before this thread searches again."""
        scores = self._buffer(plan.dtype)[: self._padded]
        self._set_rows(plan, plan.rows, scores)
        self._add_lists(plan, scores)
        return scores[: self.segment.n_docs]

    def matching(self, plan: Plan) -> npt.NDArray[np.bool_]:
        """Which articles match: bool, shape (n_docs,)."""
        bits = np.zeros(self._padded // 8, np.uint8)
        for row in plan.rows:
            np.bitwise_or(bits, plan.table.bits[row.place], bits)
        flags = np.unpackbits(bits).view(bool)
        for _, docs, _ in plan.scattered[: plan.n_rare]:
            flags[docs] = True
        return flags[: self.segment.n_docs]

    def _add_lists(self, plan: Plan, scores: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Add the lists to the scores of all articles; the articles in them, once for each list."""
        # Index and value dtypes as they must be for add.at's fast path: 6 instead of 200 µs.
        if len(plan.scattered) == 1:
            _, docs, added = plan.scattered[0]
            docs, added = docs.astype(np.intp, copy=False), added.astype(plan.dtype, copy=False)
        elif plan.scattered:
            _, each_docs, each_added = zip(*plan.scattered, strict=True)
            docs = np.concatenate(each_docs, dtype=np.intp)
            added = np.concatenate(each_added, dtype=plan.dtype, casting="unsafe")
        else:
            return _NOTHING[0]
        np.add.at(scores, docs, added)
        return docs

    def _set_rows(self, plan: Plan, rows: list[Laid], scores: npt.NDArray[Any]) -> None:
        """Make the scores of all articles what the rows have for them."""
        if not rows:
            scores.fill(0)
            return
        _, times, place = rows[0]
        scores[:] = plan.table.added[place]
        if times > 1:
            scores *= scores.dtype.type(times)
        self._add_rows(plan, rows[1:], scores, 0)

    def _add_rows(self, plan: Plan, rows: list[Laid], scores: npt.NDArray[Any], first: int) -> None:
        """Add what the rows have for the articles from ``first`` on, in place."""
        for _, times, place in rows:
            row = plan.table.added[place, first : first + len(scores)]
            if times > 1:
                row = np.multiply(row, times, dtype=plan.dtype)
            np.add(scores, row, scores)

    def _among(
        self, plan: Plan, listed: npt.NDArray[np.intp], scores: npt.NDArray[Any], k: int, slack: int
    ) -> Found | None:
        """The best among the articles in the lists; ``None`` if others may be among the best.

        ``scores``: what they get from the lists. ``slack``: the most that rows add.
        """
        rank = k * len(plan.scattered)
        if not plan.n_rare or k > _MAX_FOLDED_K:
            return None
        if len(listed) >= rank:
            # An article stands there at most once a list: so k of them reach the value at this rank.
            values = scores.take(listed)
            reached = _at_rank(values, rank)
            if reached <= slack:
                return None
            listed = listed.take((values >= reached - slack).nonzero()[0])
        elif plan.rows:
            return None
        docs = _distinct(listed)
        values = scores.take(docs)
        self._look_up(plan, plan.rows, docs, values)
        return docs, values

    def _look_up(
        self, plan: Plan, rows: list[Laid], docs: npt.NDArray[Any], values: npt.NDArray[Any]
    ) -> None:
        """Add what the rows have for ``docs`` to their ``values``, in place."""
        if len(rows) <= _FEW_ROWS:
            for row in rows:
                added = plan.table.added[row.place].take(docs)
                values += added if row.times == 1 else added * values.dtype.type(row.times)
            return
        starts = np.array([row.place for row in rows])[:, None] * self._padded
        added = plan.table.added.reshape(-1).take(starts + docs)
        times = [row.times for row in rows]
        if max(times) > 1:
            added = added * np.array(times, values.dtype)[:, None]
        values += np.add.reduce(added, 0, dtype=values.dtype)

    def _within(
        self,
        plan: Plan,
        ranges: Ranges,
        allowed: npt.NDArray[np.bool_] | None,
        k: int,
    ) -> Found:
        """The best of the articles in the slices and the mask."""
        low, high = ranges[0][0], ranges[-1][1]
        scores = self._buffer(plan.dtype)
        # Folding takes whole columns.
        columns = scores[low : low - (low - high) // _COLUMNS * _COLUMNS]
        columns.fill(0)
        self._add_lists(plan, scores)
        part = scores[low:high]
        self._add_rows(plan, plan.rows, part, low)
        for (_, stop), (start, _) in pairwise([*ranges, (low + len(columns), 0)]):
            scores[stop:start] = 0
        if allowed is not None:
            np.multiply(part, allowed[low:high], part)
        docs, values = self._reaching(columns, k, 0) or _NOTHING
        return docs + low, values

    def _reaching(self, scores: npt.NDArray[Any], k: int, slack: int) -> Found | None:
        """Articles, ascending, and scores that reach the k-th largest score less ``slack``, 0 left out.

        ``None``, if ``slack`` is as large as the k-th largest: then any article may be among the k best once
        it is added. ``scores`` fills whole columns.
        """
        if k > _MAX_FOLDED_K:
            docs = scores.nonzero()[0]
            values = scores.take(docs)
            return _at_least(_at_rank(values, k), docs, values) if len(docs) > k else (docs, values)
        folded = scores.reshape(-1, _COLUMNS)
        best = np.maximum.reduce(folded, 0)
        # At least k scores reach the k-th largest maximum. It is 0 if fewer than k columns have a match.
        threshold = _at_rank(best, k) - slack
        if threshold <= 0:
            if slack:
                return None
            threshold = 1
        columns = (best >= threshold).nonzero()[0]
        if len(columns) > _FEW_COLUMNS:
            docs = (scores >= threshold).nonzero()[0]
            return docs, scores.take(docs)
        few = folded.take(columns, 1)
        layers, places = (few >= threshold).nonzero()
        return layers * _COLUMNS + columns.take(places), few[layers, places]

    def _buffer(self, dtype: Any) -> npt.NDArray[Any]:
        """A number an article and a column, of this thread, with what was last left in it."""
        buffers: dict[str, npt.NDArray[Any]] = self._local.__dict__
        name = dtype.__name__
        buffer = buffers.get(name)
        if buffer is None:
            buffer = buffers[name] = np.zeros(self._padded + _COLUMNS, dtype)
        return buffer


def _split(plan: Plan) -> tuple[list[Laid], list[Laid], int]:
    """The small rows of a plan, the large ones, and what the small ones add up to at most."""
    if len(plan.rows) < _MIN_ROWS_PUT_OFF:
        return [], plan.rows, 0
    rows = sorted(plan.rows, key=_LARGEST)
    budget = plan.bound // _PUT_OFF
    slack = n_small = 0
    for row in rows:
        if slack + row.largest > budget:
            break
        slack += row.largest
        n_small += 1
    return rows[:n_small], rows[n_small:], slack


def _distinct(docs: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The articles: ascending, each once."""
    docs = docs.copy()  # they may be those of a list
    docs.sort()
    first = np.ones(len(docs), bool)
    np.not_equal(docs[1:], docs[:-1], first[1:])
    return docs[first]


def _at_rank(values: npt.NDArray[Any], rank: int) -> int:
    """The ``rank``-th largest of at least so many values."""
    place = len(values) - rank
    ordered = values.copy()
    ordered.partition(place)
    return int(ordered[place])


def _at_least(threshold: int, docs: npt.NDArray[Any], values: npt.NDArray[Any]) -> Found:
    """Those of the articles that have at least this value."""
    kept = (values >= threshold).nonzero()[0]
    return docs.take(kept), values.take(kept)


def _in_order(docs: npt.NDArray[Any], values: npt.NDArray[Any], k: int) -> Best:
    """The first ``k`` by descending value, then as they stand, which is ascending."""
    best = (~values).argsort(kind="stable")[:k]
    return docs.take(best).tolist(), values.take(best).tolist()
