"""``history`` and ``rollback``: what was published, and back to what was before."""

from __future__ import annotations

import argparse
import os

from qtsearch.cli.common import OK, add_index, command, print_json

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parsers of these commands."""
    history = command(
        commands,
        "history",
        "list the last generations and what changed",
        "List the generations that were published, newest first, with what each changed.",
        "python -m qtsearch history --index index",
        "a run of reindex that finds nothing changed publishes no generation",
    )
    add_index(history)
    history.add_argument("--json", action="store_true", help="print one JSON array")
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
    rollback.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="wait for another process that writes"
    )
    rollback.add_argument("--json", action="store_true", help="print one JSON object")
    rollback.set_defaults(run=_rollback)


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
    from qtsearch.index import default_path

    folder = os.path.abspath(default_path() if arguments.index is None else arguments.index)
    rollback(folder, wait=arguments.wait)
    entry = history(folder)[0]
    if arguments.json:
        print_json(entry.to_dict())
    else:
        print(f"generation {entry.generation} in {folder}: {entry.by}, {entry.pages:,} pages")
    return OK
