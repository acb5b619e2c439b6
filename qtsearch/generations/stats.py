"""What an index holds, in figures: for the morning after a reindex."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtsearch.codec.segment import INDEX_NAME
from qtsearch.search.snapshot import Snapshot

__all__ = ["IndexStats", "measure"]


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What one generation of an index holds.

    ``index``: its folder, absolute. ``published``: when, UTC; ``age_seconds``: how long ago, when this was
    measured. ``pages``: in all; ``articles``: different ones, of which some stand on several pages.
    ``subjects``: pages by subject. ``terms``: stems; ``forms``: words as written; ``postings``: one for each
    term in each page; ``tokens``: words of all texts. ``files``: bytes by name.
    """

    index: str
    generation: int
    published: datetime.datetime
    age_seconds: float
    pages: int
    articles: int
    subjects: Mapping[str, int]
    terms: int
    forms: int
    postings: int
    tokens: int
    files: Mapping[str, int]

    @property
    def size_bytes(self) -> int:
        """Of all files of the generation."""
        return sum(self.files.values())

    def to_dict(self) -> dict[str, Any]:
        """What ``stats --json`` prints; the time in ISO form."""
        return {
            "index": self.index,
            "generation": self.generation,
            "published": self.published.isoformat(timespec="seconds"),
            "age_seconds": self.age_seconds,
            "pages": self.pages,
            "articles": self.articles,
            "subjects": dict(self.subjects),
            "terms": self.terms,
            "forms": self.forms,
            "postings": self.postings,
            "tokens": self.tokens,
            "files": dict(self.files),
            "size_bytes": self.size_bytes,
        }

    def __str__(self) -> str:
        words = f"{self.terms:,} terms in {self.forms:,} forms"
        return "\n".join(
            [
                f"generation {self.generation}, published {self.published:%F %T} UTC, "
                f"{_age(self.age_seconds)} ago",
                f"{self.pages:,} pages of {self.articles:,} articles",
                *(f"{count:16,}  {subject}" for subject, count in self.subjects.items()),
                f"{words}, {self.postings:,} postings, {self.tokens:,} tokens",
                f"{self.size_bytes:,} bytes in {self.index}",
                *(f"{size:16,}  {name}" for name, size in self.files.items()),
            ]
        )


def _age(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def measure(snapshot: Snapshot) -> IndexStats:
    """The figures of a snapshot: some milliseconds. Those of files are known when the files are gone, too."""
    segment, generation = snapshot.segment, snapshot.generation
    files = {os.path.basename(file.path): file.size_bytes for file in segment.files}
    folder = os.path.dirname(segment.files[0].path)
    # What only a reindex reads is not open here, and not there once a newer generation is.
    sources = f"{INDEX_NAME}_{generation.segment_id}.sources"
    with contextlib.suppress(FileNotFoundError):
        files[sources] = os.stat(os.path.join(folder, sources)).st_size
    now = datetime.datetime.now(datetime.UTC)
    published = datetime.datetime.fromtimestamp(generation.published_ns / 1e9, datetime.UTC)
    return IndexStats(
        index=folder,
        generation=generation.number,
        published=published,
        age_seconds=max(0.0, (now - published).total_seconds()),
        pages=segment.n_docs,
        articles=len(np.unique(segment.originals)),
        subjects={s.name: s.stop - s.start for s in segment.subjects if s.slug},
        terms=len(segment.terms),
        forms=len(segment.forms),
        postings=len(segment.docs),
        tokens=len(segment.positions),
        files=files,
    )
