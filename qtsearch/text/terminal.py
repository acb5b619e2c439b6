"""An answer in Markdown → lines for a terminal: wrapped, aligned, and steering nothing.

The parser's events (see :mod:`qtsearch.text.rendering`) are written down as they come. Words carry their
style as control characters of our own, which cannot come from a text, until the lines are laid out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final

from qtsearch.text.markup import put_back, set_aside
from qtsearch.text.rendering import parser

__all__ = ["render_terminal"]

_BOLD: Final = "\x0e"
_UNDERLINE: Final = "\x0f"
_DIM: Final = "\x10"
_PLAIN: Final = "\x11"
_COLORS: Final = str.maketrans({_BOLD: "\x1b[1m", _UNDERLINE: "\x1b[4m", _DIM: "\x1b[2m", _PLAIN: "\x1b[0m"})
_NO_COLORS: Final = dict.fromkeys(_COLORS)
_STYLES: Final = {"Strong": _BOLD, "Heading": _BOLD + _UNDERLINE, "TableHead": _BOLD}
_WORD: Final = re.compile(r"\S+")
_BULLET: Final = "•"
_GUTTER: Final = 2  # spaces between the columns of a table
_MIN_COLUMN: Final = 8


def render_terminal(answer: str, *, width: int = 80, color: bool = False) -> str:
    r"""An answer as lines of at most ``width`` columns (at least 20), but for code and for longer words.

    ``color``: ANSI codes for bold text, headings (bold, underlined) and code (dim). There are no other
    control characters than these and line breaks, whatever the answer holds.

    Raises ValueError if ``width`` is less than 20.

    >>> print(render_terminal("### Aims\n\n1. **Speed**: not to be\n   late\n2. `ls`", width=20))
    Aims
    <BLANKLINE>
    1. Speed: not to be
       late
    2. ls
    """
    if width < 20:
        raise ValueError(f"width is {width}: give at least 20")
    markdown, kept = set_aside(answer)
    writer = _Writer(width, kept)
    for event in parser().events(markdown):
        writer.take(event)
    return "\n".join(writer.lines).translate(_COLORS if color else _NO_COLORS)


class _Writer:
    """Lines as far as the events have come. What is not yet a line stands in ``_inline``."""

    def __init__(self, width: int, kept: list[str]) -> None:
        self.lines: list[str] = []
        self._width = width
        self._kept = kept
        self._inline: list[str] = []
        self._styles: list[str] = []
        self._indents: list[str] = []  # of the containers we are in
        self._markers: dict[int, str] = {}  # of list items that have no line yet, by their place there
        self._numbers: list[int | None] = []  # of the next items of the lists we are in
        self._gap = False  # whether a blank line belongs before the next block
        self._code: list[str] | None = None
        self._rows: list[list[str]] = []
        self._alignments: list[str] = []
        self._targets: list[str] = []

    def take(self, event: Any) -> None:
        """The next event: a word, or one key with what belongs to it."""
        if isinstance(event, str):
            kind, detail = event, None
        else:
            kind, detail = next(iter(event.items()))
        if kind in ("Start", "End"):
            name, inner = next(iter(detail.items())) if isinstance(detail, dict) else (detail, None)
            (self._start if kind == "Start" else self._end)(str(name), inner)
        elif kind == "SoftBreak":
            self._inline.append(" ")
        elif kind == "HardBreak":
            self._inline.append("\n")
        elif kind == "Rule":
            self._block(["─" * self._room()])
        elif not isinstance(detail, str):
            pass  # nothing that is read
        elif kind == "Code":
            self._inline.append(_styled(put_back(detail, self._kept), [*self._styles, _DIM]))
        elif self._code is not None:
            self._code.append(put_back(detail, self._kept))
        else:
            self._inline.append(_styled(put_back(detail, self._kept), self._styles))

    def _start(self, name: str, detail: Any) -> None:
        if name in _STYLES:
            self._styles.append(_STYLES[name])
        if name in ("List", "CodeBlock", "BlockQuote", "Table"):
            self._flush(gap=not self._numbers)
        if name == "List":
            self._numbers.append(detail)
        elif name == "Item":
            number = self._numbers[-1]
            marker = f"{_BULLET} " if number is None else f"{number}. "
            if number is not None:
                self._numbers[-1] = number + 1
            self._markers[len(self._indents)] = marker
            self._indents.append(" " * len(marker))
        elif name == "BlockQuote":
            self._open_gap()
            self._indents.append("│ ")
        elif name == "CodeBlock":
            self._code = []
        elif name == "Table":
            self._alignments, self._rows = list(detail), []
        elif name in ("TableHead", "TableRow"):
            self._rows.append([])
        elif name in ("Link", "Image"):
            self._targets.append(detail["dest_url"] if name == "Link" else "")

    def _end(self, name: str, detail: Any) -> None:
        if name in _STYLES:
            self._styles.pop()
        if name in ("Paragraph", "Heading", "HtmlBlock"):
            self._flush(gap=True)
        elif name == "Item":
            self._flush(gap=False)
            if self._markers:  # an item without content
                self._block([""])
                self._gap = False
            self._indents.pop()
        elif name == "List":
            self._numbers.pop()
            self._gap = self._gap or not self._numbers
        elif name == "BlockQuote":
            self._indents.pop()
        elif name == "CodeBlock":
            code = "".join(self._code or []).rstrip("\n").split("\n")
            self._code = None
            self._block([f"    {_DIM}{line}{_PLAIN}" if line else "" for line in code])
        elif name == "TableCell":
            self._rows[-1].append("".join(self._inline).strip())
            self._inline.clear()
        elif name == "Table":
            self._block(list(self._table()))
        elif name in ("Link", "Image"):
            target = self._targets.pop()
            if target and put_back(target, self._kept) not in "".join(self._inline):
                self._inline.append(f" ({put_back(target, self._kept)})")

    def _room(self) -> int:
        """Columns that are left within the containers."""
        return max(self._width - sum(map(len, self._indents)), 1)

    def _flush(self, *, gap: bool) -> None:
        """Lay out what was collected, if anything, as a paragraph."""
        text = "".join(self._inline)
        self._inline.clear()
        if text.strip():
            self._block(list(_wrapped(text, self._room())))
            self._gap = gap

    def _open_gap(self) -> None:
        """The blank line that belongs before the next block, if one does."""
        if self._gap and self.lines:
            self.lines.append("".join(self._indents[: min(self._markers, default=None)]).rstrip())
        self._gap = False

    def _block(self, lines: list[str]) -> None:
        self._open_gap()
        indent = "".join(self._indents)
        first = "".join(self._markers.get(at, text) for at, text in enumerate(self._indents))
        self._markers.clear()
        for number, line in enumerate(lines):
            self.lines.append(f"{indent if number else first}{line}".rstrip(" "))
        self._gap = True

    def _table(self) -> Iterator[str]:
        """The rows, columns as wide as they need or as there is room for; a rule below the first row."""
        n_columns = len(self._alignments)
        widths = [max(_columns(row[at]) for row in self._rows) for at in range(n_columns)]
        room = self._room() - _GUTTER * (n_columns - 1)
        while sum(widths) > room and max(widths) > _MIN_COLUMN:
            widths[widths.index(max(widths))] -= 1
        for number, row in enumerate(self._rows):
            cells = [list(_wrapped(cell, width)) for cell, width in zip(row, widths, strict=True)]
            for at in range(max(map(len, cells), default=0)):
                parts = [
                    _aligned(cell[at] if at < len(cell) else "", width, alignment)
                    for cell, width, alignment in zip(cells, widths, self._alignments, strict=True)
                ]
                yield (" " * _GUTTER).join(parts).rstrip()
            if number == 0:
                yield (" " * _GUTTER).join("─" * width for width in widths)


def _styled(text: str, styles: Iterable[str]) -> str:
    """The text with each of its words in these styles, so that a line can end after any of them."""
    on = "".join(styles)
    return _WORD.sub(lambda word: f"{on}{word[0]}{_PLAIN}", text) if on else text


def _wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most ``width`` columns, but for longer words."""
    for paragraph in text.strip().split("\n"):
        line, used = "", 0
        for word in paragraph.split():
            columns = _columns(word)
            if line and used + 1 + columns > width:
                yield line
                line, used = word, columns
            else:
                line = f"{line} {word}" if line else word
                used += columns + (used > 0)
        yield line


def _aligned(text: str, width: int, alignment: str) -> str:
    space = max(width - _columns(text), 0)
    if alignment == "Right":
        return " " * space + text
    if alignment == "Center":
        return " " * (space // 2) + text + " " * (space - space // 2)
    return text + " " * space


def _columns(text: str) -> int:
    """How many columns a text takes: wide characters two, combining ones and our styles none."""
    text = text.translate(_NO_COLORS)
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
