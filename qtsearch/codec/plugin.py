"""The codec: what Whoosh finds in the table of contents and asks for readers.

The contract is ``whoosh/codec/base.py``. Only reading is offered: an index of ours is written whole, by
``qtsearch reindex``; a document deleted or added behind its back would come back or be lost at the next one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NoReturn

from whoosh.codec import base
from whoosh.filedb.filestore import FileStorage
from whoosh.reading import SegmentReader
from whoosh.searching import Searcher

from qtsearch.codec.documents import DocumentReader
from qtsearch.codec.segment import INDEX_NAME, Segment
from qtsearch.codec.terms import TermsReader
from qtsearch.errors import IndexWriteError

__all__ = ["ArrayCodec", "ArraySegment", "open_searcher"]


def _refuse(what: str) -> NoReturn:
    raise IndexWriteError(
        f"{what} through Whoosh would be undone by the next reindex: "
        "change the article files and run `qtsearch reindex`"
    )


class ArrayCodec(base.Codec):  # type: ignore[misc]
    """Reads segments of memory-mapped arrays."""

    def __init__(self) -> None:
        self._open: Segment | None = None

    def _segment(self, storage: Any, segment: ArraySegment) -> Segment:
        # Whoosh asks one codec for both readers of a segment: they share the map.
        if self._open is None or self._open.segment_id != segment.segid:
            self._open = Segment(storage.folder, segment.segid)
        return self._open

    def terms_reader(self, storage: Any, segment: ArraySegment) -> TermsReader:
        return TermsReader(self._segment(storage, segment))

    def per_document_reader(self, storage: Any, segment: ArraySegment) -> DocumentReader:
        return DocumentReader(self._segment(storage, segment))

    def per_document_writer(self, storage: Any, segment: Any) -> NoReturn:
        _refuse("adding documents")

    def field_writer(self, storage: Any, segment: Any) -> NoReturn:
        _refuse("adding documents")

    def new_segment(self, storage: Any, indexname: str) -> NoReturn:
        _refuse("writing")


class ArraySegment(base.Segment):  # type: ignore[misc]
    """A segment in the table of contents, where it is pickled: it keeps its name, place and attributes."""

    def __init__(self, indexname: str, segment_id: str, n_docs: int) -> None:
        self.indexname = indexname
        self.segid = segment_id
        self.compound = False
        self.n_docs = n_docs

    def codec(self) -> ArrayCodec:
        return ArrayCodec()

    def should_assemble(self) -> bool:
        """No: the files stay as they are, to be memory mapped."""
        return False

    def doc_count_all(self) -> int:
        return self.n_docs

    def deleted_count(self) -> int:
        return 0

    def deleted_docs(self) -> Iterator[int]:
        return iter(())

    def is_deleted(self, docnum: int) -> bool:
        return False

    def set_doc_count(self, doccount: int) -> NoReturn:
        _refuse("adding documents")

    def delete_document(self, docnum: int, delete: bool = True) -> NoReturn:
        _refuse("deleting documents")


def open_searcher(segment: Segment, schema: Any) -> Searcher:
    """Whoosh's searcher over a segment that is open: for what only Whoosh's matchers can do."""
    codec = ArrayCodec()
    codec._open = segment
    stub = ArraySegment(INDEX_NAME, segment.segment_id, segment.n_docs)
    storage = FileStorage(os.path.dirname(segment.files[0].path))
    return Searcher(SegmentReader(storage, schema, stub, codec=codec))
