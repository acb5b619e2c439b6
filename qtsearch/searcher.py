"""Query → plan → the k best articles: exact, over one immutable segment.

A query adds integers. Each of its words adds the impacts of its postings into an accumulator, one number an
article: scattered for a rare word, as a whole row for a frequent one. The k best are then found without
sorting the rest: the accumulator is folded into columns, the k-th largest column maximum bounds the k-th
largest score from below, and only columns that reach it are looked at. Ties go to the lower article number,
that is by (subject, url).

Rows that can add little, those of most soft words among them, are put off (MaxScore: Turtle and Flood, 1995).
The k best are among the articles that come within what these rows may add of the k-th best without them, and
only these few are looked up in them. If one rare word remains, its postings are all there is to look at.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.segment import Segment
from qtsearch.schema import slugify
from qtsearch.scoring import MAX_IMPACT, soften

__all__ = ["MAX_QUERY_CHARS", "MAX_QUERY_TERMS", "Plan", "Ranges", "Searcher"]

#: A longer query is cut here; a word of it counts at most MAX_TERM_COUNT times. So sums stay within 32 bits.
MAX_QUERY_CHARS: Final = 32_768
MAX_QUERY_TERMS: Final = 1_024
MAX_TERM_COUNT: Final = 16

_COLUMNS: Final = 1_024  # the accumulator is folded into so many columns
_MAX_FOLDED_K: Final = 128  # for more hits than this, all matches are looked at
_FREQUENT: Final = 16  # a term in more than 1/16 of the articles is added as a row
_PUT_OFF: Final = 8  # rows are put off that add at most 1/8 of what all terms may add,
_MIN_ROWS_PUT_OFF: Final = 4  # where there are so many that it saves more than it costs
_FEW: Final = 64  # so many are sorted sooner by Python than by NumPy
_ROWS_BYTES: Final = 32 << 20  # of rows kept
_PLACES_BYTES: Final = 16 << 20  # of article numbers kept as indexes
_WORDS_KEPT: Final = 16_384  # in the memo of query words

_BOUND: Final = itemgetter(0)
_NOTHING: Final = np.zeros(0, np.intp), np.zeros(0, np.uint16)

Ranges = list[tuple[int, int]]
Row = npt.NDArray[np.uint16]


class _Postings:
    """The postings of one term, ready to be added; kept in the memo of query words."""

    __slots__ = ("bits", "docs", "frequent", "impacts", "largest", "row", "soft", "soft_largest")

    def __init__(self, segment: Segment, term: int) -> None:
        start, stop = segment.offsets[term], segment.offsets[term + 1]
        self.docs = segment.docs[start:stop]
        self.impacts = segment.impacts[start:stop]
        self.soft = bool(segment.term_soft[term])
        self.largest = int(segment.max_impacts[term])
        self.soft_largest = (self.largest + 3) >> 2
        self.frequent = len(self.docs) * _FREQUENT > segment.n_docs
        # Of a frequent term, once laid out, and for every article: its impact, a quarter of it if the term is
        # soft; and in bits, whether it has the term.
        self.row: Row | None = None
        self.bits: npt.NDArray[np.uint8] | None = None


#: A term to be added posting by posting: articles, impacts, how many times, and whether a quarter is due.
Scattered = tuple[npt.NDArray[Any], npt.NDArray[np.uint16], int, bool]
#: A term to be added as a row: the most it adds to any article, how many times, its row and its bits.
Laid = tuple[int, int, Row, npt.NDArray[np.uint8]]


class Plan:
    """What a query adds up. No sum is larger than ``bound``; ``dtype`` is the narrowest that holds it."""

    __slots__ = ("bound", "dtype", "rows", "scattered")

    def __init__(self, rows: list[Laid], scattered: list[Scattered], bound: int) -> None:
        self.rows = rows
        self.scattered = scattered
        self.bound = bound
        self.dtype: Any = np.uint16 if bound <= MAX_IMPACT else np.uint32


class _Memo:
    """What has been looked up: words as typed, and postings by term. A full one is replaced, never emptied:
    a query under way keeps its own, in which a term has one object."""

    __slots__ = ("places_left", "postings", "rows_left", "words")

    def __init__(self, padded: int) -> None:
        self.words: dict[str, _Postings | None] = {}
        self.postings: dict[int, _Postings] = {}
        self.rows_left = _ROWS_BYTES // (2 * padded)
        self.places_left = _PLACES_BYTES


class Searcher:
    """Searches one segment. Any number of threads may share it."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._subjects = {s.slug: (s.start, s.stop) for s in segment.subjects if s.slug}
        self._padded = -(-segment.n_docs // _COLUMNS) * _COLUMNS
        self._memo = _Memo(self._padded)
        # The articles, folded as the scores are.
        self._numbers = np.arange(self._padded, dtype=np.int32).reshape(-1, _COLUMNS)
        self._local = threading.local()

    # -- words -------------------------------------------------------------------------------------

    def find(self, token: str) -> int:
        """The number of the term of a token as written, -1 if no article has it."""
        segment = self.segment
        form = analysis.fold(token)
        number = segment.find_form(form.encode())
        if number >= 0:
            return int(segment.form_terms[number])
        # No article has the word in this form: another form of it may have the same stem.
        return segment.find_term(analysis.stem(form).encode())

    def _look_up(self, token: str, memo: _Memo) -> _Postings | None:
        term = self.find(token)
        postings = None
        if term >= 0:
            postings = memo.postings.get(term)
            if postings is None:
                postings = _Postings(self.segment, term)
                if not postings.frequent and 8 * len(postings.docs) <= memo.places_left:
                    postings.docs = postings.docs.astype(np.intp)  # saves doing so in every query
                    memo.places_left -= postings.docs.nbytes
                postings = memo.postings.setdefault(term, postings)
        memo.words[token] = postings
        return postings

    def plan(self, text: str) -> Plan:
        """The terms of a query and how often each stands in it, ready to be added."""
        memo = self._memo
        if len(memo.words) >= _WORDS_KEPT:
            memo = self._memo = _Memo(self._padded)
        words = memo.words
        counts: dict[_Postings, int] = {}
        some_hard = False
        for token in analysis.tokenize(text[:MAX_QUERY_CHARS]):
            try:
                postings = words[token]
            except KeyError:
                postings = self._look_up(token, memo)
            if postings in counts:
                counts[postings] += 1
            elif postings is not None and len(counts) < MAX_QUERY_TERMS:
                counts[postings] = 1
                some_hard = some_hard or not postings.soft
        rows: list[Laid] = []
        scattered: list[Scattered] = []
        total_bound = 0
        for postings, times in counts.items():
            if times > MAX_TERM_COUNT:
                times = MAX_TERM_COUNT
            # A soft word counts a quarter, unless the query has none but soft words.
            softened = postings.soft and some_hard
            bound = (postings.soft_largest if softened else postings.largest) * times
            total_bound += bound
            if postings.frequent and softened == postings.soft:
                if postings.row is None:
                    self._lay_out(postings, memo)
                if postings.row is not None and postings.bits is not None:
                    rows.append((bound, times, postings.row, postings.bits))
                    continue
            scattered.append((postings.docs, postings.impacts, times, softened))
        return Plan(rows, scattered, total_bound)

    def _lay_out(self, postings: _Postings, memo: _Memo) -> None:
        if memo.rows_left > 0:
            memo.rows_left -= 1
            row = np.zeros(self._padded, np.uint16)
            row[postings.docs] = soften(postings.impacts) if postings.soft else postings.impacts
            postings.bits = np.packbits(row.astype(bool))
            postings.row = row

    # -- filter ------------------------------------------------------------------------------------

    def ranges(self, subjects: Iterable[str]) -> Ranges:
        """The articles of the subjects, named in any case or by slug, as ascending slices."""
        slugs = {slugify(subject) for subject in subjects}
        return sorted(self._subjects[slug] for slug in slugs if slug in self._subjects)

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no article has."""
        return [subject for subject in subjects if slugify(subject) not in self._subjects]

    # -- search ------------------------------------------------------------------------------------

    def search(self, plan: Plan, ranges: Ranges | None, k: int) -> tuple[list[int], list[int]]:
        """The ``k`` best articles: their numbers and scores, best first.

        ``ranges``: only articles in these slices count; they score as they would without.
        """
        if k == 0 or ranges == [] or not (plan.rows or plan.scattered):
            return [], []
        if ranges is not None:
            scores, first = self._within(plan, ranges)
            docs, values = self._reaching(scores, k, 0)
            return _sorted(docs + first, values, k)
        if len(plan.scattered) == 1 and (found := _search_anchored(plan, k)):
            return found
        if (
            len(plan.rows) >= _MIN_ROWS_PUT_OFF
            and k <= _MAX_FOLDED_K
            and (found := self._search_few(plan, k))
        ):
            return found
        return _sorted(*self._reaching(self._accumulate(plan, plan.rows, 0, self._padded), k, 0), k)

    def count(self, plan: Plan, ranges: Ranges | None) -> int:
        """How many articles match."""
        matching = np.zeros(self._padded // 8, np.uint8)
        for _, _, _, bits in plan.rows:
            np.bitwise_or(matching, bits, matching)
        flags = np.unpackbits(matching)
        for scattered in plan.scattered:
            flags[scattered[0]] = 1
        if ranges is None:
            return int(np.count_nonzero(flags))
        return sum(int(np.count_nonzero(flags[start:stop])) for start, stop in ranges)

    def _search_few(self, plan: Plan, k: int) -> tuple[list[int], list[int]] | None:
        """Search all articles with rows put off; ``None`` if the rows may add too much for that."""
        rows = sorted(plan.rows, key=_BOUND)
        budget = plan.bound // _PUT_OFF
        slack = n_put_off = 0
        for bound, _, _, _ in rows:
            if slack + bound > budget:
                break
            slack += bound
            n_put_off += 1
        scores = self._accumulate(plan, rows[n_put_off:], 0, self._padded)
        docs, values = self._reaching(scores, k, slack)
        if not len(docs):
            return None
        _look_up_rows(rows[:n_put_off], docs, values)
        return _sorted(docs, values, k)

    def _accumulate(self, plan: Plan, rows: list[Laid], low: int, high: int) -> npt.NDArray[Any]:
        """The scores of the articles ``low`` ≤ doc < ``high``, by ``rows`` and the scattered terms."""
        scores = self._buffer(plan.dtype, "scores")
        part = scores[low:high]
        blank = True
        for _, times, row, _ in rows:
            row = row[low:high]
            if times > 1:
                row = np.multiply(row, times, dtype=plan.dtype)
            if blank:
                part[:] = row  # the first row saves zeroing the buffer
                blank = False
            else:
                np.add(part, row, part)
        if blank:
            part.fill(0)
        for docs, impacts, times, softened in plan.scattered:
            # Index and value dtypes as they must be for add.at's fast path: 6 instead of 200 µs.
            values = _weighted(impacts, times, softened, plan.dtype)
            np.add.at(scores, docs.astype(np.intp, copy=False), values)
        return part

    def _within(self, plan: Plan, ranges: Ranges) -> tuple[npt.NDArray[Any], int]:
        """The scores of the articles in the slices, from the first of these on, and its number."""
        low, high = ranges[0][0], ranges[-1][1]
        part = self._accumulate(plan, plan.rows, low, high)
        for (_, stop), (start, _) in pairwise(ranges):
            part[stop - low : start - low] = 0
        # Folding takes whole columns.
        whole = self._buffer(plan.dtype, "folded")[: -(-len(part) // _COLUMNS) * _COLUMNS]
        whole[: len(part)] = part
        whole[len(part) :] = 0
        return whole, low

    def _reaching(
        self, scores: npt.NDArray[Any], k: int, slack: int
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Articles, ascending, and scores that reach the k-th largest score less ``slack``, 0 left out.

        Nothing, if ``slack`` is as large as the k-th largest: then any article may be among the k best once
        it is added. ``scores`` fills whole columns.
        """
        if k > _MAX_FOLDED_K:
            docs = scores.nonzero()[0]
            return _largest(docs, scores.take(docs), k)
        table = scores.reshape(-1, _COLUMNS)
        best = np.maximum.reduce(table, 0)
        ordered = best.copy()
        ordered.partition(_COLUMNS - k)
        # At least k scores reach the k-th largest maximum. It is 0 if fewer than k columns have a match.
        threshold = int(ordered[_COLUMNS - k]) - slack
        if threshold <= 0:
            if slack:
                return _NOTHING
            threshold = 1
        columns = (best >= threshold).nonzero()[0]
        few = table.take(columns, 1).ravel()
        found = (few >= threshold).nonzero()[0]
        numbers = self._numbers[: len(table)].take(columns, 1).ravel()
        return numbers.take(found), few.take(found)

    def _buffer(self, dtype: Any, use: str) -> npt.NDArray[Any]:
        """A number an article, of this thread, with what was last left in it."""
        buffers: dict[str, npt.NDArray[Any]] = self._local.__dict__
        name = use + dtype.__name__
        buffer = buffers.get(name)
        if buffer is None:
            buffer = buffers[name] = np.zeros(self._padded, dtype)
        return buffer


def _search_anchored(plan: Plan, k: int) -> tuple[list[int], list[int]] | None:
    """Search the postings of the only scattered term; ``None`` if the rows may add too much for that."""
    docs, impacts, times, softened = plan.scattered[0]
    values = _weighted(impacts, times, softened, plan.dtype)
    if len(docs) > k:
        slack = sum([row[0] for row in plan.rows])
        threshold = int(np.partition(values, len(docs) - k)[len(docs) - k]) - slack
        if threshold <= 0:
            return None
        near = (values >= threshold).nonzero()[0]
        docs, values = docs.take(near), values.take(near)
    elif plan.rows:
        return None
    _look_up_rows(plan.rows, docs, values)
    return _sorted(docs, values, k)


def _look_up_rows(rows: list[Laid], docs: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Add what the rows have for ``docs`` to their ``values``, in place."""
    for _, times, row, _ in rows:
        added = row.take(docs)
        if times > 1:
            added = np.multiply(added, times, dtype=values.dtype)
        np.add(values, added, values)


def _weighted(impacts: npt.NDArray[np.uint16], times: int, softened: bool, dtype: Any) -> npt.NDArray[Any]:
    """The impacts, or a quarter of them, so many times; themselves, if that is what is wanted."""
    if softened:
        impacts = soften(impacts)
    return impacts if times == 1 and dtype is np.uint16 else impacts.astype(dtype) * dtype(times)


def _largest(
    docs: npt.NDArray[Any], values: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Those of the articles that reach the k-th largest of their values."""
    if len(docs) > k:
        reached = (values >= np.partition(values, len(docs) - k)[len(docs) - k]).nonzero()[0]
        docs, values = docs.take(reached), values.take(reached)
    return docs, values


def _sorted(docs: npt.NDArray[Any], values: npt.NDArray[Any], k: int) -> tuple[list[int], list[int]]:
    """The first ``k`` by descending value, then as they stand, which is ascending."""
    if len(docs) > _FEW:
        best = (~values).argsort(kind="stable")[:k]
        docs, values = docs.take(best), values.take(best)
    numbers: list[int] = docs.tolist()
    scores: list[int] = values.tolist()
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:k]
    return [numbers[place] for place in order], [scores[place] for place in order]
