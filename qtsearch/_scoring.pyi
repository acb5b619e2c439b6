from typing import Any

import numpy as np
import numpy.typing as npt

def impacts(
    docs: npt.NDArray[Any],
    frequencies: npt.NDArray[np.uint16],
    idf: npt.NDArray[np.float64],
    alone: npt.NDArray[np.bool_],
    gain: npt.NDArray[np.float64],
    norms: npt.NDArray[np.float64],
    fields: npt.NDArray[np.float64],
    out: npt.NDArray[np.uint16],
    k1: float,
    share_k1: float,
    keyword_share: float,
    /,
) -> None:
    """The impacts of n postings, as :class:`qtsearch.scoring.Formula` has them.

    ``docs``: shape (n,), of 16, 32 or 64 bits. ``frequencies``: shape (n, fields). ``idf``: in units of
    impacts, shape (n,) or (1,). ``alone``: shape (n,). ``gain`` and ``norms``: shape (fields, n_docs).
    ``fields``: the share of each and whether it counts, shape (fields, 2). ``out``: shape (n,); written to.
    All C-contiguous. Raises ValueError for arrays of other types or lengths, IndexError for other articles.
    """
