"""The compiled search: it gives what adding up by hand gives, and refuses what would lead out of memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from corpora import corpora, queries
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch.search import searcher
from qtsearch.search.plans import Laid, Scattered
from qtsearch.search.searcher import kernel

PURE = bool(os.environ.get("QTSEARCH_PURE_PYTHON"))
needs_kernel = pytest.mark.skipif(kernel is None, reason="qtsearch was installed without a compiler")


COMPILER = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0])
HEADER = Path(sysconfig.get_path("include"), "Python.h")


@pytest.mark.skipif(PURE, reason="QTSEARCH_PURE_PYTHON is set")
@pytest.mark.skipif(not COMPILER or not HEADER.exists(), reason="there is no compiler, or no Python.h")
def test_there_is_a_kernel_where_there_is_a_compiler():
    """An installation that cannot compile it is sound, and slower: it should not go unnoticed here."""
    assert kernel is not None


# -- what it finds -----------------------------------------------------------------------------------

widths = st.sampled_from([np.uint16, np.int32, np.int64])


@st.composite
def plans(draw):
    """A table of rows, and what is added up: lists and rows, small and large, often alike."""
    length = draw(st.sampled_from([1, 63, 64, 65, 200, 1_024]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    largest = st.sampled_from([1, 3, 40, 3_000, 65_535])
    lists = []
    for _ in range(draw(st.integers(0, 5))):
        docs = rng.choice(length, draw(st.integers(0, length)), replace=False).astype(draw(widths))
        docs.sort()
        added = rng.integers(0, draw(largest), len(docs), endpoint=True)
        lists.append(
            Scattered(
                int(added.max(initial=0)), docs, added.astype(draw(st.sampled_from([np.uint16, np.uint32])))
            )
        )
    table = np.zeros((draw(st.integers(1, 8)), length), np.uint16)
    rows = []
    for place in range(len(table)):
        table[place] = rng.integers(0, draw(largest), length, endpoint=True)
        table[place][rng.random(length) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = 0
        if draw(st.booleans()):
            times = draw(st.sampled_from([1, 1, 16]))
            rows.append(Laid(int(table[place].max()) * times, times, place))
    ends = sorted(
        draw(st.lists(st.integers(0, length), min_size=2, max_size=6).filter(lambda e: len(e) % 2 == 0))
    )
    ranges = draw(st.sampled_from([[(0, length)], list(zip(ends[::2], ends[1::2], strict=True))]))
    allowed = draw(st.none() | st.just(rng.random(length) < 0.7))
    return table, lists, rows, ranges, allowed


def by_hand(table, lists, rows, ranges, allowed, k):
    """All scores, in order."""
    scores = np.zeros(table.shape[1], np.int64)
    for _, docs, added in lists:
        scores[docs] += added
    for row in rows:
        scores += table[row.place].astype(np.int64) * row.times
    inside = np.zeros(len(scores), bool)
    for start, stop in ranges:
        inside[start:stop] = True
    if allowed is not None:
        inside &= allowed
    found = np.flatnonzero(inside & (scores > 0))
    found = found[np.lexsort((found, -scores[found]))][:k]
    return found.tolist(), scores[found].tolist()


@needs_kernel
@given(plan=plans(), k=st.sampled_from([1, 2, 3, 10, 127, 128]))
@settings(max_examples=600)
def test_best_are_those_of_adding_up_by_hand(plan, k):
    """Whatever is added, and wherever: articles and scores, in order; what the scores were is forgotten."""
    table, lists, rows, *rest = plan
    narrow = sum(one.largest for one in (*lists, *rows)) < 1 << 16
    for width in (np.uint16, np.uint32) if narrow else (np.uint32,):
        scores = np.full(table.shape[1], 7, width)
        assert kernel(scores, table, lists, rows, *rest, k) == by_hand(table, lists, rows, *rest, k)


@needs_kernel
def test_threads_share_what_is_large():
    """Of so many articles that other threads run meanwhile, each thread finds what it finds alone."""
    rng = np.random.default_rng(3)
    length = 1 << 19
    table = rng.integers(0, 9, (2, length)).astype(np.uint16)
    found_in = [np.flatnonzero(rng.random(length) < 0.6) for _ in range(2)]
    lists = [Scattered(9, docs, rng.integers(1, 10, len(docs)).astype(np.uint16)) for docs in found_in]
    rows = [Laid(9, 1, 0), Laid(18, 2, 1)]
    expected = by_hand(table, lists, rows, [(0, length)], None, 100)

    def search(_):
        return kernel(np.empty(length, np.uint32), table, lists, rows, [(0, length)], None, 100)

    with ThreadPoolExecutor(4) as threads:
        assert all(found == expected for found in threads.map(search, range(16)))


@given(articles=corpora(), query=queries, limit=st.sampled_from([1, 2, 3, 128]))
@settings(max_examples=100)
def test_numpy_finds_the_same(build_index, articles, query, limit):
    """Without the kernel an index gives the same hits and scores."""
    index = build_index(articles)
    subjects = sorted({article.subject for article in articles})[:1]

    def found():
        results = [
            index.search(query, limit=limit),
            index.search(query, limit=limit, subjects=subjects),
            index.search(query, limit=limit, since="2000-01-01"),
        ]
        return [[(hit.url, hit.score) for hit in result] for result in results]

    compiled = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searcher, "kernel", None)
        assert found() == compiled


def test_it_can_be_switched_off(sample_index):
    """With QTSEARCH_PURE_PYTHON set there is no kernel; hits are the same."""
    program = """
import sys
import qtsearch
from qtsearch.search.searcher import kernel
print(kernel, *[(hit.url, hit.score) for hit in qtsearch.open_index(sys.argv[1]).search("a blood clot")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, sample_index.path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"QTSEARCH_PURE_PYTHON": "1"},
    )
    hits = [(hit.url, hit.score) for hit in sample_index.search("a blood clot")]
    assert done.stdout.split("\n")[0] == " ".join(map(str, [None, *hits]))


# -- what it refuses ---------------------------------------------------------------------------------


def arguments(**changed):
    """What the kernel takes, with some of it changed."""
    docs, added = np.array([1, 2, 5], np.uint16), np.array([7, 8, 9], np.uint16)
    sound = {
        "scores": np.zeros(64, np.uint32),
        "table": np.ones((2, 64), np.uint16),
        "lists": [Scattered(9, docs, added)],
        "rows": [Laid(1, 1, 1)],
        "ranges": [(0, 64)],
        "allowed": None,
        "k": 3,
    }
    return list((sound | changed).values())


def listed(docs, added, *, docs_type=np.uint16, added_type=np.uint16):
    return [Scattered(9, np.array(docs, docs_type), np.array(added, added_type))]


frozen = np.zeros(64, np.uint32)
frozen.flags.writeable = False

WRONG = {
    "articles out of order": (IndexError, {"lists": listed([5, 60_000, 2, 3], [1, 1, 1, 1])}),
    "articles below 0": (IndexError, {"lists": listed([1, -3, 2, 3], [1] * 4, docs_type=np.int64)}),
    "fewer numbers than articles": (TypeError, {"lists": listed([1, 2], [7])}),
    "narrow articles": (TypeError, {"lists": listed([1, 2], [7, 8], docs_type=np.uint8)}),
    "wide numbers": (TypeError, {"lists": listed([1, 2], [7, 8], added_type=np.uint64)}),
    "a list with a gap": (ValueError, {"lists": [Scattered(9, np.arange(9)[::2], np.arange(5))]}),
    "a list that is none": (TypeError, {"lists": [(9, [1, 2], [7, 8])]}),
    "a list of something else": (TypeError, {"lists": [5]}),
    "no lists": (TypeError, {"lists": None}),
    "row beyond the table": (IndexError, {"rows": [Laid(1, 1, 2)]}),
    "row before the table": (IndexError, {"rows": [Laid(1, 1, -1)]}),
    "row that adds less than nothing": (IndexError, {"rows": [Laid(-1, 1, 0)]}),
    "row of a shorter table": (IndexError, {"table": np.ones((2, 63), np.uint16)}),
    "row that is none": (TypeError, {"rows": [(1, 1)]}),
    "range beyond the scores": (ValueError, {"ranges": [(0, 65)]}),
    "range before them": (ValueError, {"ranges": [(-1, 5)]}),
    "range backwards": (ValueError, {"ranges": [(5, 3)]}),
    "ranges that overlap": (ValueError, {"ranges": [(0, 5), (4, 6)]}),
    "no range": (ValueError, {"ranges": []}),
    "a short mask": (ValueError, {"allowed": np.ones(63, bool)}),
    "no hit wanted": (ValueError, {"k": 0}),
    "too many wanted": (ValueError, {"k": 129}),
    "scores that cannot be written": (TypeError, {"scores": frozen}),
    "no scores": (ValueError, {"scores": np.zeros(0, np.uint32)}),
    "narrow scores": (ValueError, {"scores": np.zeros(64, np.uint8)}),
}


@needs_kernel
@pytest.mark.parametrize("why", WRONG)
def test_what_is_refused(why):
    """An error each; nothing that was handed over is held."""
    error, changed = WRONG[why]
    given = arguments(**changed)
    arrays = [value for value in given if isinstance(value, np.ndarray)]
    arrays += [array for one in given[2] or () if isinstance(one, Scattered) for array in one[1:]]
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(3):
        with pytest.raises(error):
            kernel(*given)
    assert [sys.getrefcount(array) for array in arrays] == before


@needs_kernel
def test_nothing_is_held():
    """A search holds on to none of the arrays."""
    given = arguments(allowed=np.ones(64, bool))
    arrays = [given[0], given[1], given[5], *given[2][0][1:]]
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(10):
        assert kernel(*given) == ([5, 2, 1], [10, 9, 8])
    assert [sys.getrefcount(array) for array in arrays] == before


@needs_kernel
@given(
    docs=st.lists(st.integers(0, 255) | st.integers(0, (1 << 16) - 1), max_size=40),
    width=widths,
    scores_width=st.sampled_from([np.uint16, np.uint32]),
    low=st.integers(0, 64),
    high=st.integers(0, 64),
)
@settings(max_examples=500)
def test_no_list_leads_out_of_the_scores(docs, width, scores_width, low, high):
    """Articles in no order, beyond the scores or below 0: an error or not, but nothing else is written to."""
    around = np.full(3 * 64, 7, scores_width)
    wild = np.array(docs, np.uint16).astype(np.int16).astype(width) if docs else np.zeros(0, width)
    given = arguments(
        scores=around[64:128],
        lists=[Scattered(1, wild, np.ones(len(docs), np.uint16))],
        ranges=[(min(low, high), max(low, high))],
    )
    try:
        found, _ = kernel(*given)
    except IndexError:
        found = []
    assert all(min(low, high) <= doc < max(low, high) for doc in found)
    assert (around[:64] == 7).all()
    assert (around[128:] == 7).all()
