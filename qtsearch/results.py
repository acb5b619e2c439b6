"""What a search returns: values that can be kept after the index is closed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import count, repeat
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from qtsearch.codec.segment import NO_DATE, NO_ID, Segment
from qtsearch.forks import late_imports
from qtsearch.scoring import IMPACT_SCALE
from qtsearch.search.query import corrected
from qtsearch.search.selection import Selection
from qtsearch.search.snapshot import Snapshot

if TYPE_CHECKING:
    from qtsearch.articles import Article
    from qtsearch.text.snippets import Snippet

__all__ = ["Copy", "Hit", "Results", "stored_article"]


def stored_article(segment: Segment, doc: int) -> Article:
    """An article as it was indexed. Raises IndexDamagedError."""
    with late_imports:
        from qtsearch.articles import Article, RelatedLink  # here: needs PyYAML, which searching does not

    hit = Hit(segment, doc, *segment.url_and_question(doc), 1, 0.0)
    record = segment.record(doc)
    return Article(
        url=hit.url,
        question=hit.question,
        answer=record["answer"],
        id=hit.id,
        page_keywords=tuple(record["keywords"]),
        subject=record["subject"],
        date=hit.date,
        description=record["description"],
        related=tuple(RelatedLink(*link) for link in record["related"]),
        no_index=record["no_index"],
        path=record["path"],
    )


class Copy(NamedTuple):
    """Another page of the same article."""

    url: str
    subject: str


class Hit:
    """One page found. What is not in its attributes is read when it is asked for.

    ``rank`` counts from 1 over all pages of results. ``score`` is comparable within one query only.
    ``url`` is the page's key.
    """

    __slots__ = ("_doc", "_record", "_segment", "_selection", "question", "rank", "score", "url")

    def __init__(
        self,
        segment: Segment,
        doc: int,
        url: str,
        question: str,
        rank: int,
        score: float,
        selection: Selection | None = None,
    ) -> None:
        self.url = url
        self.question = question
        self.rank = rank
        self.score = score
        self._segment = segment
        self._doc = doc
        self._selection = selection

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

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The other pages of the same article, whatever was filtered."""
        segment = self._segment
        others = [doc for doc in segment.pages_of(self._doc) if doc != self._doc]
        return tuple(Copy(segment.url_and_question(doc)[0], segment.subject_of(doc).name) for doc in others)

    def snippet(self, max_chars: int = 240) -> Snippet:
        """The passage of the answer that answers the query best, the query's words marked.

        ``max_chars``: length, 1 or more. What the answer begins with, if no word of the query stands in it.
        """
        with late_imports:  # here: searching does without
            from qtsearch.text.snippets import make_snippet

        return make_snippet(self._stored()["sentences"], self._weights(), max_chars=max_chars)

    def marked_question(self) -> Snippet:
        """The question, the query's words marked."""
        with late_imports:
            from qtsearch.text.snippets import mark

        return mark(self.question, self._weights())

    def _weights(self) -> dict[str, tuple[int, float]]:
        return {} if self._selection is None else self._selection.weights

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
            "copies": [copy._asdict() for copy in self.copies],
            "snippet": self.snippet().to_dict(),
        }

    def __repr__(self) -> str:
        return f"<Hit {self.rank} {self.score:.2f} {self.url}>"


class Results:
    """One page of hits, best first. A sequence of :class:`Hit`.

    ``query``: as asked. ``corrected``: the query with its spelling put right that was searched, as the one
    asked has no hit. ``elapsed_ms``: time the search took, in milliseconds.
    """

    __slots__ = (
        "_docs",
        "_offset",
        "_scores",
        "_selection",
        "_snapshot",
        "_syntax",
        "corrected",
        "elapsed_ms",
        "query",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        selection: Selection,
        query: str,
        corrected: str | None,
        syntax: str,
        docs: list[int],
        scores: list[int],
        offset: int,
    ) -> None:
        self._snapshot = snapshot
        self._selection = selection
        self.query = query
        self.corrected = corrected
        self._syntax = syntax
        self._docs = docs
        self._scores = scores
        self._offset = offset
        self.elapsed_ms = 0.0

    @property
    def suggestion(self) -> str | None:
        """The query with the words put right that no page has, ``None`` if there is nothing to suggest.

        Works with the words of the index; takes some milliseconds when it is first asked for.
        """
        return self.corrected or corrected(self._snapshot, self.query, self._syntax)

    @property
    def total(self) -> int:
        """Hits on all pages of results; counted when it is first asked for."""
        return self._selection.total

    @property
    def subjects(self) -> dict[str, int]:
        """Hits by subject over all pages of results, most first. An article counts under each of its own."""
        return self._selection.by_subject()

    @property
    def months(self) -> dict[str, int]:
        """Hits by month, ``"2025-01"`` say, over all pages of results, the oldest first."""
        return self._selection.by_month()

    def __len__(self) -> int:
        return len(self._docs)

    def __iter__(self) -> Iterator[Hit]:
        selection, segment, docs = self._selection, self._snapshot.segment, self._docs
        if not docs:
            return iter(())
        urls, questions = segment.headings(docs)
        scale = IMPACT_SCALE * selection.plan.unit
        scores = [score / scale for score in self._scores]
        ranks = count(self._offset + 1)
        return map(Hit, repeat(segment), docs, urls, questions, ranks, scores, repeat(selection))

    @overload
    def __getitem__(self, number: int) -> Hit: ...

    @overload
    def __getitem__(self, number: slice) -> list[Hit]: ...

    def __getitem__(self, number: int | slice) -> Hit | list[Hit]:
        if isinstance(number, slice):
            return list(self)[number]
        number = range(len(self._docs))[number]
        selection, segment, doc = self._selection, self._snapshot.segment, self._docs[number]
        score = self._scores[number] / (IMPACT_SCALE * selection.plan.unit)
        url, question = segment.url_and_question(doc)
        return Hit(segment, doc, url, question, self._offset + number + 1, score, selection)

    def to_dict(self) -> dict[str, Any]:
        """What ``query --json`` prints."""
        return {
            "query": self.query,
            "corrected": self.corrected,
            "suggestion": self.suggestion,
            "total": self.total,
            "elapsed_ms": self.elapsed_ms,
            "subjects": self.subjects,
            "months": self.months,
            "hits": [hit.to_dict() for hit in self],
        }

    def __repr__(self) -> str:
        return f"<Results {len(self)} of {self.total} for {self.query!r}>"
