"""Term frequencies in a byte a posting: what is put in comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.codec.frequencies import (
    Frequencies,
    encode_frequencies,
    encode_numbered,
    number_frequencies,
)

LARGEST = 60_000  # an article has no more positions

counts = st.sampled_from([0, 1, 2, 3, 255, 256, 257, LARGEST]) | st.integers(0, LARGEST)
bounds = st.none() | st.integers(-30, 700)


def decoded(rows, dtype=np.uint16):
    frequencies = np.array(rows, dtype).reshape(-1, 3)
    return frequencies, Frequencies(encode_frequencies(frequencies))


@given(st.lists(st.tuples(counts, counts, counts), max_size=40), bounds, bounds)
def test_any_slice_is_what_was_encoded(rows, start, stop):
    """Slices with and without bounds, beyond the ends and empty."""
    frequencies, found = decoded(rows)
    for part in (slice(None), slice(start, stop)):
        assert found[part].dtype == np.uint16
        assert found[part].shape == frequencies[part].shape
        assert (found[part] == frequencies[part]).all()


@given(st.lists(st.tuples(counts, counts, counts), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_one_field_and_all_together(rows, start, stop):
    """The frequencies of one field, and the sums over the fields, are those of the slice."""
    _, found = decoded(rows)
    start, stop = min(start, len(rows)), min(max(start, stop), len(rows))
    for field in range(3):
        assert (found.of_field(start, stop, field) == found[start:stop][:, field]).all()
    assert (found.totals(start, stop) == found[start:stop].sum(axis=1, dtype=np.int64)).all()


@given(st.integers(0, 2**32), st.integers(1, 600), bounds, bounds)
def test_more_triples_than_codes(seed, n_triples, start, stop):
    """Up to 600 distinct triples, of values up to 60,000, each once or many times and in any order."""
    rng = np.random.default_rng(seed)
    triples = rng.integers(0, LARGEST, (n_triples, 3), endpoint=True)
    repeats = rng.choice([1, 1, 1, 5], n_triples)
    rows = rng.permutation(np.repeat(triples, repeats, axis=0))
    frequencies, found = decoded(rows)
    assert (found[:] == frequencies).all()
    assert (found[start:stop] == frequencies[start:stop]).all()


@pytest.mark.parametrize("n_triples", [0, 1, 254, 255, 256, 257, 1_000])
def test_the_commonest_triples_have_codes(n_triples):
    """255 triples fit, the rarest others are listed, in order of their postings, and are the only ones."""
    rows = [(number, 1, 0) for number in range(n_triples) for _ in range(2 if number < 255 else 1)]
    encoded = encode_frequencies(np.array(rows, np.uint16).reshape(-1, 3))
    assert encoded["frequency_codes"].dtype == np.uint8
    assert len(encoded["frequency_codes"]) == len(rows)
    assert len(encoded["frequency_table"]) == min(n_triples, 255)
    assert encoded["rare_postings"].tolist() == list(range(510, len(rows)))
    assert encoded["rare_frequencies"].tolist() == [list(row) for row in rows[510:]]
    assert (encoded["frequency_codes"] == 255).nonzero()[0].tolist() == encoded["rare_postings"].tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_any_unsigned_integers_are_taken(dtype):
    """The narrowest type of the writer, or any other: what comes out is 16 bits."""
    rows = [(0, 1, 2), (255, 0, 0), (0, 1, 2)]
    frequencies, found = decoded(rows, dtype)
    assert found[:].dtype == np.uint16
    assert found[:].tolist() == frequencies.tolist()


def test_a_slice_is_a_copy():
    """Writing to what came out does not change what comes out next."""
    _, found = decoded([(n, n, n) for n in range(300)])
    expected = found[:].copy()
    found[:][:] = 7
    assert (found[:] == expected).all()


@given(st.lists(st.lists(st.tuples(counts, counts, counts), max_size=20), min_size=1, max_size=3))
def test_encodings_joined(parts):
    """Several numbered by the same triples, and encoded together, are what all at once are."""
    encoded = [encode_frequencies(np.array(rows, np.uint16).reshape(-1, 3)) for rows in parts]
    numbers, triples = number_frequencies(encoded)
    expected = encode_frequencies(np.array([row for rows in parts for row in rows], np.uint16).reshape(-1, 3))
    joined = encode_numbered(np.concatenate(numbers), triples)
    assert joined.keys() == expected.keys()
    for name, array in joined.items():
        np.testing.assert_array_equal(array, expected[name], name)
