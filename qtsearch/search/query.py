"""What was asked → the articles that it selects: words or a query tree, filters, and spelling."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.segment import MAX_PHRASE_TERMS, NO_DATE
from qtsearch.forks import late_imports
from qtsearch.language.lexemes import Kind
from qtsearch.language.lexer import read_query
from qtsearch.language.periods import first_day, last_day
from qtsearch.schema import FIELD_NAMES
from qtsearch.search.planner import MAX_QUERY_CHARS
from qtsearch.search.plans import Plan
from qtsearch.search.proximity import phrase_docs
from qtsearch.search.searcher import Ranges, Searcher
from qtsearch.search.selection import Selection
from qtsearch.search.snapshot import Snapshot

if TYPE_CHECKING:
    from whoosh.query import Query

__all__ = ["SYNTAXES", "Filters", "corrected", "select"]

#: Of a suggestion, to be made: less has what resembles the word no more than others would by chance.
_MIN_EVIDENCE: Final = 0.0
#: So many words of a query are put right, at most, and none that is longer than this.
_MAX_CORRECTED: Final = 8
_MAX_CHARS_CORRECTED: Final = 64
#: How a query text is read: operators where they are some; words only; operators, and errors where they fail.
SYNTAXES: Final = ("auto", "plain", "strict")


class Filters(NamedTuple):
    """Which pages may be hits, whatever the query: of each ``None`` for all.

    ``subjects``: one of these. ``since``, ``until``: not before, not after this day. ``keywords``: one of
    these. ``exclude``: but for these urls.
    """

    subjects: tuple[str, ...] | None = None
    since: datetime.date | None = None
    until: datetime.date | None = None
    keywords: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        subjects: Iterable[str] | None = None,
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
        keywords: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
    ) -> Filters | None:
        """From what callers give: one text for several, dates as texts; ``None`` if nothing is given. Raises
        ValueError for a text that is no date, TypeError for what is neither."""
        if subjects is since is until is keywords is exclude is None:
            return None
        return cls(
            None if subjects is None else _texts(subjects),
            _day(since, first_day),
            _day(until, last_day),
            None if keywords is None else _texts(keywords),
            () if exclude is None else _texts(exclude),
        )

    def ranges(self, searcher: Searcher) -> Ranges | None:
        """The articles of the subjects as slices, ``None`` for all."""
        return None if self.subjects is None else searcher.ranges(self.subjects)

    def mask(self, searcher: Searcher, collapse: bool) -> npt.NDArray[np.bool_] | None:
        """The articles that pass the filters other than that of subjects, ``None`` for all.

        ``collapse``: to exclude a page is to exclude the article.
        """
        if self.since is None and self.until is None and self.keywords is None and not self.exclude:
            return None
        segment = searcher.segment
        passing = np.ones(segment.n_docs, bool)
        if self.since is not None:
            passing &= segment.dates >= self.since.toordinal()
        if self.until is not None:
            passing &= (segment.dates <= self.until.toordinal()) & (segment.dates != NO_DATE)
        if self.keywords is not None:
            carrying = np.zeros(segment.n_docs, bool)
            for keyword in self.keywords:
                carrying[_carrying(searcher, keyword)] = True
            passing &= carrying
        for url in self.exclude:
            doc = segment.find_url(unicodedata.normalize("NFC", url))
            if doc >= 0:
                passing[segment.pages_of(doc) if collapse else doc] = False
        return passing


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _day(value: datetime.date | str | None, read: Callable[[str], datetime.date]) -> datetime.date | None:
    if isinstance(value, str):
        return read(value)
    if value is not None and not isinstance(value, datetime.date):
        raise TypeError(f"a date must be a date or a text like 2025-01-31, not {value!r}")
    return value


def _terms(searcher: Searcher, text: str) -> list[int]:
    return [searcher.planner.find(token) for token in analysis.tokenize(text)]


def _carrying(searcher: Searcher, keyword: str) -> npt.NDArray[Any]:
    """The articles that carry a keyword, in any form of its words."""
    segment, terms = searcher.segment, _terms(searcher, keyword)
    if not terms or min(terms) < 0:
        return np.zeros(0, np.intp)
    if len(terms) <= MAX_PHRASE_TERMS:
        return segment.keyword_docs(terms)
    docs = phrase_docs(segment, terms, field=FIELD_NAMES.index("page_keywords")).tolist()
    found = [doc for doc in docs if terms in [_terms(searcher, k) for k in segment.record(doc)["keywords"]]]
    return np.array(found, np.intp)


def select(
    snapshot: Snapshot,
    searcher: Searcher,
    query: str | Query,
    filters: Filters | None,
    syntax: str,
    broaden: bool,
    collapse: bool,
) -> Selection:
    """The articles that a query selects, by one of the snapshot's searchers.

    Raises QuerySyntaxError if ``syntax`` is ``"strict"`` and the text is no query, ValueError if it is none
    of :data:`SYNTAXES`, TypeError if ``query`` is neither a text nor a query of Whoosh's.
    """
    if syntax not in SYNTAXES:
        raise ValueError(f"syntax must be one of {', '.join(SYNTAXES)}, not {syntax!r}")
    ranges = allowed = lexemes = None
    if filters is not None:
        ranges, allowed = filters.ranges(searcher), filters.mask(searcher, collapse)
    if isinstance(query, str):
        if syntax != "plain":
            lexemes = read_query(query, strict=syntax == "strict")
        if lexemes is None:
            plan = snapshot.expander.expand(searcher.planner, searcher.plan(query))
            if broaden:
                plan = _broadened(searcher, plan, ranges)
            return Selection(
                searcher, snapshot.facets, plan, ranges=ranges, allowed=allowed, collapse=collapse
            )
    elif not hasattr(query, "matcher"):  # told without importing Whoosh
        raise TypeError(f"the query must be a str or a query of Whoosh's, not {type(query).__name__}")
    # Here, for they import Whoosh, which most queries do without.
    with late_imports:
        from qtsearch.language.syntax import parse
        from qtsearch.search.trees import evaluate

    typed: dict[str, str] = {}
    if isinstance(query, str) and lexemes is not None:
        query = parse(lexemes, _term_finder(searcher, typed))
    match = evaluate(searcher, snapshot.vocabulary, query, typed)
    return Selection(
        searcher,
        snapshot.facets,
        _broadened(searcher, match.plan, ranges) if broaden else match.plan,
        ranges=ranges,
        allowed=allowed,
        matched=match.mask,
        patterns=match.forms,
        collapse=collapse,
    )


def _broadened(searcher: Searcher, plan: Plan, ranges: Ranges | None) -> Plan:
    with late_imports:
        from qtsearch.search.feedback import broadened  # here: searching does not need it

    return broadened(searcher, plan, ranges)


def _term_finder(searcher: Searcher, typed: dict[str, str]) -> Callable[[str], str]:
    """From a token to its term, by the index where it has the word; fills ``typed``."""
    planner, terms = searcher.planner, searcher.segment.terms

    def term_of(token: str) -> str:
        number = planner.find(token)
        term: str = terms[number].decode() if number >= 0 else analysis.stem(analysis.fold(token))
        typed.setdefault(term, token)
        return term

    return term_of


# -- spelling --------------------------------------------------------------------------------------


def corrected(snapshot: Snapshot, query: str, syntax: str) -> str | None:
    """The query with the words that the index lacks put right, as far as they can be; ``None`` if none is."""
    query = unicodedata.normalize("NFC", query[:MAX_QUERY_CHARS])
    lexemes = None if syntax == "plain" else read_query(query)
    spans = [(0, len(query))]
    if lexemes is not None:
        spans = [
            (lexeme.start, lexeme.start + len(lexeme.text) + (lexeme.kind is Kind.PHRASE))
            for lexeme in lexemes
            if lexeme.kind in (Kind.WORD, Kind.PHRASE)
        ]
    pattern, look_up = analysis.token_pattern(query), snapshot.searcher.planner.look_up
    tokens = (match for start, stop in spans for match in pattern.finditer(query, start, stop))
    unknown = (
        match for match in tokens if len(match[0]) <= _MAX_CHARS_CORRECTED and look_up(match[0]) is None
    )
    parts = []
    done = 0
    for match in islice(unknown, _MAX_CORRECTED):
        best = snapshot.speller.suggest(match[0], limit=1)
        if best and best[0].evidence >= _MIN_EVIDENCE:
            parts += [query[done : match.start()], best[0].word]
            done = match.end()
    return "".join([*parts, query[done:]]) if parts else None
