"""``stats``, ``history``, ``rollback`` and ``backup``: looking after an index."""

from __future__ import annotations

import argparse
import os

from qtsearch.cli.common import OK, add_index, add_json, add_wait, command, print_json
from qtsearch.cli.signals import stoppable
from qtsearch.text.controls import remove_controls

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
    add_json(stats)
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
    add_json(backup)
    backup.set_defaults(run=_backup)

    history = command(
        commands,
        "history",
        "list the last generations and what changed",
        "List the generations that were published, newest first, with what each changed.",
        "python -m qtsearch history --index index",
        "a run of reindex that finds nothing changed publishes no generation",
    )
    add_index(history)
    add_json(history, "array")
    history.set_defaults(run=_history)

    rollback = command(
        commands,
        "rollback",
        "go back to the generation before",
        "Publish the generation before once more, if `reindex --keep-previous` kept it.",
        "python -m qtsearch rollback --index index",
        "the next reindex brings the index up to date with the files again",
    )
    add_index(rollback)
    add_wait(rollback)
    add_json(rollback)
    rollback.set_defaults(run=_rollback)


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


def _history(arguments: argparse.Namespace) -> int:
    from qtsearch import history

    entries = history(arguments.index)
    if arguments.json:
        print_json([entry.to_dict() for entry in entries])
        return OK
    for entry in entries:
        counts = [(entry.added, "added"), (entry.changed, "changed"), (entry.removed, "removed")]
        counts += [(entry.moved, "moved"), (entry.rejected, "rejected")]
        changes = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        when = entry.published.strftime("%Y-%m-%d %H:%M:%SZ")
        print(f"generation {entry.generation}  {when}  {entry.by}: {entry.pages:,} pages", end="")
        print(f" ({changes})" if changes else "")
    return OK


def _rollback(arguments: argparse.Namespace) -> int:
    from qtsearch import history, rollback
    from qtsearch.generations.generation import default_path

    folder = os.path.abspath(default_path() if arguments.index is None else arguments.index)
    with stoppable(folder):
        rollback(folder, wait=arguments.wait)
    entry = history(folder)[0]
    if arguments.json:
        print_json(entry.to_dict())
    else:
        print(f"generation {entry.generation} in {folder}: {entry.by}, {entry.pages:,} pages")
    return OK
