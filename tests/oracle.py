"""The first stage of the design in the plainest Python: floats, dicts and loops over the articles' own text.

It shares with qtsearch the analysis of text and nothing else; every parameter is written out again. What it
finds is what the engine must find, and its scores are what the engine's integers are rounded from.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.schema import slugify

K1 = 1.5
WEIGHTS = (3.0, 1.0, 2.0)  # question, answer, page keywords
B = (0.5, 0.6, 0.5)
QUESTION_SHARE = 0.4
QUESTION_K1 = 1.2
QUESTION_B = 0.75
SOFT_SHARE = 0.25

MAX_COUNT = 16  # a word of the query counts at most so often
MAX_TERMS = 1_024
MAX_CHARS = 32_768


class Found(NamedTuple):
    """A page that matches. ``counted``: the query's words that it has, each as often as it counts."""

    url: str
    score: float
    counted: int


class _Postings(NamedTuple):
    docs: array[int]
    scores: array[float]


@cache
def _analysed(token: str) -> tuple[str, bool]:
    """The term of a token, and whether the token adds to the length of its field."""
    form = analysis.fold(token)
    return analysis.stem(form), form not in analysis.STOP_WORDS


def query_terms(text: str) -> list[str]:
    """The terms of a query, in order, repeated as they are."""
    return [_analysed(token)[0] for token in analysis.tokenize(text[:MAX_CHARS])]


class Oracle:
    """Ranks articles. ``only``: where given, the only terms that queries will ask for."""

    def __init__(self, articles: Iterable[Article], only: frozenset[str] | None = None) -> None:
        # Ties go by (subject, url): so pages are numbered in that order.
        self.pages = sorted(articles, key=lambda page: (slugify(page.subject), page.url))
        self._slugs = [slugify(page.subject) for page in self.pages]
        self._lengths: list[tuple[int, ...]] = []
        self._frequencies: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        self._scored: dict[str, _Postings] = {}
        for doc, page in enumerate(self.pages):
            self._count(doc, ([page.question], [page.answer], page.page_keywords), only)
        self._averages = [_average(column) for column in zip(*self._lengths, strict=True)]

    def _count(self, doc: int, fields: Sequence[Sequence[str]], only: frozenset[str] | None) -> None:
        lengths = [0, 0, 0]
        frequencies: dict[str, list[int]] = {}
        for field, texts in enumerate(fields):
            tokens = Counter(token for text in texts for token in analysis.tokenize(text))
            for token, count in tokens.items():
                term, counted = _analysed(token)
                if counted:
                    lengths[field] += count
                if only is None or term in only:
                    frequencies.setdefault(term, [0, 0, 0])[field] += count
        self._lengths.append(tuple(lengths))
        for term, counts in frequencies.items():
            self._frequencies.setdefault(term, []).append((doc, tuple(counts)))

    def _score(self, idf: float, doc: int, frequencies: tuple[int, ...]) -> float:
        relative = [
            length / average for length, average in zip(self._lengths[doc], self._averages, strict=True)
        ]
        combined = sum(
            weight * tf / (1 - b + b * length)
            for weight, b, tf, length in zip(WEIGHTS, B, frequencies, relative, strict=True)
        )
        score = combined * (K1 + 1) / (combined + K1)
        tf = frequencies[0]
        norm = QUESTION_K1 * (1 - QUESTION_B + QUESTION_B * relative[0])
        score += QUESTION_SHARE * tf * (QUESTION_K1 + 1) / (tf + norm)
        return idf * score

    def postings(self, term: str) -> _Postings:
        """The pages that have a term, ascending, and what it scores in each."""
        if term not in self._scored:
            found = self._frequencies.get(term, [])
            idf = math.log(1 + (len(self.pages) - len(found) + 0.5) / (len(found) + 0.5))
            scores = array("d", (self._score(idf, doc, frequencies) for doc, frequencies in found))
            self._scored[term] = _Postings(array("l", (doc for doc, _ in found)), scores)
        return self._scored[term]

    def search(self, text: str, subjects: Iterable[str] | None = None) -> list[Found]:
        """Every page that has one of the words, best first."""
        counts: Counter[str] = Counter()
        for term in query_terms(text):
            if term in counts or (term in self._frequencies and len(counts) < MAX_TERMS):
                counts[term] += 1
        all_soft = all(analysis.is_soft(term) for term in counts)
        scores = [0.0] * len(self.pages)
        counted = [0] * len(self.pages)
        for term, times in counts.items():
            count = min(times, MAX_COUNT)
            share = SOFT_SHARE if analysis.is_soft(term) and not all_soft else 1.0
            for doc, score in zip(*self.postings(term), strict=True):
                scores[doc] += count * share * score
                counted[doc] += count
        slugs = None if subjects is None else {slugify(subject) for subject in subjects}
        docs = [doc for doc, n in enumerate(counted) if n and (slugs is None or self._slugs[doc] in slugs)]
        docs.sort(key=lambda doc: -scores[doc])  # a stable sort: ties stay in order
        return [Found(self.pages[doc].url, scores[doc], counted[doc]) for doc in docs]


def _average(lengths: Sequence[int]) -> float:
    """The mean over the pages where the field is not empty; 1 where it is empty in all."""
    filled = [length for length in lengths if length]
    return sum(filled) / len(filled) if filled else 1.0
