"""A published segment → a chunk again, so that the next one is merged from it and from what has changed.

Most of a chunk follows from the arrays of the segment. What does not, stands in a third file beside them,
``MAIN_<id>.sources``, which no search opens: see :mod:`qtsearch.codec.sources`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.rest import REST
from qtsearch.codec.segment import Segment

__all__ = ["PastChunk"]


class PastChunk:
    """The arrays of a chunk by name, as :mod:`qtsearch.codec.chunk` has them; articles by their number in
    the segment."""

    def __init__(self, segment: Segment, sources: Arrays) -> None:
        """``sources``: the third file. Raises IndexDamagedError.

        All is checked and derived here, but for ``files``, which whoever knows them sets.
        """
        self._segment = segment
        self._sources = sources
        self._known: dict[str, npt.NDArray[Any]] = {}
        for name in (*_OF_SEGMENT, *REST, *_DERIVED):
            self[name]

    def __setitem__(self, name: str, array: npt.NDArray[Any]) -> None:
        self._known[name] = array

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._known:
            if name in _DERIVED:
                self._known |= _DERIVED[name](self)
            else:
                place = self._sources if name in REST else self._segment.files[0]
                self._known[name] = place[name]
        return self._known[name]

    def _compounds(self) -> dict[str, npt.NDArray[Any]]:
        arrays = self._segment.files[0]
        children = arrays["compound_children"]
        firsts = np.repeat(np.arange(len(children) - 1), np.diff(children))
        rows = np.column_stack((firsts, arrays["compound_seconds"], arrays["compound_wholes"]))
        rows = np.repeat(rows, np.diff(arrays["hyphen_offsets"]), axis=0)
        return {"compounds": np.column_stack((rows, arrays["hyphen_docs"])).astype(np.int32)}


_OF_SEGMENT: Final = (
    *("forms", "form_terms", "form_frequencies", "form_capitals", "terms", "term_soft"),
    *("offsets", "docs", "frequency_codes", "frequency_table", "rare_postings", "rare_frequencies"),
    *("position_offsets", "positions"),
    *("pair_children", "pair_seconds", "pair_offsets", "pair_docs", "pair_counts"),
    *("lengths", "field_starts", "ids", "dates"),
    *("headings", "heading_offsets", "records", "record_offsets"),
)
_DERIVED: Final = {
    "compounds": PastChunk._compounds,
}
