"""The two characters ``\\`` ``n``, which stand for line breaks in answers, → line breaks.

Answers are folded YAML scalars, in which a line break has to be written out. But LaTeX has commands that
begin with the same two characters, ``\\neq``, ``\\nu`` and more, and they stand in the same answers.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["restore_line_breaks"]

# LaTeX commands that begin with n. The first group is LaTeX wherever it stands: no English word
# and no line of code begins with the rest of it. The second could be a line break before a word.
_ALWAYS_LATEX: Final = (
    "abla|eq|eg|otin|exists|leq|geq|leqslant|geqslant|subseteq|supseteq|parallel|rightarrow|leftarrow"
    "|Rightarrow|Leftarrow|leftrightarrow|Leftrightarrow|vdash|vDash|Vdash|VDash|cong|prec|succ|preceq|succeq"
    "|triangleleft|triangleright|shortmid|shortparallel|ewcommand|ormalsize|onumber|olimits"
)
_LATEX_IN_MATHS: Final = "u|e|i|ot|mid|less|gtr|sim|earrow|warrow|atural|ewline|obreak"
_BREAK_OR_LATEX: Final = re.compile(rf"\\n(?:{_ALWAYS_LATEX}|{_LATEX_IN_MATHS})(?![A-Za-z])")
_MATHS_SCAN: Final = re.compile(
    rf"(?P<row>\\\\)|(?P<open>\\[(\[])|(?P<close>\\[)\]])|\\\$|(?P<display>\$\$)|(?P<inline>\$)"
    rf"|(?P<always>\\n(?:{_ALWAYS_LATEX})(?![A-Za-z]))|(?P<maths>\\n(?:{_LATEX_IN_MATHS})(?![A-Za-z]))"
    rf"|(?P<blank>\\n\s*\\n(?!(?:{_ALWAYS_LATEX}|{_LATEX_IN_MATHS})(?![A-Za-z])))|(?P<break>\\n)"
)


def restore_line_breaks(text: str) -> str:
    r"""Turn the two characters ``\`` ``n`` into line breaks, and leave LaTeX commands whole.

    ``\neq``, ``\nabla`` and their like are always LaTeX. ``\nu``, ``\ne``, ``\not`` … are LaTeX within
    ``\(…\)``, ``\[…\]``, ``$…$`` and ``$$…$$``, except right after ``\\``, ``\[`` or ``$$``, where a
    line ends. A text that has true line breaks was not written in this way and is returned as it is.

    >>> restore_line_breaks(r"So\nwhere \(a \neq 0\)")
    'So\nwhere \\(a \\neq 0\\)'
    """
    if "\\n" not in text or "\n" in text.strip():
        return text
    if not _BREAK_OR_LATEX.search(text):
        return text.replace("\\n", "\n")
    parts: list[str] = []
    end = 0  # of what is copied
    line_start = -1  # where a break is sure, right after `\\`, `\[` or `$$`
    maths = ""  # what opened the formula we are in
    for match in _MATHS_SCAN.finditer(text):
        kind = match.lastgroup
        if kind == "row":
            line_start = match.end()
        elif kind == "open":
            maths = match[0]
            line_start = match.end() if match[0] == "\\[" else -1
        elif kind == "close":
            maths = ""
        elif kind == "display":
            maths = "" if maths == "$$" else "$$"
            line_start = match.end() if maths else -1
        elif kind == "inline":
            maths = "" if maths == "$" else (maths or "$")
        elif kind == "always" or (kind == "maths" and maths and match.start() != line_start):
            pass
        elif kind is not None:
            if kind == "blank" and maths == "$":
                maths = ""  # a price, not a formula: none spans a blank line
            parts.append(text[end : match.start()])
            if kind == "blank":
                parts.append(match[0].replace("\\n", "\n"))
                end = match.end()
            else:
                parts.append("\n")
                end = match.start() + 2
    parts.append(text[end:])
    return "".join(parts)
