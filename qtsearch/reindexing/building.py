"""What was read, and the generation before → a segment, published.

A segment is merged from the one before and from the articles that have changed; the same articles give the
same segment on whichever way. This module is imported while files are read: it takes as long as reading a
hundred of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec import records
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.filetable import STATES
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.past import past_chunk
from qtsearch.codec.segment import Segment
from qtsearch.codec.sources import Previous, sources_arrays
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import ArticleError, SourceError
from qtsearch.forks import cached_property, late_imports
from qtsearch.generations import publishing
from qtsearch.generations.publications import HISTORY_LENGTH, entries_so_far, entry_of
from qtsearch.generations.tuning import published_parameters
from qtsearch.parameters import RankingParameters
from qtsearch.reindexing.changes import Changes, Past
from qtsearch.reindexing.checks import warnings_of
from qtsearch.reindexing.report import Timer

__all__ = ["Begun", "Build", "begin", "dictionary_of"]

#: Articles whose texts make the compression dictionary.
_DICTIONARY_SAMPLE: Final = 16
#: What so many articles count, which are likely to leave the index, is looked up while files are read.
_FEW_ARTICLES: Final = 1_000


class Begun(NamedTuple):
    """The generation before as a chunk, and a writer that has it."""

    chunk: dict[str, npt.NDArray[Any]]
    writer: SegmentWriter


def begin(past: Past, stays: npt.NDArray[np.int32]) -> Begun:
    """Make what is there ready to be merged with. ``stays``: the articles whose files are not read."""
    leaving = np.ones(past.segment.n_docs, bool)
    leaving[stays] = False
    left_out = np.flatnonzero(leaving).tolist()
    chunk = past_chunk(past.segment, past.file)
    writer = SegmentWriter([], past.segment.dictionary)
    # Of many that are read, few may turn out to have changed.
    writer.add(chunk, frozenset(left_out if len(left_out) <= _FEW_ARTICLES else ()))
    publishing.prepare()
    return Begun(chunk, writer)


def dictionary_of(paths: Sequence[str]) -> bytes:
    """A compression dictionary from articles spread over the files."""
    with late_imports:
        from qtsearch.articles import read_article  # here and below: most runs read articles in workers

    sample = []
    step = max(1, len(paths) // _DICTIONARY_SAMPLE)
    for path in paths[::step][:_DICTIONARY_SAMPLE]:
        with contextlib.suppress(ArticleError):  # reported when its turn comes
            sample.append(read_article(path))
    return records.make_dictionary(sample)


class Build:
    """A segment that is to be published.

    ``writer`` has its articles and those ``left_out``, of several with one url all but one. From then on
    ``changes.table`` says of every file what became of it.
    """

    def __init__(
        self,
        paths: Sequence[str],
        changes: Changes,
        dictionary: bytes,
        chunks: Sequence[str],
        past: Past | None,
        begun: Begun | None,
    ) -> None:
        """Of the articles in ``chunks``, with those that stay of the generation before: of what was
        ``begun``. Without that all files were read, and the last good versions stay.

        Raises SourceError if there is no article.
        """
        self._paths = paths
        self._changes = changes
        self._past = past
        self.writer = begun.writer if begun else SegmentWriter([], dictionary)
        left_out: set[int] = set()
        docs = changes.table.docs
        if past is not None and begun is not None:
            staying = np.flatnonzero(docs >= 0)
            file_of = np.full(past.segment.n_docs, -1, np.int32)
            file_of[docs[staying]] = staying
            begun.chunk["files"] = file_of
            left_out.update(np.flatnonzero(file_of < 0).tolist())
        for path in chunks:
            self.writer.add(ArrayFile(path))
        if past is not None and begun is None:
            last_good = np.flatnonzero(changes.table.are("rejected") & (docs >= 0)).tolist()
            if last_good:
                file_by_doc = {int(docs[number]): number for number in last_good}
                self.writer.add(_again(past.segment, file_by_doc, dictionary))
        if len(left_out) == len(self.writer.urls):
            raise SourceError(self._nothing_found())
        self._settle(left_out)
        self.left_out = frozenset(left_out)
        self.pages = len(self.writer.urls) - len(left_out)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is worth a look though it is no error."""
        return warnings_of(self.writer, self.left_out)

    def _settle(self, left_out: set[int]) -> None:
        """Settle which of several articles with one url is taken, and of which file each article is."""
        writer, table = self.writer, self._changes.table
        present = np.ones(len(writer.urls), bool)
        present[list(left_out)] = False
        taken = np.flatnonzero(present)
        if len(np.unique(writer.url_hashes[taken])) < len(taken):
            taken = self._taken(taken.tolist(), left_out)
        files = writer.files[taken]
        table.docs[files] = taken
        good = files[~table.are("rejected")[files]]  # of the others it is the last good version
        for number in np.intersect1d([*table.reasons], files[table.are("duplicate")[files]]).tolist():
            del table.reasons[number]
        table.states[good] = STATES.index("article")

    def _taken(self, present: list[int], left_out: set[int]) -> npt.NDArray[np.int64]:
        """Of the articles ``present`` those that are taken; the others join those left out."""
        writer, table, paths = self.writer, self._changes.table, self._paths
        files, urls = writer.files.tolist(), writer.urls
        # The best last, for of the same keys the last stays.
        best_last = sorted(present, key=lambda number: paths[files[number]], reverse=True)
        best_last.sort(key=lambda number: writer.dates[number])
        taken_of = {urls[number]: number for number in best_last}
        gave_way = {}
        for number in best_last:
            taken = taken_of[urls[number]]
            if taken != number:
                left_out.add(number)
                row, other = table[files[number]], paths[files[taken]]
                row = row._replace(doc=-1)
                if row.state != "rejected":
                    reason = f"has the same url as {other}, which was taken: {urls[number].decode()}"
                    row = row._replace(state="duplicate", line=0, reason=reason)
                gave_way[files[number]] = row
        table.put(gave_way)
        return np.array(sorted(taken_of.values()))

    def _nothing_found(self) -> str:
        rejected = self._changes.rejected(self._paths)
        reasons = f"; the first: {rejected[0]}" if rejected else ""
        return (
            f"none of {len(self._paths)} files is an article to be indexed ({len(rejected)} rejected, "
            f"{self._changes.no_index} marked no_index), so nothing was published{reasons}"
        )

    def publish(
        self,
        folder: str,
        segment_id: str,
        parameters: RankingParameters | None,
        timer: Timer,
        *,
        full: bool,
        include_no_index: bool,
        keep_previous: bool,
    ) -> tuple[int, dict[str, int]]:
        """Write the segment and make it current; returns the number of its generation, and the size in bytes
        of each of its files. The caller holds the lock. Raises OSError.

        ``parameters``: None for those of the index as it is. For the others see :func:`qtsearch.reindex`.
        """
        past = self._past
        previous = None
        if past is not None and keep_previous:
            previous = Previous(past.segment.segment_id, past.segment.n_docs, past.number)

        def sources() -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
            metadata = {
                "include_no_index": include_no_index,
                "history": self._history(folder, "full reindex" if full else "reindex"),
                "warnings": list(self.warnings),
                "previous": previous,
            }
            return sources_arrays(self._changes.table, self.writer.doc_of, self.writer.rest), metadata

        parameters = parameters or published_parameters(folder)
        sizes = self.writer.write(folder, segment_id, self.left_out, parameters, sources)
        timer.end("merge")
        kept = [previous.segment_id] if previous else ()
        number = publishing.publish(folder, segment_id, self.pages, kept)
        timer.end("publish")
        return number, sizes

    def _history(self, folder: str, by: str) -> list[dict[str, Any]]:
        changes = self._changes
        entry = entry_of(
            publishing.next_number(folder),
            by,
            self.pages,
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            moved=changes.moved,
            rejected=len(changes.rejected(self._paths)),
        )
        return [*entries_so_far(folder), entry][-HISTORY_LENGTH:]


def _again(segment: Segment, stays: Mapping[int, int], dictionary: bytes) -> Arrays:
    """A chunk of articles of a segment, given with the numbers of their files."""
    with late_imports:
        from qtsearch.results import stored_article

    builder = ChunkBuilder(dictionary)
    for doc, file in stays.items():
        builder.add(stored_article(segment, doc), file)
    return builder.arrays()
