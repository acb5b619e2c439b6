"""Answers laid out for a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rendering import answers

from qtsearch.text.terminal import render_terminal


def lines(answer: str, width: int = 40, *, color: bool = False) -> list[str]:
    return render_terminal(answer, width=width, color=color).split("\n")


def test_paragraphs_are_wrapped():
    """Words fill lines up to the width; a blank line stands between paragraphs."""
    assert lines("one two three four five six\nseven\n\nnext", 20) == [
        "one two three four",
        "five six seven",
        "",
        "next",
    ]


def test_a_longer_word_is_left_whole():
    """A word that is wider than the terminal has a line of its own."""
    word = "x" * 30
    assert lines(f"a {word} b", 20) == ["a", word, "b"]


def test_lists():
    """Items begin with a bullet or their number, go on below their text, and nest."""
    answer = "Why:\n\n3. **First**: one two three four\n4. Second\n   - nested\n   - again\n\nend"
    assert lines(answer, 20) == [
        "Why:",
        "",
        "3. First: one two",
        "   three four",
        "4. Second",
        "   • nested",
        "   • again",
        "",
        "end",
    ]


def test_items_apart_stay_apart():
    """A list with blank lines between its items keeps them."""
    assert lines("- a\n\n- b") == ["• a", "", "• b"]


def test_an_item_without_text():
    """An empty item has its number alone."""
    assert lines("1.\n2. b") == ["1.", "2. b"]


def test_code_is_indented_and_not_wrapped():
    """Lines of code are as they were, however long, four columns to the right."""
    code = "x = [" + "1, " * 30 + "]"
    assert lines(f"See:\n\n```python\n{code}\n\n  **y** $z^2$\n```\nend", 20) == [
        "See:",
        "",
        f"    {code}",
        "",
        "      **y** $z^2$",
        "",
        "end",
    ]


def test_quotes():
    """A bar stands before each line of a quote, and before what is in it."""
    assert lines("a\n\n> b\n>\n> - c\n\n1. > d") == ["a", "", "│ b", "│", "│ • c", "", "1. │ d"]


def test_tables_are_aligned():
    """Columns are as wide as they need, aligned as is asked, with a rule below the head."""
    assert lines("| Name | N | Mid |\n|:--|--:|:-:|\n| a | 10 | x |\n| bcd | 2 | $y^2$ |") == [
        "Name   N  Mid",
        "────  ──  ───",
        "a     10   x",
        "bcd    2  y²",
    ]


def test_wide_tables_are_wrapped_within_their_columns():
    """Where a table does not fit, its widest columns are wrapped."""
    found = lines("| A | B |\n|---|---|\n| " + "word " * 12 + "| " + "b " * 3 + "|", 30)
    assert max(map(len, found)) <= 30
    assert " ".join(found).split().count("word") == 12


def test_wide_characters_take_two_columns():
    """Lines are measured in columns of the terminal."""
    assert lines("脳脳脳脳 " * 4, 20) == ["脳脳脳脳 脳脳脳脳"] * 2
    assert lines("| 脳 | x |\n|---|---|\n| a | y |") == ["脳  x", "──  ─", "a   y"]


def test_links_images_rules_and_breaks():
    """A link shows where it leads, an image what it is of; a rule is a line, a break one as well."""
    assert lines("[here](http://x.org), <http://y.org>, ![a cat](c.png)<br>b\n\n***\n\nc", 60) == [
        "here (http://x.org), http://y.org, a cat",
        "b",
        "",
        "─" * 60,
        "",
        "c",
    ]


def test_colors():
    """Bold, headings and code have their ANSI codes, each word its own, so that lines can end anywhere."""
    assert render_terminal("# A b\n\n**c d** `e`", color=True) == (
        "\x1b[1m\x1b[4mA\x1b[0m \x1b[1m\x1b[4mb\x1b[0m\n\n\x1b[1mc\x1b[0m \x1b[1md\x1b[0m \x1b[2me\x1b[0m"
    )


def test_width_has_a_least_value():
    """A width of less than 20 is refused, with the range."""
    with pytest.raises(ValueError, match="width is 19: give at least 20"):
        render_terminal("a", width=19)


@given(answers, st.integers(20, 60), st.booleans())
def test_an_article_cannot_steer_a_terminal(answer, width, color):
    """Whatever an answer holds, the only controls are line breaks and, if asked for, our own codes."""
    text = render_terminal(answer, width=width, color=color)
    if color:
        text = re.sub(r"\x1b\[[0124]m", "", text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@given(answers, st.integers(20, 60))
def test_colors_change_nothing_else(answer, width):
    """Without its codes the coloured text is the plain one."""
    colored = render_terminal(answer, width=width, color=True)
    assert re.sub(r"\x1b\[[0124]m", "", colored) == render_terminal(answer, width=width)


@given(
    st.lists(st.text(alphabet="abc", min_size=1, max_size=8), min_size=1, max_size=40), st.integers(20, 40)
)
def test_wrapping_keeps_words_and_width(words, width):
    """Wrapped words are the words, in order, and no line is wider than asked."""
    found = lines(" ".join(words), width)
    assert " ".join(found).split() == words
    assert all(len(line) <= width for line in found)


def test_real_answers(real_articles):
    """Every tenth real answer is laid out, without controls."""
    for article in real_articles[::10]:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", render_terminal(article.answer))
