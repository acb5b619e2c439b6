"""The parts of a query, and which of them have nothing to do: an operator without words, an empty bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import accumulate
from typing import Final

from qtsearch import analysis

__all__ = ["ENDS_OPERAND", "VALUE_FIELDS", "Kind", "Lexeme", "excess", "tidied"]

#: Fields of one value a page: they filter, and do not score.
VALUE_FIELDS: Final = ("url", "id", "subject", "date")

#: What a query with syntax can have, so that the worst takes some hundredths of a second: parts (a word, a
#: sign, a bracket is one), brackets within brackets, phrases and words of one, patterns, and those that may
#: stand for very many words.
_MAX_PARTS: Final = 256
_MAX_DEPTH: Final = 16
_MAX_PHRASES: Final = 5
_MAX_PHRASE_WORDS: Final = 32
_MAX_PATTERNS: Final = 8
_MAX_VAGUE: Final = 1

_ARTICLES: Final = frozenset(("an", "the"))

#: What is told of something that has nothing to do: where it begins, and what is wrong.
Complain = Callable[[int, str], None]


class Kind(Enum):
    """What a lexeme is. A word may have several tokens; where it has to be one operand, it is a phrase."""

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


_PATTERNS: Final = frozenset((Kind.PREFIX, Kind.WILDCARD, Kind.FUZZY, Kind.RANGE))
ENDS_OPERAND: Final = _PATTERNS | {Kind.WORD, Kind.PHRASE, Kind.EVERY, Kind.CLOSE, Kind.BOOST}
_WAITS: Final = frozenset((Kind.FIELD, Kind.SIGN, Kind.OPERATOR))  # for an operand


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


def tidied(lexemes: Sequence[Lexeme], complain: Complain, *, emphatic: bool) -> list[Lexeme]:
    """The lexemes without those that have nothing to do; an operator that has not is a word.

    ``emphatic``: whether operators may be meant as words: "which is NOT", "an OR gate".
    """
    return _tied(_without_idle(_without_unclosed(lexemes, complain), complain, emphatic))


def excess(lexemes: Sequence[Lexeme]) -> str | None:
    """What a query has more of than it can have, ``None`` for none."""
    if not lexemes:
        return None
    n_words = [
        len(analysis.tokenize(lexeme.text)) if lexeme.kind in (Kind.WORD, Kind.PHRASE) else 1
        for lexeme in lexemes
    ]
    depths = accumulate((lexeme.kind is Kind.OPEN) - (lexeme.kind is Kind.CLOSE) for lexeme in lexemes)
    phrases = [n for n, lexeme in zip(n_words, lexemes, strict=True) if lexeme.kind is Kind.PHRASE and n > 1]
    patterns = [
        lexeme
        for before, lexeme in zip([None, *lexemes], lexemes, strict=False)
        if lexeme.kind in _PATTERNS and not _names_value(before)
    ]
    vague = [lexeme for lexeme in patterns if lexeme.text[0] in "*?[{"]
    for found, most, what in (
        (sum(n_words), _MAX_PARTS, "words and signs"),
        (max(depths), _MAX_DEPTH, "brackets within brackets"),
        (len(phrases), _MAX_PHRASES, "phrases"),
        (max(phrases, default=0), _MAX_PHRASE_WORDS, "words in a phrase"),
        (len(patterns), _MAX_PATTERNS, "patterns"),
        (len(vague), _MAX_VAGUE, "range of words or pattern that begins with a sign"),
    ):
        if found > most:
            return f"more than {most} {what}"
    return None


def _names_value(lexeme: Lexeme | None) -> bool:
    return lexeme is not None and lexeme.kind is Kind.FIELD and lexeme.text in VALUE_FIELDS


def _without_unclosed(lexemes: Sequence[Lexeme], complain: Complain) -> list[Lexeme]:
    unclosed: list[int] = []
    for place, lexeme in enumerate(lexemes):
        if lexeme.kind is Kind.OPEN:
            unclosed.append(place)
        elif lexeme.kind is Kind.CLOSE:
            unclosed.pop()
    for place in unclosed:
        complain(lexemes[place].start, "this bracket is not closed")
    dropped = set(unclosed)
    return [lexeme for place, lexeme in enumerate(lexemes) if place not in dropped]


def _without_idle(lexemes: Sequence[Lexeme], complain: Complain, emphatic: bool) -> list[Lexeme]:
    """Without empty brackets, and without signs and fields before nothing."""
    kept: list[Lexeme] = []
    for lexeme in [*lexemes, Lexeme(Kind.CLOSE, "", -1)]:  # as if the whole were in brackets
        if kept and not _serves(kept[-1], lexeme):
            _drop_waiting(kept, complain)
        before = kept[-1] if kept else None
        if lexeme.kind is Kind.CLOSE and before is not None and before.kind is Kind.OPEN:
            kept.pop()
            _drop_waiting(kept, complain)
        elif lexeme.kind is Kind.OPERATOR and not _works(lexeme, before, complain, emphatic):
            kept.append(replace(lexeme, kind=Kind.WORD))
        elif lexeme.kind is not Kind.BOOST or _ends_operand(before):
            kept.append(lexeme)
    return kept[:-1]


def _ends_operand(lexeme: Lexeme | None) -> bool:
    return lexeme is not None and lexeme.kind in ENDS_OPERAND


def _serves(before: Lexeme, lexeme: Lexeme) -> bool:
    """Whether what may wait for an operand gets it here."""
    if before.kind not in _WAITS:
        return True
    if lexeme.kind in (Kind.CLOSE, Kind.BOOST):
        return False
    if before.kind is Kind.OPERATOR:
        negation = lexeme.text == "NOT" and before.text in ("AND", "OR")
        return lexeme.kind is not Kind.OPERATOR or negation
    # Nothing stands between a sign and its word, nor between a field with its colon and its word.
    return lexeme.start == before.start + len(before.text) + (before.kind is Kind.FIELD)


def _drop_waiting(kept: list[Lexeme], complain: Complain) -> None:
    """Let what waits at the end be without operand."""
    while kept and kept[-1].kind in _WAITS:
        idle = kept.pop()
        complain(idle.start, f"{idle.text} has nothing to work on")
        if idle.kind is Kind.OPERATOR:
            kept.append(replace(idle, kind=Kind.WORD))


def _works(operator: Lexeme, before: Lexeme | None, complain: Complain, emphatic: bool) -> bool:
    """Whether an operator does anything behind this."""
    if operator.text != "NOT" and not _ends_operand(before):
        complain(operator.start, f"{operator.text} has nothing to work on")
        return False
    stressed = analysis.SOFT_WORDS if operator.text == "NOT" else _ARTICLES
    return not (
        emphatic and before is not None and before.kind is Kind.WORD and before.text.lower() in stressed
    )


def _tied(lexemes: Sequence[Lexeme]) -> list[Lexeme]:
    """With words of several tokens as phrases where something works on them."""
    tied = []
    around = [None, *lexemes, None]
    for before, lexeme, after in zip(around, lexemes, around[2:], strict=False):
        is_operand = (before is not None and before.kind in _WAITS) or (
            after is not None and after.kind in (Kind.OPERATOR, Kind.BOOST)
        )
        is_word = lexeme.kind is Kind.WORD and len(analysis.tokenize(lexeme.text)) > 1
        if is_word and is_operand and not _names_value(before):
            lexeme = replace(lexeme, kind=Kind.PHRASE)
        tied.append(lexeme)
    return tied
