r"""Formulae as a line of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.latex import readable_maths


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x", "x"),
        (r"\frac{a}{b}", "a/b"),
        (r"\frac12", "1/2"),
        (r"\frac{a+b}{2c}", "(a+b)/2c"),
        (r"\dfrac{\frac{a}{b}}{c}", "(a/b)/c"),
        ("x^2", "x²"),
        ("x^{2n+1}", "x²ⁿ⁺¹"),
        ("x^{y^2}", "x^(y²)"),
        ("e^{-kt}", "e⁻ᵏᵗ"),
        ("x^T", "x^T"),
        (r"90^\circ", "90°"),
        ("v_0", "v₀"),
        ("v_{max}", "v_max"),
        (r"T_{a + \beta}", "T_(a + β)"),
        (r"\text{CO}_2", "CO₂"),
        (r"\ce{2H2 + O2 -> 2H2O}", "2H₂ + O₂ → 2H₂O"),
        (r"\sqrt{2}", "√2"),
        (r"\sqrt{2\pi}", "√(2π)"),
        (r"\sqrt[3]{x}", "∛x"),
        (r"\sqrt[n]{x}", "ⁿ√x"),
        (r"\alpha \times \beta \leq \infty", "α × β ≤ ∞"),
        (r"\sin\theta", "sin θ"),
        (r"2\sin x", "2 sin x"),
        (r"\partial f", "∂f"),
        (r"9.81 \, \text{m/s}^2", "9.81 m/s²"),
        (r"\text{rate of change}", "rate of change"),
        (r"\mathbf{F} = m\vec{a}", "F = ma"),
        (r"\bar{x}", "x\u0304"),
        (r"\hat{a}", "\u00e2"),
        (r"\mathbb{R}^n", "ℝⁿ"),
        (r"\not= \not\in", "≠ ∉"),
        (r"\binom{n}{k}", "(n choose k)"),
        (r"\left( \frac{1}{2} \right)", "(1/2)"),
        (r"\left. x \right|", "x |"),
        (r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", "[1 2; 3 4]"),
        (r"\begin{array}{cc} 1 & 2 \end{array}", "1 2"),
        (r"\begin{align*} a &= b \\ &= c \end{align*}", "a = b; = c"),
        (r"\{1, 2\}", "{1, 2}"),
        (r"50\% \$ \_ \# \&", "50% $ _ # &"),
        (r"a \pmod{n}", "a (mod n)"),
        (r"\color{red}{x}", "x"),
        (r"A \xrightarrow{heat} B", "A →(heat) B"),
        (r"\unheardof{x} \strange", "x strange"),
        ("", ""),
    ],
)
def test_formulae(source, expected):
    """A formula reads as one would say or type it."""
    assert readable_maths(source) == expected


@pytest.mark.parametrize(
    "source", ["{{{", "}}}", "\\", "x^", "_", r"\frac", r"\sqrt[", r"\begin{", r"\not", "^^^"]
)
def test_what_is_not_well_formed(source):
    """No formula is an error, and no brace that groups is left."""
    assert not set(readable_maths(source)) & set("{}\n")


def test_deep_nesting():
    """Ten thousand groups within each other are read without recursion that deep."""
    assert readable_maths("{" * 10_000 + "x" + "}" * 10_000) == "x"
    assert "x" in readable_maths(r"\frac{" * 10_000 + "x")


@given(st.text(alphabet="ab12 \\{}^_&$()[]frac,;'\n", max_size=60))
def test_any_text_becomes_one_line(source):
    """Whatever stands between the delimiters becomes a line without spaces around it."""
    text = readable_maths(source)
    assert "\n" not in text
    assert text == text.strip()
