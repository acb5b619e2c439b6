"""``reindex`` and ``tune``: what writes to an index."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TextIO

from qtsearch.cli.common import OK, REJECTED, add_index, add_wait, command, fail, number_of, print_json
from qtsearch.cli.signals import stoppable
from qtsearch.markup import remove_controls

if TYPE_CHECKING:
    from qtsearch import ReindexReport

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parsers of these commands."""
    reindex = command(
        commands,
        "reindex",
        "build the index from folders of articles",
        "Build the index from article files, and publish it in place of what was there.",
        "python -m qtsearch reindex examples/articles --index index",
        "exit code 3: published, but some files were rejected; each is listed with its reason",
    )
    reindex.add_argument("sources", nargs="+", metavar="SOURCE", help="folder of .md files, or a file")
    add_index(reindex)
    reindex.add_argument("--include-no-index", action="store_true", help="take in pages marked no_index")
    reindex.add_argument("--json", action="store_true", help="print one JSON object")
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
    tune.add_argument("--json", action="store_true", help="print one JSON object")
    tune.set_defaults(run=_tune)


def _reindex(arguments: argparse.Namespace) -> int:
    from qtsearch import reindex

    with stoppable(arguments.index), _ProgressBar(sys.stderr) as bar:
        report = reindex(
            arguments.sources,
            arguments.index,
            include_no_index=arguments.include_no_index,
            progress=bar.show if sys.stderr.isatty() else None,
        )
    for error in report.rejected:
        print(f"rejected {remove_controls(str(error))}", file=sys.stderr)
    if arguments.json:
        print_json(
            {
                "index": report.index,
                "generation": report.generation,
                "pages": report.pages,
                "files": report.files,
                "rejected": [{"path": e.path, "line": e.line, "reason": e.reason} for e in report.rejected],
                "no_index": report.no_index,
                "seconds": report.seconds,
                "size_bytes": report.size_bytes,
            }
        )
    else:
        print(_summary(report))
    return REJECTED if report.rejected else OK


def _summary(report: ReindexReport) -> str:
    parts = [f"{report.pages:,} pages indexed"]
    if report.rejected:
        parts.append(f"{len(report.rejected):,} files rejected")
    if report.no_index:
        parts.append(f"{report.no_index:,} left out as no_index")
    return (
        f"{', '.join(parts)} in {report.seconds:.1f} s: {report.size_bytes / 1e6:.1f} MB, "
        f"generation {report.generation} in {report.index}"
    )


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
