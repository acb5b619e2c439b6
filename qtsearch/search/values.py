"""Fields of one value a page → which articles a query of them matches: url, id, subject and date."""

from __future__ import annotations

import datetime
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from whoosh import query as queries

from qtsearch.codec.segment import NO_DATE, NO_ID, Segment

__all__ = ["matching"]

Mask = npt.NDArray[np.bool_]

_TEXT_KINDS: Final = (queries.Term, queries.Prefix, queries.TermRange)


def matching(segment: Segment, query: Any) -> Mask | None:
    """The articles that match: bool, shape (n_docs,). ``None`` for any other kind of query."""
    kind, field = type(query), getattr(query, "fieldname", None)
    if kind is queries.DateRange and field == "date":
        return _dated(segment, query)
    if kind is queries.NumericRange and field == "id":
        return _numbered(segment, query)
    if kind not in _TEXT_KINDS or field not in ("url", "subject"):
        return None
    found = np.zeros(segment.n_docs, bool)
    if field == "url":
        first, last = _span(query, segment.url_order, segment.url)
        found[segment.url_order[first:last]] = True
    else:
        subjects = [subject for subject in segment.subjects if subject.slug]
        first, last = _span(query, subjects, lambda subject: subject.slug.encode())
        for subject in subjects[first:last]:
            found[subject.start : subject.stop] = True
    return found


def _dated(segment: Segment, query: Any) -> Mask:
    # A page's date is the midnight that its day begins with.
    low, high = query.startdate, query.enddate
    found: Mask = segment.dates != NO_DATE
    if low is not None:
        found &= segment.dates >= low.toordinal() + (query.startexcl or low.time() != datetime.time())
    if high is not None:
        found &= segment.dates <= high.toordinal() - (query.endexcl and high.time() == datetime.time())
    return found


def _numbered(segment: Segment, query: Any) -> Mask:
    found: Mask = segment.ids != NO_ID
    if query.start is not None:
        found &= segment.ids >= query.start + query.startexcl
    if query.end is not None:
        found &= segment.ids <= query.end - query.endexcl
    return found


def _span(query: Any, values: Any, key: Callable[[Any], bytes]) -> tuple[int, int]:
    """Which of the ascending values match a text query: from the first up to before the last."""
    if type(query) is queries.TermRange:
        low, high = (None if end is None else _encoded(end) for end in (query.start, query.end))
        first, last = 0, len(values)
        if low is not None:
            first = (bisect_right if query.startexcl else bisect_left)(values, low, key=key)
        if high is not None:
            last = (bisect_left if query.endexcl else bisect_right)(values, high, key=key)
        return first, last
    text = _encoded(query.text)
    length = len(text) if type(query) is queries.Prefix else None
    return bisect_left(values, text, key=key), bisect_right(
        values, text, key=lambda value: key(value)[:length]
    )


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
