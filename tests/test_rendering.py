"""Answers in Markdown as text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.controls import remove_controls
from qtsearch.text.markup import put_back, set_aside
from qtsearch.text.rendering import plain_text

#: What answers are made of, as pieces to be put together in any way.
PIECES = (
    *(
        "word ",
        "Two words. ",
        "\n",
        "\n\n",
        "**bold** ",
        "*em*",
        "**",
        "*",
        "_",
        "`code` ",
        "`",
        "```\n",
        "~~~",
    ),
    *("# Head\n", "- item\n", "1. item\n", "   ", "> quote\n", "| a | b |\n", "|---|---|\n", "|", "---\n"),
    *("$x^2$ ", "$", "$$", "\\(a_1\\) ", "\\(", "\\)", "\\[", "\\]", "\\", "\\frac{a}{b}", "$5 and $6 "),
    *(
        "<b>",
        "</b>",
        "<br>",
        "<T>",
        "<!--",
        "<",
        ">",
        "&amp;",
        "&#27;",
        "&#2;0&#3;",
        "&",
        "[t](u)",
        "![i](u)",
    ),
    *(
        "\x1b[31m",
        "\x02",
        "\x020\x03",
        "\x1e",
        "\x1f",
        "\r\n",
        "\t",
        "\xa0",
        "é",
        "e\u0301",
        "脳",
        "🙂",
        "\ud800",
    ),
)
answers = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("  \n\n ", ""),
        ("**Bold** and *em* and ***both*** and ~~gone~~", "Bold and em and both and gone"),
        ("__init__ in `__init__`", "init in __init__"),
        ("### Heading\ntext", "Heading\ntext"),
        ("One.\n\nTwo.", "One.\nTwo."),
        ("a line\nthat goes on", "a line that goes on"),
        ("1. **First**: a\n2. Second\n   - nested", "First: a\nSecond\nnested"),
        ("> quoted\n> text", "quoted text"),
        ("`a | b` and ``c ` d``", "a | b and c ` d"),
        ("```python\nif a < b:\n    print('**')\n```\nend", "if a < b:\nprint('**')\nend"),
        ("| a | b |\n|---|--:|\n| **1** | 2 |", "a · b\n1 · 2"),
        ('[text](http://x.org "title") ![a cat](cat.png)', "text a cat"),
        ("<http://x.org>", "http://x.org"),
        ("a\n\n---\n\nb", "a\nb"),
        ('&copy; &amp;lt; AT&T 1 < 2 > 0 "q"', '© &lt; AT&T 1 < 2 > 0 "q"'),
        (r"2 \* 3 \# \_", "2 * 3 # _"),
        ("two  spaces\tand a tab", "two spaces and a tab"),
    ],
)
def test_markdown(markdown, expected):
    """A line for each paragraph, heading, item, row and line of code, and no markup in it."""
    assert plain_text(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("<b>bold</b> <i>it</i><!-- note --> <span class='x'>s</span>", "bold it s"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<p>**bold**</p><p>next</p>", "bold\nnext"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("x<sup>2</sup> H<sub>2</sub>O", "x² H₂O"),
        ("a List<String> and a vector<int>", "a List<String> and a vector<int>"),
        ("<T> starts a line", "<T> starts a line"),
        ("`<b>` stays in code", "<b> stays in code"),
        ("```\n<b>$x^2$</b>\n```", "<b>$x^2$</b>"),
    ],
)
def test_html(markdown, expected):
    """HTML tags go, and what only looks like one stays."""
    assert plain_text(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (r"so \(a_1 * b_1 * c_1\) holds", "so a₁ * b₁ * c₁ holds"),
        (r"so \[x^2\] holds", "so x² holds"),
        ("$a_1 * b_1$ and $c_1 * d_1$", "a₁ * b₁ and c₁ * d₁"),
        ("where $ n $ is", "where n is"),
        ("is:\n$$\nF = m \\cdot a\n$$\nand", "is: F = m · a and"),
        ("$$\n1. x\n$$", "1. x"),
        (r"| \(a|b\) | c |" + "\n|---|---|", "a|b · c"),
        ("`$x^2$` is code", "$x^2$ is code"),
        ("$5 and $6", "$5 and $6"),
        ("between $5-$6 and $x^2$", "between $5-$6 and x²"),
        ("at $5 million, maths $x_1$", "at $5 million, maths x₁"),
        ("from US$5 to US$ 7 and AU$", "from US$5 to US$ 7 and AU$"),
        (r"\$5 is \$x$", "$5 is $x$"),
        ("$V = IR$", "V = IR"),
        (r"an open \(formula", "an open (formula"),
    ],
)
def test_maths(markdown, expected):
    """Formulae are read before Markdown is, and prices are none."""
    assert plain_text(markdown) == expected


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[31m", "\x9b31m", "&#27;[31m", "&#x1B;[31m", "`\x1b[31m`", "$\x1b$", "\x07", "\u202e", "\ud800"],
)
def test_controls_never_come_through(hostile):
    """No control character is left, written as itself or as an entity, in code or in maths."""
    text = plain_text(f"a {hostile} b")
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cs") or char == "\u202e"]


def test_forged_marks_are_no_marks():
    """What stands for something set aside cannot be typed."""
    assert plain_text("\x020\x03 &#2;0&#3; $x^2$ \x027\x03") == "0 0 x² 7"


@pytest.mark.parametrize(
    "piece",
    ["`", "` ``", "$", "$ x", "$$", "\\(", "\\[x", "<", "<b", "<!--", "```\n", "> ", "- ", "**a", "[", "|a"],
)
def test_long_repetitions_are_read(piece):
    """Openings without an end, tens of thousands of them, are text: no recursion, no square of the length."""
    text = plain_text(piece * 20_000)
    assert "\x02" not in text


@given(answers)
def test_any_answer_becomes_clean_lines(answer):
    """Lines are neither empty nor padded, nothing set aside is left, and the text has no controls."""
    text = plain_text(answer)
    assert all(line == line.strip() and line for line in text.split("\n")) or not text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)


@given(answers)
def test_setting_aside_and_putting_back(answer):
    """What is set aside is put back whole, in order."""
    markdown, kept = set_aside(answer)
    assert len(re.findall("\x02[0-9]+\x03", markdown)) == len(kept)
    assert not re.search("\x02[0-9]+\x03", put_back(markdown, kept))


def test_printable_text_is_left_as_it_is():
    """Only controls go: tabs, line breaks, spaces of all kinds and any script stay."""
    text = "a\tb\nc\xa0d\u2003é 脳 🙂"
    assert remove_controls(text) == text


def test_real_answers(real_articles):
    """No real answer fails, and no markup is left in those without code."""
    for article in real_articles:
        text = plain_text(article.answer)
        assert text
        if "`" not in article.answer and "$" not in article.answer:
            assert not re.search(
                r"</?(?:b|i|p|strong|em|br|li|ul)>|&(?:amp|lt|gt|quot|nbsp);|\]\(|\\\(", text
            )
