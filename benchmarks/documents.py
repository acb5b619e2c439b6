"""What the benchmarks hand to every engine: plain documents read from article files, and queries.

An engine other than qtsearch brings no reader for the articles, so this is the one all of them are
fed by: PyYAML's C loader over the front matter, which is what a careful program would write first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import yaml


class Document(NamedTuple):
    """One article as plain text; `subject` is spelled as in the file."""

    url: str
    question: str
    answer: str
    keywords: str
    subject: str


class Query(NamedTuple):
    """What is typed, and the subject of the article it was drawn from (for filtered runs)."""

    text: str
    subject: str


def article_files(source: Path) -> list[Path]:
    """Every article below `source`, sorted, so that all engines see the same order."""
    return sorted(source.rglob("*.md"))


def read_document(path: Path) -> Document | None:
    """Read one article file; None for a page its publisher keeps out of search (`no_index`).

    Raises ValueError, with the path, where there is no front matter.
    """
    text = path.read_text(encoding="utf-8")
    end = text.find("\n---", 4)
    if not text.startswith("---\n") or end < 0:
        raise ValueError(f"{path}: no front matter between '---' lines")
    front = yaml.load(text[4:end], Loader=yaml.CSafeLoader)
    if front.get("no_index") is True:
        return None
    return Document(
        url=front["url"],
        question=front["question"],
        # Line breaks stand in the files as the two characters "\" and "n". Undoing them this way
        # damages a few LaTeX commands, which changes nothing that is measured.
        answer=front["answer"].replace("\\n", "\n"),
        keywords=front["seo"]["page_keywords"],
        subject=front["subject"],
    )


def read_documents(paths: Iterable[Path], processes: int = 1) -> Iterator[Document]:
    """Read files in order: one after another here, or in `processes` worker processes."""
    if processes <= 1:
        yield from filter(None, map(read_document, paths))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from filter(None, pool.map(read_document, paths, chunksize=200))
