"""Text → tokens → surface forms → terms: what splits, what folds, what is soft."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtsearch.analysis import (
    MAX_FORM_BYTES,
    SOFT_WORDS,
    STOP_WORDS,
    fold,
    is_soft,
    stem,
    token_pattern,
    tokenize,
)

any_text = st.text(st.characters(exclude_categories=()))


# -- tokens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t.,;!?\0", []),
        ("T-cell x_1 a/b a.b", ["T", "cell", "x", "1", "a", "b", "a", "b"]),
        ("don't 'quoted' rock'n'roll", ["don't", "quoted", "rock'n'roll"]),
        ("Müller’s naïve", ["Müller’s", "naïve"]),
        ("a''b '' c'", ["a", "b", "c"]),
        ("3.14 1,000 CO2 β-blocker", ["3", "14", "1", "000", "CO2", "β", "blocker"]),
        ("x² ½ Ⅷ", ["x²", "½", "Ⅷ"]),
        ("血栓とカタ clot血", ["血", "栓", "と", "カ", "タ", "clot", "血"]),
        ("مرحبا שלום Привет", ["مرحبا", "שלום", "Привет"]),
        ("**bold** [link](/a) $x_i$", ["bold", "link", "a", "x", "i"]),
        (r"\(a \neq b\)", ["a", "neq", "b"]),
        ("\N{BRAIN}brain\N{BRAIN}", ["brain"]),
        ("\ud800lone\udfff", ["lone"]),
    ],
)
def test_tokens(text, tokens):
    """Letters and digits make tokens, apostrophes within them too; CJK signs stand alone."""
    assert tokenize(text) == tokens


def test_tokens_are_composed():
    """A text typed in decomposed letters has the same tokens as one in composed ones."""
    text = "naïve Ångström Économie 한국"
    assert tokenize(unicodedata.normalize("NFD", text)) == tokenize(text)


@given(any_text, any_text)
def test_tokens_of_two_texts(one, two):
    """The tokens of two texts with a line break between them are those of one, then those of the other."""
    assert tokenize(f"{one}\n{two}") == tokenize(one) + tokenize(two)


@given(any_text)
@example("a'b''c")
def test_pattern_gives_the_tokens(text):
    """The expression that is offered for a composed text finds its tokens where they stand."""
    text = unicodedata.normalize("NFC", text)
    assert token_pattern(text).findall(text) == tokenize(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_no_special_case(text):
    """A text of plain letters has the same tokens alone and beside one that is not plain."""
    assert tokenize(f"{text} é") == [*tokenize(text), "é"]


# -- surface forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "form"),
    [
        ("Clot", "clot"),
        ("Müller’s", "muller"),
        ("patient's", "patient"),
        ("don't", "dont"),
        ("s's", "s"),
        ("x²", "x2"),
        ("ﬁbre", "fibre"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Øresund", "oresund"),
        ("Łódź", "lodz"),
        ("cœur", "coeur"),
        ("İstanbul", "istanbul"),
        ("ΑΒΓ", "αβγ"),
        ("ａｂｃ", "abc"),
        ("血", "血"),
        ("a" * 40, "a" * 32),
        ("血" * 20, "血" * 10),
        ("é" * 40, "e" * 32),
        ("β" * 40, "β" * 16),
    ],
)
def test_forms(token, form):
    """Case, diacritics, compatibility letters and the possessive fold; a long form is cut between letters."""
    assert fold(token) == form


@given(any_text)
@example("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}")
@example("'".join("ab" * 100))
@example("İ" * 30)
def test_forms_are_bounded(text):
    """A form is never empty, fits its bytes, and holds no apostrophe and no capitals of plain letters."""
    for token in tokenize(text):
        form = fold(token)
        assert 0 < len(form.encode()) <= MAX_FORM_BYTES
        assert "'" not in form
        assert "\0" not in form
        assert not form.isascii() or form == form.lower()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, categories=["L", "N"]), min_size=1))
def test_forms_of_latin_letters(text):
    """A European word folds to the same form in capitals and in decomposed letters."""
    for token in tokenize(text):
        assert fold(fold(token)) == fold(token)
        assert fold(unicodedata.normalize("NFD", token)) == fold(token)


# -- terms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forms",
    [
        ("clot", "clots", "clotting", "clotted"),
        ("embolectomy", "embolectomies"),
        ("photosynthesis",),
        ("run", "runs", "running"),
        ("naive", "naively"),
        ("2024",),
        ("血",),
    ],
)
def test_forms_of_a_word_share_a_term(forms):
    """The stem of every form of a word is the same, and not empty."""
    (term,) = {stem(form) for form in forms}
    assert term


@given(any_text)
def test_any_form_has_a_term(text):
    """Every token of any text has a term, which fits where forms fit, or nearly."""
    for token in tokenize(text):
        assert 0 < len(stem(fold(token)).encode()) <= MAX_FORM_BYTES + 1


# -- soft words ----------------------------------------------------------------------------------------


def test_stop_words_are_soft():
    """The 33 classic stop words are among the soft words; all are forms, as they come from a text."""
    assert len(STOP_WORDS) == 33
    assert STOP_WORDS < SOFT_WORDS
    assert {fold(word) for word in SOFT_WORDS} == SOFT_WORDS
    assert all(tokenize(word) == [word] for word in SOFT_WORDS)


def test_soft_terms():
    """A term is soft if it is the stem of a soft word, in whatever form it stands in the text."""
    for word in (*SOFT_WORDS, "explains", "described", "Whats", "DOING"):
        assert is_soft(stem(fold(word)))
    for word in ("clot", "cell", "explanation", "history", "no1", "nothing"):
        assert not is_soft(stem(word))
