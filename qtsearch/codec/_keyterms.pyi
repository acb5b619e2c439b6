from typing import Any

import numpy as np
import numpy.typing as npt

def key_terms(
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    numbers: npt.NDArray[Any],
    times: npt.NDArray[np.uint8],
    weights: npt.NDArray[np.uint8],
    key_terms: npt.NDArray[Any],
    key_weights: npt.NDArray[np.uint8],
    n_docs: int,
    /,
) -> None:
    """What :func:`qtsearch.codec.keyterms.key_term_arrays` gives.

    ``times``: of each number how often an article has the term, as it counts. ``weights``: what each term
    weighs by that, shape (n_terms, most + 1), from 1 on; all 0 for one that is no key term. ``key_terms`` and
    ``key_weights``: zeros, shape (n_docs, terms of an article); written to. Raises TypeError and ValueError
    for arrays of other types or lengths, IndexError for what leads out of them.
    """
