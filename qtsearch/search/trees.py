"""Whoosh query tree → which articles match, and a plan of what they are worth.

The operators of a tree decide which articles match. What a match is worth is what its words are worth in any
query: all words of the tree that are not negated make one plan. A word of one field counts what it would if
the other fields had the weight 0; a pattern counts 1 in each article that matches it; a field of one value a
page counts nothing.

Every kind of query that people write is worked out on arrays, one bool an article; any other by Whoosh's own
matchers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh import query as queries

from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.plugin import open_searcher
from qtsearch.forks import cached_property
from qtsearch.schema import FIELD_NAMES
from qtsearch.scoring import IMPACT_SCALE, MAX_IMPACT
from qtsearch.search import values
from qtsearch.search.planner import MAX_TERM_COUNT
from qtsearch.search.plans import Extra, Plan, Postings, Scattered
from qtsearch.search.proximity import phrase_docs
from qtsearch.search.searcher import Searcher
from qtsearch.search.vocabulary import Vocabulary

__all__ = ["Match", "evaluate"]

#: Boosts are from 0 to this, and taken as multiples of one part of so many.
_MAX_BOOST: Final = 100.0
_BOOST_UNIT: Final = 16

Mask = npt.NDArray[np.bool_]
Docs = npt.NDArray[np.intp]


class Match(NamedTuple):
    """``mask``: bool, shape (n_docs,), whether each article matches. ``plan``: what they are worth.

    ``forms``: the surface forms that its patterns stand for.
    """

    mask: Mask
    plan: Plan
    forms: npt.NDArray[np.intp]


def evaluate(
    searcher: Searcher, vocabulary: Vocabulary, tree: queries.Query, typed: Mapping[str, str]
) -> Match:
    """Work a tree out. ``typed``: words as typed by their terms, to be shown to people."""
    worth = _Worth(searcher, typed)
    mask = _Evaluator(searcher, vocabulary, worth).match(tree, 1.0, counted=True)
    return Match(mask, worth.plan(), np.concatenate([np.zeros(0, np.intp), *worth.forms]))


# -- worth -----------------------------------------------------------------------------------------


class _Word(NamedTuple):
    """A word of all text fields."""

    text: str  # as typed
    term: int
    boost: float
    start: int  # where it was typed


class _Part(NamedTuple):
    """What a part of the tree counts by itself, in whole impacts; ``soft``: as a soft word does."""

    text: str
    docs: Docs
    impacts: npt.NDArray[Any]
    boost: float
    soft: bool


class _Worth:
    """What the counted parts of a tree are worth."""

    def __init__(self, searcher: Searcher, typed: Mapping[str, str]) -> None:
        self._searcher = searcher
        self._typed = typed
        self.words: list[_Word] = []
        self.parts: list[_Part] = []
        self.forms: list[npt.NDArray[np.intp]] = []

    def name(self, term: str) -> str:
        """The word as it was typed."""
        return self._typed.get(term, term)

    def size(self) -> tuple[int, int]:
        """How much there is, to go back to."""
        return len(self.words), len(self.parts)

    def forget(self, size: tuple[int, int]) -> None:
        """Go back to what there was."""
        del self.words[size[0] :], self.parts[size[1] :]

    def add_constant(self, text: str, mask: Mask, score: float) -> None:
        """Let every article of a mask get a score."""
        docs = np.flatnonzero(mask)
        self.parts.append(_Part(text, docs, np.full(len(docs), IMPACT_SCALE), score, False))

    def plan(self) -> Plan:
        """All of it. The words count together as a query of them does, in the order they were typed."""
        planner = self._searcher.planner
        words = sorted(self.words, key=lambda word: word.start)
        plan = planner.plan_terms([word.text for word in words], [word.term for word in words])
        if any(word.boost != 1.0 for word in words):
            more: dict[Postings, float] = {}
            for postings, word in zip(plan.words, words, strict=True):
                if postings is not None:
                    more[postings] = more.get(postings, 0.0) + word.boost - 1.0
            most = MAX_TERM_COUNT * _MAX_BOOST
            times = {postings: round(_BOOST_UNIT * min(extra, most)) for postings, extra in more.items()}
            plan = planner.join(plan, times, _BOOST_UNIT)
        some_hard = plan.some_hard or any(not part.soft for part in self.parts)
        extras = []
        for text, docs, impacts, boost, soft in self.parts:
            counted = planner.soften(impacts) if soft and some_hard else impacts
            added = np.rint(counted * (boost * plan.unit)).astype(np.uint32)
            extras.append(Extra(text, Scattered(int(added.max(initial=0)), docs, added)))
        plan.add(extras)
        return plan


# -- matches ---------------------------------------------------------------------------------------


class _Evaluator:
    def __init__(self, searcher: Searcher, vocabulary: Vocabulary, worth: _Worth) -> None:
        self._segment = searcher.segment
        self._field_words = searcher.field_words
        self._vocabulary = vocabulary
        self._worth = worth

    def _none(self) -> Mask:
        return np.zeros(self._segment.n_docs, bool)

    # -- operators ---------------------------------------------------------------------------------

    def match(self, query: Any, boost: float, counted: bool) -> Mask:
        """The articles that match a part of the tree; if it is ``counted``, its words count."""
        kind = type(query)  # a subclass may mean something else
        if kind in _MATCHERS:
            return _MATCHERS[kind](self, query, boost * getattr(query, "boost", 1.0), counted)
        mask = values.matching(self._segment, query)
        if mask is not None:
            return mask
        if _leaf_key(query) is not None:
            return self._leaf(query, query.fieldname, boost, counted)
        return self._by_whoosh(query, boost, counted)

    def _or(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self._none()
        terms: set[int] = set()  # of the words, all of which are looked up at once
        for child, in_all_fields in _merged(_flattened(query)):
            if in_all_fields and type(child) is queries.Term:
                terms.add(self._word(child, boost, counted))
            elif in_all_fields:
                found |= self._leaf(child, None, boost, counted)
            else:
                found |= self.match(child, boost, counted)
        terms.discard(-1)
        if terms:
            found |= self._vocabulary.having(np.array(sorted(terms)), None)
        return found

    def _word(self, query: Any, boost: float, counted: bool) -> int:
        """The term of a word looked for in all fields, -1 if no article has it."""
        term = self._segment.find_term(query.text.encode("utf-8", "surrogatepass"))
        if counted:
            name, boost = self._worth.name(query.text), _bounded(boost * query.boost)
            self._worth.words.append(_Word(name, term, boost, query.startchar or 0))
        return term

    def _and(self, query: Any, boost: float, counted: bool) -> Mask:
        parts = [self.match(child, boost, counted) for child in query]
        found: Mask = np.logical_and.reduce(parts) if parts else self._none()
        return found

    def _not(self, query: Any, boost: float, counted: bool) -> Mask:
        return ~self.match(query.query, boost, False)

    def _and_not(self, query: Any, boost: float, counted: bool) -> Mask:
        return self.match(query.a, boost, counted) & ~self.match(query.b, boost, False)

    def _and_maybe(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self.match(query.a, boost, counted)
        self.match(query.b, boost, counted)
        return found

    def _require(self, query: Any, boost: float, counted: bool) -> Mask:
        # Whoosh 2.7.4 leaves out what it should require.
        return self.match(query.a, boost, counted) & self.match(query.b, boost, False)

    def _otherwise(self, query: Any, boost: float, counted: bool) -> Mask:
        size = self._worth.size()
        found = self.match(query.a, boost, counted)
        if found.any():
            return found
        self._worth.forget(size)
        return self.match(query.b, boost, counted)

    def _constant(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self.match(query.child, boost, False)
        if counted:
            self._worth.add_constant(str(query.child), found, _bounded(boost * query.score))
        return found

    def _every(self, query: Any, boost: float, counted: bool) -> Mask:
        return ~self._none() if query.fieldname is None else self._by_whoosh(query, boost, False)

    def _null(self, query: Any, boost: float, counted: bool) -> Mask:
        return self._none()

    # -- leaves ------------------------------------------------------------------------------------

    def _leaf(self, query: Any, fieldname: str | None, boost: float, counted: bool) -> Mask:
        """A word, phrase or pattern. ``fieldname``: ``None`` for all text fields."""
        boost = _bounded(boost * query.boost)
        field = None if fieldname is None else FIELD_NAMES.index(fieldname)
        if type(query) is queries.Term:
            return self._phrase([query.text], query, field, boost, counted)
        if type(query) is queries.Phrase:
            return self._phrase(query.words, query, field, boost, counted)
        forms = self._forms(query)
        if field is not None:
            forms = forms[self._segment.form_frequencies[forms, field] > 0]
        standing = np.zeros(len(self._segment.terms), bool)
        standing[self._segment.form_terms[forms]] = True
        found = self._vocabulary.having(np.flatnonzero(standing), field)
        if counted:
            self._worth.forms.append(forms)
            text = str(query) if field is not None else str(query).partition(":")[2]
            self._worth.add_constant(text, found, boost)
        return found

    def _phrase(
        self, texts: Sequence[str], query: Any, field: int | None, boost: float, counted: bool
    ) -> Mask:
        """Articles that have a word, or several as a phrase."""
        segment, worth = self._segment, self._worth
        terms = [segment.find_term(text.encode("utf-8", "surrogatepass")) for text in texts]
        found = self._none()
        if terms and min(terms) >= 0:
            if len(terms) > 1:
                found[phrase_docs(segment, terms, query.slop, field)] = True
            else:
                found = self._vocabulary.having(np.array(terms), field)
        if not counted:
            return found
        for text, term in zip(texts, terms, strict=True):
            name = worth.name(text)
            if field is None:
                worth.words.append(_Word(name, term, boost, query.startchar or 0))
            elif term >= 0:
                docs, impacts = self._field_words.postings(term, field)
                if len(terms) > 1:  # only where they stand as a phrase
                    kept = found[docs]
                    docs, impacts = docs[kept], impacts[kept]
                soft = bool(segment.term_soft[term])
                worth.parts.append(_Part(f"{FIELD_NAMES[field]}:{name}", docs, impacts, boost, soft))
        return found

    def _forms(self, query: Any) -> npt.NDArray[np.intp]:
        """All words as written that a pattern stands for."""
        vocabulary = self._vocabulary
        if type(query) is queries.Prefix:
            return vocabulary.with_prefix(query.text)
        if type(query) is queries.Wildcard:
            return vocabulary.like(query.text)
        if type(query) is queries.FuzzyTerm:
            return vocabulary.near(query.text, query.maxdist, query.prefixlength)
        return vocabulary.between(query.start, query.end, query.startexcl, query.endexcl)

    # -- anything else -----------------------------------------------------------------------------

    @cached_property
    def _whoosh(self) -> Any:
        return open_searcher(self._segment, whoosh_schema())

    def _by_whoosh(self, query: Any, boost: float, counted: bool) -> Mask:
        """By Whoosh's own matcher; counted as Whoosh scores it."""
        found = self._none()
        context = self._whoosh.context() if counted else self._whoosh.boolean_context()
        matcher = query.matcher(self._whoosh, context)
        scores: dict[int, float] = {}
        while matcher.is_active():
            scores[matcher.id()] = matcher.score() if counted else 0.0
            matcher.next()
        docs = np.array(list(scores), np.intp)
        found[docs] = True
        if counted:
            impacts = np.clip(np.rint(np.array(list(scores.values())) * IMPACT_SCALE), 0, MAX_IMPACT)
            self._worth.parts.append(_Part(str(query), docs, impacts, _bounded(boost), False))
        return found


# Not methods of an evaluator: that would be a cycle, and the segment wait for the garbage collector.
_MATCHERS: Final[dict[type, Callable[[_Evaluator, Any, float, bool], Mask]]] = {
    queries.Or: _Evaluator._or,
    queries.DisjunctionMax: _Evaluator._or,
    queries.And: _Evaluator._and,
    queries.Not: _Evaluator._not,
    queries.AndNot: _Evaluator._and_not,
    queries.AndMaybe: _Evaluator._and_maybe,
    queries.Require: _Evaluator._require,
    queries.Otherwise: _Evaluator._otherwise,
    queries.ConstantScoreQuery: _Evaluator._constant,
    queries.Every: _Evaluator._every,
    type(queries.NullQuery): _Evaluator._null,
}


def _bounded(boost: float) -> float:
    """A boost within its range; what is no number is 0."""
    return min(boost, _MAX_BOOST) if boost > 0 else 0.0


def _leaf_key(query: Any) -> tuple[Any, ...] | None:
    """What tells a leaf of a text field from another but for its field; ``None`` for what is no such leaf."""
    kind = type(query)
    if getattr(query, "fieldname", None) not in FIELD_NAMES:
        return None
    if kind is queries.Term and isinstance(query.text, str):
        return kind, query.text, query.boost
    if kind is queries.Phrase:
        return kind, tuple(query.words), query.slop, query.boost
    if kind in (queries.Prefix, queries.Wildcard):
        return kind, query.text, query.boost
    if kind is queries.FuzzyTerm:
        return kind, query.text, query.maxdist, query.prefixlength, query.boost
    if kind is queries.TermRange:
        return kind, query.start, query.end, query.startexcl, query.endexcl, query.boost
    return None


def _flattened(query: Any) -> Iterator[Any]:
    """The children, those of a child that is one of several, too, in its place."""
    for child in query:
        if type(child) is queries.Or and child.boost == 1.0:
            yield from _flattened(child)
        else:
            yield child


def _merged(children: Iterable[Any]) -> list[tuple[Any, bool]]:
    """The children, and whether each is looked for in all text fields: what is asked of every one of them is
    one."""
    merged: list[tuple[Any, bool]] = []
    alike: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    for child in children:
        key = _leaf_key(child)
        if key is None:
            merged.append((child, False))
        else:
            alike.setdefault(key, {name: [] for name in FIELD_NAMES})[child.fieldname].append(child)
    for by_field in alike.values():
        times = min(map(len, by_field.values()))
        for name, leaves in by_field.items():
            in_all_fields = leaves[:times] if name == FIELD_NAMES[0] else []
            merged += [(leaf, True) for leaf in in_all_fields] + [(leaf, False) for leaf in leaves[times:]]
    return merged
