"""What a reindex did: for a log, for the morning after, as JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from qtsearch.errors import ArticleError

__all__ = ["ReindexReport", "Timer"]


class Timer:
    """Seconds by phase, and since it was made."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self.phases: dict[str, float] = {}

    def end(self, phase: str) -> None:
        """What went since the last end belongs to this phase."""
        now = time.monotonic()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._last
        self._last = now

    @property
    def seconds(self) -> float:
        """In all, up to now."""
        return time.monotonic() - self._started


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a reindex did, or would do.

    Attributes:
        index: the folder, absolute.
        generation: the number of the generation that is current now.
        published: whether that is a new one; it is not if nothing changed, or if it was a ``dry_run``.
        full: whether all files were read, not only those that may have changed.
        pages: in the index now.
        files: found in the sources.
        added, changed, removed, moved, unchanged: pages by what became of their files since the last reindex.
        rejected: an error for each file that is no article, or that gave way to another with the same url.
        kept: of these the paths of which the last good version stays in the index.
        no_index: files left out because they are marked so.
        warnings: what else is worth a look: a subject spelt in several ways, ids that several articles have,
            links that lead to no page.
        phases: seconds by phase: ``scan``, ``read``, ``merge``, ``publish``.
        seconds: taken in all.
        size_bytes: of the segment's files.
    """

    index: str
    generation: int
    published: bool
    dry_run: bool
    full: bool
    pages: int
    files: int
    added: int
    changed: int
    removed: int
    moved: int
    unchanged: int
    rejected: tuple[ArticleError, ...]
    kept: tuple[str, ...]
    no_index: int
    warnings: tuple[str, ...]
    phases: dict[str, float]
    seconds: float
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """What ``reindex --json`` and ``--report`` write."""
        values = {name: getattr(self, name) for name in self.__slots__}
        rejected = [{"path": e.path, "line": e.line, "reason": e.reason} for e in self.rejected]
        return values | {"rejected": rejected, "kept": list(self.kept), "warnings": list(self.warnings)}

    def __str__(self) -> str:
        """One line."""
        parts = []
        for count, what in (
            (self.added, "added"),
            (self.changed, "changed"),
            (self.removed, "removed"),
            (self.moved, "moved"),
            (len(self.rejected), "rejected"),
            (len(self.kept), "kept as they were"),
            (self.no_index, "left out as no_index"),
            (len(self.warnings), "warnings"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        if self.dry_run:
            done = "a dry run, nothing published"
        elif self.published:
            done = f"generation {self.generation}"
        else:
            done = f"nothing to do, generation {self.generation}"
        pages = f"{self.pages:,} pages" + (f" ({', '.join(parts)})" if parts else "")
        return f"{pages} in {self.seconds:.1f} s: {self.size_bytes / 1e6:.1f} MB, {done} in {self.index}"
