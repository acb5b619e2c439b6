"""A reading list in Markdown: for each topic the best articles, and none twice.

Command: python examples/reading_list.py INDEX TOPIC… [--subject S] [--length N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import qtsearch


def reading_list(
    index: qtsearch.Index, topics: Sequence[str], *, subject: str | None = None, length: int = 5
) -> Iterator[str]:
    """The lines of the list."""
    listed: list[str] = []
    for topic in topics:
        hits = index.search(
            topic, subjects=None if subject is None else [subject], exclude=listed, limit=length
        )
        yield f"## {hits.corrected or topic}\n"
        for hit in hits:
            listed.append(hit.url)
            yield f"- [{hit.question}]({hit.url}): {hit.snippet(max_chars=120)}"
        yield "" if len(hits) else "Nothing found.\n"


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description="Make a reading list in Markdown.")
    parser.add_argument("index", help="folder of the index")
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--subject", help="only articles of this subject")
    parser.add_argument("--length", type=int, default=5, help="articles for each topic (default: 5)")
    arguments = parser.parse_args()
    try:
        with qtsearch.open_index(arguments.index, auto_refresh=False) as index:
            for line in reading_list(
                index, arguments.topics, subject=arguments.subject, length=arguments.length
            ):
                print(line)
    except (qtsearch.QtsearchError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
