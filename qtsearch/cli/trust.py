"""``verify``: whether an index is what was written."""

from __future__ import annotations

import argparse

from qtsearch.cli.common import ERROR, OK, add_index, add_json, command, print_json
from qtsearch.text.controls import remove_controls

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of this command."""
    verify = command(
        commands,
        "verify",
        "check every byte of the index",
        "Read all of the index: say what is damaged, and what to do.",
        "python -m qtsearch verify --index index",
        "exit code 1: something is damaged; files that no generation needs are told, and are no damage",
    )
    add_index(verify)
    add_json(verify)
    verify.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from qtsearch import verify

    report = verify(arguments.index)
    if arguments.json:
        print_json(report.to_dict())
        return OK if report.ok else ERROR
    for problem in report.problems:
        print(f"damaged {remove_controls(str(problem))}")
    for warning in report.warnings:
        print(f"warning {remove_controls(str(warning))}")
    count = len(report.problems)
    found = "nothing damaged" if report.ok else f"{count:,} {'problem' if count == 1 else 'problems'}"
    print(
        f"{found}: {report.files} files, {report.arrays} arrays, {report.size_bytes / 1e6:.1f} MB "
        f"in {report.seconds:.1f} s, generation {report.generation} in {report.index}"
    )
    return OK if report.ok else ERROR
