"""Lexemes → a Whoosh query tree, by Whoosh's parser.

Whoosh's parser groups, negates, boosts and names fields; what is fed to it are the lexemes of
:mod:`qtsearch.language.lexer` in place of its own tagging, and its leaves become queries whose terms are
looked up in the index. Words are joined by OR. A word of no field is looked for in all text fields. What is
asked of ``subject``, ``date``, ``id`` or ``url`` beside words is required, as a filter; several values of
one field are alternatives. ``NOT`` beside words is a ``-``.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from whoosh import query as queries
from whoosh.qparser import QueryParser, plugins, syntax

from qtsearch import analysis
from qtsearch.language.lexemes import VALUE_FIELDS, Kind, Lexeme
from qtsearch.language.periods import first_day, last_day
from qtsearch.schema import FIELD_NAMES, slugify

__all__ = ["parse"]

_VALUES: Final = frozenset(VALUE_FIELDS)
_LETTERS: Final = re.compile(r"[^*?]+")
_MIDNIGHT: Final = datetime.time()


def parse(lexemes: Sequence[Lexeme], term_of: Callable[[str], str]) -> queries.Query:
    """The query tree. ``term_of``: from a token as typed to its term."""
    return _Parser(lexemes, term_of).parse("", normalize=False)


# -- nodes of the parser ---------------------------------------------------------------------------


class _Words(syntax.GroupNode):  # type: ignore[misc]
    """What stands side by side without an operator."""

    qclass = queries.Or


class _Required(syntax.AndGroup):  # type: ignore[misc]
    """What has a ``+``."""

    merging = False


class _Binary(syntax.BinaryGroup):  # type: ignore[misc]
    """An operator of two operands; Whoosh's own works each out twice, and so 2^n times at depth n."""

    def query(self, parser: Any) -> queries.Query:
        return self.qclass(*[node.query(parser) for node in self.nodes])


class _AndNot(_Binary):
    qclass = queries.AndNot


class _AndMaybe(_Binary):
    qclass = queries.AndMaybe


class _Require(_Binary):
    qclass = queries.Require


class _Leaf(syntax.SyntaxNode):  # type: ignore[misc]
    """A word, phrase, range or pattern. Of no field, it is looked for in all text fields."""

    has_fieldname = True
    has_boost = True

    def __init__(self, lexeme: Lexeme, make: Callable[[str, float], queries.Query]) -> None:
        self.lexeme = lexeme
        self.make = make
        self.fieldname: str | None = None
        self.boost = 1.0

    def r(self) -> str:
        return self.lexeme.text

    def query(self, parser: Any) -> queries.Query:
        names = FIELD_NAMES if self.fieldname is None else (self.fieldname,)
        found = [self.make(name, self.boost) for name in names]
        for query in found:
            query.startchar = self.lexeme.start  # the order in which words were typed
        return found[0] if len(found) == 1 else queries.Or(found)


_GROUPS: Final = {
    "NOT": syntax.NotGroup,
    "AND": syntax.AndGroup,
    "OR": syntax.OrGroup,
    "ANDNOT": _AndNot,
    "ANDMAYBE": _AndMaybe,
    "REQUIRE": _Require,
}


# -- the parser ------------------------------------------------------------------------------------


class _Parser(QueryParser):  # type: ignore[misc]
    """Whoosh's parser over lexemes."""

    def __init__(self, lexemes: Sequence[Lexeme], term_of: Callable[[str], str]) -> None:
        tagger = plugins.OperatorsPlugin.OpTagger
        operators = [
            (tagger(name, group, syntax.PrefixOperator if name == "NOT" else syntax.InfixOperator), 0)
            for name, group in _GROUPS.items()
        ]
        used = [
            plugins.GroupPlugin(),
            plugins.FieldsPlugin(),
            plugins.BoostPlugin(),
            _SignPlugin(),
            plugins.OperatorsPlugin(operators, clean=True),
            _WordsPlugin(),
        ]
        super().__init__(None, None, plugins=used, group=_Words)
        self._lexemes = lexemes
        self._term_of = term_of

    def tag(self, text: str, pos: int = 0, debug: bool = False) -> syntax.GroupNode:
        """Whoosh's nodes of the lexemes, in order."""
        group = _Words()
        before = None
        for lexeme in self._lexemes:
            for node in self._nodes(lexeme, before):
                node.set_range(lexeme.start, lexeme.start + len(lexeme.text))
                group.append(node)
            before = lexeme
        return group

    def _nodes(self, lexeme: Lexeme, before: Lexeme | None) -> Iterator[syntax.SyntaxNode]:
        match lexeme.kind:
            case Kind.OPEN:
                yield plugins.GroupPlugin.OpenBracket()
            case Kind.CLOSE:
                yield plugins.GroupPlugin.CloseBracket()
            case Kind.SIGN:
                signs = plugins.PlusMinusPlugin
                yield signs.Plus() if lexeme.text == "+" else signs.Minus()
            case Kind.OPERATOR:
                kind = syntax.PrefixOperator if lexeme.text == "NOT" else syntax.InfixOperator
                yield kind(lexeme.text, _GROUPS[lexeme.text])
            case Kind.FIELD:
                yield syntax.FieldnameNode(lexeme.text, lexeme.text)
            case Kind.BOOST:
                yield plugins.BoostPlugin.BoostNode(lexeme.text, lexeme.number)
            case Kind.EVERY:
                yield plugins.EveryPlugin.EveryNode()
            case Kind.WORD if before is None or before.kind is not Kind.FIELD:
                for token in analysis.tokenize(lexeme.text):
                    yield self._leaf(Lexeme(Kind.WORD, token, lexeme.start))
            case _:
                yield self._leaf(lexeme)

    def _leaf(self, lexeme: Lexeme) -> _Leaf:
        def make(field: str, boost: float) -> queries.Query:
            if field in VALUE_FIELDS:
                return _value_query(lexeme, field, boost)
            return self._text_query(lexeme, field, boost)

        return _Leaf(lexeme, make)

    def _text_query(self, lexeme: Lexeme, field: str, boost: float) -> queries.Query:
        match lexeme.kind:
            case Kind.PREFIX:
                return queries.Prefix(field, analysis.fold(lexeme.text), boost=boost)
            case Kind.WILDCARD:
                text = _LETTERS.sub(lambda match: analysis.fold(match[0]), lexeme.text)
                return queries.Wildcard(field, text, boost=boost)
            case Kind.FUZZY:
                word = analysis.fold(lexeme.text)
                prefix = min(lexeme.prefix, len(word))
                return queries.FuzzyTerm(
                    field, word, boost=boost, maxdist=int(lexeme.number), prefixlength=prefix
                )
            case Kind.RANGE:
                low, high = (analysis.fold(end) if end else None for end in (lexeme.low, lexeme.high))
                return queries.TermRange(field, low, high, *lexeme.excluded, boost=boost)
        terms = [self._term_of(token) for token in analysis.tokenize(lexeme.text)]
        if len(terms) == 1:
            return queries.Term(field, terms[0], boost=boost)
        return queries.Phrase(field, terms, slop=int(lexeme.number), boost=boost)


def _value_query(lexeme: Lexeme, field: str, boost: float) -> queries.Query:
    """A query of a field of one value a page."""
    is_range = lexeme.kind is Kind.RANGE
    low, high = (lexeme.low, lexeme.high) if is_range else (lexeme.text, lexeme.text)
    excluded = lexeme.excluded
    if field == "date":
        # An end that is left out begins after, or ends before, all of its days.
        start = (last_day(low) if excluded[0] else first_day(low)) if low else None
        end = (first_day(high) if excluded[1] else last_day(high)) if high else None
        days = [day and datetime.datetime.combine(day, _MIDNIGHT) for day in (start, end)]
        return queries.DateRange(field, *days, *excluded, boost=boost)
    if field == "id":
        ends = [int(end) if end else None for end in (low, high)]
        return queries.NumericRange(field, *ends, *excluded, boost=boost)
    low, high = (
        slugify(end) if field == "subject" else unicodedata.normalize("NFC", end) for end in (low, high)
    )
    if lexeme.kind is Kind.PREFIX:
        return queries.Prefix(field, low, boost=boost)
    if is_range:
        return queries.TermRange(field, low or None, high or None, *excluded, boost=boost)
    return queries.Term(field, low, boost=boost)


# -- filters of the parser -------------------------------------------------------------------------


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
                wrap = syntax.NotGroup
            else:
                if isinstance(node, syntax.GroupNode):
                    node = self._bind(parser, node)
                bound.append(node if wrap is None else wrap([node]))
                wrap = None
        return bound


class _WordsPlugin(plugins.Plugin):  # type: ignore[misc]
    """Arranges what stands side by side: optional, required and banned, and values, which filter."""

    def filters(self, parser: Any) -> list[tuple[Any, int]]:
        return [(self._arrange, 700)]

    def _arrange(self, parser: Any, group: syntax.GroupNode) -> syntax.SyntaxNode:
        nodes = [
            self._arrange(parser, node) if isinstance(node, syntax.GroupNode) else node for node in group
        ]
        if not isinstance(group, _Words):
            arranged = group.empty_copy()
            arranged.extend(nodes)
            return arranged
        optional: list[Any] = []
        required: list[Any] = []
        banned: list[Any] = []
        values: dict[frozenset[str | None], list[Any]] = {}
        for node in nodes:
            if isinstance(node, _Required):
                required += node
            elif isinstance(node, syntax.NotGroup):
                banned += node
            elif (fields := _fields(node)) <= _VALUES:
                values.setdefault(fields, []).append(node)
            else:
                optional.append(node)
        found = [_joined(syntax.AndGroup, required)] if required else []
        if optional:
            words = _joined(_Words, optional)
            found = [_AndMaybe([*found, words])] if found else [words]
        found += [_joined(syntax.OrGroup, alternatives) for alternatives in values.values()]
        if banned:
            # Without anything else, all but those.
            left = _joined(syntax.AndGroup, found or [plugins.EveryPlugin.EveryNode().set_range(0, 0)])
            found = [_AndNot([left, _joined(syntax.OrGroup, banned)])]
        whole = _joined(syntax.AndGroup, found)
        return whole if group.boost == 1.0 else _Words([whole], boost=group.boost)


def _joined(kind: type[syntax.GroupNode], nodes: list[Any]) -> syntax.SyntaxNode:
    return nodes[0] if len(nodes) == 1 else kind(nodes)


def _fields(node: syntax.SyntaxNode) -> frozenset[str | None]:
    """The fields that the leaves of a node are looked for in, ``None`` for the text fields."""
    if isinstance(node, syntax.GroupNode):
        return frozenset().union(*map(_fields, node))
    return frozenset((getattr(node, "fieldname", None),))
