"""An open index: one immutable snapshot of a generation, to be searched by any number of threads."""

from __future__ import annotations

import os
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from qtsearch import generation
from qtsearch.codec.segment import Segment
from qtsearch.errors import IndexDamagedError, PageMissingError
from qtsearch.parameters import RankingParameters, Weighting, check_boosts
from qtsearch.planner import Plan
from qtsearch.results import Hit, Results
from qtsearch.searcher import Ranges, Searcher

if TYPE_CHECKING:
    from qtsearch.articles import Article
    from qtsearch.explanation import Explanation

__all__ = ["DEFAULT_INDEX", "Index", "default_path", "open_index"]

#: Where the index lives unless ``$QTSEARCH_INDEX`` or the caller says otherwise.
DEFAULT_INDEX = "index"
#: Sets of boosts whose impacts are kept: two bytes a posting each.
_BOOSTS_KEPT = 4


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
        self._open: _Searchers | None = _Searchers(segment)

    @property
    def generation(self) -> int:
        """The number of the generation that this index shows."""
        return self._generation.number

    def _searcher(self, boosts: Mapping[str, float] | None = None) -> Searcher:
        if self._open is None:
            raise ValueError("this index is closed: open it again with qtsearch.open_index")
        return self._open.boosted(boosts)

    @property
    def parameters(self) -> RankingParameters:
        """The ranking parameters that the index was published with."""
        return self._searcher().segment.parameters

    def search(
        self,
        query: str,
        *,
        subjects: Iterable[str] | None = None,
        boosts: Mapping[str, float] | None = None,
        broaden: bool = False,
        limit: int = 10,
        offset: int = 0,
    ) -> Results:
        """The best articles for a query, best first.

        Args:
            query: any text; an article matches if it has one of its words, in any form. Nothing in it is
                an error. Words after the first 32,768 characters or 1,024 different ones are ignored.
            subjects: only articles of these subjects, by name or slug in any case; a subject that
                no article has matches none. ``None`` for all. Scores do not depend on it, unless ``broaden``.
            boosts: weights from 0 to 100 of ``question``, ``answer`` and ``page_keywords`` for this query;
                a field that is not named keeps the weight it has in :attr:`parameters`. 0 leaves a field out.
                Raising one never ranks a page that matches in the field below one that does not and was
                below it before. A set of boosts takes up to a second the first time; four are kept.
            broaden: let words of the ten best pages join the query: it finds more, and its first hits are
                worse. Takes some milliseconds.
            limit: hits wanted, 0 or more.
            offset: hits skipped, 0 or more: 10 for the second page of ten.

        Raises:
            TypeError: ``query`` is not a ``str``, or a boost no number.
            ValueError: ``limit`` or ``offset`` is negative, a boost names no field or is out of range, or the
                index is closed.
            IndexDamagedError: a file of the index is not what was written.
        """
        started = time.perf_counter_ns()
        _check_query(query)
        if limit < 0 or offset < 0:
            raise ValueError(f"limit and offset must be 0 or more, not {limit} and {offset}")
        searcher = self._searcher(boosts)
        ranges = _ranges(searcher, subjects)
        try:
            plan = _plan(searcher, query, ranges, broaden)
            docs, scores = searcher.search(plan, ranges, limit + offset if limit else 0)
            if docs and max(docs) >= searcher.segment.n_docs:
                raise IndexError(f"article {max(docs)}")
        except (IndexError, ValueError) as error:
            raise _leads_nowhere(searcher, error) from error
        results = Results(searcher, query, plan, ranges, docs[offset:], scores[offset:], offset)
        results.elapsed_ms = (time.perf_counter_ns() - started) / 1e6
        return results

    def explain(
        self,
        query: str,
        url: str,
        *,
        subjects: Iterable[str] | None = None,
        boosts: Mapping[str, float] | None = None,
        broaden: bool = False,
    ) -> Explanation:
        """Why the page at ``url`` has the score that :meth:`search` gives it for the same arguments.

        The page need not match, and may be of another subject.

        Raises:
            TypeError, ValueError, IndexDamagedError: as :meth:`search`.
            PageMissingError: no page of the index has the url.

        >>> import qtsearch
        >>> report = qtsearch.reindex("examples/articles", "index")
        >>> with qtsearch.open_index("index") as index:
        ...     hit = index.search("stent retriever")[0]
        ...     explanation = index.explain("stent retriever", hit.url)
        >>> explanation.score == hit.score
        True
        >>> [word.words for word in explanation.words]
        [('stent',), ('retriever',)]
        """
        from qtsearch.explanation import explain  # here: searching does not need it

        _check_query(query)
        searcher = self._searcher(boosts)
        doc = self._doc(url)
        if doc < 0:
            raise PageMissingError(self.path, url)
        try:
            plan = _plan(searcher, query, _ranges(searcher, subjects), broaden)
            return explain(searcher, query, plan, doc)
        except (IndexError, ValueError) as error:
            raise _leads_nowhere(searcher, error) from error

    def _doc(self, url: str) -> int:
        if not isinstance(url, str):
            raise TypeError(f"the url must be a str, not {type(url).__name__}")
        return self._searcher().segment.find_url(unicodedata.normalize("NFC", url))

    def get(self, url: str) -> Article | None:
        """The article at ``url`` as it was indexed, ``None`` if there is none. Raises IndexDamagedError."""
        from qtsearch.articles import Article, RelatedLink  # here: needs PyYAML, which searching does not

        segment = self._searcher().segment
        doc = self._doc(url)
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
        self._open = None

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Index {self.path} generation {self.generation}>"


def _check_query(query: str) -> None:
    if not isinstance(query, str):
        raise TypeError(f"the query must be a str, not {type(query).__name__}")


def _ranges(searcher: Searcher, subjects: Iterable[str] | None) -> Ranges | None:
    if subjects is None:
        return None
    return searcher.ranges([subjects] if isinstance(subjects, str) else subjects)


def _plan(searcher: Searcher, query: str, ranges: Ranges | None, broaden: bool) -> Plan:
    plan = searcher.plan(query)
    if broaden:
        from qtsearch.feedback import broadened  # here: searching does not need it

        plan = broadened(searcher, plan, ranges)
    return plan


def _leads_nowhere(searcher: Searcher, error: Exception) -> IndexDamagedError:
    return IndexDamagedError(searcher.segment.files[0].path, f"has postings that lead nowhere ({error})")


class _Searchers:
    """The searcher by an index's own weights, and those of the boosts that were asked for last."""

    def __init__(self, segment: Segment) -> None:
        self._own = Searcher(segment)
        self._boosted: OrderedDict[Weighting, Searcher] = OrderedDict()
        self._lock = threading.Lock()

    def boosted(self, boosts: Mapping[str, float] | None) -> Searcher:
        """The searcher by these weights. Raises what check_boosts does."""
        if not boosts:
            return self._own
        segment = self._own.segment
        weighting = Weighting.of(segment.parameters, check_boosts(boosts))
        if weighting == self._own.planner.weighting:
            return self._own
        with self._lock:  # one thread computes, the others wait for it
            searcher = self._boosted.get(weighting)
            if searcher is None:
                while len(self._boosted) >= _BOOSTS_KEPT:
                    self._boosted.popitem(last=False)
                searcher = self._boosted[weighting] = Searcher(segment, weighting)
            else:
                self._boosted.move_to_end(weighting)
        return searcher
