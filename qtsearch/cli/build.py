"""``reindex`` and ``tune``: what writes to an index."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from qtsearch.cli.common import (
    OK,
    REJECTED,
    add_index,
    add_json,
    add_wait,
    command,
    fail,
    number_of,
    print_json,
)
from qtsearch.cli.signals import stoppable
from qtsearch.text.controls import remove_controls

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parsers of these commands."""
    reindex = command(
        commands,
        "reindex",
        "bring the index up to date with folders of articles",
        "Bring the index up to date with article files: read those that have changed, and publish the result "
        "in place of what was there. What is not in the sources any more leaves the index.",
        "python -m qtsearch reindex examples/articles --index index --report report.json",
        "exit code 3: all is well, but some files were rejected; each is listed with its reason",
    )
    reindex.add_argument("sources", nargs="+", metavar="SOURCE", help="folder of .md files, or a file")
    add_index(reindex)
    for option, text in (
        ("--include-no-index", "take in pages marked no_index"),
        ("--checksum", "look into every file, whatever its modification time"),
        ("--full", "read and index every file anew"),
        ("--strict", "drop the last good version of a file that is no article any more"),
        ("--allow-shrink", "publish even if more than half of the files are gone"),
        ("--keep-previous", "keep the generation before, for `rollback`"),
        ("--dry-run", "say what would be done, and write nothing"),
    ):
        reindex.add_argument(option, action="store_true", help=text)
    add_wait(reindex)
    reindex.add_argument("--report", metavar="FILE", help="write the report to a file, as JSON")
    add_json(reindex)
    reindex.set_defaults(run=_reindex)

    tune = command(
        commands,
        "tune",
        "show or change the ranking parameters of the index",
        "Show the ranking parameters, or change them without reading the articles again.",
        "python -m qtsearch tune --set k1=1.2 --set question_weight=4",
        "later runs of reindex keep the parameters; --reset goes back to the defaults",
    )
    add_index(tune)
    tune.add_argument(
        "--set", action="append", type=number_of, metavar="NAME=VALUE", help="change one; may be repeated"
    )
    tune.add_argument("--reset", action="store_true", help="begin with the defaults")
    add_wait(tune)
    add_json(tune)
    tune.set_defaults(run=_tune)


def _reindex(arguments: argparse.Namespace) -> int:
    # Most arrays live for a moment: on virtual machines it takes longer to be given huge pages for them, as
    # NumPy asks for, than to use them. Nothing has imported it yet.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    from qtsearch import reindex

    with stoppable(arguments.index), _without_scipy(), _without_gc(), _ProgressBar(sys.stderr) as bar:
        report = reindex(
            arguments.sources,
            arguments.index,
            include_no_index=arguments.include_no_index,
            checksum=arguments.checksum,
            full=arguments.full,
            strict=arguments.strict,
            allow_shrink=arguments.allow_shrink,
            keep_previous=arguments.keep_previous,
            dry_run=arguments.dry_run,
            wait=arguments.wait,
            progress=bar.show if sys.stderr.isatty() else None,
        )
    if arguments.report:
        with open(arguments.report, "w", encoding="utf-8") as file:
            json.dump(report.to_dict(), file, indent=2)
            file.write("\n")
    kept = set(report.kept)
    for error in report.rejected:
        stays = "; its last good version stays" if error.path in kept else ""
        print(f"rejected {remove_controls(str(error))}{stays}", file=sys.stderr)
    if arguments.json:
        print_json(report.to_dict())
    else:
        print(report)
    return REJECTED if report.rejected else OK


@contextlib.contextmanager
def _without_scipy() -> Iterator[None]:
    """NLTK imports SciPy where it is installed: a second for what stemming does not need."""
    if "scipy" in sys.modules:
        yield
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["scipy"]


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    """Of the rows and texts of all files none are cycles; to look for some takes a twentieth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _ProgressBar:
    """One line on a terminal that is drawn over itself, and wiped in the end."""

    _WIDTH = 40

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = False

    def __enter__(self) -> _ProgressBar:
        return self

    def show(self, done: int, total: int) -> None:
        filled = self._WIDTH * done // total
        doing = f"{done:,} of {total:,} files" if done < total else "writing the index   "
        self._stream.write(f"\r[{'#' * filled}{'.' * (self._WIDTH - filled)}] {doing}")
        self._stream.flush()
        self._shown = True

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._stream.write("\r\033[K")


def _tune(arguments: argparse.Namespace) -> int:
    from qtsearch import RankingParameters, open_index, set_parameters

    with open_index(arguments.index) as index:
        parameters = index.parameters
        changes = dict(arguments.set or ())
        if changes or arguments.reset:
            parameters = RankingParameters() if arguments.reset else parameters
            try:
                parameters = parameters.replace(**changes)
            except ValueError as error:
                return fail(str(error))
            with stoppable(index.path):
                generation = set_parameters(index.path, parameters, wait=arguments.wait)
            if not arguments.json:
                print(f"generation {generation} in {index.path}")
    values = parameters.to_dict()
    if arguments.json:
        print_json(values)
        return OK
    for name, default, (low, high), meaning in RankingParameters.table():
        mark = " " if values[name] == default else "*"
        print(f"{mark} {name:22} {values[name]:<6g} {f'{low:g} to {high:g}':10}  {meaning}")
    if parameters != RankingParameters():
        print("* is not the default")
    return OK
