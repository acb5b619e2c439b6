"""The command line: words and exit codes, nothing else.

Exit codes: 0 success; 1 an error, told on stderr; 2 wrong usage; 3 a reindex was published, but files
were rejected; 128 and its number for a signal, as 130 for Ctrl-C and 143 for SIGTERM.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence

from qtsearch.cli import build, judge, look, shell, trust, upkeep
from qtsearch.cli.common import ERROR, INTERRUPTED, fail
from qtsearch.cli.signals import Stopped

__all__ = ["main"]

_EXAMPLES = """\
examples:
  python -m qtsearch reindex examples/articles
  python -m qtsearch query "mechanical thrombectomy" --subject Medicine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Wrong usage raises SystemExit(2), as argparse does."""
    # NumPy's BLAS would start a thread for each processor, and nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = make_parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a terminal's encoding lacks is no error
    from qtsearch.errors import QtsearchError

    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except QtsearchError as error:
        return fail(str(error))
    except BrokenPipeError:
        # The reader of our output is gone, `| head` say. Python would complain at exit, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Stopped as stopped:
        fail(str(stopped))
        return stopped.code
    except KeyboardInterrupt:
        fail("interrupted")
        return INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="qtsearch",
        description="Full-text search over question-and-answer articles.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print what is installed, and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (build, upkeep, trust, look, judge, shell):
        module.add_commands(commands)
    parser.set_defaults(parser=parser)  # for what a shell is told of it
    return parser


class _Version(argparse.Action):
    """Prints the versions of program and index format, and whether searching is compiled."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from qtsearch._version import __version__
        from qtsearch.codec.container import FORMAT_VERSION
        from qtsearch.search.searcher import kernel

        search = "compiled" if kernel else "in NumPy"
        print(f"qtsearch {__version__}, index format {FORMAT_VERSION}, search {search}")
        parser.exit()
