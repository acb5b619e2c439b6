"""A query as typed → lexemes: what in it is syntax, and what merely looks like it.

A sign is syntax only where it can do something: a quotation mark that has its other half, a bracket that has
and begins a word, a ``-`` before a word, ``AND`` between two. Everything else is text, so that nothing that
people type is an error. Strict reading makes errors of what was left over. A query beyond one of the limits
is searched as words, whatever its signs.
"""

from __future__ import annotations

import re
from typing import Final

from qtsearch import analysis
from qtsearch.errors import QuerySyntaxError
from qtsearch.language.lexemes import ENDS_OPERAND, VALUE_FIELDS, Kind, Lexeme, excess, tidied
from qtsearch.language.periods import first_day
from qtsearch.schema import FIELD_NAMES

__all__ = ["read_query"]

_MAX_CHARS: Final = 4_096
#: Before those are left out that have nothing to do.
_MAX_LEXEMES: Final = 1_024
_MAX_BOOST: Final = 100.0
_MAX_EDITS: Final = 2

_FIELDS: Final = (*FIELD_NAMES, *VALUE_FIELDS)
_OPERATORS: Final = "AND|OR|NOT|ANDNOT|ANDMAYBE|REQUIRE"

#: One look tells most queries that have no syntax.
_HINT: Final = re.compile(rf'["*?~^]|(?:^|[\s(])[+-][\w(]|\w:\S|\b(?:{_OPERATORS})\b')
#: Each of these is looked for where a part begins. A sign before a number is the number's.
_SIGN: Final = re.compile(r'[+-](?=[^\W\d_]|["(])')
_OPERATOR: Final = re.compile(rf"(?:{_OPERATORS})(?=[\s(]|$)")
_EVERY: Final = re.compile(r"\*:\*(?=[\s)^]|$)")
_FIELD: Final = re.compile(r"([A-Za-z_]\w*):(?=[^\s:])(?!//)")
_PHRASE: Final = re.compile(r'"([^"]*)"(?:~([0-9]{1,4}))?(?=[\s)^.,;:!?]|$)')
_RANGE: Final = re.compile(r"([\[{])([^\[\]{}]*)([\]}])(?=[\s)^]|$)")
_VALUE: Final = re.compile(r'([^\s()^"]+)')
_CHUNK: Final = re.compile(r"\S*")
#: What a word may be.
_BOOST: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_BOOSTED: Final = re.compile(r"[^\W\d_][\w*?~.'-]{2,}")  # ax^2 and 10^6 are formulae
_PREFIX: Final = re.compile(r"[^\W_]{2,32}\*")
_WILDCARD: Final = re.compile(
    # Letters and signs, no question; without two letters side by side it is rather a formula.
    r"(?=.*[*?])(?=.*[^\W\d_]{2})(?!\w*\?+$)(?!.*\*\*)(?:[^\W_]|[*?]){3,64}"
)
_FUZZY: Final = re.compile(r"([^\W_]{3,32})~([0-9]?)(?:/([0-9]{1,2}))?")


def read_query(query: str, *, strict: bool = False) -> list[Lexeme] | None:
    """The lexemes of a query, ``None`` if it is only words.

    Raises QuerySyntaxError only if ``strict``: for an unknown field, a value that its field cannot have,
    brackets or quotation marks without their other half, an operator without words, or more than is allowed.

    >>> [lexeme.text for lexeme in read_query("stent -clot")]
    ['stent', '-', 'clot']
    >>> read_query("What is C++?") is None
    True
    """
    if not strict and not (_may_have_syntax(query) and _HINT.search(query)):
        return None
    lexemes = _Reader(query, strict).read()
    # Brackets around words say nothing.
    if all(lexeme.kind in (Kind.WORD, Kind.OPEN, Kind.CLOSE) for lexeme in lexemes):
        return None
    return lexemes


def _may_have_syntax(query: str) -> bool:
    """A look that costs a tenth of that of the expression, and spares most queries the other."""
    return (
        '"' in query
        or "*" in query
        or "?" in query[:-1]
        or "~" in query
        or "^" in query
        or " -" in query
        or " +" in query
        or "(-" in query
        or "(+" in query
        or query[:1] in ("-", "+")
        or "\n" in query
        or "\t" in query
        or ":" in query
        or "AND" in query
        or "OR" in query
        or "NOT" in query
        or "REQUIRE" in query
    )


class _Reader:
    def __init__(self, query: str, strict: bool) -> None:
        self._query = query
        self._strict = strict
        self._found: list[Lexeme] = []
        self._depth = 0

    def read(self) -> list[Lexeme]:
        """The lexemes; none if there are too many."""
        query, position = self._query, 0
        if len(query) > _MAX_CHARS:
            self._complain(_MAX_CHARS, f"longer than {_MAX_CHARS:,} characters")
            return []
        while position < len(query):
            if len(self._found) > _MAX_LEXEMES:
                self._complain(position, f"more than {_MAX_LEXEMES:,} words and signs")
                return []
            position = position + 1 if query[position].isspace() else self._read_part(position)
        lexemes = tidied(self._found, self._complain, emphatic=not self._strict)
        if reason := excess(lexemes):
            self._complain(len(query), reason)
            return []
        return lexemes

    def _complain(self, position: int, reason: str) -> None:
        """What is wrong is an error if the reading is strict."""
        if self._strict:
            raise QuerySyntaxError(self._query, position, reason)

    def _add(self, kind: Kind, text: str, start: int) -> None:
        self._found.append(Lexeme(kind, text, start))

    # -- parts, each read to where it ends -----------------------------------------------------------

    def _read_part(self, position: int) -> int:
        if match := _SIGN.match(self._query, position):
            self._add(Kind.SIGN, match[0], position)
            return self._read_operand(match.end())
        if match := _OPERATOR.match(self._query, position):
            self._add(Kind.OPERATOR, match[0], position)
            return match.end()
        if match := _EVERY.match(self._query, position):
            self._add(Kind.EVERY, match[0], position)
            return self._read_word(match.end(), glued=True)
        return self._read_operand(position)

    def _read_operand(self, position: int) -> int:
        """A term, perhaps of a field."""
        match = _FIELD.match(self._query, position)
        if match is None:
            return self._read_term(position)
        if match[1] not in _FIELDS:
            self._complain(position, f"there is no field {match[1]!r}; there are: {', '.join(_FIELDS)}")
            return self._read_word(position)
        if self._query[match.end()] in "[{":
            return self._read_range(match[1], position, match.end())
        if match[1] in VALUE_FIELDS:
            return self._read_value(match[1], position, match.end())
        self._add(Kind.FIELD, match[1], position)
        return self._read_term(match.end())

    def _read_term(self, position: int) -> int:
        """An opening bracket, a phrase, or a word."""
        if self._query[position] == "(":
            self._add(Kind.OPEN, "(", position)
            self._depth += 1
            return position + 1
        if match := _PHRASE.match(self._query, position):
            if analysis.tokenize(match[1]):
                slop = max(int(match[2] or 1), 1)
                self._found.append(Lexeme(Kind.PHRASE, match[1], position, number=slop))
            return self._read_word(match.end(), glued=True)
        return self._read_word(position)

    def _read_value(self, field: str, start: int, position: int) -> int:
        """One value, in quotation marks if it has spaces or brackets."""
        match = _PHRASE.match(self._query, position) or _VALUE.match(self._query, position)
        if match is None:
            self._complain(position, f"{field} takes one value or a range; repeat it for others")
        if match is None or not self._fits(field, match[1], position):
            return self._read_word(start)
        self._add(Kind.FIELD, field, start)
        is_prefix = field in ("subject", "url") and match[1].endswith("*")
        self._add(Kind.PREFIX if is_prefix else Kind.WORD, match[1].removesuffix("*"), position)
        return self._read_word(match.end(), glued=True)

    def _read_range(self, field: str, start: int, position: int) -> int:
        match = _RANGE.match(self._query, position)
        words = match[2].split() if match else []
        to = [place for place, word in enumerate(words) if word.lower() == "to"]
        if match is None or len(to) != 1 or len(words) == 1:
            self._complain(position, "no range: write [low to high], with { or } for an end to leave out")
            return self._read_word(start)
        low, high = (" ".join(end).strip("'\"") for end in (words[: to[0]], words[to[0] + 1 :]))
        if not self._fits(field, low, position) or not self._fits(field, high, position):
            return self._read_word(start)
        excluded = (match[1] == "{", match[3] == "}")
        self._add(Kind.FIELD, field, start)
        self._found.append(Lexeme(Kind.RANGE, match[0], position, low=low, high=high, excluded=excluded))
        return self._read_word(match.end(), glued=True)

    def _fits(self, field: str, value: str, position: int) -> bool:
        """Whether a field can have the value; of a range, an end may be open."""
        reason = _misfit(field, value) if value else None
        if reason is not None:
            self._complain(position, reason)
        return reason is None

    # -- words -------------------------------------------------------------------------------------

    def _read_word(self, position: int, *, glued: bool = False) -> int:
        """A word up to the next space, the brackets that it closes, and a boost.

        ``glued``: it stands behind a phrase or a value, and is more often nothing but brackets and a boost.
        """
        text = _CHUNK.match(self._query, position)[0]  # type: ignore[index]  # it matches anything
        end = position + len(text)
        boosts: list[tuple[str, int]] = []  # those at its end, and how many brackets stand behind each
        while True:
            bare = text.rstrip(")")
            head, _, boost = bare.rpartition("^")
            if not _BOOST.fullmatch(boost) or not _can_boost(head, glued):
                break
            boosts.append((boost, len(text) - len(bare)))
            text = head
        self._add_word(text, position)
        position += len(text)
        for boost, n_closing in reversed(boosts):
            self._add_boost(boost, position)
            position += len("^") + len(boost)
            self._close(n_closing, position)
            position += n_closing
        return end

    def _add_boost(self, boost: str, start: int) -> None:
        if float(boost) > _MAX_BOOST:
            self._complain(start, f"a boost is at most {_MAX_BOOST:g}")
        if self._found and self._found[-1].kind in ENDS_OPERAND - {Kind.EVERY, Kind.BOOST}:
            number = min(float(boost), _MAX_BOOST)
            self._found.append(Lexeme(Kind.BOOST, f"^{boost}", start, number=number))

    def _add_word(self, text: str, start: int) -> None:
        """A word with the brackets that it closes."""
        n_closing = _n_closing(text)
        body = text[: len(text) - n_closing]
        for sign, reason in _unbalanced(body):
            self._complain(start + body.index(sign), reason)
        if _PREFIX.fullmatch(body):
            self._add(Kind.PREFIX, body[:-1], start)
        elif _WILDCARD.fullmatch(body):
            self._add(Kind.WILDCARD, body, start)
        elif (match := _FUZZY.fullmatch(body)) and self._has_few_edits(match, start):
            edits, prefix = int(match[2] or 1), int(match[3] or 0)
            self._found.append(Lexeme(Kind.FUZZY, match[1], start, number=edits, prefix=prefix))
        elif analysis.tokenize(body):
            self._add(Kind.WORD, body, start)
        self._close(n_closing, start + len(body))

    def _has_few_edits(self, match: re.Match[str], start: int) -> bool:
        if int(match[2] or 1) <= _MAX_EDITS:
            return True
        self._complain(start, f"a word is at most {_MAX_EDITS} edits off")
        return False

    def _close(self, times: int, position: int) -> None:
        for number in range(times):
            if not self._depth:
                self._complain(position + number, "this bracket was not opened")
                return
            self._depth -= 1
            self._add(Kind.CLOSE, ")", position + number)


def _misfit(field: str, value: str) -> str | None:
    """Why a field cannot have a value, ``None`` if it can."""
    if field == "id" and not re.fullmatch(r"-?[0-9]{1,18}", value):
        return f"an id is a whole number, not {value!r}"
    if field == "date":
        try:
            first_day(value)
        except ValueError as error:
            return str(error)
    return None


def _n_closing(text: str) -> int:
    """How many brackets at the end of a word close others than its own: of ``f(x))`` one."""
    body = text.rstrip(")")
    return max(len(text) - len(body) - max(body.count("(") - body.count(")"), 0), 0)


def _can_boost(head: str, glued: bool) -> bool:
    """Whether ``^2`` can boost what stands before it."""
    return (glued and not head) or _n_closing(head) > 0 or _BOOSTED.fullmatch(head) is not None


def _unbalanced(text: str) -> list[tuple[str, str]]:
    """Signs of a word that lack their other half, and what is wrong with them."""
    found = []
    if '"' in text:
        found.append(('"', "this quotation mark has no other half"))
    if text.count("(") > text.count(")"):
        found.append(("(", "this bracket is not closed"))
    if text.count("(") < text.count(")"):
        found.append((")", "this bracket was not opened"))
    return found
