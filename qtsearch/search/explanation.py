"""Why an article has the score that it has: every part of the formula, adding up to the score exactly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from qtsearch.schema import FIELD_NAMES
from qtsearch.scoring import IMPACT_SCALE, share_of_field, weigh_frequency
from qtsearch.search.plans import Phrase, Postings
from qtsearch.search.searcher import Searcher
from qtsearch.search.selection import Selection

__all__ = ["Explanation", "FieldPart", "PhrasePart", "WordPart", "explain"]

_INDENT = " " * 14


@dataclass(frozen=True, slots=True)
class FieldPart:
    """A word in one field.

    ``frequency``: how often it stands there. ``length``: of the field, in words that are no stop words.
    ``counted``: the frequency, weighed and divided by what the length makes of it; this part of tf~.
    ``share``: what the field's own BM25 adds to the saturated tf~.
    """

    field: str
    frequency: int
    length: int
    average_length: float
    weight: float
    counted: float
    share: float


@dataclass(frozen=True, slots=True)
class WordPart:
    """A word of the query in the article.

    ``words``: as typed; none, if it was not. ``stands_for``: then the words typed that brought it in, as a
    compound does; none, if broadening or a synonym did. ``term``: their stem. ``times``: it counts.
    ``soft``: it counts softly. ``df``: articles that have it. ``saturated``: tf~ (k1 + 1) / (tf~ + k1).
    ``keyword``: what it adds that the word alone is a keyword of the page. ``impact``: idf times the sum of
    saturated, shares and keyword, a whole number of 1/256. ``score``: what all this adds to the score.
    """

    words: tuple[str, ...]
    stands_for: tuple[str, ...]
    term: str
    times: float
    soft: bool
    df: int
    idf: float
    fields: tuple[FieldPart, ...]
    saturated: float
    keyword: float
    impact: float
    score: float


@dataclass(frozen=True, slots=True)
class PhrasePart:
    """Words of the query that count together: ``kind`` is ``"keyword"``, which stands whole in the query and
    which the page carries, ``"pair"``, which stand side by side in the query and in the answer, or
    ``"part"``, a part of a query tree that counts by itself: a word of one field, a pattern.

    ``words``: as they were first typed. ``idf``: the sum of theirs, soft
    words counting softly. ``score``: what this adds to the score.
    """

    kind: str
    words: tuple[str, ...]
    idf: float
    score: float

    @property
    def text(self) -> str:
        """The words as one text."""
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a page has its score for a query. ``str`` gives it as text, :meth:`to_dict` as JSON.

    ``score`` is the sum of the scores of ``words`` and ``phrases``, and the score that a search gives the
    page; 0 if it does not match. ``missing``: the words of the query that the page does not have.
    """

    query: str
    url: str
    score: float
    words: tuple[WordPart, ...]
    phrases: tuple[PhrasePart, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``query --explain --json`` prints."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.score:.4f}  {self.url}"]
        for word in sorted(self.words, key=lambda word: -word.score):
            lines += _describe(word)
        for phrase in self.phrases:
            lines.append(f"  {phrase.score:8.4f}  {_REASONS[phrase.kind].format(phrase)}")
        if self.missing:
            lines.append(f"            not in the page: {', '.join(self.missing)}")
        return "\n".join(lines)


_REASONS: Final = {
    "keyword": '"{0.text}": a whole keyword of the page, idf {0.idf:.3f}',
    "pair": '"{0.text}": side by side in the answer, idf {0.idf:.3f}',
    "part": "{0.text}",
}


def _describe(word: WordPart) -> list[str]:
    typed = ", ".join(word.words)
    if not typed:
        reason = f"for {' '.join(word.stands_for)!r}" if word.stands_for else "joined the query"
        typed = f"{word.term} ({reason})"
    factors = [f"idf {word.idf:.3f} ({word.df:,} pages)"]
    if word.times != 1:
        factors.append(f"{word.times:g} times")
    if word.soft:
        factors.append("soft")
    lines = [f"  {word.score:8.4f}  {typed}: impact {word.impact:.4f}, {', '.join(factors)}"]
    for field in word.fields:
        share = f", share {field.share:.3f}" if field.share else ""
        lines.append(
            f"{_INDENT}{field.field} {field.frequency} in {field.length} words"
            f" (average {field.average_length:.1f}), weight {field.weight:g}:"
            f" counts {field.counted:.3f}{share}"
        )
    parts = f"saturated {word.saturated:.3f}"
    if word.keyword:
        parts += f", alone a keyword of the page {word.keyword:.3f}"
    return [*lines, f"{_INDENT}{parts}"]


def explain(selection: Selection, query: str, doc: int) -> Explanation:
    """Why the article has its score in this selection."""
    searcher, plan = selection.searcher, selection.plan
    if not selection.matching[doc]:
        absent = tuple(dict.fromkeys(plan.tokens))
        return Explanation(query, searcher.segment.url_and_question(doc)[0], 0.0, (), (), absent)
    typed: dict[Postings, list[str]] = {}
    missing = []
    for token, word in zip(plan.tokens, plan.words, strict=True):
        if word is not None:
            typed.setdefault(word, []).append(token)
        if word is None or _place(word, doc) < 0:
            missing.append(token)
    total = 0
    words = []
    for word, times in plan.counts.items():
        place = _place(word, doc)
        if place >= 0:
            impact = word.impacts[place : place + 1]
            softened = word.soft and plan.some_hard
            units = times * int(searcher.planner.soften(impact)[0] if softened else impact[0])
            total += units
            names = tuple(dict.fromkeys(typed.get(word, ())))
            score = units / (IMPACT_SCALE * plan.unit)
            words.append(
                _word_part(searcher, word, doc, names, (), times / plan.unit, softened, int(impact[0]), score)
            )
    for word, brought_by, share, scattered, _ in plan.expansions:
        units = int(scattered.added[scattered.docs == doc].sum())
        if units:
            total += units
            score = units / (IMPACT_SCALE * plan.unit)
            whole = int(word.impacts[_place(word, doc)])
            names = tuple(brought_by)
            words.append(_word_part(searcher, word, doc, (), names, share, False, whole, score))
    phrases = []
    for phrase in plan.phrases:
        units = int(phrase.scattered.added[phrase.scattered.docs == doc].sum())
        if units:
            total += units
            phrases.append(_phrase_part(searcher, phrase, typed, units / (IMPACT_SCALE * plan.unit)))
    for extra in plan.extras:
        units = int(extra.scattered.added[extra.scattered.docs == doc].sum())
        if units:
            total += units
            phrases.append(PhrasePart("part", (extra.text,), 0.0, units / (IMPACT_SCALE * plan.unit)))
    return Explanation(
        query=query,
        url=searcher.segment.url_and_question(doc)[0],
        score=total / (IMPACT_SCALE * plan.unit),
        words=tuple(words),
        phrases=tuple(phrases),
        missing=tuple(dict.fromkeys(missing)),
    )


def _place(word: Postings, doc: int) -> int:
    """Which of a word's postings is the article's, -1 if none."""
    place = int(np.searchsorted(word.docs, doc))
    return place if place < len(word.docs) and word.docs[place] == doc else -1


def _word_part(
    searcher: Searcher,
    word: Postings,
    doc: int,
    names: tuple[str, ...],
    stands_for: tuple[str, ...],
    times: float,
    softened: bool,
    impact: int,
    score: float,
) -> WordPart:
    segment, weighting = searcher.segment, searcher.planner.weighting
    start, stop = segment.offsets[word.term : word.term + 2].tolist()
    posting = start + int(np.searchsorted(segment.docs[start:stop], doc))
    frequencies = segment.frequencies[posting : posting + 1][0].tolist()
    lengths = segment.lengths[doc].tolist()
    fields = []
    for field, name in enumerate(FIELD_NAMES):
        if frequencies[field]:
            relative = lengths[field] / segment.average_lengths[field]
            fields.append(
                FieldPart(
                    name,
                    frequencies[field],
                    lengths[field],
                    segment.average_lengths[field],
                    weighting.weights[field],
                    weigh_frequency(weighting, field, frequencies[field], relative),
                    share_of_field(weighting, field, frequencies[field], relative),
                )
            )
    k1 = weighting.parameters.k1
    combined = sum(field.counted for field in fields)
    place = int(np.searchsorted(segment.keyword_postings, posting))
    alone = place < len(segment.keyword_postings) and segment.keyword_postings[place] == posting
    return WordPart(
        words=names,
        stands_for=stands_for,
        term=segment.terms[word.term].decode(),
        times=times,
        soft=softened,
        df=word.df,
        idf=word.idf,
        fields=tuple(fields),
        saturated=combined * (k1 + 1.0) / (combined + k1),
        keyword=weighting.keyword_share if alone else 0.0,
        impact=impact / IMPACT_SCALE,
        score=score,
    )


def _phrase_part(
    searcher: Searcher, phrase: Phrase, typed: dict[Postings, list[str]], score: float
) -> PhrasePart:
    soft_share = searcher.planner.weighting.parameters.soft_share
    return PhrasePart(
        kind="pair" if phrase.is_pair else "keyword",
        words=tuple(typed[word][0] for word in phrase.words),
        idf=sum(word.idf * (soft_share if word.soft else 1.0) for word in phrase.words),
        score=score,
    )
