"""Whoosh query tree → which articles match, and a plan of what they are worth.

The operators of a tree decide which articles match. What a match is worth is what its words are worth in any
query: all words of the tree that are not negated make one plan. A word of one field counts what it would if
the other fields had the weight 0; a pattern counts 1 in each article that matches it; a field of one value a
page counts nothing.

Every kind of query that people write is worked out on arrays, one bool an article; any other by Whoosh's own
matchers.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh import query as queries

from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.plugin import open_searcher
from qtsearch.codec.segment import NO_DATE, NO_ID, Segment
from qtsearch.parameters import Weighting
from qtsearch.planner import Extra, Plan, Postings, Scattered
from qtsearch.proximity import phrase_docs
from qtsearch.schema import FIELD_NAMES
from qtsearch.scoring import IMPACT_SCALE, MAX_IMPACT, compute_impacts
from qtsearch.searcher import Searcher
from qtsearch.vocabulary import Vocabulary

__all__ = ["Match", "evaluate"]

#: Boosts are taken as multiples of one part of this many.
_BOOST_UNIT: Final = 16

Mask = npt.NDArray[np.bool_]


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
    evaluator = _Evaluator(searcher, vocabulary, typed)
    mask = evaluator.match(tree, 1.0, counted=True)
    return Match(mask, evaluator.plan(), np.concatenate([np.zeros(0, np.intp), *evaluator.forms]))


class _FieldWord(NamedTuple):
    """A word of one field: what it counts in ``docs``."""

    text: str
    docs: npt.NDArray[Any]
    impacts: npt.NDArray[np.uint16]
    boost: float
    soft: bool


class _Evaluator:
    def __init__(self, searcher: Searcher, vocabulary: Vocabulary, typed: Mapping[str, str]) -> None:
        self.searcher = searcher
        self.segment: Segment = searcher.segment
        self.vocabulary = vocabulary
        self.typed = typed
        self.words: list[tuple[str, int, float]] = []  # as typed, term, boost
        self.field_words: list[_FieldWord] = []
        self.constants: list[tuple[str, Mask, float]] = []
        self.forms: list[npt.NDArray[np.intp]] = []
        self._matchers: dict[type, Callable[[Any, float, bool], Mask]] = {
            queries.Or: self._or,
            queries.DisjunctionMax: self._or,
            queries.And: self._and,
            queries.Not: self._not,
            queries.AndNot: self._and_not,
            queries.AndMaybe: self._and_maybe,
            queries.Require: self._require,
            queries.Otherwise: self._otherwise,
            queries.ConstantScoreQuery: self._constant,
            queries.Every: self._every,
            queries.DateRange: self._dates,
            queries.NumericRange: self._numbers,
            type(queries.NullQuery): lambda query, boost, counted: self._none(),
        }

    def _none(self) -> Mask:
        return np.zeros(self.segment.n_docs, bool)

    # -- operators ---------------------------------------------------------------------------------

    def match(self, query: Any, boost: float, counted: bool) -> Mask:
        """The articles that match a part of the tree; if it is ``counted``, its words count."""
        kind = type(query)  # a subclass may mean something else
        if kind in self._matchers:
            return self._matchers[kind](query, boost * float(getattr(query, "boost", 1.0)), counted)
        if _leaf_key(query) is not None:
            return self._leaf(query, query.fieldname, boost * query.boost, counted)
        return self._by_whoosh(query, boost, counted)

    def _or(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self._none()
        for child, field in _merged(query):
            if field is _IN_ALL_FIELDS:
                found |= self._leaf(child, None, boost * child.boost, counted)
            else:
                found |= self.match(child, boost, counted)
        return found

    def _and(self, query: Any, boost: float, counted: bool) -> Mask:
        parts = [self.match(child, boost, counted) for child in query]
        found: Mask = np.logical_and.reduce(parts) if parts else self._none()
        return found

    def _not(self, query: Any, boost: float, counted: bool) -> Mask:
        found: Mask = ~self.match(query.query, boost, False)
        return found

    def _and_not(self, query: Any, boost: float, counted: bool) -> Mask:
        return self.match(query.a, boost, counted) & ~self.match(query.b, boost, False)

    def _and_maybe(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self.match(query.a, boost, counted)
        self.match(query.b, boost, counted)
        return found

    def _require(self, query: Any, boost: float, counted: bool) -> Mask:
        return self.match(query.a, boost, counted) & self.match(query.b, boost, False)

    def _otherwise(self, query: Any, boost: float, counted: bool) -> Mask:
        n_words, n_field_words, n_constants = len(self.words), len(self.field_words), len(self.constants)
        found = self.match(query.a, boost, counted)
        if found.any():
            return found
        del self.words[n_words:], self.field_words[n_field_words:], self.constants[n_constants:]
        return self.match(query.b, boost, counted)

    def _constant(self, query: Any, boost: float, counted: bool) -> Mask:
        found = self.match(query.child, boost, False)
        if counted:
            self.constants.append((str(query.child), found, boost * query.score))
        return found

    def _every(self, query: Any, boost: float, counted: bool) -> Mask:
        if query.fieldname in (None, "*", "url"):
            return ~self._none()
        return self._by_whoosh(query, boost, False)

    # -- fields of one value a page ----------------------------------------------------------------

    def _dates(self, query: Any, boost: float, counted: bool) -> Mask:
        # A page's date is the midnight that its day begins with.
        low, high = query.startdate, query.enddate
        found: Mask = self.segment.dates != NO_DATE
        if low is not None:
            after = query.startexcl or low.time() != datetime.time()
            found &= self.segment.dates >= low.toordinal() + after
        if high is not None:
            before = query.endexcl and high.time() == datetime.time()
            found &= self.segment.dates <= high.toordinal() - before
        return found

    def _numbers(self, query: Any, boost: float, counted: bool) -> Mask:
        if query.fieldname != "id":
            return self._by_whoosh(query, boost, counted)
        found: Mask = self.segment.ids != NO_ID
        if query.start is not None:
            found &= self.segment.ids >= query.start + query.startexcl
        if query.end is not None:
            found &= self.segment.ids <= query.end - query.endexcl
        return found

    def _value(self, query: queries.Term, counted: bool) -> Mask:
        found = self._none()
        if query.fieldname == "url":
            doc = self.segment.find_url(query.text)
            found[doc : doc + 1] = doc >= 0
            return found
        if query.fieldname == "subject":
            for start, stop in self.searcher.ranges([query.text]):
                found[start:stop] = True
            return found
        return self._by_whoosh(query, 0.0, counted)

    # -- leaves of the text fields -----------------------------------------------------------------

    def _leaf(self, query: Any, fieldname: str | None, boost: float, counted: bool) -> Mask:
        """A word, phrase or pattern. ``fieldname``: ``None`` for all text fields."""
        if fieldname is not None and fieldname not in FIELD_NAMES:
            if type(query) is queries.Term:
                return self._value(query, counted)
            return self._by_whoosh(query, 0.0, counted)
        field = None if fieldname is None else FIELD_NAMES.index(fieldname)
        if type(query) is queries.Term:
            return self._terms([query.text], 1, field, boost, counted)
        if type(query) is queries.Phrase:
            return self._terms(query.words, query.slop, field, boost, counted)
        forms = self._forms(query, field)
        terms = np.unique(self.segment.form_terms[forms]).astype(np.intp)
        found = self._having(terms, field)
        if counted:
            self.forms.append(forms)
            self.constants.append((str(query) if field is not None else _without_field(query), found, boost))
        return found

    def _terms(self, texts: Sequence[str], slop: int, field: int | None, boost: float, counted: bool) -> Mask:
        """Articles that have a term, or several as a phrase."""
        terms = [self.segment.find_term(text.encode("utf-8", "surrogatepass")) for text in texts]
        found = self._none()
        if terms and min(terms) >= 0:
            if len(terms) == 1:
                docs, _ = self._postings(terms[0], field)
            else:
                docs = phrase_docs(self.segment, terms, slop, field)
            found[docs] = True
        if counted:
            for text, term in zip(texts, terms, strict=True):
                name = self.typed.get(text, text)
                if field is None:
                    self.words.append((name, term, boost))
                elif term >= 0:
                    self.field_words.append(self._field_word(name, term, field, boost, found))
        return found

    def _postings(self, term: int, field: int | None) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Articles of a term, and its postings in them."""
        start, stop = self.segment.offsets[term : term + 2].tolist()
        docs = self.segment.docs[start:stop]
        if field is None:
            return docs, np.arange(start, stop)
        here = np.flatnonzero(self.segment.frequencies[start:stop][:, field])
        return docs[here], here + start

    def _field_word(self, name: str, term: int, field: int, boost: float, where: Mask) -> _FieldWord:
        """What a word of one field counts, in the articles ``where`` it stands as is asked."""
        segment, own = self.segment, self.searcher.planner.weighting
        start, stop = segment.offsets[term : term + 2].tolist()
        weights = [0.0] * len(FIELD_NAMES)
        weights[field] = own.weights[field] or own.parameters.weights[field] or 1.0
        first, last = np.searchsorted(segment.keyword_postings, (start, stop))
        docs = segment.docs[start:stop]
        impacts = compute_impacts(
            docs,
            segment.frequencies[start:stop],
            np.array([0, stop - start]),
            segment.lengths,
            segment.keyword_postings[first:last] - start,
            Weighting(own.parameters, tuple(weights)),
        )
        kept = np.flatnonzero((impacts > 0) & where[docs])
        text = f"{FIELD_NAMES[field]}:{name}"
        return _FieldWord(text, docs[kept], impacts[kept], boost, bool(segment.term_soft[term]))

    def _forms(self, query: Any, field: int | None) -> npt.NDArray[np.intp]:
        """All words as written that a pattern stands for."""
        vocabulary = self.vocabulary
        kind = type(query)
        if kind is queries.Prefix:
            forms = vocabulary.with_prefix(query.text)
        elif kind is queries.Wildcard:
            forms = vocabulary.like(query.text)
        elif kind is queries.FuzzyTerm:
            forms = vocabulary.near(query.text, query.maxdist, query.prefixlength)
        else:
            forms = vocabulary.between(query.start, query.end, query.startexcl, query.endexcl)
        if field is not None:
            forms = forms[self.segment.form_frequencies[forms, field] > 0]
        return forms

    def _having(self, terms: npt.NDArray[np.intp], field: int | None) -> Mask:
        """Articles that have one of these terms."""
        found = self._none()
        if len(terms):
            # Terms of one beginning stand side by side, and so do their postings.
            for run in np.split(terms, np.flatnonzero(np.diff(terms) != 1) + 1):
                start, stop = self.segment.offsets[run[0]], self.segment.offsets[run[-1] + 1]
                docs = self.segment.docs[start:stop]
                if field is not None:
                    docs = docs[self.segment.frequencies[int(start) : int(stop)][:, field] > 0]
                found[docs] = True
        return found

    # -- anything else -----------------------------------------------------------------------------

    def _by_whoosh(self, query: Any, boost: float, counted: bool) -> Mask:
        """By Whoosh's own matcher, and counted as Whoosh scores it."""
        found = self._none()
        with open_searcher(self.segment, whoosh_schema()) as searcher:
            matcher = query.matcher(searcher, searcher.boolean_context() if not counted else None)
            scores = []
            while matcher.is_active():
                found[matcher.id()] = True
                if counted:
                    scores.append((matcher.id(), matcher.score()))
                matcher.next()
        if scores and boost:
            docs, values = zip(*scores, strict=True)
            impacts = np.clip(np.rint(np.array(values) * IMPACT_SCALE), 1, MAX_IMPACT).astype(np.uint16)
            self.field_words.append(_FieldWord(str(query), np.array(docs), impacts, boost, False))
        return found

    # -- worth -------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What all counted words are worth."""
        planner = self.searcher.planner
        tokens = [name for name, _, _ in self.words]
        plan = planner.plan_terms(tokens, [term for _, term, _ in self.words])
        if any(boost != 1.0 for _, _, boost in self.words):
            more: dict[Postings, int] = {}
            for word, (_, _, boost) in zip(plan.words, self.words, strict=True):
                if word is not None:
                    more[word] = more.get(word, 0) + round(_BOOST_UNIT * (boost - 1.0))
            plan = planner.join(plan, more, _BOOST_UNIT)
        some_hard = plan.some_hard or any(not one.soft for one in self.field_words)
        extras = []
        for one in self.field_words:
            impacts = planner.soften(one.impacts) if one.soft and some_hard else one.impacts
            extras.append(_extra(one.text, one.docs, impacts * (one.boost * plan.unit)))
        for text, mask, score in self.constants:
            docs = np.flatnonzero(mask)
            extras.append(_extra(text, docs, np.full(len(docs), score * IMPACT_SCALE * plan.unit)))
        plan.add(extras)
        return plan


def _extra(text: str, docs: npt.NDArray[Any], added: npt.NDArray[Any]) -> Extra:
    whole = np.rint(np.minimum(added, 1 << 30)).astype(np.uint32)
    return Extra(text, Scattered(docs, whole, int(whole.max(initial=0))))


_IN_ALL_FIELDS: Final = object()


def _leaf_key(query: Any) -> tuple[Any, ...] | None:
    """What tells a leaf of a text field from another but for its field; ``None`` for what is no such leaf."""
    kind = type(query)
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


def _merged(children: Iterable[Any]) -> list[tuple[Any, object]]:
    """The children, those that look for the same in all text fields once."""
    found: dict[Any, list[Any]] = {}
    for child in children:
        key = _leaf_key(child)
        found.setdefault(id(child) if key is None else key, []).append(child)
    merged: list[tuple[Any, object]] = []
    for group in found.values():
        fields = {getattr(child, "fieldname", None) for child in group}
        if len(group) >= len(FIELD_NAMES) and fields >= set(FIELD_NAMES):
            times = min(sum(child.fieldname == name for child in group) for name in FIELD_NAMES)
            merged += [(group[0], _IN_ALL_FIELDS)] * times
            group = [child for child in group if child.fieldname not in FIELD_NAMES]
        merged += [(child, None) for child in group]
    return merged


def _without_field(query: Any) -> str:
    return str(query).partition(":")[2]
