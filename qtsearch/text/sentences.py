"""Text → its sentences: where each begins and ends.

Rules for English and a list of abbreviations, in the spirit of Kiss and Strunk (Computational Linguistics
2006), whose first finding is that most full stops that do not end a sentence stand after an abbreviation.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["LINE_BREAK", "sentence_spans"]

#: Between two spaces, the end of a line that has no punctuation: a heading, an item of a list.
LINE_BREAK: Final = "\x1f"

_ENDS: Final = frozenset(f".!?…。！？\n{LINE_BREAK}")
_CLOSING: Final = frozenset("\"'”’)]»")
# 1 for what may end a sentence, of ASCII or beyond: a regular expression finds it in three times the time.
_MAY_END: Final = bytes(chr(code) in _ENDS for code in range(256))
_LOWER: Final = re.compile(r"[(\[\"'“‘]*[a-zß-öø-ÿ]")
_ALWAYS: Final = frozenset("。！？")
_OPENING: Final = "([{\"'“‘«"
#: A full stop after these ends no sentence; "etc." and "Inc." are not here, for they often do.
_ABBREVIATIONS: Final = frozenset(
    "al approx ca capt cf col dr eg esp gen gov hon ie lt messrs mr mrs ms mt prof rep rev sen sgt st "
    "viz vs".split()
)
#: Nor after these, before a number.
_BEFORE_NUMBERS: Final = frozenset(
    "app art ch chap eq eqs ex fig figs no nos p para pp pt ref refs sec sect tab ver vol vols".split()
)

_LONGEST: Final = max(map(len, _ABBREVIATIONS | _BEFORE_NUMBERS))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of ``text`` begin and end, in order; none is empty.

    ``text`` has single spaces between words. A line break ends a sentence, and so does :data:`LINE_BREAK`
    between two spaces.

    >>> text = "Take 3.5 mg, e.g. Aspirin (Fig. 2). Dr. J. Smith agrees!"
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['Take 3.5 mg, e.g. Aspirin (Fig. 2).', 'Dr. J. Smith agrees!']
    """
    spans = []
    start = behind = 0
    shadow = text.encode("ascii", "replace").translate(_MAY_END)  # a question mark for all beyond ASCII
    while (at := shadow.find(1, behind)) >= 0:
        mark = text[at]
        behind = at + 1
        if mark not in _ENDS:
            continue
        while behind < len(text) and text[behind] in _CLOSING:
            behind += 1
        end = behind
        if mark == "\n":
            following, end = at + 1, at
        elif mark == LINE_BREAK:
            following, end = at + 2, at - 1
        elif mark in _ALWAYS:
            following = end + (text[end : end + 1] == " ")
        elif text[end : end + 1] == " " and not _LOWER.match(text, end + 1):
            if mark == "." and _is_abbreviation(text, start, at, end + 1):
                continue
            following = end + 1
        else:
            continue
        if end > start:
            spans.append((start, end))
        start = max(start, following)
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def _is_abbreviation(text: str, start: int, at: int, following: int) -> bool:
    """Whether the full stop at ``at`` belongs to the word before it, in a sentence from ``start`` on."""
    begin = max(text.rfind(" ", start, at) + 1, start)
    word = text[begin:at].lstrip(_OPENING).lower()
    if len(word) > _LONGEST and "." not in word and not word.isdigit():
        return False  # most words
    if len(word) == 1 and word.isalpha():
        return True  # an initial, or the letter of an item
    if word in _ABBREVIATIONS or (begin == start and word.isdigit()):
        return True
    if word in _BEFORE_NUMBERS:
        return text[following : following + 1].isdigit()
    return "." in word and all(part.isalpha() and len(part) <= 2 for part in word.split("."))
