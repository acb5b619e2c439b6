r"""Line breaks that the files write as the two characters ``\`` ``n``: undone, with LaTeX left whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.articles import parse_article
from qtsearch.text.breaks import restore_line_breaks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"One.\nTwo.", "One.\nTwo."),
        (r"One.\n\nThe rest.", "One.\n\nThe rest."),
        (r"So\nwhere a is", "So\nwhere a is"),
        (r"```python\nimport os\nname = 1\n```", "```python\nimport os\nname = 1\n```"),
        (r"\n- nut\n- note\n- night\n- near", "\n- nut\n- note\n- night\n- near"),
        (r"list:\n1. one\n2. two", "list:\n1. one\n2. two"),
        (r"end\n", "end\n"),
        (r"no break", "no break"),
        ("", ""),
    ],
)
def test_breaks(text, expected):
    """Before any word, sign or end the two characters are a line break."""
    assert restore_line_breaks(text) == expected


@pytest.mark.parametrize("command", ["neq", "nabla", "neg", "notin", "nexists", "nleq", "newcommand"])
@pytest.mark.parametrize(
    "around", [r"{} b", r"$a {} b$", r"\(a {} b\)", r"\[ a{}_1 \]", r"$$x {}$$", r"{}{{b}}"]
)
def test_commands_that_are_latex_anywhere(command, around):
    """A command that no word begins with is LaTeX within maths and outside it."""
    text = around.format(f"\\{command}")
    assert restore_line_breaks(text) == text
    assert restore_line_breaks(f"One.\\n{text}\\nTwo.") == f"One.\n{text}\nTwo."


@pytest.mark.parametrize("command", ["nu", "ne", "ni", "not", "nmid", "nless", "nsim"])
@pytest.mark.parametrize("around", [r"$a {} b$", r"\(a {} b\)", r"\[ a {} b \]", r"$$x = {}$$", r"$$ {} $$"])
def test_commands_that_are_latex_within_maths(command, around):
    """A command that could be a break before a word is LaTeX where a formula is open."""
    text = around.format(f"\\{command}")
    assert restore_line_breaks(text) == text
    assert restore_line_breaks(f"One.\\n{text}\\nTwo.") == f"One.\n{text}\nTwo."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"One.\nnot two", "One.\nnot two"),
        (r"is it\not", "is it\not"),
        (r"$a$\nu is a letter", "$a$\nu is a letter"),
        (r"\(a\)\ni is one", "\\(a\\)\ni is one"),
        (r"$$a = b$$\nu", "$$a = b$$\nu"),
        (r"$$\nu = b$$", "$$\nu = b$$"),
        (r"$$\na = b\n$$\nnot", "$$\na = b\n$$\nnot"),
        (r"\[\nu = b\n\]\ne", "\\[\nu = b\n\\]\ne"),
        (r"$$a \\\nu \\\ne$$", "$$a \\\\\nu \\\\\ne$$"),
        (r"\$5\not \$6", "\\$5\not \\$6"),
        (r"For $5.\n\n1. Then\nnot $a \neq b \nu$", "For $5.\n\n1. Then\nnot $a \\neq b \\nu$"),
    ],
)
def test_breaks_around_maths(text, expected):
    """Outside a formula, and where a line of one begins, the same letters are a break before a word."""
    assert restore_line_breaks(text) == expected


def test_price_before_a_formula():
    """A dollar sign alone in its paragraph is a price, and opens no formula in the next one."""
    assert restore_line_breaks(r"It costs $5.\n\nThen $a = \nu$.") == "It costs $5.\n\nThen $a = \\nu$."


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{1}{2} \times \text{a} \theta \rho",
        "One.\nTwo \\n three, as in code.",
        "a\\nb\nc",
    ],
)
def test_text_that_is_left_alone(text):
    r"""Commands that begin otherwise stay; where true line breaks stand, ``\n`` was meant as it is."""
    assert restore_line_breaks(text) == text


def test_breaks_in_a_file():
    """Answers are restored whether YAML folds them or quotes them; questions are left alone."""
    folded = "---\nurl: /a\nquestion: a\\nb\nanswer: >-\n    One.\\n\\nTwo \\(a \\neq b\\)\n    end.\n---\n"
    article = parse_article(folded.encode())
    assert article.answer == "One.\n\nTwo \\(a \\neq b\\) end."
    assert article.question == "a\\nb"
    literal = "---\nurl: /a\nquestion: q\nanswer: |\n    One.\n\n    Two \\n.\n---\n"
    assert parse_article(literal.encode()).answer == "One.\n\nTwo \\n."
    quoted = '---\nurl: /a\nquestion: q\nanswer: "One.\\n\\nTwo."\n---\n'
    assert parse_article(quoted.encode()).answer == "One.\n\nTwo."


_PIECES = ["a", "u", " ", ".", "\\", "\\n", "$", "$$", "\\$", "\\nu", "\\neq", "\\\\"]
_PIECES += ["\\(", "\\)", "\\[", "\\]"]


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_restoring_only_turns_breaks(text):
    r"""Whatever the text, nothing changes but that some ``\n`` become a line break."""
    restored = restore_line_breaks(text)
    position = 0
    for char in restored:
        if char == "\n":
            assert text.startswith("\\n", position)
            position += 2
        else:
            assert text[position] == char
            position += 1
    assert position == len(text)
