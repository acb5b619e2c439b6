"""What the commands share: exit codes, arguments, JSON, and colours on a terminal."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import threading
from typing import Any, Final, TextIO

from qtsearch.text.controls import remove_controls

__all__ = [
    "ERROR",
    "INTERRUPTED",
    "OK",
    "REJECTED",
    "Style",
    "add_index",
    "add_json",
    "add_wait",
    "command",
    "count_of",
    "fail",
    "number_of",
    "print_json",
    "seconds_of",
    "terminal_width",
]

OK: Final = 0
ERROR: Final = 1
REJECTED: Final = 3
INTERRUPTED: Final = 130

_MIN_WIDTH: Final = 20
_MAX_WIDTH: Final = 100
# What steers a terminal, or is no text, and what JSON need not escape.
_UNESCAPED: Final = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def fail(message: str) -> int:
    """Say what went wrong; returns the exit code."""
    print(f"qtsearch: {remove_controls(message)}", file=sys.stderr)
    return ERROR


def print_json(value: Any) -> None:
    """One JSON object on one line."""
    import json

    text = json.dumps(value, ensure_ascii=(sys.stdout.encoding or "utf-8").lower() != "utf-8")
    print(_UNESCAPED.sub(lambda char: f"\\u{ord(char[0]):04x}", text))


def terminal_width() -> int:
    """Columns to fill: those of the terminal, from 20 to 100."""
    return max(_MIN_WIDTH, min(shutil.get_terminal_size((_MAX_WIDTH, 24)).columns, _MAX_WIDTH))


class Style:
    """Bold and dim on a terminal; nothing elsewhere, or where ``NO_COLOR`` is set (no-color.org).

    Control characters of the text are left out everywhere: they could steer the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def bold(self, text: str) -> str:
        """In bold."""
        return self._styled(text, 1)

    def dim(self, text: str) -> str:
        """Less bright."""
        return self._styled(text, 2)

    def _styled(self, text: str, code: int) -> str:
        text = remove_controls(text)
        return f"\033[{code}m{text}\033[22m" if self.on else text


# -- arguments -------------------------------------------------------------------------------------


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
    example: str,
    note: str = "",
) -> argparse.ArgumentParser:
    """The parser of a command, with an example in its help."""
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example:\n  {example}" + (f"\n\n{note}" if note else ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_index(parser: argparse.ArgumentParser) -> None:
    """``--index``."""
    parser.add_argument(
        "--index", metavar="DIR", help="folder of the index (default: $QTSEARCH_INDEX, else index)"
    )


def add_json(parser: argparse.ArgumentParser, what: str = "object") -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON {what}")


def add_wait(parser: argparse.ArgumentParser) -> None:
    """``--wait``."""
    parser.add_argument(
        "--wait",
        type=seconds_of,
        default=0.0,
        metavar="SECONDS",
        help="how long another writer of this index may take to end (default: 0)",
    )


def seconds_of(text: str) -> float:
    """0 or more."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not 0 <= value <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {threading.TIMEOUT_MAX:.0f} seconds")
    return value


def count_of(text: str) -> int:
    """0 or more."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if not 0 <= value <= sys.maxsize:
        raise argparse.ArgumentTypeError(f"{value} is not from 0 to {sys.maxsize}")
    return value


def number_of(text: str) -> tuple[str, float]:
    """``NAME=NUMBER``."""
    name, equals, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        what = f"{value!r} is no number" if equals else "there is no ="
        raise argparse.ArgumentTypeError(f"{text!r}: {what}; write NAME=NUMBER") from None
