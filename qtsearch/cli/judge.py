"""``evaluate``: figures of relevance by judgments of one's own."""

from __future__ import annotations

import argparse
import sys

from qtsearch.cli.common import OK, add_index, command, print_json

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The parser of this command."""
    evaluate = command(
        commands,
        "evaluate",
        "measure the index by queries and judgments of yours",
        "Ask judged queries, print nDCG@10, MRR@10 and R@100. A judged id is a page's url.",
        "python -m qtsearch evaluate queries.jsonl qrels.tsv --index index",
        "needs ir-measures: pip install 'qtsearch[evaluate]'",
    )
    evaluate.add_argument("queries", metavar="QUERIES", help="JSON lines with _id and text, or id TAB text")
    evaluate.add_argument("qrels", metavar="QRELS", help="BEIR's TSV with its header, or TREC's lines")
    add_index(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object, with figures by query")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from qtsearch import evaluation, open_index

    with open_index(arguments.index, auto_refresh=False) as index:
        found = evaluation.evaluate(index, arguments.queries, arguments.qrels)
    if found.missing:
        count = f"{len(found.missing):,} of {found.judged:,} judged ids are no page of the index"
        print(f"qtsearch: {count}: {found.missing[0]!r} is the url of none", file=sys.stderr)
    if arguments.json:
        print_json(found.to_dict())
        return OK
    for name, value in found.mean.to_dict().items():
        print(f"{name:7}  {value:.4f}")
    left_out = [(found.unjudged, "without a relevant page"), (found.unasked, "without a text")]
    told = ", ".join(f"{count:,} {why}" for count, why in left_out if count)
    print(f"means over {len(found.by_query):,} queries" + (f"; left out: {told}" if told else ""))
    return OK
