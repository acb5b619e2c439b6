"""``shell-completion``: what lets a shell complete commands and options."""

from __future__ import annotations

import argparse

from qtsearch.cli.common import OK, command
from qtsearch.errors import MissingLibraryError

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of this command."""
    completion = command(
        commands,
        "shell-completion",
        "print a script that lets a shell complete commands and options",
        "Print a script that lets a shell complete the commands and options of `qtsearch`.",
        "qtsearch shell-completion bash > ~/.local/share/bash-completion/completions/qtsearch",
        "needs shtab: pip install 'qtsearch[completion]'",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell to read the script")
    completion.set_defaults(run=_complete)


def _complete(arguments: argparse.Namespace) -> int:
    try:
        import shtab
    except ImportError:
        raise MissingLibraryError("shtab", "completion") from None
    print(shtab.complete(arguments.parser, arguments.shell))
    return OK
