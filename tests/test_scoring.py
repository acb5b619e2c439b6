"""Impacts against the formula, written out on cases small enough to check by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qtsearch.scoring import MAX_IMPACT, Parameters, average_lengths, compute_impacts, soften


def impacts_of(postings, lengths, parameters=Parameters()):
    """Impacts by term and article, of ``{term: {article: (tf, tf, tf)}}``."""
    docs = [doc for term in postings.values() for doc in term]
    frequencies = [tf for term in postings.values() for tf in term.values()]
    offsets = np.cumsum([0, *map(len, postings.values())], dtype=np.int64)
    docs, frequencies = np.array(docs, np.uint16), np.array(frequencies, np.uint8)
    impacts = compute_impacts(docs, frequencies, offsets, np.array(lengths, np.uint16), parameters)
    assert impacts.dtype == np.uint16
    rest = iter(impacts.tolist())
    return {term: {doc: next(rest) for doc in found} for term, found in postings.items()}


# -- by hand -------------------------------------------------------------------------------------------


def test_one_word_in_one_field():
    """In an answer of average length, with tf 1: idf · 1 · 2.5 / 2.5 is the idf itself."""
    found = impacts_of({"a": {0: (0, 1, 0)}}, [(0, 10, 0), (0, 10, 0), (0, 10, 0)])
    assert found == {"a": {0: round(256 * math.log(1 + 2.5 / 1.5))}}


def test_question_counts_three_times_and_once_more():
    """In a question of average length: idf · (3 · 2.5 / 4.5 + 0.4 · 1 · 2.2 / 2.2)."""
    found = impacts_of({"a": {1: (1, 0, 0)}}, [(4, 5, 0), (4, 5, 0)])
    assert found == {"a": {1: round(256 * math.log(1 + 1.5 / 1.5) * (7.5 / 4.5 + 0.4))}}


def test_fields_add_up_before_they_saturate():
    """One frequency of all fields is saturated: 3 + 2 · 1 + 2 = 7, in fields of average length."""
    found = impacts_of({"a": {0: (1, 2, 1)}, "b": {0: (0, 1, 0), 1: (0, 1, 0)}}, [(3, 7, 2), (3, 7, 2)])
    assert found["a"] == {0: round(256 * math.log(1 + 1.5 / 1.5) * (7 * 2.5 / 8.5 + 0.4))}
    assert found["b"] == {doc: round(256 * math.log(1 + 0.5 / 2.5)) for doc in (0, 1)}


def test_long_fields_count_less():
    """A length of 3 where the average is 2: 1 − 0.6 + 0.6 · 1.5 = 1.3 divides the answer's frequency."""
    found = impacts_of({"a": {1: (0, 4, 0)}}, [(1, 1, 0), (1, 3, 0)])
    combined = 4 / 1.3
    assert found == {"a": {1: round(256 * math.log(2) * combined * 2.5 / (combined + 1.5))}}


def test_lengths_of_the_question():
    """The question's length counts twice: with b 0.5 in the sum, with b 0.75 in its own share."""
    found = impacts_of({"a": {0: (2, 0, 0)}}, [(6, 1, 0), (2, 1, 0)])
    combined = 3 * 2 / (0.5 + 0.5 * 1.5)
    share = 0.4 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 1.5))
    assert found == {"a": {0: round(256 * math.log(2) * (combined * 2.5 / (combined + 1.5) + share))}}


def test_word_in_every_article_still_counts():
    """However small its idf, a match counts at least 1."""
    n = 2_000
    found = impacts_of({"a": dict.fromkeys(range(n), (0, 1, 0))}, [(0, 50, 0)] * n)
    assert set(found["a"].values()) == {1}


def test_largest_impact_is_clipped():
    """What does not fit 16 bits is the largest impact, not a small one."""
    parameters = Parameters(k1=1_000.0, question_share=1_000.0)
    found = impacts_of({"a": {0: (9, 9, 9)}}, [(1, 1, 1)] * 50, parameters)
    assert found == {"a": {0: MAX_IMPACT}}


def test_parameters_are_used():
    """With all lengths ignored and no saturation, the score is idf times the weighted frequencies."""
    parameters = Parameters(k1=1e12, weights=(1.0, 2.0, 4.0), b=(0.0, 0.0, 0.0), question_share=0.0)
    found = impacts_of({"a": {0: (1, 2, 3)}}, [(9, 1, 7), (1, 1, 1)], parameters)
    assert found == {"a": {0: round(256 * math.log(2) * 17)}}
    assert Parameters() == (1.5, (3.0, 1.0, 2.0), (0.5, 0.6, 0.5), 0.4, 1.2, 0.75)


def test_b_may_be_one():
    """With b 1, the largest that is allowed, articles with an empty field score by their other fields."""
    found = impacts_of({"a": {0: (0, 1, 0)}}, [(0, 4, 0), (4, 4, 0)], Parameters(b=(1.0, 1.0, 1.0)))
    assert found == {"a": {0: round(256 * math.log(2))}}


# -- against the formula ---------------------------------------------------------------------------------


def formula(n_docs, df, tf, lengths, averages, p):
    relative = [length / average for length, average in zip(lengths, averages, strict=True)]
    combined = sum(
        w * f / (1 - b + b * length) for w, f, b, length in zip(p.weights, tf, p.b, relative, strict=True)
    )
    question = tf[0] * (p.question_k1 + 1)
    question /= tf[0] + p.question_k1 * (1 - p.question_b + p.question_b * relative[0])
    idf = math.log(1 + (n_docs - df + 0.5) / (df + 0.5))
    return idf * (combined * (p.k1 + 1) / (combined + p.k1) + p.question_share * question)


frequencies = st.tuples(*[st.integers(0, 255)] * 3).filter(any)
field_lengths = st.lists(st.tuples(*[st.integers(0, 400)] * 3), min_size=1, max_size=8)
others = Parameters(0.9, (1.0, 1.0, 1.0), (0.99, 0.0, 0.9), 0.0, 2.0, 0.1)


@given(lengths=field_lengths, data=st.data(), p=st.sampled_from([Parameters(), others]))
def test_impacts_are_the_rounded_formula(lengths, data, p):
    """Each impact is 256 times the formula, rounded, and at least 1."""
    docs = st.integers(0, len(lengths) - 1)
    postings = data.draw(
        st.dictionaries(st.sampled_from("abc"), st.dictionaries(docs, frequencies, min_size=1), min_size=1)
    )
    postings = {term: dict(sorted(found.items())) for term, found in postings.items()}
    columns = [[length for length in column if length] for column in zip(*lengths, strict=True)]
    averages = [sum(column) / len(column) if column else 1 for column in columns]
    impacts = impacts_of(postings, lengths, p)
    for term, found in postings.items():
        for doc, tf in found.items():
            exact = 256 * formula(len(lengths), len(found), tf, lengths[doc], averages, p)
            assert max(exact - 0.5, 1) - 1e-6 <= impacts[term][doc] <= max(exact + 0.5, 1) + 1e-6


def test_long_postings_are_computed_in_parts():
    """Hundreds of thousands of postings, more than are computed at a time, score as each term's alone."""
    rng = np.random.default_rng(7)
    n_docs = 300_000
    lengths = rng.integers(0, 300, (n_docs, 3)).astype(np.uint16)
    counts = [250_000, 3, 299_000, 1, 200_000, 300_000]
    docs = np.concatenate([np.sort(rng.choice(n_docs, n, replace=False)) for n in counts]).astype(np.int32)
    tf = rng.integers(0, 4, (len(docs), 3)).astype(np.uint8)
    tf[~tf.any(axis=1), 1] = 1
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    impacts = compute_impacts(docs, tf, offsets, lengths)
    for start, stop in pairwise(offsets):
        alone = compute_impacts(docs[start:stop], tf[start:stop], np.array([0, stop - start]), lengths)
        np.testing.assert_array_equal(impacts[start:stop], alone)


def test_no_postings():
    """Without postings there are no impacts."""
    nothing = compute_impacts(
        np.zeros(0, np.uint16), np.zeros((0, 3), np.uint8), np.zeros(1, np.int64), np.ones((2, 3), np.uint16)
    )
    assert nothing.shape == (0,)
    assert nothing.dtype == np.uint16


# -- lengths and soft words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "averages"),
    [
        ([(1, 2, 3)], [1, 2, 3]),
        ([(1, 0, 0), (3, 0, 5)], [2, 1, 5]),
        ([(0, 0, 0)], [1, 1, 1]),
        ([(65_535, 1, 2)] * 70_000, [65_535, 1, 2]),
    ],
)
def test_average_lengths(lengths, averages):
    """The mean is over the articles where a field is not empty, and 1 where it is empty in all."""
    assert average_lengths(np.array(lengths, np.uint16)).tolist() == averages


@given(npst.arrays(np.uint16, st.integers(0, 50), elements=st.integers(1, MAX_IMPACT)))
def test_soften(impacts):
    """A quarter, rounded up: less than one above it, and never nothing."""
    softened = soften(impacts)
    assert softened.dtype == np.uint16
    for impact, quarter in zip(impacts.tolist(), softened.tolist(), strict=True):
        assert quarter == math.ceil(impact / 4) >= 1
