"""Impacts of words and of pairs against the formula, on cases small enough to check by hand and on others."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qtsearch.parameters import RankingParameters, Weighting
from qtsearch.scoring import (
    MAX_IMPACT,
    average_lengths,
    compute_impacts,
    compute_pair_impacts,
    inverse_document_frequency,
    soften,
)


def impacts_of(postings, lengths, parameters=RankingParameters(), keywords=(), boosts=None):
    """Impacts by term and article, of ``{term: {article: (tf, tf, tf)}}``.

    ``keywords``: the (term, article) of which the term alone is a keyword of the article.
    """
    places = [(term, doc) for term, found in postings.items() for doc in found]
    keyword_postings = np.array([n for n, place in enumerate(places) if place in keywords], np.int32)
    docs = [doc for term in postings.values() for doc in term]
    frequencies = [tf for term in postings.values() for tf in term.values()]
    offsets = np.cumsum([0, *map(len, postings.values())], dtype=np.int64)
    docs, frequencies = np.array(docs, np.uint16), np.array(frequencies, np.uint8)
    weighting = Weighting.of(parameters, boosts)
    lengths = np.array(lengths, np.uint16)
    impacts = compute_impacts(docs, frequencies, offsets, lengths, keyword_postings, weighting)
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


def test_page_keywords_count_twice_and_once_more():
    """In page keywords of average length: idf · (2 · 2.5 / 3.5 + 0.6 · 1 · 2.2 / 2.2)."""
    found = impacts_of({"a": {1: (0, 0, 1)}}, [(4, 5, 2), (4, 5, 2)])
    assert found == {"a": {1: round(256 * math.log(2) * (5 / 3.5 + 0.6))}}


def test_term_that_is_a_keyword_counts_half_an_idf_more():
    """Only in the article that has it as a keyword, and only for the term that is one."""
    postings = {"a": {0: (0, 0, 1), 1: (0, 0, 1)}, "b": {0: (0, 0, 1), 2: (0, 0, 1)}}
    found = impacts_of(postings, [(4, 5, 2)] * 3, keywords={("a", 1), ("b", 0)})
    idf = 256 * math.log(1 + 1.5 / 2.5)
    less, more = round(idf * (5 / 3.5 + 0.6)), round(idf * (5 / 3.5 + 0.6 + 0.5))
    assert found == {"a": {0: less, 1: more}, "b": {0: more, 2: less}}


def test_fields_add_up_before_they_saturate():
    """One frequency of all fields is saturated: 3 + 2 · 1 + 2 = 7, in fields of average length."""
    found = impacts_of({"a": {0: (1, 2, 1)}, "b": {0: (0, 1, 0), 1: (0, 1, 0)}}, [(3, 7, 2), (3, 7, 2)])
    assert found["a"] == {0: round(256 * math.log(1 + 1.5 / 1.5) * (7 * 2.5 / 8.5 + 0.4 + 0.6))}
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


def test_lengths_of_page_keywords():
    """Their length counts twice, too: with b 0.5 in the sum, with b 0.75 in their own share."""
    found = impacts_of({"a": {0: (0, 0, 2)}}, [(1, 1, 6), (1, 1, 2)])
    combined = 2 * 2 / (0.5 + 0.5 * 1.5)
    share = 0.6 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 1.5))
    assert found == {"a": {0: round(256 * math.log(2) * (combined * 2.5 / (combined + 1.5) + share))}}


def test_word_in_every_article_still_counts():
    """However small its idf, a match counts at least 1."""
    n = 2_000
    found = impacts_of({"a": dict.fromkeys(range(n), (0, 1, 0))}, [(0, 50, 0)] * n)
    assert set(found["a"].values()) == {1}


def test_match_only_in_fields_left_out_counts_nothing():
    """With the weight 0 a field adds neither to the sum nor by its share nor as a keyword."""
    postings = {"a": {0: (1, 0, 0), 1: (0, 0, 1), 2: (1, 1, 0)}}
    found = impacts_of(postings, [(4, 5, 2)] * 3, keywords={("a", 1)}, boosts={"page_keywords": 0})
    idf = 256 * math.log(1 + 0.5 / 3.5)
    question = round(idf * (7.5 / 4.5 + 0.4))
    assert found == {"a": {0: question, 1: 0, 2: round(idf * (4 * 2.5 / 5.5 + 0.4))}}
    parameters = RankingParameters(page_keywords_weight=0)
    assert impacts_of(postings, [(4, 5, 2)] * 3, parameters, {("a", 1)}) == found


def test_shares_follow_the_weights_in_proportion():
    """Twice the weight of a field is twice its share, and twice what a keyword counts."""
    found = impacts_of(
        {"a": {0: (1, 0, 1)}},
        [(4, 5, 2)] * 2,
        keywords={("a", 0)},
        boosts={"page_keywords": 4, "question": 1.5},
    )
    assert found == {"a": {0: round(256 * math.log(2) * (5.5 * 2.5 / 7 + 0.4 / 2 + 0.6 * 2 + 0.5 * 2))}}


def test_largest_impact_is_clipped():
    """What does not fit 16 bits is the largest impact, not a small one."""
    parameters = RankingParameters(share_k1=10, question_share=10, page_keywords_share=10)
    found = impacts_of({"a": {0: (99, 9, 99)}}, [(1, 1, 1)] * 50, parameters)
    assert found == {"a": {0: MAX_IMPACT}}


def test_parameters_are_used():
    """With all lengths ignored and no shares, the score is idf times the saturated weighted frequencies."""
    parameters = RankingParameters(
        k1=10,
        question_weight=1,
        answer_weight=2,
        page_keywords_weight=4,
        question_b=0,
        answer_b=0,
        page_keywords_b=0,
        question_share=0,
        page_keywords_share=0,
        keyword_share=3,
    )
    postings, lengths = {"a": {0: (1, 2, 3)}}, [(9, 1, 7), (1, 1, 1)]
    assert impacts_of(postings, lengths, parameters) == {"a": {0: round(256 * math.log(2) * 17 * 11 / 27)}}
    keyword = impacts_of(postings, lengths, parameters, {("a", 0)})
    assert keyword == {"a": {0: round(256 * math.log(2) * (17 * 11 / 27 + 3))}}


def test_no_saturation_at_all():
    """With k1 0, presence alone counts."""
    found = impacts_of({"a": {0: (0, 9, 0), 1: (0, 1, 0)}}, [(0, 9, 0)] * 3, RankingParameters(k1=0))
    assert found == {"a": dict.fromkeys((0, 1), round(256 * math.log(1 + 1.5 / 2.5)))}


def test_b_may_be_one():
    """With b 1, the largest that is allowed, articles with an empty field score by their other fields."""
    parameters = RankingParameters(question_b=1, answer_b=1, page_keywords_b=1, share_b=1)
    found = impacts_of({"a": {0: (0, 1, 0)}}, [(0, 4, 0), (4, 4, 0)], parameters)
    assert found == {"a": {0: round(256 * math.log(2))}}


# -- against the formula ---------------------------------------------------------------------------------


def formula(idf, tf, relative, is_keyword, p):
    def share(field, worth):
        saturated = tf[field] * (p.share_k1 + 1)
        return worth * saturated / (tf[field] + p.share_k1 * (1 - p.share_b + p.share_b * relative[field]))

    columns = zip(
        (p.question_weight, p.answer_weight, p.page_keywords_weight),
        (p.question_b, p.answer_b, p.page_keywords_b),
        tf,
        relative,
        strict=True,
    )
    combined = sum(w * f / (1 - b + b * length) for w, b, f, length in columns)
    score = combined * (p.k1 + 1) / (combined + p.k1) + share(0, p.question_share)
    return idf * (score + share(2, p.page_keywords_share) + p.keyword_share * is_keyword)


frequencies = st.tuples(*[st.integers(0, 255)] * 3).filter(any)
field_lengths = st.lists(st.tuples(*[st.integers(0, 400)] * 3), min_size=1, max_size=8)
others = RankingParameters(
    k1=0.9,
    question_weight=1,
    page_keywords_weight=1,
    question_b=0.99,
    answer_b=0,
    page_keywords_b=0.9,
    question_share=0,
    page_keywords_share=1.5,
    share_k1=2,
    share_b=0.1,
    keyword_share=2.5,
)


@given(lengths=field_lengths, data=st.data(), p=st.sampled_from([RankingParameters(), others]))
def test_impacts_are_the_rounded_formula(lengths, data, p):
    """Each impact is 256 times the formula, rounded, and at least 1."""
    docs = st.integers(0, len(lengths) - 1)
    postings = data.draw(
        st.dictionaries(st.sampled_from("abc"), st.dictionaries(docs, frequencies, min_size=1), min_size=1)
    )
    postings = {term: dict(sorted(found.items())) for term, found in postings.items()}
    keywords = data.draw(st.sets(st.tuples(st.sampled_from("abc"), docs)))
    columns = [[length for length in column if length] for column in zip(*lengths, strict=True)]
    averages = [sum(column) / len(column) if column else 1 for column in columns]
    impacts = impacts_of(postings, lengths, p, keywords)
    for term, found in postings.items():
        idf = math.log(1 + (len(lengths) - len(found) + 0.5) / (len(found) + 0.5))
        assert inverse_document_frequency(len(lengths), len(found)) == pytest.approx(idf, rel=1e-12)
        for doc, tf in found.items():
            relative = [length / average for length, average in zip(lengths[doc], averages, strict=True)]
            exact = 256 * formula(idf, tf, relative, (term, doc) in keywords, p)
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
    keywords = np.flatnonzero(rng.random(len(docs)) < 0.2)
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    weighting = Weighting.of(RankingParameters())
    impacts = compute_impacts(docs, tf, offsets, lengths, keywords, weighting)
    for start, stop in pairwise(offsets):
        own = keywords[(keywords >= start) & (keywords < stop)] - start
        ends = np.array([0, stop - start])
        alone = compute_impacts(docs[start:stop], tf[start:stop], ends, lengths, own, weighting)
        np.testing.assert_array_equal(impacts[start:stop], alone)


def test_no_postings():
    """Without postings there are no impacts."""
    nothing = compute_impacts(
        np.zeros(0, np.uint16),
        np.zeros((0, 3), np.uint8),
        np.zeros(1, np.int64),
        np.ones((2, 3), np.uint16),
        np.zeros(0, np.int32),
        Weighting.of(RankingParameters()),
    )
    assert nothing.shape == (0,)
    assert nothing.dtype == np.uint16


# -- pairs -----------------------------------------------------------------------------------------------


def pair_impacts_of(found, answer_lengths, parameters=RankingParameters()):
    """Of each posting, given as article and count, what it counts of 255."""
    docs, counts = np.array([*found] or np.zeros((0, 2)), np.int64).T
    impacts = compute_pair_impacts(
        docs.astype(np.uint16), counts.astype(np.uint8), np.array(answer_lengths, np.uint16), parameters
    )
    assert impacts.dtype == np.uint8
    return impacts.tolist()


def test_pairs_by_hand():
    """In answers of average length x occurrences are worth 255 · x / (x + 1.2)."""
    found = pair_impacts_of([(0, 1), (1, 3), (1, 1), (2, 255)], [10, 10, 10])
    assert found == [round(255 * x / (x + 1.2)) for x in (1, 3, 1, 255)]


def test_pairs_in_long_answers_count_less():
    """A length of 3 where the average of those that are not empty is 2: 1 − 0.6 + 0.6 · 1.5 = 1.3."""
    assert pair_impacts_of([(1, 1), (2, 1)], [0, 1, 3]) == [
        round(255 / (1 + 1.2 * (0.4 + 0.6 * 0.5))),
        round(255 / (1 + 1.2 * 1.3)),
    ]


@pytest.mark.parametrize("parameters", [{"pair_k1": 0}, {"pair_k1": 10, "pair_b": 1}, {"pair_b": 0}])
@given(data=st.data(), lengths=st.lists(st.integers(2, 400), min_size=1, max_size=6))
def test_pair_impacts_are_the_rounded_formula(parameters, data, lengths):
    """However often an article has a pair, that counts 255 · x / (x + norm), rounded."""
    p = RankingParameters(**parameters)
    postings = st.tuples(st.integers(0, len(lengths) - 1), st.integers(1, 255))
    found = data.draw(st.lists(postings, max_size=9))
    mean = sum(lengths) / len(lengths)
    for (doc, times), impact in zip(found, pair_impacts_of(found, lengths, p), strict=True):
        norm = p.pair_k1 * (1 - p.pair_b + p.pair_b * lengths[doc] / mean)
        assert abs(impact - 255 * times / (times + norm)) <= 0.5 + 1e-6


def test_no_pairs():
    """Without pairs there are no impacts."""
    assert pair_impacts_of([], [0, 0]) == []


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


@given(npst.arrays(np.uint16, st.integers(0, 50), elements=st.integers(1, MAX_IMPACT)), st.integers(1, 256))
@example(np.arange(1, MAX_IMPACT + 1, dtype=np.uint16), 64)
@example(np.arange(1, MAX_IMPACT + 1, dtype=np.uint16), 256)
def test_soften(impacts, share):
    """The share of each, a quarter say, rounded up: less than one above it, and never nothing."""
    softened = soften(impacts, share / 256)
    assert softened.dtype == np.uint16
    for impact, part in zip(impacts.tolist(), softened.tolist(), strict=True):
        assert part == -(-impact * share // 256) >= 1
