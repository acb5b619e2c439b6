from typing import Any

import numpy as np
import numpy.typing as npt

from qtsearch.search.plans import Laid, Scattered

def best(
    scores: npt.NDArray[np.uint16] | npt.NDArray[np.uint32],
    table: npt.NDArray[np.uint16],
    lists: list[Scattered],
    rows: list[Laid],
    ranges: list[tuple[int, int]],
    allowed: npt.NDArray[Any] | None,
    k: int,
    /,
) -> tuple[list[int], list[int]]:
    """The ``k`` best articles of ``ranges`` and a mask, 0 left out: their numbers and scores, best first.

    ``scores``: room for one an article, as long as a row of the ``table``; overwritten. ``lists`` and
    ``rows``: what is added up, in all less than 2**31 for an article, and no more than ``scores`` hold.
    ``ranges``: ascending, at least one. ``k``: from 1 to 128. Raises ValueError, TypeError and IndexError for
    anything else.
    """
