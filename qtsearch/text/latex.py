r"""LaTeX maths → a line of plain text: ``\frac{a}{b}`` → ``a/b``, ``x^2`` → ``x²``, ``\alpha`` → ``α``.

For reading a formula in a snippet or a terminal, not for typesetting it: one pass over its tokens, with a
table of the commands that answers use. A command that is not in it is written as its name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["readable_maths"]

_TOKEN: Final = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_MAX_DEPTH: Final = 50  # of groups; deeper ones are written without their braces

_GREEK: Final = (
    "alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ "
    "pi π rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ "
    "Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω varepsilon ε vartheta ϑ varphi ϕ varrho ϱ varsigma ς "
)
_OPERATORS: Final = (
    "times × cdot · div ÷ pm ± mp ∓ ast * star ⋆ circ ° bullet • oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ wedge ∧ "
    "vee ∨ land ∧ lor ∨ neg ¬ lnot ¬ cap ∩ cup ∪ bigcap ⋂ bigcup ⋃ setminus ∖ sum ∑ prod ∏ coprod ∐ int ∫ "
    "iint ∬ iiint ∭ oint ∮ partial ∂ nabla ∇ surd √ "
)
_RELATIONS: Final = (
    "leq ≤ le ≤ leqslant ≤ geq ≥ ge ≥ geqslant ≥ neq ≠ ne ≠ equiv ≡ approx ≈ sim ∼ simeq ≃ cong ≅ propto ∝ "
    "ll ≪ gg ≫ prec ≺ succ ≻ preceq ⪯ succeq ⪰ in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ "
    "mid | nmid ∤ parallel ∥ perp ⊥ vdash ⊢ dashv ⊣ models ⊨ forall ∀ exists ∃ nexists ∄ lt < gt > "
)
_ARROWS: Final = (
    "to → rightarrow → longrightarrow → leftarrow ← longleftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ "
    "Longrightarrow ⇒ implies ⇒ Leftarrow ⇐ impliedby ⇐ Leftrightarrow ⇔ iff ⇔ mapsto ↦ uparrow ↑ "
    "downarrow ↓ rightleftharpoons ⇌ leftrightharpoons ⇋ nearrow ↗ searrow ↘ hookrightarrow ↪ "
)
_OTHERS: Final = (
    "infty ∞ emptyset ∅ varnothing ∅ aleph ℵ hbar ℏ ell ℓ Re ℜ Im ℑ angle ∠ triangle △ square □ degree ° "
    "prime ′ therefore ∴ because ∵ ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ langle ⟨ rangle ⟩ lfloor ⌊ "
    "rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ lbrace { rbrace } lbrack [ "
    "rbrack ] backslash \\ dagger † ddagger ‡ checkmark ✓ S § pounds £ euro € "
)
_WORDS: Final = (_GREEK + _OPERATORS + _RELATIONS + _ARROWS + _OTHERS).split()
_SYMBOLS: Final = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True)) | dict.fromkeys(
    "quad qquad enspace space thinspace".split(), " "
)
#: Commands of layout, which leave nothing behind.
_SILENT: Final = frozenset(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle "
    "limits nolimits hline nonumber notag rm bf it mathstrut strut centering".split()
)
#: Operators that stand close to what follows.
_PREFIXES: Final = frozenset("partial nabla neg lnot Delta surd".split())
#: Commands whose argument is not part of the formula.
_SKIPPED: Final = frozenset("label color textcolor hspace vspace phantom hphantom vphantom".split())
#: Commands that put a mark over a letter: its combining character.
_ACCENTS: Final = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308"}
_BLACKBOARD: Final = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
_BRACKETS: Final = {"pmatrix": "()", "bmatrix": "[]", "Bmatrix": "{}", "vmatrix": "||", "cases": ("{ ", "")}
_SUPERSCRIPTS: Final = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
)
_SUBSCRIPTS: Final = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_MAX_RAISED: Final = 4  # a longer exponent of small letters is hard to read
_COMPOUND: Final = re.compile(r"[\s+\-−=/·×÷±⋅]")
_FORMULA_NUMBER: Final = re.compile(r"(?<=[A-Za-z)\]])\d+")
_FORMULA_ARROWS: Final = (("<=>", "⇌"), ("<->", "↔"), ("->", "→"), ("<-", "←"))
_SPACES: Final = re.compile(r"\s+")
_SPACES_AT_BRACKETS: Final = re.compile(r"(?<=[(\[]) | (?=[,;)\]])")


@lru_cache(maxsize=4_096)
def readable_maths(source: str) -> str:
    r"""A formula, without its delimiters, as one line of text.

    No command and no grouping brace is left. Never fails: what is not well formed is written as it can be.

    >>> readable_maths(r"\frac{a}{b} + x^2 \neq \sqrt{2\pi} \text{ cm}")
    'a/b + x² ≠ √(2π) cm'
    """
    text = _Reader(_TOKEN.findall(source)).read(0)
    return _SPACES_AT_BRACKETS.sub("", _SPACES.sub(" ", unicodedata.normalize("NFC", text))).strip(" ;")


class _Reader:
    """Reads the tokens of a formula once, from the left to the right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def read(self, depth: int) -> str:
        """Everything up to the brace that ends this group, or the end."""
        parts: list[str] = []
        while self._at < len(self._tokens):
            piece = self._tokens[self._at]
            if piece == "}" and depth:
                self._at += 1
                break
            text = self._atom(depth)
            # `\sin\theta` and `2\text{cm}` are typeset apart, a name and what follows it.
            if len(text) > 1 and text.isascii() and text.isalpha() and piece[0] == "\\":
                if parts and parts[-1][-1:].isalnum():
                    parts.append(" ")
                parts.append(text)
                if self._next_is_word():
                    parts.append(" ")
            else:
                parts.append(text)
        return "".join(parts)

    def _next_is_word(self) -> bool:
        following = self._tokens[self._at] if self._at < len(self._tokens) else ""
        return following.isalnum() or (following[:1] == "\\" and following[1:2].isalpha())

    def _argument(self, depth: int) -> str:
        """The next group or atom; spaces before it do not count."""
        self._skip_spaces()
        return self._atom(depth).strip() if self._at < len(self._tokens) else ""

    def _skip_spaces(self) -> None:
        while self._at < len(self._tokens) and self._tokens[self._at].isspace():
            self._at += 1

    def _option(self) -> str:
        """An optional argument in brackets, if one stands here."""
        if self._at < len(self._tokens) and self._tokens[self._at] == "[" and "]" in self._tokens[self._at :]:
            end = self._tokens.index("]", self._at)
            option = "".join(self._tokens[self._at + 1 : end])
            self._at = end + 1
            return option
        return ""

    def _atom(self, depth: int) -> str:
        piece = self._tokens[self._at]
        self._at += 1
        if depth > _MAX_DEPTH:
            return "" if piece in "{}" else piece.lstrip("\\")
        if piece == "{":
            return self.read(depth + 1)
        if piece in "}&~$":
            return " " if piece in "&~" else ""
        if piece == "^":
            return _raised(self._argument(depth + 1))
        if piece == "_":
            return _lowered(self._argument(depth + 1))
        if piece[0] != "\\" or len(piece) == 1:
            return piece
        name = piece[1:].rstrip("*")
        return self._command(name, depth + 1) if name[:1].isalpha() else _escaped(name)

    def _command(self, name: str, depth: int) -> str:
        if name in _SYMBOLS:
            if name in _PREFIXES:
                self._skip_spaces()
            return _SYMBOLS[name]
        if name in _SILENT:
            if self._tokens[self._at : self._at + 1] == ["."]:  # `\right.` has no delimiter
                self._at += 1
            return ""
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            return f"{_grouped(self._argument(depth))}/{_grouped(self._argument(depth))}"
        if name == "sqrt":
            index = self._option()
            root = "√" if not index else {"3": "∛", "4": "∜"}.get(index, f"{_raised(index)}√")
            under = self._argument(depth)
            return root + (under if len(under) == 1 or under.isdecimal() else f"({under.strip('()')})")
        if name in ("binom", "dbinom", "tbinom"):
            return f"({self._argument(depth)} choose {self._argument(depth)})"
        if name.startswith(("begin", "end")) and "{" in name:
            return self._environment(name)
        return self._wrapper(name, depth)

    def _wrapper(self, name: str, depth: int) -> str:
        """A command that does something to its argument; its name, if it has none."""
        if name in _SKIPPED:
            self._argument(depth)
            return ""
        if name == "not":
            return f"{self._argument(depth)}\u0338"
        if name in ("xrightarrow", "xleftarrow"):
            self._option()
            over = self._argument(depth)
            arrow = "→" if name == "xrightarrow" else "←"
            return f" {arrow}({over}) " if over else f" {arrow} "
        if self._tokens[self._at : self._at + 1] != ["{"]:
            if name in _ACCENTS or name in ("vec", "mathbf", "mathbb", "mathrm", "mathcal"):
                return self._wrapped(name, self._argument(depth))
            return name
        # `\text{ cm}`: spaces within the braces count.
        return self._wrapped(name, self._atom(depth))

    def _wrapped(self, name: str, inner: str) -> str:
        if name in _ACCENTS and len(inner) == 1:
            return inner + _ACCENTS[name]
        if name == "mathbb":
            return _BLACKBOARD.get(inner, inner)
        if name == "ce":
            for written, arrow in _FORMULA_ARROWS:
                inner = inner.replace(written, f" {arrow} ")
            return _FORMULA_NUMBER.sub(lambda number: number[0].translate(_SUBSCRIPTS), inner)
        if name == "pmod":
            return f" (mod {inner})"
        return f" ({inner})" if name == "tag" else inner

    def _environment(self, name: str) -> str:
        kind, _, environment = name.partition("{")
        environment = environment.rstrip("}").rstrip("*")
        begins = kind.strip() == "begin"
        if begins and environment == "array" and self._tokens[self._at : self._at + 1] == ["{"]:
            self._argument(1)  # how columns are aligned
        brackets = _BRACKETS.get(environment)
        return brackets[not begins] if brackets else " "


def _escaped(character: str) -> str:
    r"""What `\` and one more character mean."""
    if character == "\\":
        return "; "
    if character in ",;: \n":
        return " "
    if character == "|":
        return "‖"
    return "" if character in "!()[]/-" else character


def _raised(text: str) -> str:
    """An exponent: raised where Unicode has the characters, otherwise behind `^`."""
    if not text or text in ("°", "′", "*", "†"):
        return text
    raised = text.translate(_SUPERSCRIPTS)
    short = len(text) <= _MAX_RAISED or not text.isalpha()
    if short and _has_none_of(text, raised):
        return raised
    return f"^{text}" if text.isascii() and text.isalnum() else f"^({text})"


def _lowered(text: str) -> str:
    """An index: lowered where Unicode has the characters, otherwise behind `_`."""
    if not text:
        return text
    lowered = text.translate(_SUBSCRIPTS)
    short = len(text) == 1 or not text.isalpha()
    return lowered if short and _has_none_of(text, lowered) else f"_{_grouped(text)}"


def _has_none_of(text: str, translated: str) -> bool:
    return all(old != new for old, new in zip(text, translated, strict=True))


def _grouped(text: str) -> str:
    """In parentheses, if it would read otherwise without."""
    text = text.strip()
    if not _COMPOUND.search(text) or (text[:1] == "(" and text.find(")") == len(text) - 1):
        return text
    return f"({text})"
