"""A query as typed → lexemes: what in it is syntax, and what merely looks like it.

A sign is syntax only where it can do something: a quotation mark that has its other half, a bracket that has
and begins a word, a ``-`` before a word, ``AND`` between two. Everything else is text, so that nothing that
people type is an error. Strict reading makes errors of what was left over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from qtsearch import analysis
from qtsearch.errors import QuerySyntaxError
from qtsearch.periods import first_day, last_day
from qtsearch.schema import FIELD_NAMES

__all__ = ["VALUE_FIELDS", "Kind", "Lexeme", "read_query"]

#: Fields of one value a page: they filter, and do not score.
VALUE_FIELDS: Final = ("url", "id", "subject", "date")

#: A query with more parts, or brackets deeper than this, is no query tree: it is searched as words.
_MAX_LEXEMES: Final = 512
_MAX_DEPTH: Final = 32
_MAX_CHARS: Final = 4_096
_MAX_BOOST: Final = 100.0

_FIELDS: Final = (*FIELD_NAMES, *VALUE_FIELDS)
_ARTICLES: Final = frozenset(("a", "an", "the"))  # "an OR gate" is about gates

#: One look tells most queries that have no syntax.
_HINT: Final = re.compile(
    r"[\"(\[{*~^]|\w\?\w|(?:^|\s)[+-]\w|\w:\S|\b(?:AND|OR|NOT|ANDNOT|ANDMAYBE|REQUIRE)\b"
)
_SIGNS: Final = frozenset('"([{*~^:+-')
_QUOTED: Final = re.compile(r'"([^"]*)"(?:~([0-9]{1,4}))?(?=[\s)^]|$)')
_FIELD: Final = re.compile(r"([A-Za-z_]\w*):(?=\S)")
_RANGE: Final = re.compile(r"([\[{])\s*([^\[\]{}]*?)\s*\b[Tt][Oo]\b\s*([^\[\]{}]*?)\s*([\]}])(?=[\s)]|$)")
_OPERATOR: Final = re.compile(r"(?:AND|OR|NOT|ANDNOT|ANDMAYBE|REQUIRE)(?=[\s(]|$)")
_CHUNK: Final = re.compile(r"(\S*?)(\)*)(?:\^([0-9]+(?:\.[0-9]+)?)(\)*))?(?=\s|$)")
_PREFIX: Final = re.compile(r"[^\W_]+\*")
#: Letters and wildcards, not a question; without two letters side by side it is rather a formula.
_WILDCARD: Final = re.compile(r"(?=.*[^\W\d_]{2})(?!\w*\?+$)(?!.*\*\*)[\w*?]*[*?][\w*?]*")
#: What a boost can follow; x^2 and 10^6 are formulae.
_BOOSTED: Final = re.compile(r"[^\W\d_][\w*?~.'-]+")
_FUZZY: Final = re.compile(r"([^\W_]{3,})~([0-2])?(?:/([0-9]{1,2}))?")


class Kind(Enum):
    """What a lexeme is."""

    WORD = auto()
    PHRASE = auto()
    PREFIX = auto()
    WILDCARD = auto()
    FUZZY = auto()
    RANGE = auto()
    EVERY = auto()
    FIELD = auto()
    OPEN = auto()
    CLOSE = auto()
    SIGN = auto()
    OPERATOR = auto()
    BOOST = auto()


_BEGINS_OPERAND: Final = frozenset(
    (
        Kind.WORD,
        Kind.PHRASE,
        Kind.PREFIX,
        Kind.WILDCARD,
        Kind.FUZZY,
        Kind.RANGE,
        Kind.EVERY,
        Kind.FIELD,
        Kind.OPEN,
        Kind.SIGN,
    )
)
_ENDS_OPERAND: Final = (_BEGINS_OPERAND | {Kind.CLOSE, Kind.BOOST}) - {Kind.FIELD, Kind.OPEN, Kind.SIGN}


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One part of a query.

    ``text``: of a word or phrase, an operator or sign, or a field's name. ``start``: where it begins in the
    query. ``number``: slop of a phrase, boost, or edits of a fuzzy word. ``prefix``: letters that are right.
    ``low``, ``high``: of a range, empty where it is open; ``excluded``: whether each does not belong to it.
    """

    kind: Kind
    text: str
    start: int
    number: float = 1
    prefix: int = 0
    low: str = ""
    high: str = ""
    excluded: tuple[bool, bool] = (False, False)


def read_query(query: str, *, strict: bool = False) -> list[Lexeme] | None:
    """The lexemes of a query, ``None`` if it has no syntax, only words.

    Raises QuerySyntaxError only if ``strict``: for an unknown field, a value that its field cannot have,
    brackets or quotation marks without their other half, an operator without words, or too long a query.
    """
    if not _may_have_syntax(query) or not _HINT.search(query):
        return None
    reader = _Reader(query, strict)
    lexemes = reader.read()
    return lexemes if any(lexeme.kind is not Kind.WORD for lexeme in lexemes or ()) else None


def _may_have_syntax(query: str) -> bool:
    """A look that costs a tenth of that of the expression, and spares most queries the other."""
    return (
        not _SIGNS.isdisjoint(query)
        or "?" in query[:-1]
        or "AND" in query
        or "OR" in query
        or "NOT" in query
        or "REQUIRE" in query
    )


class _Reader:
    def __init__(self, query: str, strict: bool) -> None:
        self.query = query
        self.strict = strict
        self.found: list[Lexeme] = []
        self.open: list[int] = []  # the brackets that are open, as places in `found`

    def _mind(self, position: int, reason: str) -> None:
        """Something that is no syntax: an error if the reading is strict."""
        if self.strict:
            raise QuerySyntaxError(self.query, position, reason)

    def _add(self, kind: Kind, text: str, start: int) -> None:
        self.found.append(Lexeme(kind, text, start))

    def read(self) -> list[Lexeme] | None:
        query = self.query
        if len(query) > _MAX_CHARS:
            self._mind(_MAX_CHARS, f"longer than {_MAX_CHARS:,} characters")
            return None
        position = 0
        while position < len(query):
            if query[position].isspace():
                position += 1
                continue
            position = self._read_operand(position)
            if len(self.found) > _MAX_LEXEMES or len(self.open) > _MAX_DEPTH:
                self._mind(position, f"more than {_MAX_LEXEMES} parts, or {_MAX_DEPTH} brackets deep")
                return None
        unclosed = set(self.open)
        for place in self.open:
            self._mind(self.found[place].start, "this bracket is not closed")
        self.found = [lexeme for place, lexeme in enumerate(self.found) if place not in unclosed]
        return self._without_idle()

    # -- operands ----------------------------------------------------------------------------------

    def _read_operand(self, position: int) -> int:
        """Read what begins here; returns where it ends."""
        query = self.query
        sign = query[position]
        if sign in "+-" and re.match(r'[\w"(]', query[position + 1 : position + 2]):
            self._add(Kind.SIGN, sign, position)
            return position + 1
        if sign == "(":
            self.open.append(len(self.found))
            self._add(Kind.OPEN, "(", position)
            return position + 1
        if sign == '"':
            if match := _QUOTED.match(query, position):
                if analysis.tokenize(match[1]):
                    slop = max(int(match[2] or 1), 1)
                    self.found.append(Lexeme(Kind.PHRASE, match[1], position, number=slop))
                return self._read_chunk(match.end())
            self._mind(position, "this quotation mark has no other half")
        if match := _OPERATOR.match(query, position):
            self._add(Kind.OPERATOR, match[0], position)
            return match.end()
        if query.startswith("*:*", position) and not query[position + 3 : position + 4].strip(")"):
            self._add(Kind.EVERY, "*:*", position)
            return self._read_chunk(position + 3)
        if (match := _FIELD.match(query, position)) and not query.startswith("//", match.end()):
            if match[1] in _FIELDS:
                return self._read_value(match)
            self._mind(position, f"there is no field {match[1]!r}; there are: {', '.join(_FIELDS)}")
        return self._read_chunk(position)

    def _read_value(self, match: re.Match[str]) -> int:
        """What follows a field's name."""
        field, start = match[1], match.start()
        position = match.end()
        if found := _RANGE.match(self.query, position):
            low, high = found[2].strip("'\""), found[3].strip("'\"")
            excluded = (found[1] == "{", found[4] == "}")
            if self._fits(field, low, position) and self._fits(field, high, position):
                self._add(Kind.FIELD, field, start)
                self.found.append(
                    Lexeme(Kind.RANGE, found[0], position, low=low, high=high, excluded=excluded)
                )
            else:
                self._add(Kind.WORD, match[0] + found[0], start)
            return self._read_chunk(found.end())
        if self.query[position] in "[{":
            self._mind(position, "no range: write [low to high], with { or } for an end that is left out")
            return self._read_chunk(start)
        if self.query[position] in '("':
            self._add(Kind.FIELD, field, start)
            return position
        if field in VALUE_FIELDS:
            chunk = re.match(r"[^\s()^]+", self.query[position:])
            if not chunk or not self._fits(field, chunk[0], position):
                return self._read_chunk(start)
            self._add(Kind.FIELD, field, start)
            self._add(Kind.WORD, chunk[0], position)
            return self._read_chunk(position + chunk.end())
        self._add(Kind.FIELD, field, start)
        return position

    def _fits(self, field: str, value: str, position: int) -> bool:
        """Whether a field can have the value."""
        if field == "date" and value:
            try:
                first_day(value), last_day(value)
            except ValueError as error:
                self._mind(position, str(error))
                return False
        if field == "id" and value and not re.fullmatch(r"-?[0-9]{1,18}", value):
            self._mind(position, f"an id is a whole number, not {value!r}")
            return False
        return True

    def _read_chunk(self, position: int) -> int:
        """A word up to the next space, with the brackets that it closes and its boost."""
        match = _CHUNK.match(self.query, position)
        if match is None:  # cannot be: the expression matches anything
            return len(self.query)
        body, closing, boost, after = match[1], len(match[2]), match[3], len(match[4] or "")
        # The brackets that the word itself opens: f(x)
        own = min(max(body.count("(") - body.count(")"), 0), closing)
        body += ")" * own
        closing -= own
        boosted = boost is not None and (bool(closing) or not body or _BOOSTED.fullmatch(body) is not None)
        if boosted and float(boost) > _MAX_BOOST:
            self._mind(match.start(3), f"a boost is at most {_MAX_BOOST:g}")
            boosted = False
        if boost is not None and not boosted and not closing:
            body += f"^{boost}"
        if body:
            self._read_word(body, position)
        self._close(closing, match.start(2) + own)
        if boosted and self.found and self.found[-1].kind in _ENDS_OPERAND - {Kind.BOOST}:
            self.found.append(Lexeme(Kind.BOOST, f"^{boost}", match.start(3) - 1, number=float(boost or 1)))
        self._close(after, match.start(4))
        return match.end()

    def _close(self, times: int, position: int) -> None:
        for number in range(times):
            if not self.open:
                self._mind(position + number, "this bracket was not opened")
                return
            self.open.pop()
            self._add(Kind.CLOSE, ")", position + number)

    def _read_word(self, text: str, start: int) -> None:
        if _PREFIX.fullmatch(text):
            self._add(Kind.PREFIX, text[:-1], start)
        elif _WILDCARD.fullmatch(text):
            self._add(Kind.WILDCARD, text, start)
        elif match := _FUZZY.fullmatch(text):
            edits, prefix = int(match[2] or 1), int(match[3] or 0)
            self.found.append(Lexeme(Kind.FUZZY, match[1], start, number=edits, prefix=prefix))
        elif analysis.tokenize(text):
            self._add(Kind.WORD, text, start)
        elif self.found and self.found[-1].kind is Kind.FIELD:
            self.found.pop()  # of a field without a value

    # -- what is left over -------------------------------------------------------------------------

    def _without_idle(self) -> list[Lexeme]:
        """Without empty brackets, and without operators and signs that have nothing to work on."""
        lexemes = self._without_empty_brackets(self.found)
        kept: list[Lexeme] = []
        for place, lexeme in enumerate(lexemes):
            following = lexemes[place + 1] if place + 1 < len(lexemes) else None
            if lexeme.kind is Kind.OPERATOR:
                if not self._works(lexeme, kept[-1] if kept else None, following):
                    self._mind(lexeme.start, f"{lexeme.text} has nothing to work on")
                    lexeme = Lexeme(Kind.WORD, lexeme.text, lexeme.start)
            elif lexeme.kind in (Kind.SIGN, Kind.FIELD):
                begins = following is not None and following.kind in _BEGINS_OPERAND - {Kind.SIGN}
                if not begins or (lexeme.kind is Kind.FIELD and following and following.kind is Kind.FIELD):
                    self._mind(lexeme.start, f"{lexeme.text} has nothing to work on")
                    continue
            kept.append(lexeme)
        return kept

    def _works(self, lexeme: Lexeme, before: Lexeme | None, following: Lexeme | None) -> bool:
        """Whether an operator has what it joins."""
        if following is None:
            return False
        if before is not None and before.kind is Kind.WORD and before.text.lower() in _ARTICLES:
            return False
        negation = following.kind is Kind.OPERATOR and following.text == "NOT"
        if following.kind not in _BEGINS_OPERAND and not (negation and lexeme.text in ("AND", "OR")):
            return False
        return lexeme.text == "NOT" or (before is not None and before.kind in _ENDS_OPERAND)

    @staticmethod
    def _without_empty_brackets(lexemes: list[Lexeme]) -> list[Lexeme]:
        kept: list[Lexeme] = []
        for lexeme in lexemes:
            if lexeme.kind is Kind.CLOSE and kept and kept[-1].kind is Kind.OPEN:
                kept.pop()
            else:
                kept.append(lexeme)
        return kept
