"""What Whoosh reads of single documents: lengths, stored fields, and the columns it sorts and groups by."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from whoosh import columns
from whoosh.codec import base

from qtsearch.codec.segment import NO_DATE, NO_ID, Segment
from qtsearch.forks import late_imports
from qtsearch.schema import FIELD_NAMES

__all__ = ["DocumentReader"]

_MIDNIGHT = datetime.time()


class DocumentReader(base.PerDocumentReader):  # type: ignore[misc]
    """Whoosh's ``PerDocumentReader`` over a segment. Nothing in it is ever deleted."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def doc_count(self) -> int:
        return self._segment.n_docs

    def doc_count_all(self) -> int:
        return self._segment.n_docs

    def has_deletions(self) -> bool:
        return False

    def is_deleted(self, docnum: int) -> bool:
        return False

    def deleted_docs(self) -> Iterator[int]:
        return iter(())

    # Lengths do not count stop words: it is these that a score should see.

    def doc_field_length(self, docnum: int, fieldname: str, default: int = 0) -> int:
        if fieldname not in FIELD_NAMES:
            return default
        return int(self._segment.lengths[docnum, FIELD_NAMES.index(fieldname)])

    def field_length(self, fieldname: str) -> int:
        return self._over_lengths(fieldname, lambda lengths: lengths.sum(dtype=np.int64))

    def min_field_length(self, fieldname: str) -> int:
        return self._over_lengths(fieldname, np.min)

    def max_field_length(self, fieldname: str) -> int:
        return self._over_lengths(fieldname, np.max)

    def _over_lengths(self, fieldname: str, summary: Callable[[Any], Any]) -> int:
        if fieldname not in FIELD_NAMES:
            return 0
        return int(summary(self._segment.lengths[:, FIELD_NAMES.index(fieldname)]))

    # Stored fields

    def stored_fields(self, docnum: int) -> dict[str, Any]:
        segment = self._segment
        record = segment.record(docnum)
        url, question = segment.url_and_question(docnum)
        stored = {
            "url": url,
            "question": question,
            "answer": record["answer"],
            "page_keywords": ", ".join(record["keywords"]),
        }
        if record["subject"]:
            stored["subject"] = record["subject"]
        if (number := int(segment.ids[docnum])) != NO_ID:
            stored["id"] = number
        if (day := int(segment.dates[docnum])) != NO_DATE:
            stored["date"] = datetime.datetime.combine(datetime.date.fromordinal(day), _MIDNIGHT)
        return stored

    # Columns

    def supports_columns(self) -> bool:
        return True

    def has_column(self, fieldname: str) -> bool:
        return fieldname in ("url", "id", "subject", "date", "question")

    def list_columns(self) -> list[str]:
        return ["url", "id", "subject", "date", "question"]

    def column_reader(self, fieldname: str, column: Any) -> columns.ColumnReader:
        with late_imports:
            from qtsearch.codec.fields import whoosh_schema

        field = whoosh_schema()[fieldname]
        segment = self._segment
        default = column.default_value()

        def value(docnum: int) -> Any:
            if fieldname in ("url", "question"):
                return field.to_column_value(segment.url_and_question(docnum)[fieldname == "question"])
            if fieldname == "id":
                number = int(segment.ids[docnum])
                return default if number == NO_ID else field.to_column_value(number)
            if fieldname == "date":
                day = int(segment.dates[docnum])
                if day == NO_DATE:
                    return default
                return field.to_column_value(
                    datetime.datetime.combine(datetime.date.fromordinal(day), _MIDNIGHT)
                )
            name = segment.subject_of(docnum).name
            return field.to_column_value(name) if name else default

        return _ColumnReader(value, segment.n_docs)


class _ColumnReader(columns.ColumnReader):  # type: ignore[misc]
    """One column, a value at a time."""

    def __init__(self, value: Callable[[int], Any], n_docs: int) -> None:
        self._value = value
        self._doccount = n_docs
        self._reverse = False

    def __getitem__(self, docnum: int) -> Any:
        return self._value(docnum)

    def sort_key(self, docnum: int) -> Any:
        return 0 - self._value(docnum) if self._reverse else self._value(docnum)

    def set_reverse(self) -> None:
        """Sort from large to small. Whoosh asks this of numeric columns only."""
        self._reverse = True
