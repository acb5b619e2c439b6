"""The postings of one term of one field, as Whoosh's query trees read them: one at a time."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from whoosh.formats import Frequency
from whoosh.matching import LeafMatcher, ReadTooFar
from whoosh.system import pack_uint

__all__ = ["PostingMatcher"]


class PostingMatcher(LeafMatcher):  # type: ignore[misc]
    """Whoosh's matcher over a list of documents.

    It claims no upper bound of the score: Whoosh's skipping by bounds loses hits (``ArrayUnionMatcher``
    takes a maximum where a sum is due), and without bounds it does not skip.
    """

    def __init__(
        self, docs: list[int], weights: list[int], positions: Callable[[int], list[int]] | None = None
    ) -> None:
        """``docs`` ascending; ``weights`` the term frequency in each; ``positions`` of the n-th posting."""
        self._docs = docs
        self._weights = weights
        self._positions = positions
        self._place = 0
        self._term: tuple[str, bytes] | None = None
        self.format: Any = None
        self.scorer: Any = None

    def attach(self, term: tuple[str, bytes], format_: Any, scorer: Any) -> None:
        """Say whose postings these are, in which format values are asked for, and who scores them."""
        self._term = term
        self.format = format_
        self.scorer = scorer

    def is_active(self) -> bool:
        return self._place < len(self._docs)

    def reset(self) -> None:
        self._place = 0

    def copy(self) -> PostingMatcher:
        other = PostingMatcher(self._docs, self._weights, self._positions)
        other._place = self._place
        other._term, other.format, other.scorer = self._term, self.format, self.scorer
        return other

    def id(self) -> int:
        # At the end the last one, as from Whoosh's own matcher: its AndNotMatcher asks without looking.
        return self._docs[min(self._place, len(self._docs) - 1)]

    def all_ids(self) -> Iterator[int]:
        return iter(self._docs[self._place :])

    def next(self) -> None:
        if not self.is_active():
            raise ReadTooFar
        self._place += 1

    def skip_to(self, id: int) -> None:
        if not self.is_active():
            raise ReadTooFar
        self._place = bisect_left(self._docs, id, self._place)

    def weight(self) -> float:
        return self._weights[self._place] * float(getattr(self.format, "field_boost", 1.0))

    def value(self) -> bytes:
        """The posting as bytes in the field's format: Whoosh reads them when it merges segments."""
        encoded = b""
        if self._positions is not None:
            encoded = self.format.encode(self._positions(self._place))
        elif isinstance(self.format, Frequency):
            encoded = pack_uint(self._weights[self._place])
        return encoded

    def value_as(self, astype: str) -> Any:
        if astype == "positions" and self._positions is not None:
            return self._positions(self._place)
        if astype == "frequency":
            return self._weights[self._place]
        if astype == "weight":
            return self.weight()
        return super().value_as(astype)

    def all_items(self) -> Iterator[tuple[int, bytes]]:
        while self.is_active():
            yield self.id(), self.value()
            self.next()

    def score(self) -> float:
        return float(self.scorer.score(self)) if self.scorer else self.weight()

    def supports_block_quality(self) -> bool:
        return False

    def max_quality(self) -> float:
        return math.inf

    def block_quality(self) -> float:
        return math.inf
