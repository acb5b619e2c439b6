"""Weighted edit distance of one word from many at once.

Optimal string alignment (Damerau, 1964; Wagner and Fischer, 1974), where what is often confused costs less:
a vowel for a vowel, letters of one sound, a letter once or doubled, two neighbours exchanged. One dynamic
programme runs over all words side by side: a step is a letter of the one word, and what NumPy adds and
compares in a step are columns of numbers, one a word.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["UNIT", "distances"]

#: One whole edit: a consonant too many or too few.
UNIT: Final = 100
_SWAP: Final = 120
_NEAR_SWAP: Final = 60  # within one of the groups below
_VOWEL: Final = 60  # a vowel too many or too few
_EXCHANGE: Final = 50  # of two neighbours
_DOUBLE: Final = 30  # a letter twice instead of once, or once instead of twice
_NEVER: Final = np.int16(0x4000)  # above any distance

_VOWELS: Final = b"aeiouy"
#: Letters that sound alike, or nearly; ``S`` as in :mod:`qtsearch.text.sounds`.
_NEAR: Final = (_VOWELS, b"ckqsxz", b"gj", b"td", b"bp", b"fv", b"mn", b"uvw", b"sS")

Letters = npt.NDArray[np.uint8]
Costs = npt.NDArray[np.int16]


def distances(word: Letters, others: Letters) -> Costs:
    """How far ``word`` is from each of ``others``, in :data:`UNIT` an edit.

    ``word``: uint8, at most 64 letters, none of them 0. ``others``: uint8, shape (words, width), at most 64
    wide, each word padded with zeros. Returns int16, shape (words,).

    >>> others = np.array([b"night", b"knight", b"nights"]).view(np.uint8).reshape(3, -1)
    >>> distances(np.frombuffer(b"nihgt", np.uint8), others).tolist()
    [50, 150, 150]
    """
    swaps, drops = _costs()
    lengths = np.count_nonzero(others, axis=1)
    letters = np.ascontiguousarray(others[:, : max(lengths, default=0)].T).astype(np.intp)
    width, n = letters.shape
    inserted = drops[letters]  # the cost of a letter that the word has not
    inserted[1:][letters[1:] == letters[:-1]] = _DOUBLE
    neighbours = letters[1:] << 8 | letters[:-1]
    exchange = _EXCHANGE - inserted[1:] - inserted[:-1]
    # Costs are kept without that of inserting all letters so far. An insertion then costs nothing, and the
    # least over any number of them is a running minimum.
    before = row = np.zeros((width + 1, n), np.int16)
    last = 0
    for letter in word.tolist():
        new = row + (_DOUBLE if letter == last else drops[letter])
        np.minimum(new[1:], row[:-1] + (swaps[letter].take(letters) - inserted), out=new[1:])
        if last not in (0, letter):
            exchanged = np.where(neighbours == (last << 8 | letter), before[:-2] + exchange, _NEVER)
            np.minimum(new[2:], exchanged, out=new[2:])
        step = 1
        while step <= width:
            np.minimum(new[step:], new[:-step], out=new[step:])
            step *= 2
        before, row, last = row, new, letter
    inserted[letters == 0] = 0
    found: Costs = row[lengths, np.arange(n)] + inserted.sum(axis=0, dtype=np.int16)
    return found


@cache
def _costs() -> tuple[Costs, Costs]:
    """What each letter costs in place of each other, and on its own."""
    swaps = np.full((256, 256), _SWAP, np.int16)
    for letters in map(list, _NEAR):
        swaps[np.ix_(letters, letters)] = _NEAR_SWAP
    np.fill_diagonal(swaps, 0)
    drops = np.full(256, UNIT, np.int16)
    drops[list(_VOWELS)] = _VOWEL
    return swaps, drops
