r"""What Markdown would misread in an answer, set aside: maths, HTML, control characters.

Before an answer is parsed as Markdown, :func:`set_aside` puts a mark in place of every formula, which is
written as text (:mod:`qtsearch.text.latex`), and of every HTML tag; :func:`put_back` puts the texts in place
of the marks, when Markdown is done. So ``$a_1 * b_1$`` is no emphasis, and ``List<String>`` no tag.
"""

from __future__ import annotations

import re
from typing import Final

from qtsearch.text.controls import remove_controls
from qtsearch.text.latex import readable_maths

__all__ = ["put_back", "set_aside"]

_INLINE_TAGS: Final = (
    "a|abbr|b|big|cite|code|del|em|font|i|img|ins|kbd|mark|q|s|samp|small|span|strike|strong|su[bp]|tt|u|var"
)
_BLOCK_TAGS: Final = (
    "blockquote|br|center|dd|details|div|dl|dt|figcaption|figure|h[1-6]|hr|li|ol|p|pre|summary|table|tbody"
    "|td|tfoot|th|thead|tr|ul"
)
# What follows a dollar sign that begins no formula, before the next: "5 million US", ", AU".
_PRICE: Final = r"\s*(?:\d[^\\^_={}+<>*$]*[A-Za-z]{3}|[,.;:!?)])"
# A currency before the closing sign, which then is a price's: "$5 or US$ 7".
_CURRENCY: Final = r"(?<!\bAU)(?<!\bCA)(?<!\bHK)(?<!\bNZ)(?<!\bSG)(?<!\bUS)"
# Code comes first: nothing is set aside in it. Each alternative begins with a character, so that the search
# skips from one of these to the next, and takes linear time where it fails.
_SPECIAL: Final = re.compile(
    rf"""
      ```(?P<fence>`*+) [^`\n]*\n .*? (?: ^[\ \t>]*```(?P=fence) | \Z )
    | ~~~(?P<tildes>~*+) [^\n]*\n .*? (?: ^[\ \t>]*~~~(?P=tildes) | \Z )
    | `(?<!``)(?P<ticks>`*+) [^\n]{{1,500}}? (?<!`)`(?P=ticks)(?!`)
    | \\(?P<literal>[\\$`<])
    | \\\( (?P<round>  [^\\]*+ (?: \\[^()][^\\]*+ )*+ ) \\\)
    | \\\[ (?P<square> [^\\]*+ (?: \\[^\[\]][^\\]*+ )*+ ) \\\]
    | \$\$ (?P<display> [^$]+ ) \$\$
    | \$(?!{_PRICE}) (?P<inline> [ ][^$\n]+[ ] | [^\s$](?:[^$\n]*[^\s$])? ) {_CURRENCY}\$(?!\d)
    | <su(?P<kind>[pb])> (?P<script> [^<>\n]{{1,20}} ) </su(?P=kind)>
    | <(?P<tag> /?(?i:{_INLINE_TAGS})(?:[\s/][^<>]*)?> | !--(?:[^<-]++|<(?!!--)|-(?!->))*+--> )
    | <(?P<break> /?(?i:{_BLOCK_TAGS})(?:[\s/][^<>]*)?> )
    | <(?P<angle>) (?=[A-Za-z/!?]) (?! (?:https?|ftp|mailto): )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ENTITY: Final = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_MARK: Final = re.compile("\x02([0-9]+)\x03")


def set_aside(answer: str) -> tuple[str, list[str]]:
    r"""The answer, without controls, as Markdown that reads as it was meant; and what is set aside.

    >>> set_aside(r"So \(a \neq b\) in <b>List</b><T>")
    ('So \x020\x03 in \x021\x03List\x022\x03\x023\x03T>', ['a ≠ b', '', '', '<'])
    """
    answer = remove_controls(answer)
    if "&#" in answer:
        answer = _ENTITY.sub(_without_control, answer)
    if not ("$" in answer or "<" in answer or "\\(" in answer or "\\[" in answer):
        return answer, []
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        text = _replacement(match)
        if text is None:
            return match[0]
        kept.append(text)
        return f"\x02{len(kept) - 1}\x03"

    return _SPECIAL.sub(keep, answer), kept


def put_back(text: str, kept: list[str]) -> str:
    """The text with what was set aside in its place."""
    return _MARK.sub(lambda mark: kept[int(mark[1])], text) if kept else text


def _without_control(entity: re.Match[str]) -> str:
    """The entity, or nothing, if it stands for a control character."""
    code = int(entity[1], 16) if entity[1] else int(entity[2])
    return "" if code <= 0x10FFFF and not remove_controls(chr(code)) else entity[0]


def _replacement(match: re.Match[str]) -> str | None:
    """What is read in place of a match; ``None``, if it is to stay in the Markdown."""
    kind = match.lastgroup
    if kind in ("round", "square", "display", "inline"):
        maths = match[kind]
        return None if "\n\n" in maths else readable_maths(maths)
    if kind == "script":
        return readable_maths(f"{'^' if match['kind'] == 'p' else '_'}{{{match['script']}}}")
    return {"tag": "", "break": "\n", "angle": "<"}.get(kind or "")
