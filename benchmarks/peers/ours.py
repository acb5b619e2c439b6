"""qtsearch behind the same shape as its peers, by nothing but its public API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qtsearch
from peers.base import Found

if TYPE_CHECKING:
    from documents import Document


class Qtsearch:
    """Reads the article files itself, so `build` ignores the documents it is handed.

    `boosts` are weights by field, where they are not to be those of the index.
    """

    def __init__(self, source: Path, *, boosts: Mapping[str, float] | None = None) -> None:
        self.source = source
        # The peers neither know articles that stand on several pages, nor correct what is typed.
        self.options: dict[str, Any] = {"boosts": boosts, "collapse": False, "correct": False}

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        # An index keeps the parameters that it has: one of an earlier run may have others.
        report = qtsearch.reindex(self.source, folder, parameters=qtsearch.RankingParameters())
        if report.rejected:
            raise ValueError(f"{len(report.rejected)} articles rejected, the first: {report.rejected[0]}")

    def open(self, folder: Path) -> None:
        self.index = qtsearch.open_index(folder)

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        if subject is None:
            results = self.index.search(query, limit=limit, offset=offset, **self.options)
        else:
            results = self.index.search(query, subjects=[subject], limit=limit, offset=offset, **self.options)
        return [(hit.url, hit.question) for hit in results]

    def close(self) -> None:
        self.index.close()
