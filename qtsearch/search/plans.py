"""What a query adds up: lists of articles with what each gets, and rows of a number an article.

A frequent word is laid out as a row, a rare one stays a list; so do keywords of several words that stand
whole in the query, and pairs of its words that stand side by side in answers. The planner makes plans, the
searcher adds them up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.forks import Lock
from qtsearch.scoring import MAX_IMPACT

__all__ = ["Expansion", "Extra", "Laid", "Phrase", "Plan", "Postings", "Rows", "Scattered"]

_ROWS_BYTES: Final = 32 << 20  # of rows kept


class Scattered(NamedTuple):
    """What is added article by article: the most, ascending articles, each once, and what each gets."""

    largest: int
    docs: npt.NDArray[Any]
    added: npt.NDArray[Any]


class Laid(NamedTuple):
    """What is added as a row: the most it adds to any article, how many times, and which row it is."""

    largest: int
    times: int
    place: int


_LARGEST: Final = itemgetter(0)  # of both


class Rows:
    """Frequent terms laid out: of each, what it adds to every article, and in bits, which it adds to.

    ``added``: uint16, shape (n_rows, row length); ``bits``: uint8, an eighth as long. A row takes memory when
    it is filled, and stays: what is asked for often comes early. Any number of threads may share it.
    """

    __slots__ = ("_known", "_lock", "_room", "added", "bits")

    def __init__(self, row_length: int, n_terms: int) -> None:
        self._room = min(n_terms, max(1, _ROWS_BYTES // (2 * row_length)))
        self.added = np.zeros((self._room, row_length), np.uint16)
        self.bits = np.zeros((self._room, row_length // 8), np.uint8)
        self._known: dict[tuple[int, float], Laid] = {}
        self._lock = Lock()

    def lay_out(
        self, term: int, share: float, docs: npt.NDArray[Any], added: npt.NDArray[np.uint16]
    ) -> Laid | None:
        """The row of a term of which this share counts, so much; ``None`` if there is no room for it."""
        with self._lock:
            laid = self._known.get((term, share))
            if laid is None and self._room > 0:
                self._room -= 1
                row = self.added[self._room]
                row[docs] = added
                self.bits[self._room] = np.packbits(row.astype(bool))
                laid = self._known[term, share] = Laid(int(row.max()), 1, self._room)
        return laid


@dataclass(slots=True, eq=False)
class Postings:
    """The postings of one term, kept in the memo of query words.

    ``docs``, ``impacts``, ``df`` of them, ``largest`` of the impacts; ``idf``; ``soft``: whether it is the
    stem of a soft word; ``frequent``: whether it is to be laid out. ``first_pair`` ≤ pair < ``last_pair``
    begin with the term. ``apart``: the compounds that it begins, by the other term; ``joined``: whether it
    is one.
    """

    term: int
    docs: npt.NDArray[Any]
    impacts: npt.NDArray[np.uint16]
    df: int
    largest: int
    idf: float
    soft: bool
    frequent: bool
    first_pair: int
    last_pair: int
    apart: Mapping[int, Sequence[int]] | None
    joined: bool
    # Once they were needed: by the second term, the nodes of keywords of several terms that begin with this
    # one; of a frequent term, what it adds to every article, softly if it is soft; of any other, the same as
    # a list.
    keywords: dict[int, int] | None = None
    laid: Laid | None = None
    scattered: Scattered | None = None


class Phrase(NamedTuple):
    """Words of the query that count together.

    ``is_pair``: two words of which an answer has the second next after the first; otherwise a keyword.
    """

    words: Sequence[Postings]
    scattered: Scattered
    is_pair: bool


class Expansion(NamedTuple):
    """A word that was not typed: a compound in one word in articles that do not have both words typed, one of
    two words in those that do not have the one typed, or a word of a synonym.

    ``brought_by``: the words typed that a compound stands for. ``times``: how much it counts. ``laid``: as a
    row, where there is one.
    """

    word: Postings
    brought_by: Sequence[str]
    times: float
    scattered: Scattered
    laid: Laid | None = None


class Extra(NamedTuple):
    """What a part of a query tree adds: a word of one field, a pattern. ``text``: the part as a text."""

    text: str
    scattered: Scattered


class Plan:
    """What a query adds up. No sum is larger than ``bound``; ``dtype`` is the narrowest that holds it.

    ``tokens``: its words as typed; ``words``: the postings of each, ``None`` where no article has it or there
    are too many.
    ``counts``: how often each counts; ``some_hard``: whether not all are soft, so that soft ones count less.
    ``unit``: all counts and sums are multiples of 1/``unit``. ``rows`` of ``table``.
    ``scattered``: ``n_rare`` words, with those of ``expansions``, then the phrases and the extras.
    """

    __slots__ = (
        "bound",
        "counts",
        "dtype",
        "expansions",
        "extras",
        "n_rare",
        "phrases",
        "rows",
        "scattered",
        "some_hard",
        "table",
        "tokens",
        "unit",
        "words",
    )

    def __init__(
        self,
        tokens: list[str],
        words: list[Postings | None],
        counts: dict[Postings, int],
        some_hard: bool,
        unit: int,
        table: Rows,
        rows: list[Laid],
        scattered: list[Scattered],
        expansions: list[Expansion],
        phrases: list[Phrase],
    ) -> None:
        self.tokens = tokens
        self.words = words
        self.counts = counts
        self.some_hard = some_hard
        self.unit = unit
        self.table = table
        self.rows = rows
        self.expansions = expansions
        for expansion in expansions:
            if expansion.laid is None:
                scattered.append(expansion.scattered)
            else:
                rows.append(expansion.laid)
        self.n_rare = len(scattered)
        self.scattered = scattered
        self.phrases = phrases
        if phrases:
            scattered += [phrase.scattered for phrase in phrases]
        self.extras: list[Extra] = []
        self._bound()

    def add(self, extras: Sequence[Extra]) -> None:
        """Let these count, too."""
        self.extras += extras
        self.scattered += [extra.scattered for extra in extras]
        self._bound()

    def _bound(self) -> None:
        self.bound = sum(map(_LARGEST, self.rows)) + sum(map(_LARGEST, self.scattered))
        narrow = np.uint16 if self.bound <= MAX_IMPACT else np.uint32
        self.dtype: Any = narrow if self.bound < 1 << 32 else np.uint64
