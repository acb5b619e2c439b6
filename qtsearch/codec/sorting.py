"""Sorting integers: what a segment is merged from is in order already, but for what has changed.

And going through many of them in parts that stay in the processor's caches.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["ascending", "distinct", "ranges_of"]

#: With fewer descents than one in so many keys, merging runs takes less time than sorting.
_KEYS_A_DESCENT: Final = 16


def ascending(keys: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Where the keys stand, ascending; equal ones in any order.

    ``stable`` is Timsort, which merges runs that ascend: a fraction of the time where there are few of them.

    >>> ascending(np.array([3, 5, 4])).tolist()
    [0, 2, 1]
    """
    descents = np.count_nonzero(keys[1:] < keys[:-1])
    return np.argsort(keys, kind="stable" if descents * _KEYS_A_DESCENT < len(keys) else None)


def distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The values, none below 0, ascending, each once. ``np.unique`` hashes, which takes some times longer.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    values = np.sort(values)
    return values[np.diff(values, prepend=-1) > 0]


def ranges_of(counts: npt.NDArray[np.int64], size: int) -> list[tuple[int, int]]:
    """Ranges of groups of so many with about ``size`` in each range, more only where one group has more.

    >>> ranges_of(np.array([2, 2, 5, 1]), 4)
    [(0, 2), (2, 3), (3, 4)]
    """
    if not len(counts):
        return [(0, 0)]
    which = (np.cumsum(counts) - counts) // size
    starts = np.flatnonzero(np.diff(which, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(counts)], strict=True))
