"""An open index: one immutable snapshot of a generation, to be searched by any number of threads."""

from __future__ import annotations

import datetime
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from qtsearch import generation
from qtsearch.errors import PageMissingError
from qtsearch.parameters import RankingParameters
from qtsearch.query import SYNTAXES, Filters, corrected, select
from qtsearch.results import Asked, Hit, Results
from qtsearch.searcher import Searcher
from qtsearch.selection import SORTS, Selection
from qtsearch.snapshot import Snapshot
from qtsearch.synonyms import Synonyms

if TYPE_CHECKING:
    from whoosh.query import Query

    from qtsearch.articles import Article
    from qtsearch.completion import Completion
    from qtsearch.explanation import Explanation

__all__ = ["DEFAULT_INDEX", "Index", "default_path", "open_index"]

#: Where the index lives unless ``$QTSEARCH_INDEX`` or the caller says otherwise.
DEFAULT_INDEX = "index"


def default_path() -> str:
    """``$QTSEARCH_INDEX``, or ``index`` where that is not set."""
    return os.environ.get("QTSEARCH_INDEX") or DEFAULT_INDEX


def open_index(
    path: str | os.PathLike[str] | None = None,
    *,
    synonyms: str | os.PathLike[str] | Synonyms | None = None,
    abbreviations: bool = True,
) -> Index:
    """Open the index in a folder, by default in ``$QTSEARCH_INDEX``, else in ``index``.

    It goes on showing the generation that was current when it was opened, whatever is published since.

    Args:
        synonyms: groups of words that mean the same, or a file of them, a group on each line with commas
            between: they join a query, with half the weight of what was typed.
        abbreviations: let the words join that an abbreviation stands for, as the articles define it.

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
    return Index(default_path() if path is None else path, synonyms, abbreviations=abbreviations)


class Index:
    """An index open for reading: see :func:`open_index`. May be shared by threads, and closed twice."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        synonyms: Synonyms = Synonyms(),
        *,
        abbreviations: bool = True,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._generation, segment = generation.open_segment(self.path)
        self._open: Snapshot | None = Snapshot(segment, synonyms, abbreviations=abbreviations)

    @property
    def generation(self) -> int:
        """The number of the generation that this index shows."""
        return self._generation.number

    @property
    def _snapshot(self) -> Snapshot:
        if self._open is None:
            raise ValueError("this index is closed: open it again with qtsearch.open_index")
        return self._open

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
                characters, 1,024 different ones or 512 that no article has are ignored. Or a query of
                Whoosh's.
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
        _check_choice("sort", sort, SORTS)
        snapshot, searcher = self._snapshot, self._snapshot.boosted(boosts)
        filters = Filters.of(subjects, since, until, keywords, exclude)
        k = limit + offset if limit else 0
        used: str | None = None
        selection = _select(snapshot, searcher, query, filters, syntax, broaden, collapse)
        docs, scores = selection.best(k, sort)
        if not docs and correct and isinstance(query, str) and selection.total == 0:
            used = corrected(snapshot, query, syntax)
            if used is not None:
                selection = _select(snapshot, searcher, used, filters, syntax, broaden, collapse)
                docs, scores = selection.best(k, sort)
        asked = Asked(query if isinstance(query, str) else str(query), used, syntax)
        results = Results(snapshot, selection, asked, docs[offset:], scores[offset:], offset)
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
        from qtsearch.explanation import explain  # here: searching does not need it

        snapshot, searcher = self._snapshot, self._snapshot.boosted(boosts)
        doc = self._doc(url)
        if doc < 0:
            raise PageMissingError(self.path, url)
        selection = _select(snapshot, searcher, query, Filters.of(subjects), syntax, broaden, collapse=False)
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
        from qtsearch.related import related  # here: searching does not need it

        if limit < 0:
            raise ValueError(f"limit must be 0 or more, not {limit}")
        searcher = self._snapshot.searcher
        doc = self._doc(url)
        if doc < 0:
            raise PageMissingError(self.path, url)
        found = related(searcher, doc, limit)
        return [Hit(searcher.segment, other, rank, score) for rank, (other, score) in enumerate(found, 1)]

    def _doc(self, url: str) -> int:
        if not isinstance(url, str):
            raise TypeError(f"the url must be a str, not {type(url).__name__}")
        return self._snapshot.segment.find_url(unicodedata.normalize("NFC", url))

    def get(self, url: str) -> Article | None:
        """The article at ``url`` as it was indexed, ``None`` if there is none. Raises IndexDamagedError."""
        from qtsearch.articles import Article, RelatedLink  # here: needs PyYAML, which searching does not

        segment = self._snapshot.segment
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
        return {s.name: s.stop - s.start for s in self._snapshot.segment.subjects if s.slug}

    def unknown_subjects(self, subjects: Iterable[str]) -> list[str]:
        """Those of ``subjects`` that no page has."""
        return self._snapshot.searcher.unknown_subjects(subjects)

    def __len__(self) -> int:
        """The number of pages."""
        return self._snapshot.segment.n_docs

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


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _select(
    snapshot: Snapshot,
    searcher: Searcher,
    query: str | Query,
    filters: Filters,
    syntax: str,
    broaden: bool,
    collapse: bool,
) -> Selection:
    _check_choice("syntax", syntax, SYNTAXES)
    if not isinstance(query, str) and not hasattr(query, "matcher"):  # without importing Whoosh
        raise TypeError(f"the query must be a str or a query of Whoosh's, not {type(query).__name__}")
    return select(snapshot, searcher, query, filters, syntax=syntax, broaden=broaden, collapse=collapse)
