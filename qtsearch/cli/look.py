"""``query``, ``show`` and ``complete``: what reads an index."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from qtsearch.cli.common import (
    OK,
    Style,
    add_index,
    add_json,
    command,
    count_of,
    number_of,
    print_json,
    terminal_width,
)
from qtsearch.text.controls import remove_controls

if TYPE_CHECKING:
    from qtsearch import Explanation, Hit, Index, Results
    from qtsearch.articles import Article

__all__ = ["add_commands"]

_INDENT: Final = "     "
_RELATED: Final = 3  # under each hit
_FACETS: Final = 10


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parsers of these commands."""
    query = command(
        commands,
        "query",
        "search the index",
        "Search the index and list the best articles.",
        'python -m qtsearch query "how is a clot removed" --subject Medicine --limit 3',
        'in TEXT: "a phrase"  "near words"~3  +must  -not  AND OR NOT ( )  pre*  wild?card  fuzzy~1  word^2\n'
        "question:word  answer:word  page_keywords:word  subject:medicine  date:[2024-12 to 2025-01]\n"
        "what is none of these is searched as words; docs/query-language.md tells more",
    )
    query.add_argument("text", metavar="TEXT", help="what to search for")
    add_index(query)
    query.add_argument(
        "--subject", action="append", metavar="S", help="only this subject, by name or slug; may be repeated"
    )
    query.add_argument(
        "--since", type=_day, metavar="DATE", help="only pages from this day, month or year on"
    )
    query.add_argument("--until", type=_day, metavar="DATE", help="only pages up to this day, month or year")
    query.add_argument(
        "--keyword",
        action="append",
        metavar="K",
        help="only pages with this keyword; or another, if repeated",
    )
    query.add_argument("--exclude", action="append", metavar="URL", help="not this page; may be repeated")
    query.add_argument(
        "--sort",
        choices=("score", "date", "oldest", "question"),
        default="score",
        help="order of the hits; date: the newest first (default: score)",
    )
    query.add_argument("--limit", type=count_of, default=10, metavar="N", help="hits to list (default: 10)")
    query.add_argument("--offset", type=count_of, default=0, metavar="N", help="hits to skip (default: 0)")
    query.add_argument(
        "--syntax",
        choices=("auto", "plain", "strict"),
        default="auto",
        help="how TEXT is read; plain: words only; strict: what is no query is an error (default: auto)",
    )
    query.add_argument(
        "--boost",
        action="append",
        type=_boost,
        metavar="FIELD=W",
        help="weight from 0 to 100 of question, answer or page_keywords; 0 leaves it out; may be repeated",
    )
    query.add_argument("--broaden", action="store_true", help="let words of the best pages join the query")
    query.add_argument("--synonyms", metavar="FILE", help="words that mean the same, a group on each line")
    query.add_argument("--all-pages", action="store_true", help="list every page of an article")
    query.add_argument("--no-correct", action="store_true", help="search what has no hits as it is spelt")
    query.add_argument("--no-snippets", action="store_true", help="leave out the passages of the answers")
    query.add_argument("--facets", action="store_true", help="count the hits by subject and by month")
    query.add_argument("--related", action="store_true", help="list related pages under each hit")
    query.add_argument("--explain", action="store_true", help="say of each hit what its score is made of")
    add_json(query)
    query.set_defaults(run=_query)

    show = command(
        commands,
        "show",
        "print an article",
        "Print the article at a url, rendered.",
        "python -m qtsearch show /learn/medicine/questions/what-causes-deep-vein-thrombosis",
    )
    show.add_argument("url", metavar="URL", help="the page's url")
    add_index(show)
    show.add_argument("--json", action="store_true", help="print one JSON object, the answer in Markdown")
    show.set_defaults(run=_show)

    complete = command(
        commands,
        "complete",
        "complete what one begins to type",
        "List keywords and questions that complete a text.",
        "python -m qtsearch complete throm",
    )
    complete.add_argument("text", metavar="TEXT", help="what was typed so far")
    add_index(complete)
    complete.add_argument("--limit", type=count_of, default=10, metavar="N", help="at most (default: 10)")
    add_json(complete)
    complete.set_defaults(run=_complete)


def _day(text: str) -> str:
    from qtsearch.language.periods import first_day

    try:
        first_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _boost(text: str) -> tuple[str, float]:
    from qtsearch.parameters import check_boosts

    name, value = number_of(text)
    try:
        check_boosts({name: value})
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value


# -- query -----------------------------------------------------------------------------------------


def _query(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index

    with open_index(arguments.index, synonyms=arguments.synonyms, auto_refresh=False) as index:
        asked: dict[str, Any] = {
            "subjects": arguments.subject,
            "boosts": dict(arguments.boost or ()),
            "broaden": arguments.broaden,
            "syntax": arguments.syntax,
        }
        results = index.search(
            arguments.text,
            since=arguments.since,
            until=arguments.until,
            keywords=arguments.keyword,
            exclude=arguments.exclude,
            sort=arguments.sort,
            collapse=not arguments.all_pages,
            correct=not arguments.no_correct,
            limit=arguments.limit,
            offset=arguments.offset,
            **asked,
        )
        for subject in index.unknown_subjects(arguments.subject or ()):
            known = ", ".join(index.subjects())
            told = f"qtsearch: no page has the subject {subject!r}; there are: {known}"
            print(remove_controls(told), file=sys.stderr)
        text = results.corrected or arguments.text
        explanations = {
            hit.url: index.explain(text, hit.url, **asked) for hit in results if arguments.explain
        }
        if arguments.json:
            found = results.to_dict()
            for hit in found["hits"]:
                if arguments.explain:
                    hit["explanation"] = explanations[hit["url"]].to_dict()
                if arguments.related:
                    hit["related"] = [other.url for other in index.related(hit["url"], limit=_RELATED)]
            print_json(found)
        else:
            _Printer(index, arguments).print(results, explanations)
    return OK


class _Printer:
    """Lists hits as text."""

    def __init__(self, index: Index, arguments: argparse.Namespace) -> None:
        self.index = index
        self.asked = arguments
        self.style = Style(sys.stdout)
        self.width = terminal_width()

    def print(self, results: Results, explanations: dict[str, Explanation]) -> None:
        if results.corrected:
            print(f"no page matches {results.query!r}; these match {results.corrected!r}")
        if not results.total:
            print(f"no page matches {results.query!r}")
            self._print_suggestion(results)
            return
        shown = f"{results[0].rank}-{results[-1].rank}" if len(results) else "none"
        found = f"{results.total:,} {_pages(results.total)} in {results.elapsed_ms:.2f} ms"
        print(f"{found}, showing {shown}")
        self._print_suggestion(results)
        if self.asked.facets:
            _print_counts("subjects", results.subjects, "more with --json")
            _print_counts("months", results.months, "more with --json")
        for hit in results:
            self._print_hit(hit)
            if hit.url in explanations:
                lines = str(explanations[hit.url]).splitlines()[1:]
                print("\n".join(_INDENT + remove_controls(line) for line in lines))

    def _print_suggestion(self, results: Results) -> None:
        if results.suggestion and not results.corrected:
            print(f"did you mean {results.suggestion!r}?")

    def _print_hit(self, hit: Hit) -> None:
        style = self.style
        date = f"{hit.date}  " if hit.date else ""
        question = hit.marked_question().terminal() if style.on else remove_controls(hit.question)
        print(f"\n{hit.rank:3}. {question}  [{hit.score:.2f}]")
        print(_INDENT + style.dim(f"{hit.subject or '-'}  {date}{hit.url}"))
        for copy in hit.copies:
            print(_INDENT + style.dim(f"also {copy.subject or '-'}  {copy.url}"))
        if not self.asked.no_snippets:
            snippet = hit.snippet()
            print(_wrapped(snippet.terminal() if style.on else str(snippet), self.width))
        if self.asked.related:
            for other in self.index.related(hit.url, limit=_RELATED):
                print(_INDENT + style.dim(f"related: {other.question}  {other.url}"))


def _pages(count: int) -> str:
    return "page" if count == 1 else "pages"


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print_counts(name: str, counts: dict[str, int], rest: str) -> None:
    shown = [f"{value} {count:,}" for value, count in counts.items()]
    if len(shown) > _FACETS:
        shown = [*shown[:_FACETS], f"… ({len(counts) - _FACETS} {rest})"]
    print(remove_controls(f"{name}: {', '.join(shown) or '-'}"))


# -- show and complete -----------------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index
    from qtsearch.errors import PageMissingError

    with open_index(arguments.index, auto_refresh=False) as index:
        article = index.get(arguments.url)
        if article is None:
            raise PageMissingError(index.path, arguments.url)
        if arguments.json:
            print_json(_as_dict(article))
            return OK
        related = index.related(arguments.url)
    from qtsearch.text.terminal import render_terminal

    style = Style(sys.stdout)
    width = terminal_width()
    date = f"  {article.date}" if article.date else ""
    print(style.bold(article.question))
    print(style.dim(f"{article.subject or '-'}{date}  {article.url}"))
    print(f"\n{render_terminal(article.answer, width=width, color=style.on)}\n")
    if article.page_keywords:
        print(_paragraph("keywords", article.page_keywords, width))
    for other in related:
        print(f"related: {remove_controls(other.question)}  {style.dim(other.url)}")
    return OK


def _as_dict(article: Article) -> dict[str, Any]:
    import dataclasses

    values = dataclasses.asdict(article)
    values["date"] = article.date.isoformat() if article.date else None
    return values


def _paragraph(name: str, values: Iterable[str], width: int) -> str:
    text = remove_controls(f"{name}: {', '.join(values)}")
    return textwrap.fill(text, width, subsequent_indent="  ")


def _complete(arguments: argparse.Namespace) -> int:
    from qtsearch import open_index

    with open_index(arguments.index, auto_refresh=False) as index:
        found = index.complete(arguments.text, limit=arguments.limit)
    if arguments.json:
        print_json({"text": arguments.text, "completions": [one._asdict() for one in found]})
        return OK
    style = Style(sys.stdout)
    for one in found:
        where = one.url or f"{one.count:,} {_pages(one.count)}"
        print(f"{remove_controls(one.text)}  {style.dim(where)}")
    return OK
