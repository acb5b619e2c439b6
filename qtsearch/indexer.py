"""Folders of articles → a published generation: find the files, build one segment, publish, report.

Nothing is published unless all of it is written and synced; whatever stops a run, the generation before
it stays. Files are read by worker processes (:mod:`qtsearch.workers`) where there are many of them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from qtsearch import disk, publishing, workers
from qtsearch.articles import read_article
from qtsearch.codec import records
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import ArticleError, SourceError
from qtsearch.index import default_path
from qtsearch.parameters import RankingParameters
from qtsearch.tuning import published_parameters

__all__ = ["ReindexReport", "reindex"]

#: Articles whose texts make the compression dictionary.
_DICTIONARY_SAMPLE: Final = 16

Path = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a reindex did.

    ``index``: the folder, absolute. ``generation``: the number of what was published. ``pages``: in the
    index now. ``files``: found in the sources. ``rejected``: an error for each file that was not
    usable. ``no_index``: pages left out because they are marked so. ``seconds``: taken in all.
    ``size_bytes``: of the segment's files.
    """

    index: str
    generation: int
    pages: int
    files: int
    rejected: tuple[ArticleError, ...]
    no_index: int
    seconds: float
    size_bytes: int


def reindex(
    sources: Path | Iterable[Path],
    index: Path | None = None,
    *,
    include_no_index: bool = False,
    parameters: RankingParameters | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> ReindexReport:
    """Build the index from article files, and publish it in place of what was there.

    Readers that have the index open go on undisturbed; whoever opens it from now on sees the new one.

    Args:
        sources: folders, searched for ``.md`` files, and files, taken whatever they are called. Hidden
            files and folders are passed over; links to folders are not followed.
        index: the folder of the index, made if need be; by default ``$QTSEARCH_INDEX``, else ``index``.
        include_no_index: take in the pages that are marked ``no_index: true``.
        parameters: of the ranking; by default those of the index as it is, or the defaults for a new one.
        processes: how many read files at a time, 1 or more; 1 reads them in this process. By default one
            for each processor, and this process for few files.
        progress: called from time to time, in the calling thread, with files read and files in all.

    A file that is no article is reported in ``rejected`` and the rest is indexed. Of two files with
    the same url the one with the later date is taken, of the same date the first by path.

    Raises:
        SourceError: a source does not exist, or there is no article in them; nothing was published.
        IndexLockedError: another process is writing to this index.
        WorkerError: a worker process died, for want of memory say.
        OSError: the index cannot be written.
        ValueError: ``processes`` is less than 1.
    """
    started = time.monotonic()
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be 1 or more, not {processes}")
    files = find_files([sources] if isinstance(sources, (str, os.PathLike)) else sources)
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    publishing.make_index_folder(folder)
    with publishing.WriteLock(folder):
        publishing.clean(folder)
        segment_id = publishing.new_segment_id()
        work = publishing.make_work_folder(folder, segment_id)
        try:
            reading = workers.Reading(_dictionary(files), include_no_index, work)
            outcome = workers.read_all(files, reading, processes, progress or _no_progress)
            chunks = [ArrayFile(path) for path in outcome.chunks]
            rejected = list(outcome.rejected)
            if not chunks:
                raise SourceError(_nothing_found(files, rejected, outcome.no_index))
            writer = SegmentWriter(chunks, reading.dictionary)
            left_out, duplicates = _duplicates(writer)
            rejected += duplicates
            sizes = writer.write(folder, segment_id, left_out, parameters or published_parameters(folder))
            pages = len(writer.urls) - len(left_out)
            generation = publishing.publish(folder, segment_id, pages)
        except BaseException:
            publishing.discard_segment(folder, segment_id)
            raise
        finally:
            disk.discard(work)
    return ReindexReport(
        index=folder,
        generation=generation,
        pages=pages,
        files=len(files),
        rejected=tuple(sorted(rejected, key=lambda error: (error.path, error.line))),
        no_index=outcome.no_index,
        seconds=time.monotonic() - started,
        size_bytes=sum(sizes.values()),
    )


def _no_progress(done: int, total: int) -> None:
    pass


def find_files(sources: Iterable[Path]) -> list[str]:
    """The files to read, each once, sorted by path. Raises SourceError for a source that does not exist."""
    found: set[str] = set()
    for given in sources:
        source = os.fspath(given)
        if os.path.isdir(source):
            found.update(_markdown_files(source))
        elif os.path.exists(source):
            found.add(source)
        else:
            raise SourceError(f"{source!r} does not exist: name a folder of articles or an article file")
    if not found:
        raise SourceError("no article files (.md) in the sources; nothing was published")
    return sorted(found)


def _markdown_files(folder: str) -> Iterable[str]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.endswith(".md") and entry.is_file():
                        yield entry.path
        except OSError as error:
            raise SourceError(f"{error.filename!r} cannot be read: {error.strerror}") from error


def _dictionary(files: list[str]) -> bytes:
    """A compression dictionary from articles spread over the files."""
    sample = []
    step = max(1, len(files) // _DICTIONARY_SAMPLE)
    for path in files[::step][:_DICTIONARY_SAMPLE]:
        with contextlib.suppress(ArticleError):  # reported when its turn comes
            sample.append(read_article(path))
    return records.make_dictionary(sample)


def _nothing_found(files: list[str], rejected: list[ArticleError], no_index: int) -> str:
    reasons = f"; the first: {rejected[0]}" if rejected else ""
    return (
        f"none of {len(files)} files is an article to be indexed ({len(rejected)} rejected, "
        f"{no_index} marked no_index), so nothing was published{reasons}"
    )


def _duplicates(writer: SegmentWriter) -> tuple[frozenset[int], list[ArticleError]]:
    """The articles that give way to another one with the same url, and an error for each."""
    same_url: dict[bytes, list[int]] = {}
    for number, url in enumerate(writer.urls):
        same_url.setdefault(url, []).append(number)
    left_out: set[int] = set()
    errors = []
    for url, numbers in same_url.items():
        if len(numbers) > 1:
            numbers.sort(key=lambda number: (-writer.dates[number], writer.path(number)))
            taken = writer.path(numbers[0])
            for number in numbers[1:]:
                left_out.add(number)
                reason = f"has the same url as {taken}, which was taken: {url.decode()}"
                errors.append(ArticleError(writer.path(number), 0, reason))
    return frozenset(left_out), errors
