from typing import Any

import numpy as np
import numpy.typing as npt

def merge(
    parts: list[tuple[npt.NDArray[Any], ...]],
    totals: npt.NDArray[np.uint32],
    kinds: npt.NDArray[np.uint8],
    keys: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    numbers: npt.NDArray[Any],
    positions: npt.NDArray[np.uint16],
    /,
) -> tuple[int, int, int]:
    """What :func:`qtsearch.codec.merging.merged_lists` gives, and how many lists, postings and positions.

    ``parts``: the arrays of ``Lists``, C-contiguous. ``keys`` and what follows: room for what comes out, the
    arrays of ``Merged``; overwritten. Articles of 16 or 32 bits, numbers of 8, 16 or 32. Raises TypeError and
    ValueError for arrays of other types or lengths, IndexError for what leads out of them.
    """
