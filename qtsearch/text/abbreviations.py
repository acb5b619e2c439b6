"""Abbreviations that a text defines itself: "acute limb ischemia (ALI)", "ALI (acute limb ischemia)".

The algorithm of Schwartz and Hearst ("A simple algorithm for identifying abbreviation definitions in
biomedical text", PSB 2003): parentheses hold a short form, or follow one; its letters are looked for from the
right in the words beside it, and the first one must begin a word. For precision, beyond theirs: a short form
has a capital; its letters are looked for at the beginnings of words before they are looked for anywhere; and
a long form stays within its clause, and neither begins nor ends with a stop word.
"""

from __future__ import annotations

import re
from typing import Final

from qtsearch.analysis import STOP_WORDS

__all__ = ["find_abbreviations", "is_capital"]

_LONGEST_SHORT: Final = 10  # characters
_REACH: Final = 120  # a long form is looked for in so many characters

_PARENTHESES: Final = re.compile(rf"\(([^()\n]{{2,{_REACH}}})\)")
#: The word in parentheses, if one stands there alone or before a comma.
_SHORT_WITHIN: Final = re.compile(r"\s*[*_`]*([^\W_][\w./+&-]*?)[*_`]*\s*(?:[,;]\s.*)?\Z")
#: The word before parentheses, emphasis around it.
_WORD_BEFORE: Final = re.compile(r"(?<![\w./+&-])([^\W_][\w./+&-]*?)[*_`]*\s[*_`]*\Z")
_NUMERAL: Final = re.compile(r"[VX]?I{2,3}")
#: Where a clause ends: no long form goes over it.
_BREAK: Final = re.compile(r"[()\[\]{}|;:!?\"“”=<>$\\\n]|[.,](?=\s)|\s[–—-]\s")
_EMPHASIS: Final = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def find_abbreviations(text: str) -> list[tuple[str, str]]:
    """Short and long forms that ``text`` defines, as it writes them, in order; Markdown emphasis is left out.

    A plural short form loses its ``s``. The long form has the letters and digits of the short one in order,
    whatever their case.

    >>> find_abbreviations("**Acute limb ischemia** (ALI) and white cells, or WBCs (*white blood cells*)")
    [('ALI', 'Acute limb ischemia'), ('WBC', 'white blood cells')]
    """
    found: list[tuple[str, str]] = []
    if "(" not in text:
        return found
    for match in _PARENTHESES.finditer(text):
        inside, start = match[1], match.start()
        word = _SHORT_WITHIN.match(inside)
        short = _short_form(word[1]) if word else ""
        if short:
            long = _long_form(short, _clause_before(text[max(0, start - _REACH) : start]))
        else:
            word = _WORD_BEFORE.search(text, max(0, start - 2 * _LONGEST_SHORT), start)
            short = _short_form(word[1]) if word else ""
            if not short:
                continue
            whole = _plain(inside)
            long = _long_form(short, whole)
            if long != whole:  # they hold more than a long form
                continue
        if long:
            found.append((short, long))
    return found


def is_capital(token: str) -> bool:
    """Whether a token is written as abbreviations are: with a capital after its first letter.

    >>> is_capital("ALI"), is_capital("mRNA"), is_capital("Ali")
    (True, True, False)
    """
    rest = token[1:]
    return rest != rest.lower()


def _short_form(word: str) -> str:
    """The short form that a word may be, in the singular; empty if it is none."""
    if word[-1] == "s" and word[-2:-1].isupper():
        word = word[:-1]
    if not 2 <= len(word) <= _LONGEST_SHORT or not word[-1].isalnum() or _NUMERAL.fullmatch(word):
        return ""
    # One capital is enough with a digit, or where there is little else: "Hb", not "Paris".
    if is_capital(word) or (word[0].isupper() and (len(word) == 2 or not word.isalpha())):
        return word
    return ""


def _clause_before(text: str) -> str:
    end = 0
    for found in _BREAK.finditer(text.rstrip()):
        end = found.end()
    return _plain(text[end:])


def _plain(text: str) -> str:
    """On one line, without emphasis."""
    if "*" in text or "_" in text or "`" in text:
        text = _EMPHASIS.sub("", text)
    return " ".join(text.split())


def _long_form(short: str, clause: str) -> str:
    """The words at the end of a clause that a short form stands for; empty if there are none."""
    letters = [letter for letter in short.lower() if letter.isalnum()]
    text = clause.lower()
    if len(text) != len(clause):  # a few capitals become two letters
        return ""
    place = -1
    # Letters that begin a word: all of them, or the first one, or two if they are the same.
    for n_begin in (len(letters), 1 + (letters[:1] == letters[1:2]), 1):
        place = _find(letters, text, n_begin)
        if place >= 0:
            break
    if place < 0:
        return ""
    long = clause[place:]
    words = text[place:].split(" ")
    if len(words) > min(len(letters) + 5, 2 * len(letters)) or short.lower() in words:
        return ""
    if len(long) <= (2 if len(words) == 1 else 1) * len(short):
        return ""
    return "" if words[0] in STOP_WORDS or words[-1] in STOP_WORDS else long


def _find(letters: list[str], text: str, n_begin: int) -> int:
    """Where the letters begin in ``text``, each as far right as it can be, -1 if they are not there."""
    place = len(text)
    for number in range(len(letters) - 1, -1, -1):
        place = text.rfind(letters[number], 0, place)
        while number < n_begin and place > 0 and text[place - 1].isalnum():
            place = text.rfind(letters[number], 0, place)
        if place < 0:
            return -1
    return place
