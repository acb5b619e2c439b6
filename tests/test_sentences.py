"""Where sentences end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.sentences import LINE_BREAK, sentence_spans


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "text",
    [
        "One sentence|Of two",
        "One sentence.|Another one!|A third?|Yes",
        "He said “stop.”|Then he left.",
        "It ends (here.)|So it does.",
        'She asked "why?" and left.',
        "Some, e.g. Aspirin, help.|Others do not.",
        "Some, i.e. Few, help.",
        "Ask Dr. Miller or Prof. Smith.|They know.",
        "The U.S. Senate met.|It voted.",
        "J. R. Smith wrote it.|We read it.",
        "Give 3.5 mg.|Then wait.",
        "It was in 1990.|Then it ended.",
        "See Fig. 2 and Eq. 3.|They show it.",
        "The answer is no.|The reason is simple.",
        "As Smith et al. (2020) found, it works.|So it does.",
        "Apples, pears, etc.|Then cheese.",
        "Wait... then go on.|Now.",
        "version 2.0.1 is out.|Get it.",
        "at example.com.|Go there.",
        "1. Agriculture",
        "a. Vertical stretch.|It is simple.",
        "What is a stroke?|A stroke is an emergency.",
        "これは文です。|これも文です。",
        "5 mg.|10 mg.",
        "Joe Blair Jr. (later known as Joe) left.",
    ],
)
def test_sentences(text):
    """A stop ends a sentence where a new one can begin, and not after an abbreviation."""
    expected = text.split("|")
    joined = text.replace("。|", "。").replace("One sentence|", "One sentence\n").replace("|", " ")
    assert split(joined) == expected


def test_lines_end_sentences():
    """A line break ends a sentence, and so does the end of a line that was joined to the next."""
    assert split(f"Heading {LINE_BREAK} an item {LINE_BREAK} another\nlower case") == [
        "Heading",
        "an item",
        "another",
        "lower case",
    ]


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_no_text_has_no_sentences(text):
    """No sentence is empty."""
    assert split(text) == []


@given(
    st.lists(st.sampled_from(["A", "b.", "C!", "e.g.", "1.", "?", ".)", "x…", "。"]), max_size=12), st.data()
)
def test_spans_are_in_order_and_leave_no_word_out(words, data):
    """Spans ascend without overlap, none is empty or padded, and only spaces stand between them."""
    text = "".join(
        word + data.draw(st.sampled_from([" ", "\n", f" {LINE_BREAK} "])) for word in words
    ).strip()
    text = text.strip(f" \n{LINE_BREAK}")
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end
        assert not text[at:start].strip(f" \n{LINE_BREAK}")
        assert text[start:end] == text[start:end].strip()
        at = end
    assert at == len(text)
