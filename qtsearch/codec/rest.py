"""What of a chunk the arrays of a segment lack, narrow in a file: see :mod:`qtsearch.codec.past`.

Counts stand in for where things begin, a number for the spelling of a subject, and integers are as wide as
the largest of their array needs it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import offsets_of
from qtsearch.codec.texts import joined_texts, split_texts

__all__ = ["PACKED", "narrow", "packed", "unpacked"]

_PIECES: Final = ("question_word", "link", "keyword_word", "keyword", "definition")
_AS_THEY_ARE: Final = (
    *("contents", "question_words", "url_hashes", "links"),
    *("keyword_words", "keywords", "keyword_plain", "definitions"),
)
#: The arrays in which it stands in the third file.
PACKED: Final = (
    *_AS_THEY_ARE,
    *(f"{name}_counts" for name in _PIECES),
    "carried_docs",
    "carried_counts",
    "spellings",
    "spelling_counts",
    "spelling_numbers",
)


def packed(rest: Arrays) -> dict[str, npt.NDArray[Any]]:
    """The arrays of :data:`PACKED`. ``rest``: what a segment lacks of a chunk; what is ``carried`` by
    keyword."""
    keywords = rest["carried"][:, 1]
    subjects = split_texts(rest, "subjects")
    spellings = sorted(set(subjects))
    numbers = {spelling: number for number, spelling in enumerate(spellings)}
    arrays = {
        **{name: rest[name] for name in _AS_THEY_ARE},
        **{f"{name}_counts": np.diff(rest[f"{name}_offsets"]) for name in _PIECES},
        "carried_docs": rest["carried"][:, 0],
        "carried_counts": np.bincount(keywords, minlength=len(rest["keyword_offsets"]) - 1),
        "spellings": np.frombuffer(b"".join(spellings), np.uint8),
        "spelling_counts": np.array([len(spelling) for spelling in spellings], np.int64),
        "spelling_numbers": np.array([numbers[subject] for subject in subjects], np.int64),
    }
    return {name: narrow(arrays[name]) for name in PACKED}


def narrow(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same integers, none below 0, in the narrowest type.

    >>> narrow(np.array([1, 300])).dtype
    dtype('uint16')
    """
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def unpacked(file: Arrays) -> dict[str, npt.NDArray[Any]]:
    """What :func:`packed` was given, from the arrays that it gives."""
    offsets = offsets_of(file["spelling_counts"])
    spellings = split_texts({"spellings": file["spellings"], "spelling_offsets": offsets}, "spellings")
    counts = file["carried_counts"]
    return {
        **{name: file[name] for name in _AS_THEY_ARE},
        **{f"{name}_offsets": offsets_of(file[f"{name}_counts"]) for name in _PIECES},
        "carried": np.column_stack((file["carried_docs"], np.repeat(np.arange(len(counts)), counts))),
        **joined_texts("subjects", [spellings[number] for number in file["spelling_numbers"].tolist()]),
    }
