"""Which words as written a pattern stands for, against slow and obvious ways to tell."""

from __future__ import annotations

import fnmatch
import string
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.articles import Article
from qtsearch.search.vocabulary import Vocabulary

#: Few letters, so that words are near each other; some of two, three and four bytes.
_letters = st.sampled_from("aab1éß血\U00020000")
_word = st.text(_letters, min_size=1, max_size=7)
_words = st.lists(_word, max_size=30, unique=True)
_pattern = st.text(st.sampled_from("aab1é血**??"), min_size=1, max_size=6)


def vocabulary(words: list[str]) -> tuple[Vocabulary, list[str]]:
    """A vocabulary of these words alone, and the words in its order."""
    forms = np.array(sorted(word.encode() for word in words), dtype="S32" if not words else None)
    return Vocabulary(SimpleNamespace(forms=forms)), [form.decode() for form in forms.tolist()]


def told(words: list[str], numbers: np.ndarray) -> list[str]:
    """The words of the numbers, which have to be ascending."""
    assert (np.diff(numbers) > 0).all()
    return [words[number] for number in numbers.tolist()]


@given(_words, _word | st.just(""))
def test_prefix(words, prefix):
    """All words that begin so: of an empty prefix all."""
    known, words = vocabulary(words)
    assert told(words, known.with_prefix(prefix)) == [word for word in words if word.startswith(prefix)]


@given(_words, _pattern)
def test_wildcards(words, pattern):
    """As fnmatch has them: ? is one character, however many bytes it takes; * any number of them."""
    known, words = vocabulary(words)
    assert told(words, known.like(pattern)) == [word for word in words if fnmatch.fnmatchcase(word, pattern)]


@pytest.mark.parametrize("pattern", ["[ab]", "a[!b]*", "[", "*[a-b]1", "a[b", "]"])
def test_wildcards_with_sets(pattern):
    """As in Whoosh's wildcards, which are fnmatch's."""
    known, words = vocabulary(["a", "b", "ab", "a1", "aa", "[", "a[b", "]", "ba1", "11"])
    assert told(words, known.like(pattern)) == [word for word in words if fnmatch.fnmatchcase(word, pattern)]


def test_wildcards_that_could_go_wrong_in_many_ways():
    """Many stars on a long word of one letter: no way of matching is tried twice."""
    known, words = vocabulary(["a" * 32, "a" * 31 + "b"])
    assert told(words, known.like("*aa" * 10 + "*b")) == ["a" * 31 + "b"]
    assert told(words, known.like("*aa" * 10 + "*c")) == []


def alignment_distance(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours; nothing is edited twice."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if not i or not j:
                rows[i][j] = i + j
                continue
            rows[i][j] = min(
                rows[i - 1][j] + 1,
                rows[i][j - 1] + 1,
                rows[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(_words, st.text(_letters, max_size=9), st.integers(0, 4), st.integers(0, 4))
def test_fuzzy(words, word, edits, prefix):
    """Words within so many edits, two at most, that begin with as many right letters as are asked for."""
    known, words = vocabulary(words)
    expected = [
        other
        for other in words
        if word and other.startswith(word[:prefix]) and alignment_distance(word, other) <= min(edits, 2)
    ]
    assert told(words, known.near(word, edits, prefix)) == expected


@given(
    st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=12), max_size=20, unique=True), st.data()
)
def test_fuzzy_over_all_letters(words, data):
    """A word is looked for that is one or two edits from one there is."""
    known, words = vocabulary([*words, "somnambulism"])
    word = data.draw(st.sampled_from(words))
    place = data.draw(st.integers(0, len(word)))
    typed = word[:place] + data.draw(st.sampled_from(["", "e", "xy"])) + word[place + 1 :]
    expected = [other for other in words if typed and alignment_distance(typed, other) <= 2]
    assert told(words, known.near(typed, 2)) == expected


@given(_words, st.none() | _word, st.none() | _word, st.booleans(), st.booleans())
def test_range(words, low, high, low_excluded, high_excluded):
    """In order of their bytes; either end may be open or left out; none if they are the wrong way round."""
    known, words = vocabulary(words)
    expected = [
        word
        for word in words
        if (low is None or (low.encode(), low_excluded) <= (word.encode(), False))
        and (high is None or (word.encode(), high_excluded) <= (high.encode(), False))
    ]
    assert told(words, known.between(low, high, low_excluded, high_excluded)) == expected


def test_words_longer_than_any_there_is():
    """They stand between their like, and are no longer than them for being cut."""
    known, words = vocabulary(["ab", "abc", "abd"])
    assert told(words, known.between("abcd", None, False, False)) == ["abd"]
    assert told(words, known.between(None, "abcd", False, False)) == ["ab", "abc"]
    assert told(words, known.with_prefix("abcd")) == []


def test_articles_that_have_a_term(build_index):
    """In any field, or in one; of several terms those that have one of them; of none, none."""
    index = build_index(
        [
            Article(url="/1", question="Alpha?", answer="Beta."),
            Article(
                url="/2", question="Beta?", answer="Gamma gamma.", page_keywords=("alpha", "gamma delta")
            ),
            Article(url="/3", question="Zeta?", answer="Zeta."),
        ]
    )
    snapshot = index._snapshot
    terms = {term.decode(): number for number, term in enumerate(snapshot.segment.terms.tolist())}

    def having(words: str, field: int | None) -> list[int]:
        numbers = np.array(sorted(terms[word] for word in words.split()), np.intp)
        return np.flatnonzero(snapshot.vocabulary.having(numbers, field)).tolist()

    assert having("alpha", None) == [0, 1]
    assert [having("alpha", field) for field in range(3)] == [[0], [], [1]]
    assert having("alpha gamma", 0) == [0]
    assert having("alpha zeta", None) == [0, 1, 2]
    assert [having("beta delta zeta", field) for field in range(3)] == [[1, 2], [0, 2], [1]]
    assert having("", None) == having("", 1) == []
