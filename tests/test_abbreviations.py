"""Abbreviations that a text defines, by the cases of Schwartz and Hearst and by what Markdown adds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.abbreviations import find_abbreviations, is_capital

ALI = [("ALI", "acute limb ischemia")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the long form first
        ("An acute limb ischemia (ALI) is urgent.", ALI),
        ("the limb has acute limb ischemia ( ALI ).", ALI),
        ("Patients with acute limb ischemia\nneed help (ALI).", []),
        ("We use a hidden Markov model (HMM).", [("HMM", "hidden Markov model")]),
        ("deep-vein thrombosis (DVT)", [("DVT", "deep-vein thrombosis")]),
        ("tuberculosis (TB)", [("TB", "tuberculosis")]),
        ("deoxyribonucleic acid (DNA)", [("DNA", "deoxyribonucleic acid")]),
        ("messenger RNA (mRNA)", [("mRNA", "messenger RNA")]),
        ("a blood test of haemoglobin (Hb)", [("Hb", "haemoglobin")]),
        ("the House of Commons Library (HCL)", [("HCL", "House of Commons Library")]),
        ("research and development (R&D)", [("R&D", "research and development")]),
        ("a computed tomography scan (CT)", [("CT", "computed tomography scan")]),
        # the short form first
        ("ALI (acute limb ischemia) is urgent", ALI),
        ("ALI (the acute limb ischemia)", []),
        ("ALI (acute limb ischemia of the leg)", [("ALI", "acute limb ischemia of the leg")]),
        ("ALI (see acute limb ischemia)", []),
        ("LSTM units (long short-term memory)", []),
        # the first letter twice: the nearer word that begins with it is not enough
        ("the British Board of Gardeners (BBG)", [("BBG", "British Board of Gardeners")]),
        ("a slow sclerosing panencephalitis (SSPE)", [("SSPE", "slow sclerosing panencephalitis")]),
        # plurals
        ("white blood cells (WBCs)", [("WBC", "white blood cells")]),
        (
            "NSAIDs (non-steroidal anti-inflammatory drugs)",
            [("NSAID", "non-steroidal anti-inflammatory drugs")],
        ),
        # digits
        ("5-hydroxytryptamine (5-HT)", [("5-HT", "5-hydroxytryptamine")]),
        ("interleukin receptor 6 (IR-6)", [("IR-6", "interleukin receptor 6")]),
        ("interleukin receptor (IR-6)", []),
        # what else stands beside them
        ("acute limb ischemia (ALI, a blocked artery)", ALI),
        ("acute limb ischemia (ALI; once called cold leg)", ALI),
        ("acute limb ischemia (or ALI)", []),
        ("(see acute limb ischemia (ALI))", ALI),
        ("acute (sudden) limb ischemia (ALI)", []),
        ("limbs, veins, acute limb ischemia (ALI), clots", ALI),
        ("acute limb ischemia (ALI) and white blood cell (WBC)", [*ALI, ("WBC", "white blood cell")]),
        # Markdown
        ("**acute limb ischemia** (**ALI**)", ALI),
        ("**Acute limb ischemia (ALI)**: urgent", [("ALI", "Acute limb ischemia")]),
        ("*acute* `limb` _ischemia_ (_ALI_)", ALI),
        ("**ALI** (*acute limb ischemia*)", ALI),
        ("### Acute limb ischemia (ALI)", [("ALI", "Acute limb ischemia")]),
        ("| acute limb | ischemia (ALI) |", []),
        # not over the end of a clause
        ("It was acute. Limb ischemia (ALI) came.", []),
        ("acute: limb ischemia (ALI)", []),
        ("acute – limb ischemia (ALI)", []),
        # no definitions
        ("", []),
        ("no parentheses, ALI", []),
        ("drugs (e.g., aspirin) and (i.e. pills)", []),
        ("it was found (2019) and shown (Figure 2) again (Table 3)", []),
        ("the first (i) and the second (ii) part, part two (II)", []),
        ("a capital city (Paris)", []),
        ("particular points (PP) and partly painted parrots (paper)", [("PP", "particular points")]),
        ("the limb (ALI)", []),
        ("ALI means acute limb ischemia, ALI (ALI)", []),
        ("a mass (MS)", []),
        ("the force \\(F = ma\\) acts, f(x) = (A + B)", []),
        ("an (AN) and as is of (AO)", []),
        ("any long ideas before all the letters in it, and many more words, a little image (ALI)", []),
    ],
)
def test_definitions(text, expected):
    """What is defined, as written; a clause has it whole or not at all."""
    assert find_abbreviations(text) == expected


def test_too_many_words_are_no_long_form():
    """At most twice as many words as letters, and at most five more than these."""
    fits, too_long = "alpha one two three four five (AF)", "alpha one two three five (AF)"
    assert find_abbreviations("alpha one two five (AF)") == [("AF", "alpha one two five")]
    assert find_abbreviations(fits) == find_abbreviations(too_long) == []


def test_written_as_abbreviations_are():
    """A capital after the first letter, in any script."""
    assert [token for token in "ALI mRNA pH ÉCOLE Ali ali A 5 5HT".split() if is_capital(token)] == [
        "ALI",
        "mRNA",
        "pH",
        "ÉCOLE",
        "5HT",
    ]


# -- any text --------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    "acute limb ischemia ALI ALIs DNA 5-HT ( ) (( )) (ALI) ** * _ ` , ; . : \n \\( | é İ ß the of".split(" ")
)
TEXTS = st.text(max_size=200) | st.lists(PIECES | st.text(max_size=5), max_size=40).map(" ".join)


@given(TEXTS)
def test_any_text(text):
    """Nothing raises; a long form has the letters of the short one in order, begins with the first, is longer
    than it and stays on one line."""
    for short, long in find_abbreviations(text):
        letters = [letter for letter in short.lower() if letter.isalnum()]
        rest = iter(long.lower())
        assert all(letter in rest for letter in letters)
        assert long.lower()[0] == letters[0]
        assert 2 <= len(short) <= 10
        assert len(long) > len(short)
        assert "\n" not in long
        assert long == long.strip()


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "(a" * 25_000, "_" * 50_000 + "(A)", "(" + "_" * 100_000 + ")"]
)
def test_hostile_texts_take_no_time(text):
    """Openings without end, and runs of what may be emphasis."""
    assert find_abbreviations(text) == []
