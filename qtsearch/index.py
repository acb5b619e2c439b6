"""An open index: one immutable snapshot of a generation, to be searched by any number of threads."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from qtsearch import generation
from qtsearch.errors import IndexDamagedError
from qtsearch.results import Hit, Results
from qtsearch.searcher import Searcher

if TYPE_CHECKING:
    from qtsearch.articles import Article

__all__ = ["DEFAULT_INDEX", "Index", "default_path", "open_index"]

#: Where the index lives unless ``$QTSEARCH_INDEX`` or the caller says otherwise.
DEFAULT_INDEX = "index"


def default_path() -> str:
    """``$QTSEARCH_INDEX``, or ``index`` where that is not set."""
    return os.environ.get("QTSEARCH_INDEX") or DEFAULT_INDEX


def open_index(path: str | os.PathLike[str] | None = None) -> Index:
    """Open the index in a folder, by default in ``$QTSEARCH_INDEX``, else in ``index``.

    It goes on showing the generation that was current when it was opened, whatever is published since.

    Raises:
        IndexMissingError: there is none.
        IndexVersionError: it was written in a format of another version.
        ForeignSegmentError: something other than ``reindex`` wrote to the folder.
        IndexDamagedError: a file is not what was written.
        OSError: a file cannot be read.

    >>> import qtsearch
    >>> report = qtsearch.reindex("examples/articles", "index")
    >>> with qtsearch.open_index("index") as index:
    ...     hit = index.search("removing a clot by thrombectomy", subjects=["Nursing"])[0]
    >>> hit.question
    'What should nurses monitor after a thrombectomy?'
    """
    return Index(default_path() if path is None else path)


class Index:
    """An index open for reading: see :func:`open_index`. May be shared by threads, and closed twice."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._generation, segment = generation.open_segment(self.path)
        self._open_searcher: Searcher | None = Searcher(segment)

    @property
    def generation(self) -> int:
        """The number of the generation that this index shows."""
        return self._generation.number

    def _searcher(self) -> Searcher:
        if self._open_searcher is None:
            raise ValueError("this index is closed: open it again with qtsearch.open_index")
        return self._open_searcher

    def search(
        self,
        query: str,
        *,
        subjects: Iterable[str] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Results:
        """The best articles for a query, best first.

        Args:
            query: any text; an article matches if it has one of its words, in any form. Nothing in it is
                an error. Words after the first 32,768 characters or 1,024 different ones are ignored.
            subjects: only articles of these subjects, by name or slug in any case; a subject that
                no article has matches none. ``None`` for all. Scores do not depend on it.
            limit: hits wanted, 0 or more.
            offset: hits skipped, 0 or more: 10 for the second page of ten.

        Raises:
            TypeError: ``query`` is not a ``str``.
            ValueError: ``limit`` or ``offset`` is negative, or the index is closed.
            IndexDamagedError: a file of the index is not what was written.
        """
        started = time.perf_counter_ns()
        if not isinstance(query, str):
            raise TypeError(f"the query must be a str, not {type(query).__name__}")
        if limit < 0 or offset < 0:
            raise ValueError(f"limit and offset must be 0 or more, not {limit} and {offset}")
        searcher = self._searcher()
        ranges = None
        if subjects is not None:
            ranges = searcher.ranges([subjects] if isinstance(subjects, str) else subjects)
        try:
            plan = searcher.plan(query)
            docs, scores = searcher.search(plan, ranges, limit + offset if limit else 0)
            if docs and max(docs) >= searcher.segment.n_docs:
                raise IndexError(f"article {max(docs)}")
        except IndexError as error:
            path = searcher.segment.files[0].path
            raise IndexDamagedError(path, f"has postings that lead nowhere ({error})") from error
        results = Results(searcher, query, plan, ranges, docs[offset:], scores[offset:], offset)
        results.elapsed_ms = (time.perf_counter_ns() - started) / 1e6
        return results

    def get(self, url: str) -> Article | None:
        """The article at ``url`` as it was indexed, ``None`` if there is none. Raises IndexDamagedError."""
        from qtsearch.articles import Article, RelatedLink  # here: needs PyYAML, which searching does not

        if not isinstance(url, str):
            raise TypeError(f"the url must be a str, not {type(url).__name__}")
        segment = self._searcher().segment
        doc = segment.find_url(unicodedata.normalize("NFC", url))
        if doc < 0:
            return None
        hit = Hit(segment, doc, 1, 0.0)
        record = segment.record(doc)
        return Article(
            url=hit.url,
            question=hit.question,
            answer=record["answer"],
            id=hit.id,
            page_keywords=tuple(record["keywords"]),
            subject=record["subject"],
            date=hit.date,
            description=record["description"],
            related=tuple(RelatedLink(*link) for link in record["related"]),
            no_index=record["no_index"],
            path=record["path"],
        )

    def subjects(self) -> dict[str, int]:
        """Pages by subject, each under its commonest spelling, in order of the subjects' slugs."""
        return {s.name: s.stop - s.start for s in self._searcher().segment.subjects if s.slug}

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no page has."""
        return self._searcher().unknown_subjects(subjects)

    def __len__(self) -> int:
        """The number of pages."""
        return self._searcher().segment.n_docs

    def close(self) -> None:
        """Let go of the files. Hits remain readable; searching raises ValueError from now on."""
        self._open_searcher = None

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Index {self.path} generation {self.generation}>"
