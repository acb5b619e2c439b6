"""Reading and analysing files: what a worker process does, or this one where there are few.

A worker (:mod:`qtsearch.reindexing.processes`) gets batches of file names as lines of JSON, says of each file
what is in it, and in the end which chunk files it has written.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from hashlib import blake2b
from typing import Final

from qtsearch.articles import parse_article, read_bytes
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import write_array_file
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import Segment
from qtsearch.errors import ArticleError, IndexDamagedError
from qtsearch.reindexing.jobs import Job, Reading, Result, receive, send
from qtsearch.reindexing.stemmer import import_stemmer

__all__ = ["Reader", "main"]

#: A chunk is written out at this many articles, which bounds a worker's memory.
_CHUNK_ARTICLES: Final = 36_000


class Reader:
    """Reads files into chunks; ``name`` tells its chunk files from those of others."""

    def __init__(self, reading: Reading, name: str) -> None:
        self._reading = reading
        self._name = name
        self._known = _known_forms(*reading.segment) if reading.segment else None
        self._builder = self._new_builder()
        self.chunks: list[str] = []

    def read(self, jobs: list[Job]) -> list[Result]:
        """What is in these files. Raises OSError if a chunk cannot be written."""
        results = [self._result(job) for job in jobs]
        if len(self._builder) >= _CHUNK_ARTICLES:
            self.finish()
        return results

    def _result(self, job: Job) -> Result:
        digest = ""
        try:
            data = read_bytes(job.path)
            digest = blake2b(data, digest_size=16).hexdigest()
            if digest == job.digest:
                return Result(job.number, "before", digest)
            article = parse_article(data, job.path)
            if article.no_index and not self._reading.include_no_index:
                return Result(job.number, "no_index", digest)
            self._builder.add(article, job.number)
        except ArticleError as error:
            return Result(job.number, "rejected", digest, error.line, error.reason)
        return Result(job.number, "article", digest)

    def finish(self) -> None:
        """Write the chunk out, if there is anything in it."""
        if len(self._builder):
            path = os.path.join(self._reading.folder, f"{self._name}-{len(self.chunks)}.chunk")
            write_array_file(path, self._builder.arrays(), {}, sync=False)
            self.chunks.append(path)
            self._builder = self._new_builder()

    def _new_builder(self) -> ChunkBuilder:
        return ChunkBuilder(self._reading.dictionary, self._known)


def _known_forms(folder: str, segment_id: str) -> Arrays | None:
    """The surface forms of a segment and their terms: most words of an article are known, and stemming takes
    a while."""
    try:
        arrays = Segment(folder, segment_id).files[0]
        return {name: arrays[name] for name in ("forms", "form_terms", "terms")}
    except IndexDamagedError:
        return None  # whoever merges the segment says so


def main() -> None:
    """Run as a worker process; ends with its parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # what stops the parent as well, which ends its workers
    gc.disable()  # articles are trees, and there are many of them
    import_stemmer()  # while the parent finds out what is to be read
    answers = sys.stdout
    sys.stdout = sys.stderr  # nothing else may write to the pipe
    try:
        dictionary, include_no_index, folder, segment, name = receive(sys.stdin)
        reader = Reader(Reading(bytes.fromhex(dictionary), include_no_index, folder, segment), name)
        while batch := receive(sys.stdin):
            send(answers, reader.read([Job(*row) for row in batch]))
        reader.finish()
        send(answers, reader.chunks)
    except EOFError:
        pass  # the parent is gone
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None
