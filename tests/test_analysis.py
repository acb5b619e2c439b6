"""Text → tokens → surface forms → terms: what splits, what folds, what is a compound, what is soft."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracle import hyphenated

from qtsearch.analysis import (
    MAX_FORM_BYTES,
    SOFT_WORDS,
    STOP_WORDS,
    compounds,
    fold,
    is_soft,
    pieces,
    stem,
    token_pattern,
    tokenize,
)

#: What has a meaning in formulae, numbers and compounds, in any order.
SIGNS = r"a B 12 1,000 3.5 mg . , _ ^ { } ^{2+} + - ' ’ \ \text{ U.S. ² ₂ ⁺ ½ β µ μ é 血 the".split()
SIGNS += [" ", "e\N{COMBINING ACUTE ACCENT}", "\N{NON-BREAKING HYPHEN}"]
any_text = st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(SIGNS)).map("".join)


# -- tokens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t.,;!?\0", []),
        ("T-cell a/b a_b a..b", ["T", "cell", "a", "b", "a", "b", "a", "b"]),
        ("don't 'quoted' rock'n'roll", ["don't", "quoted", "rock'n'roll"]),
        ("Müller’s naïve", ["Müller’s", "naïve"]),
        ("a''b '' c'", ["a", "b", "c"]),
        ("CO2 β-blocker 血-β", ["CO2", "β", "blocker", "血", "β"]),
        ("x² ½ Ⅷ", ["x²", "½", "Ⅷ"]),
        # numbers
        (
            "3.14 1,000 1,000,000.5 2,5 1,00 .5 1.",
            ["3.14", "1,000", "1,000,000.5", "2", "5", "1", "00", "5", "1"],
        ),
        ("1,0000 1,000x 1.5x v1.5 1.2.3", ["1", "0000", "1", "000x", "1", "5x", "v1", "5", "1.2.3"]),
        ("1990s 1990's 5'11 2nd", ["1990s", "1990's", "5'11", "2nd"]),
        ("10² 10^2 10^{-2} 2⁻¹", ["10", "²", "10", "2", "10", "2", "2", "¹"]),
        # units
        ("3.5mg 5mL 5ML 1,000km 10µg 10μmol", "3.5 mg 5 mL 5 ML 1,000 km 10 µg 10 μmol".split()),
        ("5m 5G 5m² 5m^2 5m2 5m/s 5mgs 5m_1", "5 m 5 G 5 m² 5 m^2 5 m2 5 m s 5mgs 5 m_1".split()),
        # formulae
        ("H_2SO_4, CO_2. x_{12}^2 y_1_2", ["H_2SO_4", "CO_2", "x_{12}^2", "y_1_2"]),
        (
            "Ca^{2+} Ca^2+ Ca²⁺ SO_4^{2-} SO4^{2-} Na^+",
            ["Ca^{2+}", "Ca^2", "Ca²", "SO_4^{2-}", "SO4^{2-}", "Na"],
        ),
        (r"$\text{H}_2\text{SO}_4$ \mathrm{CO}_2", ["text", r"H}_2\text{SO}_4", "mathrm", "CO}_2"]),
        (r"x_1\frac{a}{b} H_2\text{(g)}", ["x_1", "frac", "a", "b", "H_2", "text", "g"]),
        ("x^2+y^2-1 e^{2x} e^{x} f^{-1} x_i^2 x__1", "x^2 y^2 1 e^{2x e x f 1 x i^2 x 1".split()),
        # points
        ("U.S. e.g. U.S.A., a.b.cd Ph.D. 3.b", ["U.S", "e.g", "U.S.A", "a.b", "cd", "Ph", "D", "3", "b"]),
        ("血栓とカタ clot血", ["血", "栓", "と", "カ", "タ", "clot", "血"]),
        ("مرحبا שלום Привет", ["مرحبا", "שלום", "Привет"]),
        ("**bold** [link](/a) $x_i$", ["bold", "link", "a", "x", "i"]),
        (r"\(a \neq b\)", ["a", "neq", "b"]),
        ("\N{BRAIN}brain\N{BRAIN}", ["brain"]),
        ("\ud800lone\udfff", ["lone"]),
    ],
)
def test_tokens(text, tokens):
    """Letters and digits make tokens, apostrophes within them too, as do the signs of numbers, formulae and
    acronyms; CJK signs stand alone, and so do units."""
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


@given(any_text)
@example("x 2m_ 2m' H_2\\text{(g)}")
@example("the-血 the-U-血 the-s_-")
def test_tokens_of_pieces(text):
    """The tokens of the pieces of a text are those of the text, but for signs at the ends; compounds, too."""
    in_pieces = [token for piece in pieces(text) for token in tokenize(piece)]
    tokens = tokenize(text)
    assert [fold(token) for token in in_pieces] == [fold(token) for token in tokens]
    assert [token.rstrip("+-}") for token in in_pieces] == [token.rstrip("+-}") for token in tokens]
    assert all(piece[0].isalnum() and piece[-1].isalnum() for piece in pieces(text))
    text = unicodedata.normalize("NFC", text)
    found, before = [], 0
    for piece in pieces(text):
        found += [(before + number, form) for number, form in compounds(piece)]
        before += len(tokenize(piece))
    assert found == compounds(text)


@given(any_text)
def test_case_and_composition_make_no_difference(text):
    """A text in decomposed letters has the same forms; one in ASCII has them in capitals, too."""
    forms = [fold(token) for token in tokenize(text)]
    assert [fold(token) for token in tokenize(unicodedata.normalize("NFD", text))] == forms
    if text.isascii() and "\\" not in text:
        assert [fold(token) for token in tokenize(text.upper())] == forms


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
        ("3.5", "3.5"),
        ("1,000.50", "1000.50"),
        ("1,000", "1000"),
        ("U.S", "us"),
        ("H_2SO_4", "h2so4"),
        ("Ca^{2+}", "ca2"),
        (r"H}_2\text{SO}_4", "h2so4"),
        ("β", "beta"),
        ("ά", "alpha"),
        ("TNFα", "tnfalpha"),
        ("\N{MATHEMATICAL BOLD CAPITAL BETA}", "beta"),
        ("σ'αυτό", "σαυτο"),
        ("µ", "mu"),
        ("µg", "ug"),
        ("μmol", "umol"),
        ("μ_0", "mu0"),
        ("Ǿǽ", "oae"),
        ("1" * 31 + ".5", "1" * 31),
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
        assert form.replace(".", "").isalnum()
        assert "." not in form or form[0].isdecimal()
        assert fold(form) == form
        assert not form.isascii() or form == form.lower()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, categories=["L", "N"]), min_size=1))
def test_forms_of_latin_letters(text):
    """A European word folds to the same form in capitals and in decomposed letters."""
    for token in tokenize(text):
        assert fold(fold(token)) == fold(token)
        assert fold(unicodedata.normalize("NFD", token)) == fold(token)


def test_forms_of_every_letter():
    """Every letter and digit that there is has a form, which folds to itself."""
    for letter in map(chr, range(sys.maxunicode + 1)):
        for token in tokenize(letter):
            assert fold(fold(token)) == fold(token) != ""


# -- compounds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a T-cell", [(1, "tcell")]),
        ("T\N{HYPHEN}cells T\N{NON-BREAKING HYPHEN}cells", [(0, "tcells"), (2, "tcells")]),
        ("COVID-19 3-D IL-2", [(0, "covid19"), (2, "3d"), (4, "il2")]),
        ("TNF-α β-blocker", [(0, "tnfalpha"), (2, "betablocker")]),
        ("follow-up-visit", [(0, "followup"), (1, "upvisit")]),
        ("follow-up state-of-the-art built-in", [(0, "followup"), (6, "builtin")]),
        ("follow-up-to-visit", [(0, "followup")]),
        ("T--cell T -cell T- cell T_cell T—cell T.-cell", []),
        ("2020-21 5-mg 1.5-fold x^2-y Crohn's-like 血-β", []),
        ("-T-", []),
    ],
)
def test_compounds(text, found):
    """A hyphen between two words makes one; in chains stop words do not, nor do numbers, units and signs."""
    assert compounds(text) == found


@given(any_text)
@example("a-" * 20)
@example("the-T-cell the-cell x-1-y")
def test_compounds_by_another_way(text):
    """Those that the oracle finds by going from token to token. It knows nothing of CJK signs in chains."""
    text = unicodedata.normalize("NFC", text).replace("血", " ")
    expected = [(number, fold(first + second)) for number, first, second in hyphenated(text)]
    assert compounds(text) == expected


# -- any length ----------------------------------------------------------------------------------------

LONG = [
    "1,111" + ",111" * 7_500 + "x",
    "1,111" + ",111" * 7_500 + "1",
    "1" + ".1" * 15_000 + "x",
    "1.1m" * 7_500,
]
LONG += [
    "a" + ".a" * 15_000 + "a",
    "x" + "_1" * 15_000,
    "a^{1}" * 6_000,
    "a}_1" * 7_500,
    "a_1\\" + "a" * 30_000,
]
LONG += ["-" * 30_000, "a-" * 15_000, "a'" * 15_000, "a_" * 15_000, "{" * 30_000, "1" * 30_000 + "m1"]
LONG += ["\\text{a}_1" * 3_000, "a.-" * 10_000, "β-1" * 10_000, "µ" * 30_000 + "1", "e\u0301-" * 10_000]


def test_time_is_linear(tmp_path):
    """However 120,000 characters repeat themselves, all these texts are analysed in a few seconds: trying
    again what was tried, each of them would take minutes."""
    script = """
import sys
from qtsearch import analysis
for text in open(sys.argv[1], encoding="utf-8").read().splitlines():
    text *= 4
    assert 0 <= len(analysis.pieces(text)) <= len(text)
    analysis.compounds(text)
    for token in analysis.tokenize(text):
        analysis.fold(token)
"""
    (tmp_path / "texts").write_text("\n".join(LONG), encoding="utf-8")
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "texts")], check=True, timeout=60)


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
