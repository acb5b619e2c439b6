"""The first stage of the design in the plainest Python: floats, dicts and loops over the articles' own text.

It shares with qtsearch the analysis of text and nothing else; every parameter is written out again. What it
finds is what the engine must find, and its scores are what the engine's integers are rounded from.
"""

from __future__ import annotations

import math
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
        self.slugs = [slugify(page.subject) for page in self.pages]
        self.doc_of = {page.url: doc for doc, page in enumerate(self.pages)}
        lengths: list[list[int]] = []
        self._frequencies: dict[str, dict[int, list[int]]] = {}  # by term and page: one for each field
        for doc, page in enumerate(self.pages):
            lengths.append(self._count(doc, ([page.question], [page.answer], page.page_keywords), only))
        averages = [_average(column) for column in zip(*lengths, strict=True)]
        #: Of each page, its lengths in the average lengths.
        self._relative = [[n / mean for n, mean in zip(row, averages, strict=True)] for row in lengths]
        self._scored: dict[str, dict[int, float]] = {}

    def _count(self, doc: int, fields: Sequence[Sequence[str]], only: frozenset[str] | None) -> list[int]:
        lengths = [0, 0, 0]
        for field, texts in enumerate(fields):
            tokens = Counter(token for text in texts for token in analysis.tokenize(text))
            for token, count in tokens.items():
                term, counted = _analysed(token)
                if counted:
                    lengths[field] += count
                if only is None or term in only:
                    self._frequencies.setdefault(term, {}).setdefault(doc, [0, 0, 0])[field] += count
        return lengths

    def scores_of(self, term: str) -> dict[int, float]:
        """What a term scores in each page that has it."""
        if term not in self._scored:
            found = self._frequencies.get(term, {})
            idf = math.log(1 + (len(self.pages) - len(found) + 0.5) / (len(found) + 0.5))
            self._scored[term] = {
                doc: idf * _score(frequencies, self._relative[doc]) for doc, frequencies in found.items()
            }
        return self._scored[term]

    def search(self, text: str, subjects: Iterable[str] | None = None) -> Ranking:
        """Rank every page that has one of the words."""
        counts: Counter[str] = Counter()
        for term in query_terms(text):
            if term in counts or (term in self._frequencies and len(counts) < MAX_TERMS):
                counts[term] += 1
        for term, count in counts.items():
            counts[term] = min(count, MAX_COUNT)
        all_soft = all(analysis.is_soft(term) for term in counts)
        scores = [0.0] * len(self.pages)
        for term, count in counts.items():
            factor = count * SOFT_SHARE if analysis.is_soft(term) and not all_soft else count
            for doc, score in self.scores_of(term).items():
                scores[doc] += factor * score
        docs = [doc for doc, score in enumerate(scores) if score]
        if subjects is not None:
            slugs = {slugify(subject) for subject in subjects}
            docs = [doc for doc in docs if self.slugs[doc] in slugs]
        docs.sort(key=scores.__getitem__, reverse=True)  # stable: ties stay in order
        return Ranking(self, counts, scores, docs)


class Ranking:
    """The pages that match a query, best first: a sequence, of which only what is asked for is looked at."""

    def __init__(self, oracle: Oracle, counts: Counter[str], scores: list[float], docs: list[int]) -> None:
        self._oracle = oracle
        self._counts = counts
        self._scores = scores
        self._docs = docs

    def __len__(self) -> int:
        return len(self._docs)

    def best(self, limit: int) -> list[Found]:
        """The first pages."""
        return [self._found(doc) for doc in self._docs[:limit]]

    def of(self, url: str) -> Found:
        """What one page scores."""
        return self._found(self._oracle.doc_of[url])

    def most_counted(self) -> int:
        """A bound for ``counted`` of every page."""
        return self._counts.total()

    def _found(self, doc: int) -> Found:
        counted = sum(count for term, count in self._counts.items() if doc in self._oracle.scores_of(term))
        return Found(self._oracle.pages[doc].url, self._scores[doc], counted)


def _score(frequencies: Sequence[int], relative: Sequence[float]) -> float:
    """What a term scores in a page, but for its idf."""
    combined = 0.0
    for field in range(3):
        norm = 1 - B[field] + B[field] * relative[field]
        combined += WEIGHTS[field] * frequencies[field] / norm
    tf = frequencies[0]
    question_norm = QUESTION_K1 * (1 - QUESTION_B + QUESTION_B * relative[0])
    question = tf * (QUESTION_K1 + 1) / (tf + question_norm)
    return combined * (K1 + 1) / (combined + K1) + QUESTION_SHARE * question


def _average(lengths: Sequence[int]) -> float:
    """The mean over the pages where the field is not empty; 1 where it is empty in all."""
    filled = [length for length in lengths if length]
    return sum(filled) / len(filled) if filled else 1.0
