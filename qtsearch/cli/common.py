"""What the commands share: exit codes, arguments, JSON, and colours on a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Final, TextIO

__all__ = [
    "ERROR",
    "INTERRUPTED",
    "OK",
    "REJECTED",
    "Style",
    "add_index",
    "command",
    "count_of",
    "fail",
    "number_of",
    "print_json",
]

OK: Final = 0
ERROR: Final = 1
REJECTED: Final = 3
INTERRUPTED: Final = 130


def fail(message: str) -> int:
    """Say what went wrong; returns the exit code."""
    print(f"qtsearch: {message}", file=sys.stderr)
    return ERROR


def print_json(value: Any) -> None:
    """One JSON object on one line."""
    import json

    print(json.dumps(value, ensure_ascii=False))


class Style:
    """Bold and dim on a terminal; nothing elsewhere, or where ``NO_COLOR`` is set (no-color.org)."""

    def __init__(self, stream: TextIO) -> None:
        self.on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def bold(self, text: str) -> str:
        """In bold."""
        return f"\033[1m{text}\033[22m" if self.on else text

    def dim(self, text: str) -> str:
        """Less bright."""
        return f"\033[2m{text}\033[22m" if self.on else text


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


def count_of(text: str) -> int:
    """0 or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def number_of(text: str) -> tuple[str, float]:
    """``NAME=NUMBER``."""
    name, equals, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        what = f"{value!r} is no number" if equals else "there is no ="
        raise argparse.ArgumentTypeError(f"{text!r}: {what}; write NAME=NUMBER") from None
