"""``stats`` and ``backup``: looking after an index."""

from __future__ import annotations

import argparse
import os

from qtsearch.cli.common import OK, add_index, command, print_json
from qtsearch.markup import remove_controls

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parsers of these commands."""
    stats = command(
        commands,
        "stats",
        "say how much the index holds, and how old it is",
        "Print pages by subject, terms, sizes, the generation and its age.",
        "python -m qtsearch stats --index index",
    )
    add_index(stats)
    stats.add_argument("--json", action="store_true", help="print one JSON object")
    stats.set_defaults(run=_stats)

    backup = command(
        commands,
        "backup",
        "copy the index while it is in use",
        "Copy the current generation to a folder, as an index of its own, checked and synced.",
        "python -m qtsearch backup backups/monday --index index",
        "to restore it, stop what writes, and put the folder in the index's place",
    )
    backup.add_argument("target", metavar="DIR", help="folder that does not exist, or is empty")
    add_index(backup)
    backup.add_argument("--json", action="store_true", help="print one JSON object")
    backup.set_defaults(run=_backup)


def _stats(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index

    with open_index(arguments.index, auto_refresh=False) as index:
        found = index.stats()
    if arguments.json:
        print_json(found.to_dict())
    else:
        for line in str(found).splitlines():
            print(remove_controls(line))
    return OK


def _backup(arguments: argparse.Namespace) -> int:
    from qtsearch import backup

    generation = backup(arguments.index, arguments.target)
    target = os.path.abspath(arguments.target)
    if arguments.json:
        print_json({"generation": generation, "target": target})
    else:
        print(remove_controls(f"generation {generation} in {target}"))
    return OK
