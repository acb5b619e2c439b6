"""A published segment → a chunk again, so that the next one is merged from it and from what has changed.

Most of a chunk follows from the arrays of the segment. What does not, stands in a third file beside them,
``MAIN_<id>.sources``, which no search opens: see :mod:`qtsearch.codec.sources`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.rest import unpacked
from qtsearch.codec.segment import Segment

__all__ = ["past_chunk"]

_OF_SEGMENT: Final = (
    *("forms", "form_terms", "form_frequencies", "form_capitals", "terms", "term_soft"),
    *("offsets", "docs", "frequency_codes", "frequency_table", "rare_postings", "rare_frequencies"),
    *("position_offsets", "positions"),
    *("pair_children", "pair_seconds", "pair_offsets", "pair_docs", "pair_counts"),
    *("lengths", "field_starts", "ids", "dates"),
    *("headings", "heading_offsets", "records", "record_offsets"),
)


def past_chunk(segment: Segment, sources: ArrayFile) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a chunk by name, as :mod:`qtsearch.codec.chunk` has them; articles by their number in the
    segment. ``files`` is not among them: whoever knows them sets it.

    ``sources``: the third file. Raises IndexDamagedError: all is checked here.
    """
    arrays = segment.files[0]
    return {
        **{name: arrays[name] for name in _OF_SEGMENT},
        **unpacked(sources),
        "compounds": _compounds(arrays),
    }


def _compounds(arrays: Arrays) -> npt.NDArray[np.int32]:
    children = arrays["compound_children"]
    firsts = np.repeat(np.arange(len(children) - 1), np.diff(children))
    rows = np.column_stack((firsts, arrays["compound_seconds"], arrays["compound_wholes"]))
    rows = np.repeat(rows, np.diff(arrays["hyphen_offsets"]), axis=0)
    return np.column_stack((rows, arrays["hyphen_docs"])).astype(np.int32)
