"""Words respelled as they sound in English: ``ph`` as ``f``, *nation* with ``S``, doubled letters as one.

Who does not know how a word is written writes what is heard: so spelling correction compares the sounds of
words beside their letters, as Aspell does with its *soundslike* (Atkinson, 2000; Philips' Metaphone, 1990).
The rules are commonplaces of English spelling, each about a letter between its two neighbours; all are
looked up at once, for one word or for a whole vocabulary.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["EDGE", "respell", "skeleton"]

#: Stands before, between and after words.
EDGE: Final = ord("\n")

Letters = npt.NDArray[np.uint8]

_VOWELS: Final = "aeiouy"
_CONSONANTS: Final = "bcdfghjklmnpqrstvwxz"
_HUSH: Final = "S"  # as in ship, nation
_LETTERS: Final = _VOWELS + _CONSONANTS + _HUSH
_ANY: Final = f"|{_LETTERS}*"  # *: all other bytes
_SILENT: Final = "-"

#: One of these letters; one of these; one of these, or ``|`` for the edge of the word; what the second
#: becomes. Of two rules the later holds.
_RULES: Final = (
    (_ANY, "cq", _ANY, "k"),
    (_ANY, "z", _ANY, "s"),
    (_ANY, "y", _ANY, "i"),
    (_ANY, "c", "eiy", "s"),
    (_ANY, "g", "eiy", "j"),
    (_ANY, "p", "h", "f"),
    (_ANY, "s", "h", _HUSH),
    ("cst", "i", "aou", _HUSH),  # musician, tension, nation
    ("cgkprstw", "h", _ANY, _SILENT),
    (_VOWELS, "g", "h", _SILENT),  # night
    (_ANY, "t", "c", _SILENT),  # match
    (_ANY, "d", "g", _SILENT),  # edge
    (_ANY, "c", "k", _SILENT),  # back
    ("|", "gkp", "n", _SILENT),  # gnome, knee, pneumonia
    ("|", "w", "r", _SILENT),  # write
    ("|", "p", "s", _SILENT),  # psychology
    (_VOWELS + _CONSONANTS, "e", "|", _SILENT),
)
#: Then, for what these leave.
_MORE_RULES: Final = ((_ANY, "cstk", _HUSH, _SILENT),)


def respell(letters: Letters) -> Letters:
    """Words as they sound.

    ``letters``: uint8, folded words with an :data:`EDGE` before, between and after them. So is what is
    returned: as many words, none longer than it was, none without a letter. An ``S`` is the sound of *ship*.

    >>> respell(np.frombuffer(b"\\nknowledge\\nphysician\\n", np.uint8)).tobytes().split()
    [b'nowlej', b'fisiSan']
    """
    for rules in (_RULES, _MORE_RULES):
        codes = _codes()[letters]
        sounds = _table(rules).take(codes[:-2] << 10 | codes[1:-1] << 5 | codes[2:])
        inner = np.where(sounds == _AS_IT_IS, letters[1:-1], sounds)
        letters = np.concatenate((letters[:1], inner[sounds != _DROPPED], letters[-1:]))
    return letters


def skeleton(letters: Letters) -> Letters:
    """Without the vowels that do not begin a word; a vowel that does is an ``A``.

    >>> skeleton(np.frombuffer(b"\\neducation\\n", np.uint8)).tobytes()
    b'\\nAdctn\\n'
    """
    vowel = _is_vowel()[letters]
    kept = ~vowel
    kept[1:] |= letters[:-1] == EDGE
    return np.where(vowel, np.uint8(ord("A")), letters)[kept]


#: In a table of rules; no letter is either.
_AS_IT_IS: Final = 0
_DROPPED: Final = 1


@cache
def _codes() -> npt.NDArray[np.uint16]:
    """A number below 32 for each byte."""
    codes = np.full(256, _ANY.index("*"), np.uint16)
    codes[[ord(letter) for letter in _LETTERS]] = [_ANY.index(letter) for letter in _LETTERS]
    codes[EDGE] = _ANY.index("|")
    return codes


@cache
def _is_vowel() -> npt.NDArray[np.bool_]:
    return np.isin(np.arange(256), list(_VOWELS.encode()))


@cache
def _table(rules: tuple[tuple[str, str, str, str], ...]) -> Letters:
    """What becomes of every letter between every two others; the second of two equal letters is dropped."""
    table = np.full((32, 32, 32), _AS_IT_IS, np.uint8)
    for rule in rules:
        before, letters, after = ([_ANY.index(letter) for letter in part] for part in rule[:3])
        table[np.ix_(before, letters, after)] = _DROPPED if rule[3] == _SILENT else ord(rule[3])
    for letter in map(_ANY.index, _LETTERS):
        table[letter, letter, :] = _DROPPED
    return table.reshape(-1)
