"""Integers are put in order, whether most of them are in order already or none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.codec.sorting import ascending, distinct, ranges_of

numbers = st.lists(st.integers(0, 1 << 62), max_size=60)


@given(st.lists(st.lists(st.integers(0, 1 << 62), max_size=200).map(sorted), max_size=4), numbers)
def test_runs_and_what_is_between_them_come_in_order(runs, others):
    """Keys that ascend but for a few, and keys in any order."""
    keys = np.array([*(key for run in runs for key in run), *others], np.int64)
    order = ascending(keys)
    assert sorted(order.tolist()) == list(range(len(keys)))
    assert keys[order].tolist() == sorted(keys.tolist())


@given(numbers)
def test_distinct_values(values):
    """Each value once, ascending."""
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 12))
def test_ranges_go_over_all_groups(counts, size):
    """One range after another, each as large as it may be, or one group."""
    ranges = ranges_of(np.array(counts, np.int64), size)
    assert [group for low, high in ranges for group in range(low, high)] == list(range(len(counts)))
    for low, high in ranges:
        assert sum(counts[low:high][:-1]) < size or high - low <= 1
