"""What the tables of a segment's arrays say, as conditions: dtype, shape, order and range of each.

For ``verify``: see :mod:`qtsearch.codec.invariants`, which goes on with what the arrays mean together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Condition", "ascends_between", "layout", "offsets", "order", "within"]

#: The array to blame, what is wrong with it if the condition does not hold, and whether it does.
Condition = tuple[str, str, Callable[[], Any]]
Arrays = Mapping[str, npt.NDArray[Any]]

#: Of each array the dtypes that it may have, and its shape: letters as in the table of the segment.
_LAYOUT: Final = """
terms S T; term_soft b1 T; field_df u4 T 3; offsets i8 T+1; docs u2|i4 P; frequency_codes u1 P;
frequency_table u2 f 3; rare_postings i8 F; rare_frequencies u2 F 3; position_offsets i8 T+1; positions u2 M;
forms S S; form_terms i4 S; form_frequencies u4 S 3; form_capitals u4 S; keyword_postings i4 k;
phrase_keys i8 K; phrase_children i4 T+1; phrase_offsets i4 K+1; phrase_docs u2|i4 p;
pair_seconds u1|u2|u4 Q; pair_children i4 T+1; pair_offsets i4 Q+1; pair_docs u2|i4 R; pair_counts u1 R;
compound_seconds i4 H; compound_wholes i4 H; compound_children i4 T+1; compound_rows i4 H;
compound_offsets i4 T+1; hyphen_offsets i4 H+1; hyphen_docs u2|i4 h; alone_offsets i4 H+1;
alone_postings i4 a; apart_offsets i4 H+1; apart_docs u2|i4 b; key_terms u1|u2|u4 N 24; key_weights u1 N 24;
abbreviations S A; expansion_starts i4 A+1; expansion_shares f4 E; expansion_offsets i4 E+1;
expansion_terms i4 e; lengths u2 N 3; field_starts u2 N 3; ids i8 N; dates i4 N; originals i4 N;
question_ranks i4 N; keyword_words u2|u4|u8 W; keyword_offsets i4 C+1; keyword_counts u2|u4|u8 C;
keyword_suffixes u2|u4|u8 W; keyword_places u1 W; keyword_starts i4 S+1; spellings u1 s;
spelling_offsets i4 C+1; question_words u2|u4|u8 V; question_offsets i4 D+1; question_counts u2|u4|u8 D;
question_suffixes u2|u4|u8 V; question_places u1 V; question_starts i4 S+1; question_docs u2|u4|u8 D;
headings u1 g; heading_offsets i8 N+1; url_order i4 N; records u1 r; record_offsets i8 N+1; dictionary u1 d;
impacts u2 P; max_impacts u2 T; pair_impacts u1 R
"""

#: Where pieces of an array begin: ascending, from 0 to its end.
_OFFSETS: Final = """
offsets docs; position_offsets positions; phrase_offsets phrase_docs;
pair_children pair_seconds; pair_offsets pair_docs; compound_children compound_seconds;
compound_offsets compound_rows; hyphen_offsets hyphen_docs; alone_offsets alone_postings;
apart_offsets apart_docs; expansion_starts expansion_shares; expansion_offsets expansion_terms;
keyword_offsets keyword_words; keyword_starts keyword_suffixes; spelling_offsets spellings;
question_offsets question_words; question_starts question_suffixes; heading_offsets headings;
record_offsets records
"""

#: Numbers of elements of another array: not negative, and less than its length.
_NUMBERS: Final = """
docs ids; form_terms terms; rare_postings docs; keyword_postings docs; phrase_docs ids; pair_seconds terms;
pair_docs ids; compound_seconds terms; compound_wholes terms; compound_rows compound_wholes; hyphen_docs ids;
alone_postings docs; apart_docs ids; expansion_terms terms; originals ids;
question_ranks ids; url_order ids; keyword_words forms; keyword_suffixes keyword_counts;
question_words forms; question_suffixes question_counts; question_docs ids
"""

#: Each element larger than the one before it.
_ASCENDING: Final = "terms forms abbreviations rare_postings keyword_postings phrase_keys"

#: The same within each piece.
_ASCENDING_PIECES: Final = """
docs offsets; phrase_docs phrase_offsets; pair_seconds pair_children; pair_docs pair_offsets;
hyphen_docs hyphen_offsets; alone_postings alone_offsets; apart_docs apart_offsets
"""

#: Every number once.
_PERMUTATIONS: Final = "question_ranks url_order compound_rows"


def layout(arrays: Arrays) -> Iterator[Condition]:
    """Every array is there, with a dtype and a shape that it may have."""
    sizes: dict[str, int] = {}
    for name, kinds, *shape in _rows(_LAYOUT):
        yield name, "is missing, or has another dtype", partial(_has_kind, arrays, name, kinds)
        yield name, "has another shape", partial(_has_shape, arrays, name, shape, sizes)


def _has_kind(arrays: Arrays, name: str, kinds: str) -> bool:
    array = arrays[name]
    return re.fullmatch(rf"\D?({kinds})" + r"\d*" * (kinds == "S"), array.dtype.str) is not None


def _has_shape(arrays: Arrays, name: str, wanted: list[str], sizes: dict[str, int]) -> bool:
    """Whether the sides are those wanted; a letter seen first stands for what is found from then on."""
    found = arrays[name].shape
    if len(found) != len(wanted):
        return False
    for side, text in zip(found, wanted, strict=True):
        letter, _, more = text.partition("+")
        expected = int(letter) if letter.isdigit() else sizes.setdefault(letter, side - int(more or 0))
        if side != expected + int(more or 0):
            return False
    return True


def offsets(arrays: Arrays) -> Iterator[Condition]:
    """Offsets lead where pieces begin, and end where the last one ends."""
    for name, whole in _rows(_OFFSETS):
        yield name, f"does not divide {whole!r}", partial(_divides, arrays[name], arrays[whole])


def _divides(offsets: npt.NDArray[Any], whole: npt.NDArray[Any]) -> bool:
    return bool(offsets[0] == 0 and offsets[-1] == len(whole) and (offsets[1:] >= offsets[:-1]).all())


def order(arrays: Arrays) -> Iterator[Condition]:
    """Numbers lead to something; what is sorted ascends."""
    for name, other in _rows(_NUMBERS):
        text = f"has numbers beyond {other!r}"
        yield name, text, partial(within, arrays[name], len(arrays[other]))
    for name in _ASCENDING.split():
        yield name, "does not ascend", partial(_ascends, arrays[name])
    for name, pieces in _rows(_ASCENDING_PIECES):
        text = f"does not ascend between {pieces!r}"
        yield name, text, partial(ascends_between, arrays[name], arrays[pieces])
    for name in _PERMUTATIONS.split():
        yield name, "has a number twice", partial(_is_permutation, arrays[name])


def _rows(table: str) -> Iterator[list[str]]:
    return (row.split() for row in table.replace("\n", " ").split(";"))


def _ascends(values: npt.NDArray[Any]) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _is_permutation(values: npt.NDArray[Any]) -> bool:
    return bool((np.bincount(values) == 1).all())


def within(numbers: npt.NDArray[Any], count: int) -> bool:
    """Whether all are from 0 to below ``count``."""
    return not numbers.size or bool(numbers.min() >= 0 and numbers.max() < count)


def ascends_between(values: npt.NDArray[Any], offsets: npt.NDArray[Any], *, equal: bool = False) -> bool:
    """Whether values ascend within each piece."""
    ascends = values[1:] >= values[:-1] if equal else values[1:] > values[:-1]
    first = offsets[1:-1]
    first = first[(first > 0) & (first < len(values))]
    ascends[first - 1] = True
    return bool(ascends.all())
