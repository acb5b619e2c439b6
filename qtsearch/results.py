"""What a search returns: values that can be kept after the index is closed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, overload

from qtsearch.codec.segment import NO_DATE, NO_ID, Segment
from qtsearch.planner import Plan
from qtsearch.scoring import IMPACT_SCALE
from qtsearch.searcher import Ranges, Searcher

__all__ = ["Hit", "Results"]


class Hit:
    """One page found. What is not in its attributes is read when it is asked for.

    ``rank`` counts from 1 over all pages of results. ``score`` is comparable within one query only.
    ``url`` is the page's key.
    """

    __slots__ = ("_doc", "_record", "_segment", "question", "rank", "score", "url")

    def __init__(self, segment: Segment, doc: int, rank: int, score: float) -> None:
        self.rank = rank
        self.score = score
        self.url, _, self.question = segment.heading(doc).decode().partition("\0")
        self._segment = segment
        self._doc = doc

    @property
    def id(self) -> int | None:
        """The article's id; the same article may stand on several pages."""
        value = int(self._segment.ids[self._doc])
        return None if value == NO_ID else value

    @property
    def subject(self) -> str:
        """The subject, in its commonest spelling."""
        return self._segment.subject_of(self._doc).name

    @property
    def date(self) -> datetime.date | None:
        value = int(self._segment.dates[self._doc])
        return None if value == NO_DATE else datetime.date.fromordinal(value)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The page's keyword phrases."""
        return tuple(self._stored()["keywords"])

    @property
    def answer(self) -> str:
        """The answer, in Markdown."""
        answer: str = self._stored()["answer"]
        return answer

    def _stored(self) -> dict[str, Any]:
        try:
            return self._record
        except AttributeError:  # the slot is filled when it is first asked for
            self._record: dict[str, Any] = self._segment.record(self._doc)
            return self._record

    def to_dict(self) -> dict[str, Any]:
        """What ``query --json`` prints of a hit; the date in ISO form."""
        return {
            "rank": self.rank,
            "score": self.score,
            "url": self.url,
            "id": self.id,
            "question": self.question,
            "subject": self.subject,
            "date": self.date.isoformat() if self.date else None,
            "keywords": list(self.keywords),
        }

    def __repr__(self) -> str:
        return f"<Hit {self.rank} {self.score:.2f} {self.url}>"


class Results:
    """One page of hits, best first. A sequence of :class:`Hit`.

    ``query``: the text that was searched. ``elapsed_ms``: time the search took, in milliseconds.
    """

    __slots__ = (
        "_docs",
        "_offset",
        "_plan",
        "_ranges",
        "_scores",
        "_searcher",
        "_total",
        "elapsed_ms",
        "query",
    )

    def __init__(
        self,
        searcher: Searcher,
        query: str,
        plan: Plan,
        ranges: Ranges | None,
        docs: list[int],
        scores: list[int],
        offset: int,
    ) -> None:
        self._searcher = searcher
        self._plan = plan
        self._ranges = ranges
        self._docs = docs
        self._scores = scores
        self._offset = offset
        self._total: int | None = None
        self.query = query
        self.elapsed_ms = 0.0

    @property
    def total(self) -> int:
        """Pages that match, on all pages of results; counted when it is first asked for."""
        if self._total is None:
            self._total = self._searcher.count(self._plan, self._ranges)
        return self._total

    def __len__(self) -> int:
        return len(self._docs)

    def __iter__(self) -> Iterator[Hit]:
        segment = self._searcher.segment
        scored = zip(self._docs, self._scores, strict=True)
        scale = IMPACT_SCALE * self._plan.unit
        return iter(
            [
                Hit(segment, doc, rank, score / scale)
                for rank, (doc, score) in enumerate(scored, self._offset + 1)
            ]
        )

    @overload
    def __getitem__(self, number: int) -> Hit: ...

    @overload
    def __getitem__(self, number: slice) -> list[Hit]: ...

    def __getitem__(self, number: int | slice) -> Hit | list[Hit]:
        if isinstance(number, slice):
            return list(self)[number]
        number = range(len(self._docs))[number]
        score = self._scores[number] / (IMPACT_SCALE * self._plan.unit)
        return Hit(self._searcher.segment, self._docs[number], self._offset + number + 1, score)

    def to_dict(self) -> dict[str, Any]:
        """What ``query --json`` prints."""
        return {
            "query": self.query,
            "total": self.total,
            "elapsed_ms": self.elapsed_ms,
            "hits": [hit.to_dict() for hit in self],
        }

    def __repr__(self) -> str:
        return f"<Results {len(self)} of {self.total} for {self.query!r}>"
