"""An open index: searched by any number of threads, and by forked workers, while newer ones are published."""

from __future__ import annotations

import datetime
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from qtsearch.codec.segment import Segment
from qtsearch.errors import PageMissingError
from qtsearch.forks import late_imports
from qtsearch.generations.generation import default_path
from qtsearch.parameters import RankingParameters
from qtsearch.results import Hit, Results, stored_article
from qtsearch.search.current import Current
from qtsearch.search.query import Filters, corrected, select
from qtsearch.search.selection import SORTS
from qtsearch.search.snapshot import Snapshot
from qtsearch.search.synonyms import Synonyms

if TYPE_CHECKING:
    from whoosh.query import Query

    from qtsearch.articles import Article
    from qtsearch.generations.stats import IndexStats
    from qtsearch.search.completion import Completion
    from qtsearch.search.explanation import Explanation

__all__ = ["Index", "open_index"]


def open_index(
    path: str | os.PathLike[str] | None = None,
    *,
    synonyms: str | os.PathLike[str] | Synonyms | None = None,
    abbreviations: bool = True,
    auto_refresh: bool = True,
) -> Index:
    """Open the index in a folder, by default in ``$QTSEARCH_INDEX``, else in ``index``.

    What is published later is shown within a second, from the first call after that on. Results and hits
    that one has stay as they are.

    Args:
        synonyms: groups of words that mean the same, or a file of them, a group on each line with commas
            between: they join a query, with half the weight of what was typed.
        abbreviations: let the words join that an abbreviation stands for, as the articles define it.
        auto_refresh: look for a newer generation, once a second at most. One that cannot be opened is told
            as a warning to :mod:`logging`, once for each cause, and the old one stays. ``False`` keeps what
            was opened until :meth:`Index.refresh`, for calls that must agree.

    Raises:
        IndexMissingError: there is none.
        IndexVersionError: it was written in a format of another version.
        ForeignSegmentError: something other than ``reindex`` wrote to the folder.
        IndexDamagedError: a file is not what was written.
        SynonymsError: the file of synonyms has a line that is none.
        OSError: a file cannot be read.

    >>> import qtsearch
    >>> report = qtsearch.reindex("examples/articles", "index")
    >>> with qtsearch.open_index("index") as index:
    ...     hit = index.search("removing a clot by thrombectomy", subjects=["Nursing"])[0]
    >>> hit.question
    'What should nurses monitor after a thrombectomy?'
    """
    if not isinstance(synonyms, Synonyms):
        synonyms = Synonyms() if synonyms is None else Synonyms.read(synonyms)
    path = default_path() if path is None else path
    return Index(path, synonyms, abbreviations=abbreviations, auto_refresh=auto_refresh)


class Index:
    """An index open for reading: see :func:`open_index`.

    May be shared by threads, used on in forked processes, which share its memory, and closed twice. Each
    call works on one generation.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        synonyms: Synonyms = Synonyms(),
        *,
        abbreviations: bool = True,
        auto_refresh: bool = True,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._current = Current(self.path, synonyms, abbreviations=abbreviations, auto_refresh=auto_refresh)

    @property
    def generation(self) -> int:
        """The number of the generation that this index shows. If it is closed, the last one."""
        self._current.look()
        return self._current.number

    @property
    def _snapshot(self) -> Snapshot:
        """To be taken once a call: the next time, it may be another one."""
        return self._current.get()

    def refresh(self) -> bool:
        """Show the newest generation now; whether there was a newer one.

        Raises:
            IndexMissingError, IndexVersionError, ForeignSegmentError, IndexDamagedError, OSError: as
                :func:`open_index`; the index goes on showing what it did.
            ValueError: the index is closed.

        >>> import qtsearch
        >>> report = qtsearch.reindex("examples/articles", "index")
        >>> with qtsearch.open_index("index", auto_refresh=False) as index:
        ...     report = qtsearch.reindex("examples/articles", "index", include_no_index=True)
        ...     len(index), index.refresh(), len(index), index.refresh()
        (66, True, 68, False)
        """
        return self._current.refresh()

    @property
    def parameters(self) -> RankingParameters:
        """The ranking parameters that the index was published with."""
        return self._snapshot.segment.parameters

    def search(
        self,
        query: str | Query,
        *,
        subjects: Iterable[str] | None = None,
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
        keywords: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        syntax: str = "auto",
        boosts: Mapping[str, float] | None = None,
        broaden: bool = False,
        sort: str = "score",
        collapse: bool = True,
        correct: bool = True,
        limit: int = 10,
        offset: int = 0,
    ) -> Results:
        """The best articles for a query, best first.

        Args:
            query: any text; an article matches if it has one of its words, in any form, or as its operators
                say: see ``docs/query-language.md``. Nothing in it is an error. Words after the first 32,768
                characters, 2,048 words, 1,024 different ones or 512 that no article has are ignored. Or a
                query of Whoosh's.
            subjects: only pages of these subjects, by name or slug in any case; a subject that
                no page has matches none. ``None`` for all. Scores depend on no filter, unless ``broaden``.
            since, until: only pages with a date from this day on, up to this day: a date, or a text like
                ``2025-01-31``, ``2025-01`` or ``2025``.
            keywords: only pages that carry one of these keywords, in any form of its words.
            exclude: but for the pages with these urls; for their articles, if these ``collapse``.
            syntax: ``"auto"`` takes as operators what can be one, ``"plain"`` nothing, ``"strict"`` raises an
                error for what looks like an operator and is none.
            boosts: weights from 0 to 100 of ``question``, ``answer`` and ``page_keywords`` for this query;
                a field that is not named keeps the weight it has in :attr:`parameters`. 0 leaves a field out.
                Raising one never ranks a page that matches in the field below one that does not and was
                below it before. A set of boosts takes up to a second the first time; four are kept.
            broaden: let words of the ten best pages join the query: it finds more, and its first hits are
                worse. Takes some milliseconds.
            sort: ``"score"``, ``"date"`` (newest first), ``"oldest"`` or ``"question"`` (by the alphabet).
            collapse: an article that stands on several pages is one hit, the best of them.
            correct: where a query has no hit, search it with its spelling put right.
            limit: hits wanted, 0 or more.
            offset: hits skipped, 0 or more: 10 for the second page of ten.

        Raises:
            QuerySyntaxError: ``syntax`` is ``"strict"``, and the query is none.
            TypeError: ``query`` is neither a ``str`` nor a query, a date no date, or a boost no number.
            ValueError: ``limit`` or ``offset`` is negative, ``sort`` or ``syntax`` is none, a date is none, a
                boost names no field or is out of range, or the index is closed.
            IndexDamagedError: a file of the index is not what was written.
        """
        started = time.perf_counter_ns()
        if limit < 0 or offset < 0:
            raise ValueError(f"limit and offset must be 0 or more, not {limit} and {offset}")
        if sort not in SORTS:
            raise ValueError(f"sort must be one of {', '.join(SORTS)}, not {sort!r}")
        snapshot = self._snapshot
        searcher = snapshot.boosted(boosts)
        filters = Filters.of(subjects, since, until, keywords, exclude)
        k = limit + offset if limit else 0
        used: str | None = None
        selection = select(snapshot, searcher, query, filters, syntax, broaden, collapse)
        docs, scores = selection.best(k, sort)
        if not docs and correct and isinstance(query, str) and selection.total == 0:
            used = corrected(snapshot, query, syntax)
            if used is not None:
                selection = select(snapshot, searcher, used, filters, syntax, broaden, collapse)
                docs, scores = selection.best(k, sort)
        results = Results(
            snapshot, selection, str(query), used, syntax, docs[offset:], scores[offset:], offset
        )
        results.elapsed_ms = (time.perf_counter_ns() - started) / 1e6
        return results

    def explain(
        self,
        query: str | Query,
        url: str,
        *,
        subjects: Iterable[str] | None = None,
        syntax: str = "auto",
        boosts: Mapping[str, float] | None = None,
        broaden: bool = False,
    ) -> Explanation:
        """Why the page at ``url`` has the score that :meth:`search` gives it for the same arguments.

        The page need not match, and may be of another subject, which matters only to ``broaden``.

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
        with late_imports:
            from qtsearch.search.explanation import explain  # here: searching does not need it

        snapshot = self._snapshot
        searcher = snapshot.boosted(boosts)
        doc = _find(snapshot.segment, url)
        if doc < 0:
            raise PageMissingError(self.path, url)
        filters = Filters.of(subjects)
        selection = select(snapshot, searcher, query, filters, syntax, broaden, collapse=False)
        return explain(selection, str(query), doc)

    def complete(self, text: str, *, limit: int = 10) -> list[Completion]:
        """Keywords and questions that go on from what is being typed, best first.

        The last word may be begun, if no space follows it; in four letters and more a mistake is tolerated
        where little else is found. An empty text completes to nothing.

        Raises:
            ValueError: ``limit`` is negative, or the index is closed.
            IndexDamagedError: a file of the index is not what was written.

        >>> import qtsearch
        >>> report = qtsearch.reindex("examples/articles", "index")
        >>> with qtsearch.open_index("index") as index:
        ...     [completion.text for completion in index.complete("mechanical th", limit=2)]
        ['mechanical thrombectomy', 'What is mechanical thrombectomy and how is it performed?']
        """
        return self._snapshot.completer.complete(text, min(limit, sys.maxsize))

    def related(self, url: str, *, limit: int = 10) -> list[Hit]:
        """What to read beside the page at ``url``: the pages that it links to, then those most like it.

        An article is there once, the page's own not at all. The score of a linked page is 0, that of a
        similar one is comparable within the list only.

        Raises:
            PageMissingError: no page of the index has the url.
            ValueError: ``limit`` is negative, or the index is closed.
            IndexDamagedError: a file of the index is not what was written.
        """
        with late_imports:
            from qtsearch.search.related import related  # here: searching does not need it

        if limit < 0:
            raise ValueError(f"limit must be 0 or more, not {limit}")
        searcher = self._snapshot.searcher
        doc = _find(searcher.segment, url)
        if doc < 0:
            raise PageMissingError(self.path, url)
        segment = searcher.segment
        return [
            Hit(segment, other, *segment.url_and_question(other), rank, score)
            for rank, (other, score) in enumerate(related(searcher, doc, limit), 1)
        ]

    def get(self, url: str) -> Article | None:
        """The article at ``url`` as it was indexed, ``None`` if there is none. Raises IndexDamagedError."""
        segment = self._snapshot.segment
        doc = _find(segment, url)
        return None if doc < 0 else stored_article(segment, doc)

    def stats(self) -> IndexStats:
        """How much the index holds, how large it is, and how old."""
        with late_imports:
            from qtsearch.generations.stats import measure  # here: searching does not need it

        return measure(self._snapshot)

    def subjects(self) -> dict[str, int]:
        """Pages by subject, each under its commonest spelling, in order of the subjects' slugs."""
        return {s.name: s.stop - s.start for s in self._snapshot.segment.subjects if s.slug}

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no page has."""
        return self._snapshot.searcher.unknown_subjects(subjects)

    def __len__(self) -> int:
        """The number of pages."""
        return self._snapshot.segment.n_docs

    def close(self) -> None:
        """Let go of the files. Hits remain readable; searching raises ValueError from now on."""
        self._current.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Index {self.path} generation {self._current.number}>"


def _find(segment: Segment, url: str) -> int:
    """The article with this url, -1 if there is none."""
    if not isinstance(url, str):
        raise TypeError(f"the url must be a str, not {type(url).__name__}")
    return segment.find_url(unicodedata.normalize("NFC", url))
