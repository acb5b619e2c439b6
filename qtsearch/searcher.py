"""Query → the k best articles, their scores, and how many match: exact, over one immutable segment.

A query adds integers. Each of its words adds the impacts of its postings into an accumulator, one number an
article: scattered for a rare word, as a whole row for a frequent one. The k best are then found without
sorting the rest: the accumulator is folded into columns, the k-th largest column maximum bounds the k-th
largest score from below, and only columns that reach it are looked at. Ties go to the lower article number,
that is by (subject, url).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.segment import Segment
from qtsearch.schema import slugify
from qtsearch.scoring import MAX_IMPACT, soften

__all__ = ["MAX_QUERY_CHARS", "MAX_QUERY_TERMS", "Searcher"]

#: A longer query is cut here; a word of it counts at most MAX_TERM_COUNT times. So sums stay within 32 bits.
MAX_QUERY_CHARS: Final = 32_768
MAX_QUERY_TERMS: Final = 1_024
MAX_TERM_COUNT: Final = 16

_COLUMNS: Final = 1_024  # the accumulator is folded into so many columns
_MAX_FOLDED_K: Final = 128  # for more hits than this, all matches are looked at
_FREQUENT: Final = 16  # a term in more than 1/16 of the articles is added as a row
_ROWS_BYTES: Final = 32 << 20  # of rows kept
_WORDS_KEPT: Final = 16_384  # in the memo of query words

Ranges = list[tuple[int, int]]


class _Postings:
    """The postings of one term, ready to be added; kept in the memo of query words."""

    __slots__ = ("docs", "frequent", "impacts", "largest", "row", "soft")

    def __init__(self, segment: Segment, term: int) -> None:
        start, stop = segment.offsets[term], segment.offsets[term + 1]
        self.docs = segment.docs[start:stop]
        self.impacts = segment.impacts[start:stop]
        self.largest = int(segment.max_impacts[term])
        self.soft = bool(segment.term_soft[term])
        self.frequent = len(self.docs) * _FREQUENT > segment.n_docs
        # Of a frequent term, once laid out: the impacts, a quarter of them if it is soft, one an article.
        self.row: npt.NDArray[np.uint16] | None = None

    def add_to(self, scores: npt.NDArray[Any], count: int, softened: bool) -> None:
        """Add the impacts, ``count`` times, to the scores of all articles, posting by posting."""
        impacts = soften(self.impacts) if softened else self.impacts
        if count > 1 or impacts.dtype != scores.dtype:
            impacts = impacts.astype(scores.dtype) * scores.dtype.type(count)
        # Index and value dtypes as they must be for add.at's fast path: 6 instead of 200 µs.
        np.add.at(scores, self.docs.astype(np.intp), impacts)


class Searcher:
    """Searches one segment. Any number of threads may share it."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._words: dict[str, _Postings | None] = {}
        self._postings: dict[int, _Postings] = {}
        self._subjects = {subject.slug: (subject.start, subject.stop) for subject in segment.subjects}
        self._padded = -(-segment.n_docs // _COLUMNS) * _COLUMNS
        self._rows_left = _ROWS_BYTES // (2 * self._padded)
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

    def _look_up(self, token: str) -> _Postings | None:
        term = self.find(token)
        postings = None
        if term >= 0:
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings.setdefault(term, _Postings(self.segment, term))
        if len(self._words) >= _WORDS_KEPT:
            self._words.clear()
            self._postings.clear()
            self._rows_left = _ROWS_BYTES // (2 * self._padded)
        self._words[token] = postings
        return postings

    def plan(self, text: str) -> dict[_Postings, int]:
        """The terms of a query and how often each stands in it."""
        words = self._words
        plan: dict[_Postings, int] = {}
        for token in analysis.tokenize(text[:MAX_QUERY_CHARS]):
            try:
                postings = words[token]
            except KeyError:
                postings = self._look_up(token)
            if postings in plan:
                plan[postings] += 1
            elif postings is not None and len(plan) < MAX_QUERY_TERMS:
                plan[postings] = 1
        return plan

    # -- filter ------------------------------------------------------------------------------------

    def ranges(self, subjects: Iterable[str]) -> Ranges:
        """The articles of the subjects, named in any case or by slug, as ascending slices."""
        slugs = {slugify(subject) for subject in subjects}
        return sorted(self._subjects[slug] for slug in slugs if slug in self._subjects)

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no article has."""
        return [subject for subject in subjects if slugify(subject) not in self._subjects]

    # -- search ------------------------------------------------------------------------------------

    def search(self, text: str, ranges: Ranges | None, k: int) -> tuple[int, list[int], list[int]]:
        """How many articles match, and the ``k`` best: their numbers and scores, best first.

        ``ranges``: only articles in these slices count; they score as they would without.
        """
        plan = self.plan(text)
        if not plan or ranges == []:
            return 0, [], []
        if ranges is None:
            scores, first = self._accumulate(plan, 0, self._padded), 0
        else:
            scores, first = self._within(plan, ranges)
        total = int(np.count_nonzero(scores))
        if k == 0:
            return total, [], []
        docs, values = _top_few(scores, k) if k <= _MAX_FOLDED_K else _top_many(scores, k)
        return total, [doc + first for doc in docs] if first else docs, values

    def _accumulate(self, plan: dict[_Postings, int], low: int, high: int) -> npt.NDArray[Any]:
        """The scores of the articles ``low`` ≤ doc < ``high``."""
        # A soft word counts a quarter, unless the query has none but soft words.
        soften_words = False
        bound = 0
        for postings, count in plan.items():
            bound += postings.largest * min(count, MAX_TERM_COUNT)
            if not postings.soft:
                soften_words = True
        scores = self._buffer(np.uint16 if bound <= MAX_IMPACT else np.uint32, "scores")
        part = scores[low:high]
        scattered = []
        blank = True
        for postings, count in plan.items():
            if postings.frequent and postings.row is None:
                self._make_row(postings)
            if postings.row is None or (postings.soft and not soften_words):
                scattered.append((postings, count))
                continue
            row = postings.row[low:high]
            if count > 1:
                row = row * scores.dtype.type(min(count, MAX_TERM_COUNT))
            if blank:
                part[:] = row  # the first row saves zeroing the buffer
                blank = False
            else:
                np.add(part, row, part)
        if blank:
            part.fill(0)
        for postings, count in scattered:
            postings.add_to(scores, min(count, MAX_TERM_COUNT), postings.soft and soften_words)
        return part

    def _within(self, plan: dict[_Postings, int], ranges: Ranges) -> tuple[npt.NDArray[Any], int]:
        """The scores of the articles in the slices, from the first of these on, and its number."""
        low, high = ranges[0][0], ranges[-1][1]
        part = self._accumulate(plan, low, high)
        for (_, stop), (start, _) in pairwise(ranges):
            part[stop - low : start - low] = 0
        # Folding takes whole columns.
        whole = self._buffer(part.dtype.type, "folded")[: -(-len(part) // _COLUMNS) * _COLUMNS]
        whole[: len(part)] = part
        whole[len(part) :] = 0
        return whole, low

    def _make_row(self, postings: _Postings) -> None:
        if self._rows_left > 0:
            self._rows_left -= 1
            row = np.zeros(self._padded, np.uint16)
            row[postings.docs] = soften(postings.impacts) if postings.soft else postings.impacts
            postings.row = row

    def _buffer(self, dtype: Any, use: str) -> npt.NDArray[Any]:
        """A number an article, of this thread, with what was last left in it."""
        buffers: dict[str, npt.NDArray[Any]] = self._local.__dict__
        name = use + dtype.__name__
        buffer = buffers.get(name)
        if buffer is None:
            buffer = buffers[name] = np.zeros(self._padded, dtype)
        return buffer


def _top_few(scores: npt.NDArray[Any], k: int) -> tuple[list[int], list[int]]:
    """The ``k`` ≤ _COLUMNS largest positive scores; ``scores`` fills whole columns."""
    table = scores.reshape(-1, _COLUMNS)
    best = table.max(0)
    ordered = best.copy()
    ordered.partition(_COLUMNS - k)
    # At least k scores reach the k-th largest maximum. It is 0 if fewer than k columns have a match.
    threshold = ordered[_COLUMNS - k] or 1
    columns = (best >= threshold).nonzero()[0]
    few = table.take(columns, 1).ravel()
    found = (few >= threshold).nonzero()[0]
    rows, places = np.divmod(found, max(len(columns), 1))
    return _sorted(rows * _COLUMNS + columns.take(places), few.take(found), k)


def _top_many(scores: npt.NDArray[Any], k: int) -> tuple[list[int], list[int]]:
    """The ``k`` largest positive scores."""
    docs = scores.nonzero()[0]
    values = scores.take(docs)
    if len(docs) > k:
        reached = values >= np.partition(values, len(docs) - k)[len(docs) - k]
        docs, values = docs[reached], values[reached]
    return _sorted(docs, values, k)


def _sorted(docs: npt.NDArray[Any], values: npt.NDArray[Any], k: int) -> tuple[list[int], list[int]]:
    """The first ``k`` by descending value, then ascending article."""
    order = np.lexsort((docs, np.negative(values, dtype=np.int64)))[:k]
    return docs.take(order).tolist(), values.take(order).tolist()
