"""The weighted edit distance of many words at once is that of a slow, obvious one, word by word."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.edits import UNIT, distances

#: Letters of every kind: vowels, letters of one sound, others, a sound, and bytes of other scripts.
LETTERS = b"aeyckszgjtdmnbphlS\xc3\xa9"
words = st.lists(st.sampled_from(list(LETTERS)), min_size=1, max_size=12).map(bytes)

VOWELS = b"aeiouy"
NEAR = (VOWELS, b"ckqsxz", b"gj", b"td", b"bp", b"fv", b"mn", b"uvw", b"sS")


def slow_distance(one: bytes, other: bytes) -> int:
    """Optimal string alignment as it is defined, with the costs as they are documented."""

    def alone(word: bytes, at: int) -> int:
        if at and word[at] == word[at - 1]:
            return 30
        return 60 if word[at] in VOWELS else 100

    def instead(a: int, b: int) -> int:
        if a == b:
            return 0
        return 60 if any(a in group and b in group for group in NEAR) else 120

    @cache
    def cost(i: int, j: int) -> int:
        if i == j == 0:
            return 0
        ways = []
        if i:
            ways.append(cost(i - 1, j) + alone(one, i - 1))
        if j:
            ways.append(cost(i, j - 1) + alone(other, j - 1))
        if i and j:
            ways.append(cost(i - 1, j - 1) + instead(one[i - 1], other[j - 1]))
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            ways.append(cost(i - 2, j - 2) + 50)
        return min(ways)

    return cost(len(one), len(other))


def rows(texts: list[bytes], width: int = 0) -> np.ndarray:
    array = np.array(texts, f"S{max(width, *map(len, texts))}")
    return array.view(np.uint8).reshape(len(texts), -1)


def fast(word: bytes, others: list[bytes], width: int = 0) -> list[int]:
    return distances(np.frombuffer(word, np.uint8), rows(others, width)).tolist()


@given(words, st.lists(words, min_size=1, max_size=8), st.integers(1, 20))
def test_equals_the_definition(word, others, width):
    """For all words side by side, of any lengths, however far they are padded."""
    assert fast(word, others, width) == [slow_distance(word, other) for other in others]


@given(words, words)
def test_is_symmetric(one, other):
    """It does not matter which of two words is misspelt."""
    assert fast(one, [other]) == fast(other, [one])


@given(words, words)
def test_nothing_is_free(one, other):
    """Only a word itself has the distance 0."""
    assert (fast(one, [other]) == [0]) == (one == other)


@pytest.mark.parametrize(
    ("word", "other", "edits"),
    [
        ("abscess", "abscess", 0.0),
        ("embolysm", "embolism", 0.6),  # a vowel for a vowel
        ("fasces", "fazces", 0.6),  # letters of one sound
        ("harm", "hart", 1.2),  # another letter
        ("tubrine", "turbine", 0.5),  # neighbours exchanged
        ("accomodate", "accommodate", 0.3),  # once instead of twice
        ("trombosis", "thrombosis", 1.0),  # a consonant too few
        ("bran", "brain", 0.6),  # a vowel too few
    ],
)
def test_costs_of_one_edit(word, other, edits):
    """What is often confused costs less than a whole edit; a consonant more or less is one."""
    assert fast(word.encode(), [other.encode()]) == [round(edits * UNIT)]


def test_long_words_do_not_overflow():
    """64 letters against 64 others: the largest distance there is."""
    assert fast(b"b" * 64, [b"ml" * 32]) == [slow_distance(b"b" * 64, b"ml" * 32)]


def test_no_words():
    """No others, no distances."""
    assert distances(np.frombuffer(b"word", np.uint8), np.zeros((0, 8), np.uint8)).shape == (0,)
