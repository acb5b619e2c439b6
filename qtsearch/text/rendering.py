"""An answer in Markdown → its text, in lines, for snippets. For a terminal: :mod:`qtsearch.text.terminal`.

Markdown is parsed by pulldown-cmark, through ``pyromark``: three times as fast as ``cmarkgfm``, which
besides never gives back the memory of what it returns, 4 to 16 kB an answer.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from qtsearch.forks import late_imports
from qtsearch.text.markup import put_back, set_aside

if TYPE_CHECKING:
    from pyromark import Markdown

__all__ = ["parser", "plain_text"]

_CODE_BLOCK: Final = re.compile(r"<pre>.*?</pre>", re.DOTALL)
_IMAGE: Final = re.compile(r'<img [^>]*?alt="([^"]*)"[^>]*>')
_NEXT_CELL: Final = re.compile(r"</t[dh]><t[dh][^>]*>")
_INLINE_TAGS: Final = re.compile(r"</?(?:strong|em|code|a|del)\b[^>]*>")
_TAGS: Final = re.compile(r"<[^>]*>")
_SPACES: Final = re.compile(r"[ \t]{2,}|\t")
_LINE_OF_CODE: Final = "\x1e"  # a line break of a code block, while the others are not yet joined


def plain_text(answer: str) -> str:
    r"""The text of an answer, without markup: a line each for paragraphs, items, headings, rows of tables.

    Formulae are written as text, code as it stands, of links what is read. No control characters but
    line breaks. ``answer`` is Markdown with true line breaks, as :class:`~qtsearch.articles.Article` has it.

    >>> plain_text("### Speed\n\nIt is **constant**:\n\n- \\(v = \\frac{s}{t}\\)\n- in `m/s`")
    'Speed\nIt is constant:\nv = s/t\nin m/s'
    """
    markdown, kept = set_aside(answer)
    text = parser().html(markdown)
    if "<pre>" in text:
        text = _CODE_BLOCK.sub(lambda block: block[0].replace("\n", _LINE_OF_CODE), text)
    text = text.replace("\n", " ")
    if "<table>" in text:
        text = _NEXT_CELL.sub(" · ", text)
    if "<img" in text:
        text = _IMAGE.sub(r"\1", text)
    text = _TAGS.sub("\n", _INLINE_TAGS.sub("", text))
    if "&" in text:  # the parser writes these four, and decodes all others
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    text = put_back(text, kept).replace(_LINE_OF_CODE, "\n")
    if "  " in text or "\t" in text:
        text = _SPACES.sub(" ", text)
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))


@cache
def parser() -> Markdown:
    """The Markdown parser: CommonMark with the tables and the strikethrough of GitHub."""
    with late_imports:
        import pyromark  # here: searching needs NumPy only

    return pyromark.Markdown(options=pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH)
