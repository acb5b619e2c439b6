"""Chunks → the vocabulary of a segment: surface forms, their terms, and how often articles have each form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.chunk import byte_words
from qtsearch.codec.frequencies import Arrays
from qtsearch.schema import FIELD_NAMES
from qtsearch.text.abbreviations import is_capital

__all__ = ["FormCounts", "Vocabulary", "count_forms", "merged_vocabulary"]

_PAGE_KEYWORDS: Final = FIELD_NAMES.index("page_keywords")

Integers = npt.NDArray[np.int64]


class FormCounts(NamedTuple):
    """How often articles have each form in each field, and written as abbreviations are."""

    forms: Counter[tuple[bytes, int]]
    capitals: Counter[bytes]


class Vocabulary(NamedTuple):
    """The ``arrays`` of forms and terms, as the table in :mod:`qtsearch.codec.segment` has them; for each
    chunk the numbers among them of its forms, and of its terms, ascending. One that is gone has the number
    of what is there before it, or -1: it is never used."""

    arrays: dict[str, npt.NDArray[Any]]
    form_numbers: list[Integers]
    term_numbers: list[Integers]


def count_forms(articles: Iterable[Sequence[str]]) -> FormCounts:
    """What articles count, given the texts of their fields, by analysing them."""
    pieces: list[Counter[str]] = [Counter() for _ in FIELD_NAMES]
    for texts in articles:
        for of_field, text in zip(pieces, texts, strict=True):
            of_field.update(analysis.pieces(text))
    found = FormCounts(Counter(), Counter())
    for field, of_field in enumerate(pieces):
        for piece, count in of_field.items():
            tokens = analysis.tokenize(piece)
            for token in tokens:
                form = analysis.fold(token).encode()
                found.forms[form, field] += count
                if field != _PAGE_KEYWORDS and is_capital(token):
                    found.capitals[form] += count
            if field != _PAGE_KEYWORDS and len(tokens) > 1:
                for _, compound in analysis.compounds(piece):
                    found.forms[compound.encode(), field] += count
    return found


def merged_vocabulary(chunks: Sequence[Arrays], forgotten: FormCounts) -> Vocabulary:
    """The vocabulary of chunks, as :mod:`qtsearch.codec.chunk` has them.

    ``forgotten``: what those of their articles count that are left out.
    """
    forms, first, inverse = np.unique(_joined(chunks, "forms"), return_index=True, return_inverse=True)
    frequencies = np.zeros((len(forms), 3), np.int64)
    capitals = np.zeros(len(forms), np.int64)
    np.add.at(frequencies, inverse, _joined(chunks, "form_frequencies"))
    np.add.at(capitals, inverse, _joined(chunks, "form_capitals"))
    if forgotten.forms:
        places = np.searchsorted(forms, byte_words([form for form, _ in forgotten.forms]))
        fields = np.array([field for _, field in forgotten.forms])
        np.subtract.at(frequencies, (places, fields), np.array(list(forgotten.forms.values())))
    if forgotten.capitals:
        places = np.searchsorted(forms, byte_words(list(forgotten.capitals)))
        np.subtract.at(capitals, places, np.array(list(forgotten.capitals.values())))
    used = frequencies.any(axis=1)
    terms, first_term, term_inverse = np.unique(
        _joined(chunks, "terms"), return_index=True, return_inverse=True
    )
    of_terms = _split(term_inverse, chunks, "terms")
    form_terms = np.concatenate(
        [numbers[chunk["form_terms"]] for chunk, numbers in zip(chunks, of_terms, strict=True)]
    )[first][used]
    stay = np.bincount(form_terms, minlength=len(terms)) > 0
    form_numbers, term_numbers = (np.cumsum(kept) - 1 for kept in (used, stay))
    arrays = {
        "forms": _narrowed(forms[used]),
        "form_terms": term_numbers[form_terms].astype(np.int32),
        "form_frequencies": frequencies[used].astype(np.uint32),
        "form_capitals": capitals[used].astype(np.uint32),
        "terms": _narrowed(terms[stay]),
        "term_soft": _joined(chunks, "term_soft")[first_term][stay],
    }
    return Vocabulary(
        arrays,
        _split(form_numbers[inverse], chunks, "forms"),
        [term_numbers[numbers] for numbers in of_terms],
    )


def _joined(chunks: Sequence[Arrays], name: str) -> npt.NDArray[Any]:
    return np.concatenate([chunk[name] for chunk in chunks])


def _split(joined: npt.NDArray[Any], chunks: Sequence[Arrays], name: str) -> list[npt.NDArray[Any]]:
    """What belongs to each chunk, given one element for each of an array of theirs."""
    return np.split(joined, np.cumsum([len(chunk[name]) for chunk in chunks])[:-1])


def _narrowed(words: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bytes_]:
    """As wide as the longest of them."""
    return words.astype(f"S{max(np.char.str_len(words).max(initial=1), 1)}")
