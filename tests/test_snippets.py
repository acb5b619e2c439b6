"""The passage of an answer that is shown for a query, and its marks."""

from __future__ import annotations

import html
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rendering import answers

from qtsearch.analysis import fold, token_pattern
from qtsearch.text import snippets
from qtsearch.text.rendering import plain_text
from qtsearch.text.snippets import Snippet, Weights, in_sentences, mark

#: The words of the examples below, with the forms of their terms.
WEIGHTS: Weights = {
    "thrombectomy": ("thrombectomi", 6.0),
    "thrombectomies": ("thrombectomi", 6.0),
    "stroke": ("stroke", 3.0),
    "strokes": ("stroke", 3.0),
    "risk": ("risk", 2.0),
    "risks": ("risk", 2.0),
}
FILLER = "Nothing of interest is said in this one."


def make_snippet(answer: str, weights: Weights, **options: int) -> Snippet:
    """Of an answer in Markdown."""
    return snippets.make_snippet(in_sentences(answer), weights, **options)


def marked(snippet: Snippet) -> list[str]:
    return [snippet.text[start:end] for start, end in snippet.marks]


# -- a snippet -----------------------------------------------------------------------------------------


def test_forms_of_a_snippet():
    """A snippet is its text; as HTML everything is escaped, on a terminal nothing steers it."""
    snippet = Snippet("a <b> & \x1b[2Jstroke", ((12, 18),))
    assert str(snippet) == snippet.text
    assert snippet.html() == "a &lt;b&gt; &amp; \x1b[2J<mark>stroke</mark>"
    assert snippet.terminal() == "a <b> & [2J\x1b[1mstroke\x1b[22m"
    assert json.loads(json.dumps(snippet.to_dict())) == {"text": snippet.text, "marks": [[12, 18]]}


def test_a_snippet_is_a_value():
    """Equal snippets are equal, and none can be changed."""
    assert Snippet("a") == Snippet("a", ())
    with pytest.raises(AttributeError):
        Snippet("a").text = "b"


# -- marks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stroke and STROKES", ["Stroke", "STROKES"]),
        ("a sunstroke, strokeless", []),
        ("the stroke's risks", ["stroke's", "risks"]),
        ("“stroke”, (risk).", ["stroke", "risk"]),
        ("ström stroké", ["stroké"]),
        ("stroke/risk", ["stroke", "risk"]),
        ("", []),
    ],
)
def test_whole_words_are_marked_as_written(text, expected):
    """A word is marked whole, with its capitals and diacritics, and never a part of one."""
    snippet = mark(text, WEIGHTS)
    assert snippet.text == text
    assert marked(snippet) == expected


def test_every_form_of_a_word_is_marked():
    """The query's word and its other forms are marked alike."""
    snippet = make_snippet("Thrombectomies are done. A thrombectomy takes an hour.", WEIGHTS)
    assert marked(snippet) == ["Thrombectomies", "thrombectomy"]


@pytest.mark.parametrize(
    "token", ["Müller", "T-cell", "don't", "x_1", "脳", "CO2", "U.S", "naïve", "x²", "ﬁne"]
)
def test_any_token_is_found_and_marked(token):
    """What the tokenizer makes of a word is found far into an answer, whatever it is made of."""
    weights = {fold(match[0]): (n, 1.0) for n, match in enumerate(token_pattern(token).finditer(token))}
    snippet = make_snippet(
        f"{FILLER} " * 9 + f"\n\nHere is ({token}), at last.\n\n" + f"{FILLER} " * 9, weights
    )
    assert token in snippet.text
    assert "".join(marked(snippet)) == "".join(match[0] for match in token_pattern(token).finditer(token))


# -- which passage -------------------------------------------------------------------------------------


def test_the_passage_with_most_of_the_query():
    """Two words of the query beat one that comes earlier."""
    answer = f"A stroke. {FILLER}\n\n{FILLER}\n\nThe risk of a stroke is high.\n\n{FILLER}"
    assert str(make_snippet(answer, WEIGHTS, max_chars=40)) == "The risk of a stroke is high."


def test_forms_of_one_term_count_once():
    """Two forms of one word are less than two words."""
    answer = f"Thrombectomies and a thrombectomy.\n\n{FILLER}\n\nThrombectomy after stroke."
    assert str(make_snippet(answer, WEIGHTS, max_chars=40)) == "Thrombectomy after stroke."


def test_rare_words_count_more():
    """One word with a greater weight beats one with a lesser."""
    answer = f"The risk is known.\n\n{FILLER}\n\nThrombectomy is known."
    assert str(make_snippet(answer, WEIGHTS, max_chars=30)) == "Thrombectomy is known."


def test_words_side_by_side_are_favoured():
    """Of two passages with the same words, that in which they stand together."""
    answer = (
        f"A stroke comes, as is well known, with a risk.\n\n{FILLER}\n\nThe stroke risk is known to be high."
    )
    assert str(make_snippet(answer, WEIGHTS, max_chars=50)) == "The stroke risk is known to be high."


def test_repetition_counts_a_little():
    """Of two passages with one word, that which has it twice."""
    answer = f"A stroke is one.\n\n{FILLER}\n\nA stroke is a stroke."
    assert str(make_snippet(answer, WEIGHTS, max_chars=30)) == "A stroke is a stroke."


def test_the_earlier_of_two_equal_passages():
    """Ties go to the first."""
    answer = f"A first stroke here.\n\n{FILLER}\n\nA stroke here also."
    assert str(make_snippet(answer, WEIGHTS, max_chars=30)) == "A first stroke here."


def test_room_is_filled_with_sentences():
    """What follows is shown as long as it fits, then what comes before."""
    answer = "First. Second. The stroke. Fourth. Fifth."
    assert str(make_snippet(answer, WEIGHTS, max_chars=26)) == "The stroke. Fourth. Fifth."
    assert str(make_snippet(answer, WEIGHTS, max_chars=40)) == "Second. The stroke. Fourth. Fifth."
    assert str(make_snippet("One. Two. Stroke.", WEIGHTS)) == "One. Two. Stroke."


def test_a_short_passage_goes_on_into_the_next_sentence():
    """A passage of less than half the room is filled from the next sentence, cut at a word."""
    answer = "A stroke. " + "Then a long sentence that does not fit goes on and on, word after word."
    assert str(make_snippet(answer, WEIGHTS, max_chars=40)) == "A stroke. Then a long sentence that does…"


def test_a_long_sentence_is_cut_around_its_densest_part():
    """Cut at words, with an ellipsis on each side that is cut."""
    answer = f"Stroke {'and so on ' * 9}with a thrombectomy at the risk of much {'and so on ' * 9}it ends."
    text = str(make_snippet(answer, WEIGHTS, max_chars=60))
    assert text.startswith("…")
    assert text.endswith("…")
    assert "thrombectomy at the risk" in text
    assert set(text.strip("…").split()) <= set(answer.split())
    assert len(text) <= 62


def test_no_word_of_the_query_shows_the_beginning():
    """An answer without a word of the query shows how it begins, without marks."""
    snippet = make_snippet(f"How it all begins. {FILLER} {FILLER}", WEIGHTS, max_chars=30)
    assert snippet == Snippet("How it all begins.", ())


def test_an_answer_without_text():
    """Nothing is shown of nothing."""
    assert make_snippet("", WEIGHTS) == make_snippet("\n---\n", WEIGHTS) == Snippet("")


def test_headings_and_items_are_set_apart():
    """Lines without punctuation are joined by a dot; a heading that ends a passage in vain is left out."""
    answer = (
        "### Stroke\n\n- cause\n- course\n\nIt is an emergency.\n\n### Further reading\n\n" + "word " * 60
    )
    assert str(make_snippet(answer, WEIGHTS, max_chars=80)) == "Stroke · cause · course · It is an emergency."


def test_a_line_that_leads_to_what_is_not_shown_is_left_out():
    """Neither does a passage end with a colon, unless a word of the query stands only there."""
    rest = "\n\n- " + "word " * 60
    answer = f"A stroke is an emergency for the brain. What to do:{rest}"
    assert str(make_snippet(answer, WEIGHTS, max_chars=60)) == "A stroke is an emergency for the brain."
    answer = f"A stroke is an emergency for the brain. The risks:{rest}"
    assert str(make_snippet(answer, WEIGHTS, max_chars=60)).endswith("The risks:")


def test_markdown_and_maths_are_gone():
    """What is shown is the text that is read, and its marks are offsets into that."""
    snippet = make_snippet("The **stroke** has `code`, \\(x^2\\) and [a risk](http://risk.org).", WEIGHTS)
    assert str(snippet) == "The stroke has code, x² and a risk."
    assert marked(snippet) == ["stroke", "risk"]


@pytest.mark.parametrize("max_chars", [0, -1])
def test_a_length_has_a_least_value(max_chars):
    """A length below 1 is refused, with the range."""
    with pytest.raises(ValueError, match=f"max_chars is {max_chars}: give at least 1"):
        make_snippet("a", WEIGHTS, max_chars=max_chars)


# -- properties ----------------------------------------------------------------------------------------

WORDS = (
    "stroke",
    "Strokes",
    "stroke's",
    "risk",
    "thrombectomy",
    "sunstroke",
    "é-risk",
    "stroké",
    "脳",
    "x_risk",
)
texts = st.lists(
    st.sampled_from(
        [*WORDS, "word", "a", ".", "!", "? ", "\n\n", "- ", "### ", "e.g.", ",", "(", '"', "x" * 40]
    ),
    max_size=60,
).map(" ".join)


@given(st.one_of(texts, answers), st.integers(1, 120))
def test_a_snippet_is_of_the_answer(answer, max_chars):
    """It is no longer than asked, its parts stand in the answer, and its marks are words of the query."""
    snippet = make_snippet(answer, WEIGHTS, max_chars=max_chars)
    text = plain_text(answer)
    assert len(snippet.text.removeprefix("…").removesuffix("…")) <= max_chars
    whole = re.sub(r"[\s·]+", " ", text)
    for part in snippet.text.split("…"):
        assert re.sub(r"[\s·]+", " ", part).strip() in whole
    at = 0
    for start, end in snippet.marks:
        assert at <= start < end <= len(snippet.text)
        assert fold(snippet.text[start:end]) in WEIGHTS
        at = end


@given(st.one_of(texts, answers), st.integers(1, 120))
def test_marks_are_words_of_the_answer(answer, max_chars):
    """A mark is a token of the answer, not of what a cut has left of one; as HTML the text is the text."""
    snippet = make_snippet(answer, WEIGHTS, max_chars=max_chars)
    text = plain_text(answer)
    tokens = {match[0] for match in token_pattern(text).finditer(text)}
    assert set(marked(snippet)) <= tokens
    assert html.unescape(re.sub("</?mark>", "", snippet.html())) == snippet.text


@given(texts)
def test_all_of_a_short_answer_is_marked(answer):
    """Where the whole answer is shown, every token of it that the query has is marked, and no other."""
    text = plain_text(answer)
    snippet = make_snippet(answer, WEIGHTS, max_chars=10_000)
    expected = [match[0] for match in token_pattern(text).finditer(text) if fold(match[0]) in WEIGHTS]
    assert marked(snippet) == expected


@given(texts, st.integers(20, 120))
def test_what_matches_is_shown(answer, max_chars):
    """If any token of the answer is a word of the query, a mark is shown."""
    text = plain_text(answer)
    snippet = make_snippet(answer, WEIGHTS, max_chars=max_chars)
    matches = any(fold(match[0]) in WEIGHTS for match in token_pattern(text).finditer(text))
    assert bool(snippet.marks) == matches


@given(st.text(max_size=60))
def test_marking_a_text_keeps_it(text):
    """Any text is kept as it is; without its marks the HTML unescapes to it."""
    snippet = mark(text, WEIGHTS)
    assert snippet.text == text
    assert html.unescape(re.sub("</?mark>", "", snippet.html())) == text


#: What words are made of, and what stands between them.
PARTS = [
    *"a Clot CO 5 12 mg µg é β 中 ß ² ₂ ' ’ . , - – — _ ^ { } \\text{ ( ) / · \u200b \u00ad s x2 %".split(),
    *(" ", " ", "\n", "word" * 10),
]


@given(st.lists(st.sampled_from(PARTS), max_size=24).map("".join), st.data())
def test_words_are_found_as_one_by_one(text, data):
    """Looking for words by what they are gives what looking at each would, wherever words touch."""
    text = unicodedata.normalize("NFC", text)
    tokens = [(token.span(), fold(token[0])) for token in token_pattern(text).finditer(text)]
    wanted = data.draw(st.sets(st.sampled_from(sorted({form for _, form in tokens}) or ["a"])))
    snippet = mark(text, {form: (form, 1.0) for form in wanted})
    assert list(snippet.marks) == [span for span, form in tokens if form in wanted]
