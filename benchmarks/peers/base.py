"""The one shape every engine is given, so that the same loop can time them all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from documents import Document

# What a user sees of a hit: its url and its question, really read.
Found = tuple[str, str]

words = re.compile(r"\w+").findall


class Engine(Protocol):
    """A search engine with an index in a folder."""

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        """Index the documents into `folder`, which is new and empty. Leaves the engine closed."""

    def open(self, folder: Path) -> None:
        """Make the index in `folder` searchable."""

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        """Hits `offset` to `offset + limit`, best first, of any of the words of `query`.

        `subject`, spelled as in the articles, keeps only the articles of that subject.
        """

    def close(self) -> None:
        """Give up the index."""


def subject_slug(subject: str) -> str:
    """The key under which the spelling variants of a subject are one: lower case, hyphens."""
    return subject.lower().replace(" ", "-")


def fsync_tree(folder: Path) -> None:
    """Force every file and folder below `folder` to disk, for engines that do not do it."""
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
