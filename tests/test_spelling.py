"""Suggestions are those of a slow search through all forms; near prefixes, by the definition of an edit."""

from __future__ import annotations

import math
import threading
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_edits import slow_distance
from test_sounds import respelled

from qtsearch.analysis import fold
from qtsearch.search import spelling
from qtsearch.search.spelling import MIN_TOLERANT_PREFIX, Speller

words = st.text("aeoctphsné", min_size=1, max_size=9)
vocabularies = st.dictionaries(words.map(fold), st.integers(0, 1000), max_size=30)

MEDICAL = {
    "aneurysm": 10,
    "attack": 300,
    "brain": 900,
    "diabetes": 1000,
    "heart": 3000,
    "pneumonia": 150,
    "the": 60000,
    "thrombectomy": 40,
    "thrombosis": 90,
    "tumour": 70,
}


def speller_of(vocabulary: dict[str, int]) -> Speller:
    forms = sorted(form.encode() for form in vocabulary)
    array = np.array(forms) if forms else np.zeros(0, "S8")
    return Speller(array, np.array([vocabulary[form.decode()] for form in forms], np.uint32))


def slow_suggestions(vocabulary: dict[str, int], word: str) -> list[tuple[str, float, int, float]]:
    """All suggestions as they are documented, in their order."""
    form = fold(word)
    size = len(form.encode())
    if form in vocabulary or len(form) < 2:
        return []
    found = []

    def add(text: str, cost: float, frequency: int) -> None:
        if cost <= min(3, size / 2):
            evidence = math.log(max(frequency, 1)) - 13 * cost + 1.5 * size
            found.append((text, cost, frequency, evidence))

    for other, frequency in vocabulary.items():
        spelt = slow_distance(form.encode(), other.encode())
        heard = slow_distance(respelled(form)[0], respelled(other)[0])
        first = form.encode()[0] != other.encode()[0]
        add(other, (spelt + min(spelt, heard)) / 200 + first / 4, frequency)
    total = sum(max(frequency, 1) for frequency in vocabulary.values())
    for place in range(len(form)):
        one, other = form[:place], form[place:]
        if one in vocabulary and other in vocabulary and min(len(one.encode()), len(other.encode())) >= 2:
            rarer, commoner = sorted((vocabulary[one], vocabulary[other]))
            add(f"{one} {other}", 0.8 + math.log(total / max(commoner, 1)) / 13, rarer)
    return sorted(found, key=lambda each: (-each[3], each[1], each[0]))


# -- words -------------------------------------------------------------------------------------------


@given(vocabularies, words)
def test_a_small_vocabulary_is_searched_whole(vocabulary, word):
    """The same suggestions, costs and evidence as by looking at each form, in the same order."""
    found = speller_of(vocabulary).suggest(word, limit=100)
    expected = slow_suggestions(vocabulary, word)
    assert {one.word: one.frequency for one in found} == {one[0]: one[2] for one in expected}
    for one, other in zip(found, expected, strict=True):
        assert one[1::2] == pytest.approx(other[1::2])


@given(vocabularies, words, st.integers(0, 7))
def test_order_and_limit(vocabulary, word, limit):
    """By falling evidence, then rising cost, then word; a limit cuts the same list short."""
    speller = speller_of(vocabulary)
    found = speller.suggest(word, limit=100)
    assert found == sorted(found, key=lambda one: (-one.evidence, one.cost, one.word))
    assert speller.suggest(word, limit) == found[:limit]


@given(st.lists(words.map(fold), min_size=200, max_size=260, unique=True), words)
def test_more_forms_than_are_compared(forms, word):
    """What is suggested is in the vocabulary, and costs what it costs among few forms."""
    vocabulary = {form: 1 + place for place, form in enumerate(forms)}
    found = speller_of(vocabulary).suggest(word)
    expected = {one[0]: one for one in slow_suggestions(vocabulary, word)}
    assert all(one[1:3] == pytest.approx(expected[one.word][1:3]) for one in found)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("thromectomy", "thrombectomy"),
        ("trombectomy", "thrombectomy"),
        ("Thrombectmy", "thrombectomy"),
        ("pnuemonia", "pneumonia"),
        ("newmonia", "pneumonia"),
        ("anurism", "aneurysm"),
        ("diabetis", "diabetes"),
        ("tumor", "tumour"),
        ("trhombosis's", "thrombosis"),
        ("heartattack", "heart attack"),
    ],
)
def test_put_right(typed, meant):
    """Words left out, put in, exchanged, written by ear, or run together."""
    assert speller_of(MEDICAL).suggest(typed)[0].word == meant


def test_evidence_tells_what_is_certain():
    """A slip in a long and frequent word has more of it than several in a rare word, or one in a short."""
    evidence = [speller_of(MEDICAL).suggest(typed)[0].evidence for typed in ("diabetis", "anurism", "hart")]
    assert evidence[0] > 7 > max(evidence[1:])


@pytest.mark.parametrize(
    "word",
    [
        *MEDICAL,
        "Diabetés",  # folded, it is in the vocabulary
        "brain's",
        "",
        "x",
        "vitamin12",
        "x²",
        "thrombosi" * 4,  # longer than a form can be
        "xqzvkw",
        "brai\nn",
        "brai\0n",
        "\ud800brain",
    ],
)
def test_nothing_to_suggest(word):
    """Words of the vocabulary, letters, words with digits, too long ones, and what is like no word."""
    assert speller_of(MEDICAL).suggest(word) == []


def test_frequency_decides_between_equals():
    """Of two forms at one cost the more frequent; at one frequency, the first by word."""
    assert [one.word for one in speller_of({"bat": 5, "bet": 90, "bit": 5}).suggest("but")] == [
        "bet",
        "bat",
        "bit",
    ]


def test_forms_that_are_not_ascii():
    """Letters of two bytes count as two; suggestions are whole words."""
    speller = speller_of({fold("ιατρική"): 5, "мозг": 7})
    assert [one[:2] for one in speller.suggest("мозк")] == [("мозг", 1.2)]
    assert [one[:2] for one in speller.suggest("ιτρική")] == [("ιατρικη", 2.0)]
    assert speller.suggest("ιατρική") == []


@given(st.text(st.characters(), max_size=40), st.integers(-2, 9))
def test_nothing_that_can_be_typed_is_an_error(text, limit):
    """Any text as a word, as a prefix, of full and of empty vocabularies."""
    for vocabulary in (MEDICAL, {"a": 1}, {}):
        speller = speller_of(vocabulary)
        assert len(speller.suggest(text, limit)) <= max(limit, 0)
        assert len(speller.near_prefix(text, limit)) <= max(limit, 0)


@pytest.mark.parametrize("vocabulary", [{}, {"brain": 0}])
def test_tiny_vocabularies(vocabulary):
    """None, and one form, of a frequency of 0."""
    found = speller_of(vocabulary).suggest("brian")
    assert [one.word for one in found] == list(vocabulary)


def test_as_many_frequencies_as_forms():
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="2 forms, but 1 frequencies"):
        Speller(np.array([b"a", b"b"]), np.array([1]))


def test_threads_share_a_speller():
    """The first words of many threads at once, while the vocabulary is still being prepared."""
    speller, alone = speller_of(MEDICAL), speller_of(MEDICAL)
    typed = ["trombosis", "brian", "hart", "atack"] * 2
    barrier = threading.Barrier(len(typed))
    found: dict[int, object] = {}

    def work(number: int) -> None:
        barrier.wait()
        found[number] = speller.suggest(typed[number]), speller.near_prefix(typed[number], 9).tolist()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(typed))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {
        number: (alone.suggest(word), alone.near_prefix(word, 9).tolist())
        for number, word in enumerate(typed)
    }


def test_forms_are_not_touched():
    """Read-only arrays, as those of a segment are, will do; and they are the same afterwards."""
    forms, frequencies = np.array([b"bat", b"brain"]), np.array([5, 7], np.uint32)
    forms.flags.writeable = frequencies.flags.writeable = False
    speller = Speller(forms, frequencies)
    assert speller.suggest("brian")[0].word == "brain"
    assert speller.near_prefix("brian", 1).tolist() == [1]


# -- prefixes ----------------------------------------------------------------------------------------


@cache
def alignment(one: bytes, other: bytes) -> int:
    """Optimal string alignment, every edit one."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        alignment(one[1:], other) + 1,
        alignment(one, other[1:]) + 1,
        alignment(one[1:], other[1:]) + (one[0] != other[0]),
    ]
    if len(one) > 1 and len(other) > 1 and one[:2] == other[1::-1]:
        ways.append(alignment(one[2:], other[2:]) + 1)
    return min(ways)


def begins_nearly(form: bytes, typed: bytes) -> bool:
    if len(typed) < MIN_TOLERANT_PREFIX:
        return form.startswith(typed)
    lengths = range(len(typed) - 1, len(typed) + 2)
    return form[0] == typed[0] and any(alignment(form[:length], typed) <= 1 for length in lengths)


@given(
    st.dictionaries(st.text("abcé", min_size=1, max_size=13).map(fold), st.integers(0, 9), max_size=40),
    st.data(),
)
def test_near_prefixes_by_definition(vocabulary, data):
    """All forms with such a prefix and no others, the most frequent first, equals by number."""
    some = st.sampled_from(sorted(vocabulary)) if vocabulary else st.nothing()
    typed = data.draw(st.text("abc", max_size=13) | some.map(lambda form: form[:2] + form[3:]))
    forms = sorted(form.encode() for form in vocabulary)
    near = [number for number, form in enumerate(forms) if typed and begins_nearly(form, typed.encode())]
    near.sort(key=lambda number: -vocabulary[forms[number].decode()])
    speller = speller_of(vocabulary)
    assert speller.near_prefix(typed, 100).tolist() == near
    assert speller.near_prefix(typed, 2).tolist() == near[:2]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tromb", ["thrombosis", "thrombectomy"]),
        ("pnuem", ["pneumonia"]),
        ("tumx", ["tumour"]),
        ("txmx", []),
        ("hae", []),
        ("Br", ["brain"]),
        ("", []),
    ],
)
def test_prefixes_while_typing(typed, meant):
    """A letter left out, exchanged, wrong; not two; in a short prefix, none."""
    numbers = speller_of(MEDICAL).near_prefix(typed, 5)
    assert [sorted(MEDICAL)[number] for number in numbers] == meant


def test_bounds_are_as_documented():
    """What callers build on."""
    assert MIN_TOLERANT_PREFIX == 4
    assert set(spelling.__all__) >= {"Speller", "Suggestion"}
