"""qtsearch behind the same shape as its peers, by nothing but its public API."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import qtsearch
from peers.base import Found

if TYPE_CHECKING:
    from documents import Document


class Qtsearch:
    """Reads the article files itself, so `build` ignores the documents it is handed."""

    def __init__(self, source: Path) -> None:
        self.source = source

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        qtsearch.reindex(self.source, folder)

    def open(self, folder: Path) -> None:
        self.index = qtsearch.open_index(folder)

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        if subject is None:
            results = self.index.search(query, limit=limit, offset=offset)
        else:
            results = self.index.search(query, subjects=[subject], limit=limit, offset=offset)
        return [(hit.url, hit.question) for hit in results]

    def close(self) -> None:
        self.index.close()
