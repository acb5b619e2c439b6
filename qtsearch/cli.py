"""The command line: words and exit codes, nothing else.

Exit codes: 0 success; 1 an error, one line on stderr; 2 wrong usage; 3 a reindex was published, but files
were rejected; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

# One thread does: BLAS would start one a core, and take half of NumPy's import for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from qtsearch import ReindexReport, Results

__all__ = ["main"]

_OK, _ERROR, _REJECTED, _INTERRUPTED = 0, 1, 3, 130

_EXAMPLES = """\
examples:
  python -m qtsearch reindex examples/articles
  python -m qtsearch query "mechanical thrombectomy" --subject Medicine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Wrong usage raises SystemExit(2), as argparse does."""
    arguments = _parser().parse_args(argv)
    from qtsearch.errors import QtsearchError

    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except QtsearchError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of our output is gone, `| head` say. Python would complain at exit, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _ERROR
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        _fail("interrupted; the index is as it was")
        return _INTERRUPTED


def _fail(message: str) -> int:
    print(f"qtsearch: {message}", file=sys.stderr)
    return _ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qtsearch",
        description="Full-text search over question-and-answer articles.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    index_help = "folder of the index (default: $QTSEARCH_INDEX, else index)"

    reindex = commands.add_parser(
        "reindex",
        help="build the index from folders of articles",
        description="Build the index from article files, and publish it in place of what was there.",
        epilog="example:\n  python -m qtsearch reindex examples/articles --index index\n\n"
        "exit code 3: published, but some files were rejected; each is listed with its reason",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reindex.add_argument("sources", nargs="+", metavar="SOURCE", help="folder of .md files, or a file")
    reindex.add_argument("--index", metavar="DIR", help=index_help)
    reindex.add_argument("--include-no-index", action="store_true", help="take in pages marked no_index")
    reindex.set_defaults(run=_reindex)

    query = commands.add_parser(
        "query",
        help="search the index",
        description="Search the index and list the best articles.",
        epilog='example:\n  python -m qtsearch query "how is a clot removed" --subject Medicine --limit 3',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    query.add_argument("text", metavar="TEXT", help="what to search for")
    query.add_argument("--index", metavar="DIR", help=index_help)
    query.add_argument(
        "--subject", action="append", metavar="S", help="only this subject, by name or slug; may be repeated"
    )
    query.add_argument("--limit", type=_count, default=10, metavar="N", help="hits to list (default: 10)")
    query.add_argument("--offset", type=_count, default=0, metavar="N", help="hits to skip (default: 0)")
    query.add_argument("--json", action="store_true", help="print one JSON object")
    query.set_defaults(run=_query)
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


# -- reindex ---------------------------------------------------------------------------------------


def _reindex(arguments: argparse.Namespace) -> int:
    from qtsearch import reindex

    with _ProgressBar(sys.stderr) as bar:
        report = reindex(
            arguments.sources,
            arguments.index,
            include_no_index=arguments.include_no_index,
            progress=bar.show if sys.stderr.isatty() else None,
        )
    for error in report.rejected:
        print(f"rejected {error}", file=sys.stderr)
    print(_summary(report))
    return _REJECTED if report.rejected else _OK


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


# -- query -----------------------------------------------------------------------------------------


def _query(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index

    with open_index(arguments.index) as index:
        results = index.search(
            arguments.text, subjects=arguments.subject, limit=arguments.limit, offset=arguments.offset
        )
        if arguments.subject:
            for subject in index.unknown_subjects(arguments.subject):
                known = ", ".join(index.subjects())
                print(f"qtsearch: no page has the subject {subject!r}; there are: {known}", file=sys.stderr)
        if arguments.json:
            import json

            print(json.dumps(results.to_dict(), ensure_ascii=False))
        else:
            _print_list(results)
    return _OK


def _print_list(results: Results) -> None:
    if not results.total:
        print(f"no page matches {results.query!r}")
        return
    first, last = (results[0].rank, results[len(results) - 1].rank) if len(results) else (0, 0)
    pages = "page" if results.total == 1 else "pages"
    print(f"{results.total:,} {pages} in {results.elapsed_ms:.2f} ms, showing {first}-{last}")
    for hit in results:
        date = f"{hit.date}  " if hit.date else ""
        print(f"\n{hit.rank:3}. {hit.question}  [{hit.score:.2f}]")
        print(f"     {hit.subject or '-'}  {date}{hit.url}")
