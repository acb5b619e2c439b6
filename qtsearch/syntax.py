"""Lexemes → a Whoosh query tree, by Whoosh's parser.

Whoosh's parser groups, negates, boosts and names fields; what is fed to it are the lexemes of
:mod:`qtsearch.lexer` in place of its own tagging, and its leaves become queries whose terms are looked up in
the index. Words are joined by OR. A word of no field is looked for in all text fields. What is asked of
``subject``, ``date``, ``id`` or ``url`` beside words is required, as a filter; several values of one field
are alternatives.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from whoosh import query as queries
from whoosh.qparser import QueryParser, plugins, syntax

from qtsearch import analysis
from qtsearch.lexer import VALUE_FIELDS, Kind, Lexeme
from qtsearch.periods import first_day, last_day
from qtsearch.schema import FIELD_NAMES, slugify

__all__ = ["parse"]

_GROUPS: Final = {
    "AND": syntax.AndGroup,
    "OR": syntax.OrGroup,
    "ANDNOT": syntax.AndNotGroup,
    "ANDMAYBE": syntax.AndMaybeGroup,
    "REQUIRE": syntax.RequireGroup,
}
_MIDNIGHT: Final = datetime.time()
_LAST_MOMENT: Final = datetime.time.max


def parse(lexemes: Sequence[Lexeme], term_of: Callable[[str], str]) -> queries.Query:
    """The query tree. ``term_of``: from a token as typed to its term."""
    return _Parser(lexemes, term_of).parse("", normalize=False)


class _Words(syntax.GroupNode):  # type: ignore[misc]
    """What stands side by side without an operator."""

    qclass = queries.Or


class _Required(syntax.AndGroup):  # type: ignore[misc]
    """What has a ``+``."""

    merging = False


class _Banned(syntax.NotGroup):  # type: ignore[misc]
    """What has a ``-``."""

    merging = False


class _Leaf(syntax.SyntaxNode):  # type: ignore[misc]
    """A word, phrase, range or pattern. Of no field, it is looked for in all text fields."""

    has_fieldname = True
    has_boost = True

    def __init__(self, lexeme: Lexeme, make: Callable[[str, float], queries.Query | None]) -> None:
        self.lexeme = lexeme
        self.make = make
        self.fieldname: str | None = None
        self.boost = 1.0

    def r(self) -> str:
        return self.lexeme.text

    def query(self, parser: Any) -> queries.Query | None:
        if self.fieldname is not None:
            return self.make(self.fieldname, self.boost)
        found = [self.make(name, self.boost) for name in FIELD_NAMES]
        return queries.Or([query for query in found if query is not None])


class _Parser(QueryParser):  # type: ignore[misc]
    """Whoosh's parser over lexemes."""

    def __init__(self, lexemes: Sequence[Lexeme], term_of: Callable[[str], str]) -> None:
        operators = plugins.OperatorsPlugin.OpTagger
        ops = [(operators("NOT", syntax.NotGroup, syntax.PrefixOperator), 0)]
        ops += [(operators(name, group), 0) for name, group in _GROUPS.items()]
        super().__init__(
            None,
            None,
            plugins=[
                plugins.GroupPlugin(),
                plugins.FieldsPlugin(),
                plugins.BoostPlugin(),
                _SignPlugin(),
                plugins.OperatorsPlugin(ops, clean=True),
                _FilterPlugin(),
            ],
            group=_Words,
        )
        self._lexemes = lexemes
        self._term_of = term_of

    def tag(self, text: str, pos: int = 0, debug: bool = False) -> syntax.GroupNode:
        """Whoosh's nodes of the lexemes, in order."""
        group = _Words()
        for place, lexeme in enumerate(self._lexemes):
            for node in self._nodes(place, lexeme):
                node.set_range(lexeme.start, lexeme.start + len(lexeme.text))
                group.append(node)
        return group

    def _nodes(self, place: int, lexeme: Lexeme) -> Iterator[syntax.SyntaxNode]:
        before = self._lexemes[place - 1] if place else None
        match lexeme.kind:
            case Kind.OPEN:
                yield plugins.GroupPlugin.OpenBracket()
            case Kind.CLOSE:
                yield plugins.GroupPlugin.CloseBracket()
            case Kind.SIGN:
                is_plus = lexeme.text == "+"
                yield plugins.PlusMinusPlugin.Plus() if is_plus else plugins.PlusMinusPlugin.Minus()
            case Kind.OPERATOR if lexeme.text == "NOT":
                yield syntax.PrefixOperator(lexeme.text, syntax.NotGroup)
            case Kind.OPERATOR:
                yield syntax.InfixOperator(lexeme.text, _GROUPS[lexeme.text])
            case Kind.FIELD:
                yield syntax.FieldnameNode(lexeme.text, lexeme.text)
            case Kind.BOOST:
                yield plugins.BoostPlugin.BoostNode(lexeme.text, lexeme.number)
            case Kind.EVERY:
                yield plugins.EveryPlugin.EveryNode()
            case Kind.WORD if not self._is_tied(place) and (
                len(tokens := analysis.tokenize(lexeme.text)) > 1
            ):
                for token in tokens:
                    word = Lexeme(Kind.WORD, token, lexeme.start)
                    yield _Leaf(word, self._maker(word))
            case _:
                leaf = _Leaf(lexeme, self._maker(lexeme))
                if before is not None and before.kind is Kind.FIELD:
                    leaf.fieldname = before.text
                yield leaf

    def _is_tied(self, place: int) -> bool:
        """Whether a word of several tokens is one operand: a phrase."""
        before = self._lexemes[place - 1].kind if place else None
        after = self._lexemes[place + 1].kind if place + 1 < len(self._lexemes) else None
        return before in (Kind.FIELD, Kind.SIGN, Kind.OPERATOR) or after in (Kind.BOOST, Kind.OPERATOR)

    def _maker(self, lexeme: Lexeme) -> Callable[[str, float], queries.Query | None]:
        def make(field: str, boost: float) -> queries.Query | None:
            if field in VALUE_FIELDS:
                return _value_query(lexeme, field, boost)
            return self._text_query(lexeme, field, boost)

        return make

    def _text_query(self, lexeme: Lexeme, field: str, boost: float) -> queries.Query | None:
        match lexeme.kind:
            case Kind.PREFIX:
                return queries.Prefix(field, analysis.fold(lexeme.text), boost=boost)
            case Kind.WILDCARD:
                return queries.Wildcard(field, lexeme.text.lower(), boost=boost)
            case Kind.FUZZY:
                word = analysis.fold(lexeme.text)
                # Whoosh looks for no letters beyond the word's end.
                prefix = min(lexeme.prefix, len(word))
                return queries.FuzzyTerm(
                    field, word, boost=boost, maxdist=int(lexeme.number), prefixlength=prefix
                )
            case Kind.RANGE:
                low, high = (analysis.fold(end) if end else None for end in (lexeme.low, lexeme.high))
                return queries.TermRange(field, low, high, *lexeme.excluded, boost=boost)
        terms = [self._term_of(token) for token in analysis.tokenize(lexeme.text)]
        if not terms:
            return None
        if len(terms) == 1:
            return queries.Term(field, terms[0], boost=boost)
        return queries.Phrase(field, terms, slop=int(lexeme.number), boost=boost)


def _value_query(lexeme: Lexeme, field: str, boost: float) -> queries.Query:
    """A query of a field of one value a page."""
    is_range = lexeme.kind is Kind.RANGE
    low, high = (lexeme.low, lexeme.high) if is_range else (lexeme.text, lexeme.text)
    excluded = lexeme.excluded if is_range else (False, False)
    match field:
        case "date":
            # An end that is left out begins after, or ends before, all of its days.
            start = (last_day(low) if excluded[0] else first_day(low)) if low else None
            end = (first_day(high) if excluded[1] else last_day(high)) if high else None
            return queries.DateRange(
                field,
                start and datetime.datetime.combine(start, _MIDNIGHT),
                end and datetime.datetime.combine(end, _MIDNIGHT),
                *excluded,
                boost=boost,
            )
        case "id":
            ends = (int(end) if end else None for end in (low, high))
            return queries.NumericRange(field, *ends, *excluded, boost=boost)
        case "subject" if lexeme.kind in (Kind.WORD, Kind.PHRASE):
            return queries.Term(field, slugify(low), boost=boost)
        case _ if lexeme.kind is Kind.PREFIX:
            return queries.Prefix(field, slugify(low) if field == "subject" else low, boost=boost)
        case _ if is_range:
            if field == "subject":
                low, high = slugify(low), slugify(high)
            return queries.TermRange(field, low or None, high or None, *excluded, boost=boost)
        case _:
            return queries.Term(field, low, boost=boost)


class _SignPlugin(plugins.Plugin):  # type: ignore[misc]
    """Binds each sign to what follows it, before the operators are."""

    def filters(self, parser: Any) -> list[tuple[Any, int]]:
        return [(self._bind, 590)]

    def _bind(self, parser: Any, group: syntax.GroupNode) -> syntax.GroupNode:
        bound = group.empty_copy()
        wrap: Any = None
        for node in group:
            if isinstance(node, plugins.PlusMinusPlugin.Plus):
                wrap = _Required
            elif isinstance(node, plugins.PlusMinusPlugin.Minus):
                wrap = _Banned
            else:
                if isinstance(node, syntax.GroupNode):
                    node = self._bind(parser, node)
                bound.append(node if wrap is None else wrap([node]))
                wrap = None
        return bound


class _FilterPlugin(plugins.Plugin):  # type: ignore[misc]
    """Arranges what stands side by side: optional, required and banned, and values, which filter."""

    def filters(self, parser: Any) -> list[tuple[Any, int]]:
        return [(self._arrange, 700)]

    def _arrange(self, parser: Any, group: syntax.GroupNode) -> syntax.GroupNode:
        nodes = [
            self._arrange(parser, node) if isinstance(node, syntax.GroupNode) else node for node in group
        ]
        if not isinstance(group, _Words):
            arranged = group.empty_copy()
            arranged.extend(nodes)
            return arranged
        optional, required, banned = _Words(), [], []
        values: dict[str, list[Any]] = {}
        for node in nodes:
            if isinstance(node, _Required):
                required.append(node)
            elif isinstance(node, _Banned):
                banned += list(node)
            elif isinstance(node, _Leaf) and node.fieldname in VALUE_FIELDS:
                values.setdefault(node.fieldname, []).append(node)
            else:
                optional.append(node)
        found: syntax.GroupNode = optional
        if required:
            found = syntax.AndGroup(required)
            if optional:
                found = syntax.AndMaybeGroup([found, optional])
        if values:
            filters = [syntax.OrGroup(nodes) for nodes in values.values()]
            found = syntax.AndGroup([found, *filters] if found else filters)
        if banned:
            left = found if found else plugins.EveryPlugin.EveryNode().set_range(0, 0)
            found = syntax.AndNotGroup([left, syntax.OrGroup(banned)])
        found.boost = group.boost
        return found
