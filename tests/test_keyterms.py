"""The key terms of articles, against an obvious count of their words."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

import numpy as np
import pytest
from corpora import corpora, zipf_articles
from hypothesis import given, settings

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.codec.keyterms import KEY_TERMS


def expected(articles):
    """Of each page its key terms with their weights, weightiest first; equal weights by the term's bytes."""
    counts = {}
    for article in articles:
        text = "\n".join((article.question, article.answer, *article.page_keywords))
        forms = [analysis.fold(token) for token in analysis.tokenize(text)]
        for field in (article.question, article.answer):
            forms += [form for _, form in analysis.compounds(unicodedata.normalize("NFC", field))]
        terms = map(analysis.stem, forms)
        counts[article.url] = Counter(term for term in terms if not analysis.is_soft(term))
    df = Counter(term for words in counts.values() for term in words)
    n = len(articles)
    found = {}
    for url, words in counts.items():
        weights = {
            term.encode(): min(times, 16) * math.log(1 + (n - df[term] + 0.5) / (df[term] + 0.5))
            for term, times in words.items()
        }
        whole = {term: min(max(round(weight), 1), 255) for term, weight in weights.items()}
        found[url] = sorted(whole.items(), key=lambda pair: (-pair[1], pair[0]))[:KEY_TERMS]
    return found


def stored(index):
    segment = index._snapshot.searcher.segment
    found = {}
    for doc in range(segment.n_docs):
        n = int(np.count_nonzero(segment.key_weights[doc]))
        assert not segment.key_weights[doc, n:].any()
        terms = [bytes(segment.terms[term]) for term in segment.key_terms[doc, :n]]
        weights = segment.key_weights[doc, :n].tolist()
        found[segment.url_and_question(doc)[0]] = list(zip(terms, weights, strict=True))
    return found


@settings(max_examples=60)
@given(corpora())
def test_weightiest_terms_are_stored(build_index, articles):
    """In any small corpus the terms stored are those with the largest tf·idf, soft words left out."""
    assert stored(build_index(articles)) == expected(articles)


@pytest.mark.parametrize("count", [40, 300])
def test_no_more_than_so_many(build_index, count):
    """Of long articles the first 24; the same by an obvious count."""
    articles = zipf_articles(count, seed=5)
    found = stored(build_index(articles))
    assert found == expected(articles)
    assert max(map(len, found.values())) == KEY_TERMS == 24


def test_article_without_hard_words(build_index):
    """It has no key terms."""
    soft, hard = ("It is.", "A wall.")
    articles = [Article(url=f"/{answer[0]}", question="Why?", answer=answer) for answer in (soft, hard)]
    found = stored(build_index(articles))
    assert found["/I"] == []
    assert [term for term, _ in found["/A"]] == [b"wall"]
