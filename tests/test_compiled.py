"""What is compiled to build an index: it gives what NumPy gives, and refuses what leads out of memory."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch import scoring
from qtsearch.codec import keyterms, merging
from qtsearch.codec.keyterms import KEY_TERMS, key_term_arrays
from qtsearch.codec.merging import Lists, Merged, merged_lists
from qtsearch.codec.segment import offsets_of
from qtsearch.parameters import RankingParameters, Weighting
from qtsearch.scoring import Formula
from qtsearch.search.searcher import kernel as search_kernel

needs_kernels = pytest.mark.skipif(merging.kernel is None, reason="qtsearch was installed without a compiler")

#: Frequencies in the three fields, by their numbers.
TRIPLES = np.array([(0, 0, 1), (0, 1, 0), (0, 2, 0), (1, 0, 0), (1, 3, 1), (0, 0, 9)], np.uint16)
TOTALS = TRIPLES.sum(axis=1, dtype=np.uint32)
KINDS = ((TRIPLES > 0) @ np.array([1, 2, 4], np.uint8)).astype(np.uint8)
NO_TOTALS = np.zeros_like(TOTALS)


def test_all_is_compiled_or_nothing():
    """One installation compiles all kernels."""
    kernels = [scoring.kernel, merging.kernel, keyterms.kernel, search_kernel]
    assert len({kernel is None for kernel in kernels}) == 1


def both_ways(module, call, *arguments):
    """What a call gives compiled, and in NumPy."""
    with pytest.MonkeyPatch.context() as patch:
        compiled = call(*arguments)
        patch.setattr(module, "kernel", None)
        return compiled, call(*arguments)


# -- merging -----------------------------------------------------------------------------------------


@st.composite
def parts(draw, totals=TOTALS):
    """Parts that share articles out among them: lists with postings in any order, some of them empty, some
    articles left out."""
    n_new = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shares = rng.integers(0, draw(st.integers(1, 3)), n_new)
    found = []
    for share in range(int(shares.max(initial=0)) + 1):
        new_docs = np.flatnonzero(shares == share).astype(np.int32)
        gone = np.full(draw(st.integers(0, 5)), -1, np.int32)
        new_docs = np.concatenate((new_docs, gone))
        if draw(st.booleans()):
            rng.shuffle(new_docs)
        n_lists = draw(st.integers(0, 8))
        keys = np.sort(rng.choice(draw(st.sampled_from([8, 10, 1 << 40])), n_lists, replace=False))
        lists = [
            np.flatnonzero(rng.random(len(new_docs)) < draw(st.sampled_from([0.0, 0.1, 0.9]))) for _ in keys
        ]
        offsets = offsets_of(np.array([*map(len, lists)], np.int64))
        docs = np.concatenate([np.zeros(0, np.int64), *lists])
        numbers = rng.integers(0, len(totals), len(docs))
        ends = offsets_of(totals[numbers].astype(np.int64))
        found.append(
            Lists(
                keys.astype(np.int64),
                new_docs,
                offsets,
                docs.astype(draw(st.sampled_from([np.uint16, np.int32]))),
                numbers.astype(np.uint8),
                ends[offsets],
                rng.integers(0, 1 << 16, ends[-1]).astype(np.uint16),
            )
        )
    return found


def merged_by_hand(given):
    """The lists as pairs: a key, and its postings in order: article, number, positions."""
    lists = {}
    for part in given:
        for place, key in enumerate(part.keys.tolist()):
            token = int(part.position_offsets[place])
            for posting in range(part.offsets[place], part.offsets[place + 1]):
                number = int(part.numbers[posting])
                positions = part.positions[token : token + TOTALS[number]].tolist()
                token += int(TOTALS[number])
                doc = int(part.new_docs[part.docs[posting]])
                if doc >= 0:
                    lists.setdefault(key, []).append((doc, number, positions))
    return [(key, sorted(postings)) for key, postings in sorted(lists.items())]


def spread(merged):
    """The same of what was merged, with the counts."""
    lists, first, token = [], 0, 0
    for key, (n, n_tokens, *df) in zip(merged.keys.tolist(), merged.counts.tolist(), strict=True):
        postings, begin = [], token
        for posting in range(first, first + n):
            number = int(merged.numbers[posting])
            positions = merged.positions[token : token + TOTALS[number]].tolist()
            token += int(TOTALS[number])
            postings.append((int(merged.docs[posting]), number, positions))
        lists.append((key, postings))
        first += n
        assert token - begin == n_tokens
        numbers = merged.numbers[first - n : first]
        assert df == (TRIPLES[numbers] > 0).sum(axis=0).tolist()
    assert (first, token) == (len(merged.docs), len(merged.positions))
    return lists


@given(given_parts=parts(), doc_type=st.sampled_from([np.uint16, np.int32]))
@settings(max_examples=300)
def test_lists_are_merged_as_by_hand(given_parts, doc_type):
    """Whatever order a part has, compiled and in NumPy; no array that was handed over is changed."""
    before = [[array.copy() for array in part] for part in given_parts]
    with ThreadPoolExecutor(2) as pool:
        for merged in both_ways(merging, merged_lists, given_parts, TOTALS, KINDS, doc_type, pool):
            assert merged.docs.dtype == doc_type
            if len(merged.positions):
                assert spread(merged) == merged_by_hand(given_parts)
    np.testing.assert_equal(before, [list(part) for part in given_parts])


@given(given_parts=parts(totals=NO_TOTALS))
@settings(max_examples=100)
def test_lists_without_positions(given_parts):
    """As pairs are: with the number of their postings alone."""
    with ThreadPoolExecutor(2) as pool:
        given_lists = given_parts, NO_TOTALS, KINDS, np.uint16, pool
        compiled, in_numpy = both_ways(merging, merged_lists, *given_lists)
    assert compiled.counts.shape == (len(compiled.keys), 1)
    np.testing.assert_equal([*compiled], [*in_numpy])


def a_part(**changed):
    sound = {
        "keys": np.array([3, 5]),
        "new_docs": np.array([1, 0], np.int32),
        "offsets": np.array([0, 2, 3]),
        "docs": np.array([0, 1, 1], np.uint16),
        "numbers": np.array([1, 2, 0], np.uint8),
        "position_offsets": np.array([0, 3, 4]),
        "positions": np.array([10, 20, 21, 30], np.uint16),
    }
    return tuple((sound | changed).values())


def room(n_lists=2, n_postings=3, n_tokens=4, n_counts=5):
    return Merged(
        np.zeros(n_lists, np.int64),
        np.zeros((n_lists, n_counts), np.int64),
        np.zeros(n_postings, np.uint16),
        np.zeros(n_postings, np.uint8),
        np.zeros(n_tokens, np.uint16),
    )


def of(values, kind=np.int64):
    return np.array(values, kind)


WRONG_PARTS = {
    "an article that there is not": (IndexError, {"docs": of([0, 1, 2], np.uint16)}),
    "a number that there is not": (IndexError, {"numbers": of([1, 6, 0], np.uint8)}),
    "postings beyond the end": (IndexError, {"offsets": of([0, 2, 4])}),
    "postings before the beginning": (IndexError, {"offsets": of([-1, 2, 3])}),
    "positions beyond the end": (IndexError, {"position_offsets": of([0, 4, 4])}),
    "positions before the beginning": (IndexError, {"position_offsets": of([-3, 3, 4])}),
    "fewer numbers than articles": (IndexError, {"numbers": of([1], np.uint8)}),
    "fewer offsets than keys": (ValueError, {"offsets": of([0, 3])}),
    "fewer offsets of positions": (ValueError, {"position_offsets": of([0, 4])}),
    "narrow keys": (TypeError, {"keys": of([3, 5], np.int32)}),
    "wide articles": (TypeError, {"docs": of([0, 1, 1])}),
    "wide numbers": (TypeError, {"numbers": of([1, 2, 0])}),
    "narrow offsets": (TypeError, {"offsets": of([0, 2, 3], np.int32)}),
    "narrow positions": (TypeError, {"positions": of([1, 2, 3, 4], np.uint8)}),
    "an array with gaps": (ValueError, {"docs": of([0, 9, 1, 9, 1, 9], np.uint16)[::2]}),
    "no array": (TypeError, {"docs": [0, 1, 1]}),
}


@needs_kernels
def test_a_part_by_hand():
    """Two lists of two articles, which change places."""
    merged = room()
    assert merging.kernel([a_part()], TOTALS, KINDS, *merged) == (2, 3, 4)
    assert merged.keys.tolist() == [3, 5]
    assert merged.counts.tolist() == [[2, 3, 0, 2, 0], [1, 1, 0, 0, 1]]
    assert (merged.docs.tolist(), merged.numbers.tolist()) == ([0, 1, 0], [2, 1, 0])
    assert merged.positions.tolist() == [20, 21, 10, 30]


@needs_kernels
@pytest.mark.parametrize("why", WRONG_PARTS)
def test_wrong_parts_are_refused(why):
    """An error each; nothing that was handed over is held."""
    error, changed = WRONG_PARTS[why]
    part = a_part(**changed)
    before = [sys.getrefcount(array) for array in part]
    for _ in range(3):
        with pytest.raises(error):
            merging.kernel([a_part(keys=of([3, 5])), part], TOTALS, KINDS, *room(4, 6, 8))
    assert [sys.getrefcount(array) for array in part] == before


@needs_kernels
@pytest.mark.parametrize(
    ("error", "sizes"),
    [
        (IndexError, {"n_lists": 1}),
        (IndexError, {"n_postings": 2}),
        (IndexError, {"n_tokens": 3}),
        (ValueError, {"n_counts": 6}),
    ],
)
def test_too_little_room_is_refused(error, sizes):
    """Nothing is written beyond what was handed over."""
    with pytest.raises(error):
        merging.kernel([a_part()], TOTALS, KINDS, *room(**sizes))


@needs_kernels
def test_other_wrong_arguments_are_refused():
    """What is no list of tuples, and numbers that say nothing."""
    for wrong in (a_part(), [list(a_part())], [a_part()[:6]]):
        with pytest.raises(TypeError):
            merging.kernel(wrong, TOTALS, KINDS, *room())
    with pytest.raises(ValueError, match="kinds"):
        merging.kernel([a_part()], TOTALS, KINDS[:2], *room())
    with pytest.raises(TypeError):
        merging.kernel([a_part()], TOTALS.astype(np.int64), KINDS, *room())


wild_numbers = st.lists(
    st.integers(-3, 9) | st.sampled_from([-(1 << 63), (1 << 63) - 1]), min_size=3, max_size=3
)


@needs_kernels
@given(
    keys=st.lists(st.integers(-3, 9), min_size=2, max_size=2),
    offsets=wild_numbers,
    position_offsets=wild_numbers,
    docs=st.lists(st.integers(0, 9), min_size=3, max_size=3),
    new_docs=st.lists(st.integers(-3, 9), min_size=2, max_size=2),
)
@settings(max_examples=500)
def test_no_part_leads_out_of_its_arrays(keys, offsets, position_offsets, docs, new_docs):
    """Whatever stands in them: an error or not, but nothing else is written to."""
    around = [np.full(3 * 64, 7, kind) for kind in (np.int64, np.int64, np.uint16, np.uint8, np.uint16)]
    keys_out, counts, *others = (array[64:128] for array in around)
    part = a_part(
        keys=of(keys),
        new_docs=of(new_docs, np.int32),
        offsets=of(offsets),
        docs=of(docs, np.uint16),
        position_offsets=of(position_offsets),
    )
    try:
        merging.kernel([part], TOTALS, KINDS, keys_out[:12], counts[:60].reshape(12, 5), *others)
    except IndexError as error:
        assert "lead out" in str(error)  # noqa: PT017
    for array in around:
        assert (array[:64] == 7).all()
        assert (array[128:] == 7).all()


# -- key terms ---------------------------------------------------------------------------------------


@given(
    n_docs=st.integers(0, 40),
    n_terms=st.integers(0, 90),
    density=st.sampled_from([0.05, 0.5, 1.0]),
    seed=st.integers(0, 1 << 32),
    doc_type=st.sampled_from([np.uint16, np.int32]),
)
@settings(max_examples=100)
def test_key_terms_are_those_of_numpy(n_docs, n_terms, density, seed, doc_type):
    """More and fewer than are kept, many of the same weight."""
    rng = np.random.default_rng(seed)
    lists = [np.flatnonzero(rng.random(n_docs) < density) for _ in range(n_terms)]
    docs = np.concatenate([np.zeros(0, np.int64), *lists]).astype(doc_type)
    numbers = rng.integers(0, len(TRIPLES), len(docs)).astype(np.uint16)
    soft = rng.random(n_terms) < 0.2
    offsets = offsets_of(np.array([*map(len, lists)], np.int64))
    compiled, in_numpy = both_ways(keyterms, key_term_arrays, offsets, docs, numbers, TRIPLES, soft, n_docs)
    np.testing.assert_equal(compiled, in_numpy)


def key_terms(**changed):
    """What that kernel takes, with some of it changed."""
    sound = {
        "offsets": of([0, 1, 3]),
        "docs": of([1, 0, 1], np.uint16),
        "numbers": of([0, 1, 1], np.uint8),
        "times": of([1, 2], np.uint8),
        "weights": of([[1, 3, 6], [1, 2, 4]], np.uint8),
        "key_terms": np.zeros((2, KEY_TERMS), np.uint8),
        "key_weights": np.zeros((2, KEY_TERMS), np.uint8),
        "n_docs": 2,
    }
    return (sound | changed).values()


@needs_kernels
@pytest.mark.parametrize(
    ("error", "changed"),
    [
        (IndexError, {"docs": of([1, 0, 2], np.uint16)}),
        (IndexError, {"numbers": of([0, 1, 2], np.uint8)}),
        (IndexError, {"numbers": of([0, 1], np.uint8)}),
        (IndexError, {"times": of([1, 3], np.uint8)}),
        (IndexError, {"offsets": of([0, 1, 4])}),
        (IndexError, {"offsets": of([-1, 1, 3])}),
        (ValueError, {"n_docs": -1}),
        (ValueError, {"offsets": of([])}),
        (ValueError, {"key_terms": np.zeros((2, KEY_TERMS - 1), np.uint8)}),
        (TypeError, {"offsets": of([0, 1, 3], np.int32)}),
        (TypeError, {"docs": of([1, 0, 1])}),
        (TypeError, {"key_weights": np.zeros((2, KEY_TERMS), np.uint16)}),
    ],
)
def test_wrong_postings_are_refused(error, changed):
    """They lead out of what was handed over."""
    keyterms.kernel(*key_terms())
    with pytest.raises(error):
        keyterms.kernel(*key_terms(**changed))


# -- impacts -----------------------------------------------------------------------------------------

weights = st.sampled_from([0.0, 0.5, 1.0, 3.0])


@given(
    seed=st.integers(0, 1 << 32),
    field_weights=st.tuples(weights, weights, weights).filter(any),
    k1=st.sampled_from([0.0, 0.9, 1.5]),
    doc_type=st.sampled_from([np.uint16, np.int32, np.int64]),
    one_idf=st.booleans(),
)
@settings(max_examples=150)
def test_impacts_are_those_of_numpy(seed, field_weights, k1, doc_type, one_idf):
    """Every one, to the last bit before it is rounded."""
    rng = np.random.default_rng(seed)
    n_docs, n = 50, 2_000
    lengths = rng.integers(0, 400, (n_docs, 3)).astype(np.uint16)
    lengths[0] = 1
    weighting = Weighting(RankingParameters(k1=k1), field_weights)
    formula = Formula(lengths, weighting)
    frequencies = (rng.integers(0, 9, (n, 3)) * (rng.random((n, 3)) < 0.4)).astype(np.uint16)
    idf = rng.random(1 if one_idf else n) * 14
    docs = rng.integers(0, n_docs, n).astype(doc_type)
    alone = np.flatnonzero(rng.random(n) < 0.1)
    compiled, in_numpy = both_ways(scoring, formula.impacts, docs, frequencies, idf, alone)
    np.testing.assert_array_equal(compiled, in_numpy)


def postings(**changed):
    """What that kernel takes, with some of it changed."""
    sound = {
        "docs": of([0, 1], np.uint16),
        "frequencies": of([[1, 0, 0], [0, 1, 0]], np.uint16),
        "idf": np.ones(2),
        "alone": np.zeros(2, bool),
        "gain": np.ones((3, 2)),
        "norms": np.ones((3, 2)),
        "fields": np.ones((3, 2)),
        "out": np.zeros(2, np.uint16),
        "k1": 1.0,
        "share_k1": 1.0,
        "keyword_share": 1.0,
    }
    return (sound | changed).values()


@needs_kernels
@pytest.mark.parametrize(
    ("error", "changed"),
    [
        (IndexError, {"docs": of([0, 2], np.uint16)}),
        (IndexError, {"docs": of([0, -1])}),
        (ValueError, {"docs": of([0], np.uint16)}),
        (ValueError, {"docs": of([0, 1], np.uint8)}),
        (ValueError, {"frequencies": of([[1, 0], [0, 1]], np.uint16)}),
        (ValueError, {"frequencies": of([[1, 0, 0], [0, 1, 0]], np.uint8)}),
        (ValueError, {"idf": np.ones(3)}),
        (ValueError, {"idf": np.ones(0)}),
        (ValueError, {"idf": np.ones(2, np.float32)}),
        (ValueError, {"alone": np.zeros(1, bool)}),
        (ValueError, {"gain": np.ones((3, 3))}),
        (ValueError, {"gain": np.ones(7)}),
        (ValueError, {"norms": np.ones((2, 2))}),
        (ValueError, {"fields": np.ones((2, 2))}),
        (ValueError, {"out": np.zeros(3, np.uint16)}),
        (ValueError, {"out": np.zeros(1, np.uint32)}),
    ],
)
def test_wrong_frequencies_are_refused(error, changed):
    """Articles that there are not, and arrays that do not fit each other."""
    scoring.kernel(*postings())
    with pytest.raises(error):
        scoring.kernel(*postings(**changed))
