"""Whether a difference between two engines on the same queries may be chance.

Paired randomisation: if two engines were alike, then which of them got the better figure on a query would be
a coin toss. So toss the coins, and count how often the difference of the means comes out as large as the
one that was found (Smucker, Allan, Carterette, CIKM 2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FLIPS = 100_000
SEED = 20_250
_AT_A_TIME = 2_000


def p_value(ours: Sequence[float], theirs: Sequence[float], flips: int = FLIPS) -> float:
    """The two-sided p of two samples over the same queries in the same order; never 0.

    It is (count + 1) / (flips + 1), and the same at every call.
    """
    differences = np.subtract(ours, theirs)
    differences = differences[differences != 0]  # a sign changes nothing about these
    total = differences.sum()
    found = abs(total) - 1e-9  # sums of the same numbers in another order count as equal
    random = np.random.default_rng(SEED)
    count = 0
    for start in range(0, flips, _AT_A_TIME):
        rows = min(_AT_A_TIME, flips - start)
        flipped = random.integers(0, 2, (rows, len(differences)), dtype=np.int8).astype(np.float64)
        count += int(np.count_nonzero(np.abs(total - 2 * (flipped @ differences)) >= found))
    return (count + 1) / (flips + 1)
