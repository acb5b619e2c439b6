"""The first stage of the design in the plainest Python: floats, dicts and loops over the articles' own text.

It shares with qtsearch the analysis of text and nothing else; every parameter is written out again. What it
finds is what the engine must find, and its scores are what the engine's integers are rounded from.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.schema import slugify

K1 = 1.5
WEIGHTS = (3.0, 1.0, 2.0)  # question, answer, page keywords
B = (0.5, 0.6, 0.5)
SHARES = (0.4, 0.0, 0.6)
SHARE_K1 = 1.2
SHARE_B = 0.75
SOFT_SHARE = 0.25
KEYWORD_SHARE = 0.5
PAIR_SHARE = 1.0
PAIR_K1 = 1.2
PAIR_B = 0.6

MAX_COUNT = 16  # a word of the query counts at most so often
MAX_TERMS = 1_024
MAX_CHARS = 32_768
MAX_UNKNOWN = 512  # nothing is read behind so many words that no page has
MAX_KEYWORD_TERMS = 8  # a longer keyword is found by its words only
MAX_PAIRS = 32

HYPHENS = ["-", "\N{HYPHEN}", "\N{NON-BREAKING HYPHEN}"]


class FoundPair(NamedTuple):
    """A pair in one page: ``times`` in its answer, where ``times`` / (``times`` + ``norm``) of ``most`` is
    added to the score."""

    most: float
    times: int
    norm: float


class Found(NamedTuple):
    """A page that matches.

    ``counted``: the query's words that it has, each as often as it counts, and once each those that compounds
    bring in. ``keywords``: how many of its keywords of several words stand in the query. ``pairs``: those of
    the query that its answer has.
    """

    url: str
    score: float
    counted: int
    keywords: int
    pairs: list[FoundPair]


class Keyword(NamedTuple):
    """A keyword of several words that stands in the query: what it adds, and the pages that carry it."""

    added: float
    docs: set[int]


class Compound(NamedTuple):
    """Two words with a hyphen between them: the term of each, and of both in one word."""

    first: str
    second: str
    whole: str


Pair = dict[int, FoundPair]  # by page


@cache
def _analysed(token: str) -> tuple[str, bool]:
    """The term of a token, and whether the token adds to the length of its field."""
    form = analysis.fold(token)
    return analysis.stem(form), form not in analysis.STOP_WORDS


def terms_of(text: str) -> list[str]:
    """The terms of a text, in order, repeated as they are."""
    return [_analysed(token)[0] for token in analysis.tokenize(text)]


def query_terms(text: str) -> list[str]:
    """Those of a query, of which only so much is read."""
    return terms_of(text[:MAX_CHARS])


def hyphenated(text: str) -> list[tuple[int, str, str]]:
    """Where a text has compounds: the number of the first token, and both tokens."""
    text = unicodedata.normalize("NFC", text)
    chains: list[list[tuple[int, str]]] = []  # of tokens with one hyphen between each two
    end = 0
    for number, token in enumerate(analysis.tokenize(text)):
        start = text.index(token, end)
        if not chains or text[end:start] not in HYPHENS:
            chains.append([])
        chains[-1].append((number, token))
        end = start + len(token)
    found = []
    for chain in chains:
        for (number, first), (_, second) in pairwise(chain):
            stops = {first.lower(), second.lower()} & analysis.STOP_WORDS
            if _is_one_word(first + second) and not (stops and len(chain) > 2):
                found.append((number, first, second))
    return found


def compounds_of(text: str) -> list[Compound]:
    """The compounds of a text, repeated as they are."""
    return [
        Compound(_analysed(first)[0], _analysed(second)[0], _analysed(first + second)[0])
        for _, first, second in hyphenated(text)
    ]


def _is_one_word(text: str) -> bool:
    """Whether a text is a word of letters, or of letters and digits."""
    return analysis.tokenize(text) == [text] and text.isalnum() and not text.isdecimal()


class Joining(NamedTuple):
    """A term that joins a query in some pages: of a compound typed in two words, the one, where not both are;
    of one typed in one word, each of the two, where one of ``pairs`` stands side by side in the answer and
    the one does not. ``typed``: the terms typed."""

    term: str
    typed: tuple[str, ...]
    pairs: frozenset[tuple[str, str]]


def joined_by(compounds: Iterable[Compound], terms: Sequence[str], counted: Iterable[str]) -> list[Joining]:
    """What joins a query, given all its terms and those that count: no compound that is soft in one word."""
    counted = set(counted)
    typed = set(pairwise(terms))
    joined = []
    parts: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for first, second, whole in set(compounds):
        if analysis.is_soft(whole):
            continue
        if whole in counted:
            for part in {first, second} - counted:
                parts.setdefault((whole, part), set()).add((first, second))
        elif (first, second) in typed and counted.issuperset((first, second)):
            joined.append(Joining(whole, (first, second), frozenset()))
    return joined + [Joining(part, (whole,), frozenset(pairs)) for (whole, part), pairs in parts.items()]


def joins(
    joining: Joining,
    having: Mapping[str, Container[int]],
    beside: Mapping[tuple[str, str], Container[int]],
    doc: int,
) -> bool:
    """Whether a term joins in a page that has it, given the pages with each term typed, and each pair."""
    if not joining.pairs:
        return not all(doc in having[term] for term in joining.typed)
    return doc not in having[joining.typed[0]] and any(doc in beside[pair] for pair in joining.pairs)


def pairs_of(terms: Sequence[str], counted: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of a query, given all its terms and those that count: none, unless it is a phrase."""
    if analysis.is_soft(terms[0]) or analysis.is_soft(terms[-1]):
        return []
    known = set(counted)
    hard = [term for term in terms if term in known and not analysis.is_soft(term)]
    pairs: list[tuple[str, str]] = []
    for pair in pairwise(hard):
        if pair[0] != pair[1] and pair not in pairs and len(pairs) < MAX_PAIRS:
            pairs.append(pair)
    return pairs


def runs_of(terms: Sequence[str]) -> list[tuple[str, ...]]:
    """All that may be a keyword of several words: each run of consecutive terms, once."""
    runs: list[tuple[str, ...]] = []
    for length in range(2, MAX_KEYWORD_TERMS + 1):
        runs += [tuple(terms[start : start + length]) for start in range(len(terms) - length + 1)]
    return list(dict.fromkeys(runs))


class Oracle:
    """Ranks articles. ``only``: where given, the only terms that queries will ask for."""

    def __init__(self, articles: Iterable[Article], only: frozenset[str] | None = None) -> None:
        # Ties go by (subject, url): so pages are numbered in that order.
        self.pages = sorted(articles, key=lambda page: (slugify(page.subject), page.url))
        self.slugs = [slugify(page.subject) for page in self.pages]
        self.doc_of = {page.url: doc for doc, page in enumerate(self.pages)}
        in_text = [[compounds_of(text) for text in (page.question, page.answer)] for page in self.pages]
        #: All that any page has.
        self._compounds = {compound for texts in in_text for text in texts for compound in text}
        if only is not None:
            # Any of its words may stand beside any other.
            only |= {each.whole for each in self._compounds if each.first in only and each.second in only}
            only |= {joining.term for joining in joined_by(self._compounds, [], only)}
        lengths: list[list[int]] = []
        self._frequencies: dict[str, dict[int, list[int]]] = {}  # by term and page: one for each field
        self._keywords: dict[tuple[str, ...], set[int]] = {}  # the pages that carry each
        for doc, page in enumerate(self.pages):
            lengths.append(self._count(doc, ([page.question], [page.answer], page.page_keywords), only))
            for field, found in enumerate(in_text[doc]):
                for compound in found:
                    self._add(compound.whole, doc, field, 1, only)
            for keyword in page.page_keywords:
                self._keywords.setdefault(tuple(terms_of(keyword)), set()).add(doc)
        averages = [_average(column) for column in zip(*lengths, strict=True)]
        #: Of each page, its lengths in the average lengths.
        self._relative = [[n / mean for n, mean in zip(row, averages, strict=True)] for row in lengths]
        self._answers: dict[int, list[str]] = {}
        self._scored: dict[str, dict[int, float]] = {}

    def _count(self, doc: int, fields: Sequence[Sequence[str]], only: frozenset[str] | None) -> list[int]:
        lengths = [0, 0, 0]
        for field, texts in enumerate(fields):
            tokens = Counter(token for text in texts for token in analysis.tokenize(text))
            for token, count in tokens.items():
                term, counted = _analysed(token)
                if counted:
                    lengths[field] += count
                self._add(term, doc, field, count, only)
        return lengths

    def _add(self, term: str, doc: int, field: int, count: int, only: frozenset[str] | None) -> None:
        if only is None or term in only:
            self._frequencies.setdefault(term, {}).setdefault(doc, [0, 0, 0])[field] += count

    def joined_pages(self, joining: Joining) -> list[int]:
        """The pages that a term joins in."""
        having = {term: self._frequencies[term] for term in joining.typed}
        beside = {
            (first, second): {
                doc
                for doc in self._frequencies[first].keys() & self._frequencies[second].keys()
                if not any(doc in found for found in having.values()) and self._times(doc, first, second)
            }
            for first, second in joining.pairs
        }
        return [doc for doc in self._frequencies[joining.term] if joins(joining, having, beside, doc)]

    def _times(self, doc: int, first: str, second: str) -> int:
        """How often the answer has one next after the other, two different hard words."""
        if first == second or analysis.is_soft(first) or analysis.is_soft(second):
            return 0
        if doc not in self._answers:
            self._answers[doc] = terms_of(self.pages[doc].answer)
        return sum(pair == (first, second) for pair in pairwise(self._answers[doc]))

    def idf(self, term: str) -> float:
        """How rare a term is."""
        df = len(self._frequencies[term])
        return math.log(1 + (len(self.pages) - df + 0.5) / (df + 0.5))

    def scores_of(self, term: str) -> dict[int, float]:
        """What a term scores in each page that has it."""
        if term not in self._scored:
            keywords = self._keywords.get((term,), set())
            self._scored[term] = {
                doc: self.idf(term) * (_score(found, self._relative[doc]) + KEYWORD_SHARE * (doc in keywords))
                for doc, found in self._frequencies.get(term, {}).items()
            }
        return self._scored[term]

    def _keyword(self, terms: tuple[str, ...]) -> Keyword:
        idfs = [self.idf(term) * (SOFT_SHARE if analysis.is_soft(term) else 1) for term in terms]
        return Keyword(KEYWORD_SHARE * sum(idfs), self._keywords[terms])

    def _pair(self, first: str, second: str, n_pairs: int) -> Pair:
        """``n_pairs``: of the query, which gets the mean of what they add."""
        most = PAIR_SHARE * (self.idf(first) + self.idf(second)) * (PAIR_K1 + 1) / n_pairs
        found: Pair = {}
        for doc in self._frequencies[first].keys() & self._frequencies[second].keys():
            times = self._times(doc, first, second)
            if times:
                norm = PAIR_K1 * (1 - PAIR_B + PAIR_B * self._relative[doc][1])
                found[doc] = FoundPair(most, times, norm)
        return found

    def search(self, text: str, subjects: Iterable[str] | None = None) -> Ranking:
        """Rank every page that has one of the words."""
        counts: Counter[str] = Counter()
        terms = query_terms(text)
        unknown = [place for place, term in enumerate(terms) if term not in self._frequencies]
        terms = terms[: [*unknown, len(terms)][:MAX_UNKNOWN][-1] + 1]
        for term in terms:
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
        joined = joined_by(self._compounds, terms, counts)
        for joining in joined:
            for doc in self.joined_pages(joining):
                scores[doc] += self.scores_of(joining.term)[doc]
        docs = [doc for doc, score in enumerate(scores) if score]
        keywords, pairs = self._phrases(terms, counts)
        for keyword in keywords:
            for doc in keyword.docs:
                scores[doc] += keyword.added
        for pair in pairs:
            for doc, (most, times, norm) in pair.items():
                scores[doc] += most * times / (times + norm)
        if subjects is not None:
            slugs = {slugify(subject) for subject in subjects}
            docs = [doc for doc in docs if self.slugs[doc] in slugs]
        docs.sort(key=scores.__getitem__, reverse=True)  # stable: ties stay in order
        return Ranking(self, counts, joined, keywords, pairs, scores, docs)

    def _phrases(self, terms: Sequence[str], counts: Counter[str]) -> tuple[list[Keyword], list[Pair]]:
        if not counts:
            return [], []
        runs = [
            run for run in runs_of(terms) if run in self._keywords and all(term in counts for term in run)
        ]
        pairs = pairs_of(terms, counts)
        return [self._keyword(run) for run in runs], [self._pair(*pair, len(pairs)) for pair in pairs]


class Ranking:
    """The pages that match a query, best first: a sequence, of which only what is asked for is looked at.

    ``counts``: of the query's words. ``joined``: those that compounds bring in. ``keywords``, ``pairs``: what
    of them stands in the query.
    """

    def __init__(
        self,
        oracle: Oracle,
        counts: Counter[str],
        joined: list[Joining],
        keywords: list[Keyword],
        pairs: list[Pair],
        scores: list[float],
        docs: list[int],
    ) -> None:
        self.counts = counts
        self.joined = joined
        self.keywords = keywords
        self.pairs = pairs
        self._oracle = oracle
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

    def _found(self, doc: int) -> Found:
        counted = sum(count for term, count in self.counts.items() if doc in self._oracle.scores_of(term))
        counted += sum(doc in self._oracle.joined_pages(joining) for joining in self.joined)
        keywords = sum(doc in keyword.docs for keyword in self.keywords)
        pairs = [pair[doc] for pair in self.pairs if doc in pair]
        return Found(self._oracle.pages[doc].url, self._scores[doc], counted, keywords, pairs)


def _score(frequencies: Sequence[int], relative: Sequence[float]) -> float:
    """What a term scores in a page, but for its idf."""
    combined = shares = 0.0
    for field in range(3):
        tf = frequencies[field]
        combined += WEIGHTS[field] * tf / (1 - B[field] + B[field] * relative[field])
        norm = SHARE_K1 * (1 - SHARE_B + SHARE_B * relative[field])
        shares += SHARES[field] * tf * (SHARE_K1 + 1) / (tf + norm)
    return combined * (K1 + 1) / (combined + K1) + shares


def _average(lengths: Sequence[int]) -> float:
    """The mean over the pages where the field is not empty; 1 where it is empty in all."""
    filled = [length for length in lengths if length]
    return sum(filled) / len(filled) if filled else 1.0
