"""The term dictionaries as Whoosh walks them: by field and bytes, ascending.

A segment has one list of postings a term over all text fields; the terms of one field are those whose
frequency in that field is not 0. ``spell_…`` fields hold the surface forms. The terms of url, id, subject and
date are made from their columns, when Whoosh first asks for them.
"""

from __future__ import annotations

import datetime
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from whoosh.codec import base
from whoosh.reading import TermInfo

from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.matchers import PostingMatcher
from qtsearch.codec.segment import NO_DATE, NO_ID, Segment
from qtsearch.schema import FIELD_NAMES

__all__ = ["TermsReader"]

_SPELLING: Final = "spell_"


class _FieldTerms:
    """The terms of one field: ``words`` ascending, and what is known of each."""

    words: list[bytes]

    def place(self, word: bytes) -> int:
        """Where ``word`` stands. Raises KeyError."""
        place = bisect_left(self.words, word)
        if place == len(self.words) or self.words[place] != word:
            raise KeyError(word)
        return place

    def info(self, place: int) -> TermInfo:
        raise NotImplementedError

    def frequency(self, place: int) -> int:
        raise NotImplementedError

    def doc_frequency(self, place: int) -> int:
        raise NotImplementedError

    def matcher(self, place: int) -> PostingMatcher:
        raise NotImplementedError


class _TextTerms(_FieldTerms):
    """Stems of one text field."""

    def __init__(self, segment: Segment, field: int) -> None:
        self._segment = segment
        self._field = field
        self._numbers = np.flatnonzero(segment.field_df[:, field])
        self.words = segment.terms[self._numbers].tolist()

    def _postings(self, place: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any], npt.NDArray[Any]]:
        """The term's postings that are in this field, their articles, the frequencies of all its postings."""
        start, stop = self._segment.offsets[self._numbers[place] :][:2].tolist()
        frequencies = self._segment.frequencies[start:stop]
        here = np.flatnonzero(frequencies[:, self._field])
        return here, self._segment.docs[start:stop][here], frequencies

    def info(self, place: int) -> TermInfo:
        here, docs, frequencies = self._postings(place)
        weights = frequencies[here, self._field]
        lengths = self._segment.lengths[docs, self._field]
        return TermInfo(
            weight=int(weights.sum(dtype=np.int64)),
            df=len(here),
            minlength=int(lengths.min()),
            maxlength=int(lengths.max()),
            maxweight=int(weights.max()),
            minid=int(docs[0]),
            maxid=int(docs[-1]),
        )

    def frequency(self, place: int) -> int:
        _, _, frequencies = self._postings(place)
        return int(frequencies[:, self._field].sum(dtype=np.int64))

    def doc_frequency(self, place: int) -> int:
        return int(self._segment.field_df[self._numbers[place], self._field])

    def matcher(self, place: int) -> PostingMatcher:
        segment, field = self._segment, self._field
        here, docs, frequencies = self._postings(place)
        counts = frequencies[here, field].astype(np.int64)
        # A posting's positions follow those of the postings before it; in it, the fields take turns.
        totals = frequencies.sum(axis=1, dtype=np.int64)
        starts = segment.position_offsets[self._numbers[place]] + np.cumsum(totals) - totals
        starts = starts[here] + frequencies[here, :field].sum(axis=1, dtype=np.int64)

        def positions(posting: int) -> list[int]:
            start = starts[posting]
            found = segment.positions[start : start + counts[posting]].astype(np.int64)
            in_field: list[int] = (found - int(segment.field_starts[docs[posting], field])).tolist()
            return in_field

        return PostingMatcher(docs.tolist(), counts.tolist(), positions)


class _SpellingTerms(_FieldTerms):
    """Surface forms of one text field. As in Whoosh's own codec, they lead to document 0 only."""

    def __init__(self, segment: Segment, field: int) -> None:
        frequencies = segment.form_frequencies[:, field]
        numbers = np.flatnonzero(frequencies)
        self.words = segment.forms[numbers].tolist()
        self._frequencies = frequencies[numbers]

    def info(self, place: int) -> TermInfo:
        weight = self.frequency(place)
        return TermInfo(weight=weight, df=1, minlength=0, maxlength=0, maxweight=weight, minid=0, maxid=0)

    def frequency(self, place: int) -> int:
        return int(self._frequencies[place])

    def doc_frequency(self, place: int) -> int:
        return 1

    def matcher(self, place: int) -> PostingMatcher:
        return PostingMatcher([0], [self.frequency(place)])


class _ValueTerms(_FieldTerms):
    """Whole values: of url, id, subject or date."""

    def __init__(self, values: Iterable[tuple[bytes, int]]) -> None:
        docs: dict[bytes, list[int]] = {}
        for value, doc in values:
            docs.setdefault(value, []).append(doc)
        self.words = sorted(docs)
        self._docs = docs

    def info(self, place: int) -> TermInfo:
        docs = self._docs[self.words[place]]
        n = len(docs)
        return TermInfo(weight=n, df=n, minlength=0, maxlength=0, maxweight=1, minid=docs[0], maxid=docs[-1])

    def frequency(self, place: int) -> int:
        return len(self._docs[self.words[place]])

    def doc_frequency(self, place: int) -> int:
        return len(self._docs[self.words[place]])

    def matcher(self, place: int) -> PostingMatcher:
        docs = self._docs[self.words[place]]
        return PostingMatcher(docs, [1] * len(docs))


def _values(segment: Segment, fieldname: str) -> Iterator[tuple[bytes, int]]:
    """Each document's value of a field, as Whoosh encodes it."""
    encode: Callable[[Any], bytes] = whoosh_schema()[fieldname].to_bytes
    for doc in range(segment.n_docs):
        if fieldname == "url":
            yield encode(segment.url_and_question(doc)[0]), doc
        elif fieldname == "id":
            if (number := int(segment.ids[doc])) != NO_ID:
                yield encode(number), doc
        elif fieldname == "date":
            if (day := int(segment.dates[doc])) != NO_DATE:
                yield encode(datetime.datetime.fromordinal(day)), doc
        elif slug := segment.subject_of(doc).slug:
            yield encode(slug), doc


class TermsReader(base.TermsReader):  # type: ignore[misc]
    """Whoosh's ``TermsReader`` over a segment. Absent terms raise KeyError, as its callers expect."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._fields: dict[str, _FieldTerms] = {}
        spelling = [_SPELLING + name for name in FIELD_NAMES]
        self._names = sorted([*FIELD_NAMES, *spelling, "url", "id", "subject", "date"])

    def _field(self, fieldname: str) -> _FieldTerms:
        terms = self._fields.get(fieldname)
        if terms is None:
            text_field = fieldname.removeprefix(_SPELLING)
            if text_field in FIELD_NAMES:
                kind = _TextTerms if text_field == fieldname else _SpellingTerms
                terms = kind(self._segment, FIELD_NAMES.index(text_field))
            elif fieldname in self._names:
                terms = _ValueTerms(_values(self._segment, fieldname))
            else:
                raise KeyError(fieldname)
            self._fields[fieldname] = terms
        return terms

    def __contains__(self, term: tuple[str, bytes]) -> bool:
        try:
            self._field(term[0]).place(term[1])
        except KeyError:
            return False
        return True

    def indexed_field_names(self) -> list[str]:
        return self._names

    def terms(self) -> Iterator[tuple[str, bytes]]:
        for fieldname in self._names:
            for word in self._field(fieldname).words:
                yield fieldname, word

    def terms_from(self, fieldname: str, prefix: bytes) -> Iterator[tuple[str, bytes]]:
        words = self._field(fieldname).words
        for place in range(bisect_left(words, prefix), len(words)):
            yield fieldname, words[place]

    def items(self) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        return ((term, self.term_info(*term)) for term in self.terms())

    def items_from(self, fieldname: str, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        return ((term, self.term_info(*term)) for term in self.terms_from(fieldname, prefix))

    def term_info(self, fieldname: str, text: bytes) -> TermInfo:
        terms = self._field(fieldname)
        return terms.info(terms.place(text))

    def frequency(self, fieldname: str, text: bytes) -> int:
        terms = self._field(fieldname)
        return terms.frequency(terms.place(text))

    def doc_frequency(self, fieldname: str, text: bytes) -> int:
        terms = self._field(fieldname)
        return terms.doc_frequency(terms.place(text))

    def matcher(self, fieldname: str, text: bytes, format_: Any, scorer: Any = None) -> PostingMatcher:
        terms = self._field(fieldname)
        matcher = terms.matcher(terms.place(text))
        matcher.attach((fieldname, text), format_, scorer)
        return matcher

    def cursor(self, fieldname: str, fieldobj: Any) -> _Cursor:
        return _Cursor(self._field(fieldname), fieldobj)


class _Cursor(base.FieldCursor):  # type: ignore[misc]
    """Walks the terms of one field as text: what Whoosh's fuzzy queries and corrector use."""

    def __init__(self, terms: _FieldTerms, fieldobj: Any) -> None:
        self._terms = terms
        self._fieldobj = fieldobj
        self._place = 0

    def first(self) -> Any:
        self._place = 0
        return self.text()

    def find(self, string: str | bytes) -> Any:
        word = string if isinstance(string, bytes) else self._fieldobj.to_bytes(string)
        self._place = bisect_left(self._terms.words, word)
        return self.text()

    def next(self) -> Any:
        self._place += 1
        return self.text()

    def text(self) -> Any:
        return self._fieldobj.from_bytes(self._terms.words[self._place]) if self.is_valid() else None

    def term(self) -> Any:
        return self.text()

    def term_info(self) -> TermInfo | None:
        return self._terms.info(self._place) if self.is_valid() else None

    def is_valid(self) -> bool:
        return self._place < len(self._terms.words)
