"""Whoosh as it comes: its own codec, StemmingAnalyzer, MultifieldParser with an OR group.

Words are handed to a parser without operators: its default plugins read "?" as a wildcard. The
first hits are asked for instead of a page of results, which would count all matches in a second
search. Positions are left out where they are not needed, the index is one segment.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.base import Found, fsync_tree, subject_slug, words

if TYPE_CHECKING:
    from documents import Document

analysis: Any = importlib.import_module("whoosh.analysis")  # Whoosh comes without types
fields: Any = importlib.import_module("whoosh.fields")
index: Any = importlib.import_module("whoosh.index")
qparser: Any = importlib.import_module("whoosh.qparser")
query_types: Any = importlib.import_module("whoosh.query")

BOOSTS = {"question": 3.0, "answer": 1.0, "keywords": 2.0}


class PlainWhoosh:
    """An index of Whoosh. `full` adds positions and stores all text."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        analyzer = analysis.StemmingAnalyzer()
        text = {
            name: fields.TEXT(analyzer=analyzer, phrase=self.full, stored=self.full or name == "question")
            for name in BOOSTS
        }
        schema = fields.Schema(
            url=fields.ID(stored=True, unique=True), subject=fields.ID(stored=self.full), **text
        )
        writer = index.create_in(str(folder), schema).writer(limitmb=1024)
        for document in documents:
            writer.add_document(
                url=document.url,
                question=document.question,
                answer=document.answer,
                keywords=document.keywords,
                subject=subject_slug(document.subject),
            )
        writer.commit(optimize=True)
        fsync_tree(folder)

    def open(self, folder: Path) -> None:
        self.index = index.open_dir(str(folder))
        self.searcher = self.index.searcher()
        self.parser = qparser.MultifieldParser(
            list(BOOSTS),
            self.searcher.schema,
            fieldboosts=BOOSTS,
            group=qparser.OrGroup,
            plugins=[qparser.WhitespacePlugin()],
        )

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        parsed = self.parser.parse(" ".join(words(query)))
        kept = query_types.Term("subject", subject_slug(subject)) if subject else None
        results = self.searcher.search(parsed, limit=offset + limit, filter=kept)
        return [(hit["url"], hit["question"]) for hit in results[offset : offset + limit]]

    def close(self) -> None:
        self.searcher.close()
        self.index.close()
