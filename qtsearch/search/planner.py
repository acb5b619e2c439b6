"""Query → plan: the postings of its words, and of the words that count together, ready to be added up.

A word is looked up once and kept in a bounded memo, as are the keywords and pairs that were asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.container import SlicedArray
from qtsearch.codec.segment import Segment
from qtsearch.parameters import Weighting
from qtsearch.scoring import (
    IMPACT_SCALE,
    MAX_IMPACT,
    PAIR_SCALE,
    compute_impacts,
    inverse_document_frequency,
    soften,
)
from qtsearch.search.compounds import Compounds
from qtsearch.search.plans import Expansion, Laid, Phrase, Plan, Postings, Rows, Scattered

__all__ = ["MAX_QUERY_CHARS", "MAX_QUERY_TERMS", "MAX_UNKNOWN_WORDS", "Planner"]

#: A longer query is cut here, behind so many words, and behind so many that no article has; a word of it
#: counts at most MAX_TERM_COUNT times. So sums stay within 32 bits, and it takes some milliseconds.
MAX_QUERY_CHARS: Final = 32_768
MAX_QUERY_WORDS: Final = 2_048
MAX_UNKNOWN_WORDS: Final = 512
MAX_QUERY_TERMS: Final = 1_024
MAX_TERM_COUNT: Final = 16

_MAX_PAIRS: Final = 32  # of a query; and as many keywords of several words as terms
_FREQUENT: Final = 16  # a term in more than 1/16 of the articles is laid out as a row
_WORDS_KEPT: Final = 16_384  # in the memo of query words
_KEYWORDS_KEPT: Final = 16_384
_PAIR_UNIT: Final = np.uint32(PAIR_SCALE)


class _Memo:
    """What has been looked up: words as typed, postings by term, keywords by node, pairs by their terms and
    how many there are, synonyms by term and share.

    A full one is replaced, never emptied: a query under way keeps its own, in which a term has one object.
    """

    __slots__ = ("keywords", "pairs", "postings", "synonyms", "words")

    def __init__(self) -> None:
        self.words: dict[str, Postings | None] = {}
        self.postings: dict[int, Postings] = {}
        self.keywords: dict[int, Phrase | None] = {}
        self.pairs: dict[tuple[int, int, int], Phrase | None] = {}
        self.synonyms: dict[tuple[int, float], Expansion] = {}


class Planner:
    """Plans queries over one segment, by one weighting. Any number of threads may share it."""

    def __init__(self, segment: Segment, weighting: Weighting, row_length: int) -> None:
        """``row_length``: of rows, at least as many as there are articles.

        Another weighting than the one that the index was published with takes a pass over all postings.
        """
        self.segment = segment
        self.weighting = weighting
        impacts = segment.impacts
        max_impacts = segment.max_impacts
        if weighting != Weighting.of(segment.parameters):
            computed = compute_impacts(
                segment.docs,
                segment.frequencies,
                segment.offsets,
                segment.lengths,
                segment.keyword_postings,
                weighting,
            )
            impacts = SlicedArray(computed, _sound)
            max_impacts = np.maximum.reduceat(computed, segment.offsets[:-1])
        self.impacts = impacts
        # Single numbers are read several times faster from a memoryview than from an array.
        self._max_impacts = max_impacts.data
        self.offsets = segment.offsets.data
        self._term_soft = segment.term_soft.data
        self._phrase_children = segment.phrase_children.data
        self._pair_children = segment.pair_children.data
        self._form_terms = segment.form_terms.data
        self._phrase_keys = segment.phrase_keys.data
        self._phrase_offsets = segment.phrase_offsets.data
        self._pair_seconds = segment.pair_seconds
        self._pair_offsets = segment.pair_offsets
        self._n_terms = len(segment.terms)
        # With a field left out, a posting may count nothing.
        self._all_count = min(weighting.weights) > 0
        self._soft_share = weighting.parameters.soft_share
        self._keyword_share = weighting.keyword_share * IMPACT_SCALE
        self._pair_share = weighting.pair_share * (weighting.parameters.pair_k1 + 1.0) * IMPACT_SCALE
        self.compounds = Compounds(segment, impacts, all_count=self._all_count)
        self._rows = Rows(row_length, self._n_terms)
        self._memo = _Memo()

    def find(self, token: str) -> int:
        """The number of the term of a token as written, -1 if no article has it."""
        segment = self.segment
        form = analysis.fold(token)
        number = segment.find_form(form.encode())
        if number >= 0:
            term: int = self._form_terms[number]
            return term
        # No article has the word in this form: another form of it may have the same stem.
        return segment.find_term(analysis.stem(form).encode())

    def plan(self, text: str) -> Plan:
        """The words of a query, what each of them adds, and what they add together."""
        tokens = analysis.tokenize(text[:MAX_QUERY_CHARS])[:MAX_QUERY_WORDS]
        memo = self._current()
        known = memo.words
        words: list[Postings | None] = []
        unknown = 0
        for token in tokens:
            try:
                word = known[token]
            except KeyError:
                word = self._look_up(token, memo)
            words.append(word)
            if word is None:
                unknown += 1
                if unknown == MAX_UNKNOWN_WORDS:
                    break
        return self._compose(tokens[: len(words)], words, memo)

    def plan_terms(self, tokens: list[str], terms: Sequence[int]) -> Plan:
        """The plan of words of which the terms are known, -1 for those that no article has."""
        memo = self._current()
        return self._compose(
            tokens, [None if term < 0 else self.postings(term, memo) for term in terms], memo
        )

    def _compose(self, tokens: list[str], words: list[Postings | None], memo: _Memo) -> Plan:
        counts: dict[Postings, int] = {}
        for place, postings in enumerate(words):
            if postings is not None:
                times = counts.get(postings, 0)
                if times == 0 and len(counts) == MAX_QUERY_TERMS:
                    words[place] = None
                elif times < MAX_TERM_COUNT:
                    counts[postings] = times + 1
        expansions = self.compounds.expand(tokens, words, self.postings)
        phrases: list[Phrase] = []
        if len(words) > 1:
            if self._keyword_share:
                phrases = self._keywords(words, memo)
            if self._pair_share and not _is_soft(tokens[0], words[0]) and not _is_soft(tokens[-1], words[-1]):
                phrases += self._pairs(words, memo)
        return self._plan(tokens, words, counts, expansions, phrases, 1)

    def add_synonyms(self, plan: Plan, shares: Mapping[Postings, float]) -> Plan:
        """The plan of words typed, and other words, of which each counts its share, a positive one."""
        memo = self._current()
        synonyms = [self._synonym(word, share, memo) for word, share in shares.items()]
        expansions = plan.expansions + [synonym for synonym in synonyms if synonym.scattered.largest]
        return self._plan(plan.tokens, plan.words, plan.counts, expansions, plan.phrases, 1)

    def _synonym(self, word: Postings, share: float, memo: _Memo) -> Expansion:
        synonym = memo.synonyms.get((word.term, share))
        if synonym is None:
            if len(memo.synonyms) >= _KEYWORDS_KEPT:
                memo.synonyms = {}
            added = soften(word.impacts, share)
            laid = self._rows.lay_out(word.term, share, word.docs, added) if word.frequent else None
            scattered = Scattered(int(added.max(initial=0)), word.docs, added)
            synonym = memo.synonyms[word.term, share] = Expansion(word, (), share, scattered, laid)
        return synonym

    def join(self, plan: Plan, counts: Mapping[Postings, int], unit: int) -> Plan:
        """The plan with other words, which count so many times 1/``unit``, a multiple of the plan's own.

        Words of the plan count more or, by a negative number, less.
        """
        scale = unit // plan.unit
        joined = {word: times * scale for word, times in plan.counts.items()}
        known = {word.term: word for word in joined}
        for word, times in counts.items():
            word = known.get(word.term, word)
            joined[word] = joined.get(word, 0) + times
        joined = {word: times for word, times in joined.items() if times}  # a row is added once at least
        expansions = [
            one._replace(scattered=_times(one.scattered, scale), laid=None) for one in plan.expansions
        ]
        phrases = [phrase._replace(scattered=_times(phrase.scattered, scale)) for phrase in plan.phrases]
        larger = self._plan(plan.tokens, plan.words, joined, expansions, phrases, unit)
        if plan.extras:
            larger.add([extra._replace(scattered=_times(extra.scattered, scale)) for extra in plan.extras])
        return larger

    def _plan(
        self,
        tokens: list[str],
        words: list[Postings | None],
        counts: dict[Postings, int],
        expansions: list[Expansion],
        phrases: list[Phrase],
        unit: int,
    ) -> Plan:
        # The words of synonyms are hard.
        some_hard = bool(expansions) and any(one.times < 1.0 for one in expansions)
        for word in counts:
            if not word.soft:
                some_hard = True
                break
        rows: list[Laid] = []
        scattered: list[Scattered] = []
        for postings, times in counts.items():
            if postings.soft and not some_hard:  # a soft word counts wholly where there are no others
                found = Scattered(postings.largest, postings.docs, postings.impacts)
                scattered.append(found if times == 1 else _times(found, times))
                continue
            laid = postings.laid
            if laid is None and postings.frequent:
                laid = self._lay_out(postings)
            if laid is not None:
                rows.append(laid if times == 1 else laid._replace(largest=laid.largest * times, times=times))
                continue
            found = postings.scattered or self._scatter(postings)
            scattered.append(found if times == 1 else _times(found, times))
        return Plan(tokens, words, counts, some_hard, unit, self._rows, rows, scattered, expansions, phrases)

    def _current(self) -> _Memo:
        memo = self._memo
        if len(memo.words) >= _WORDS_KEPT:
            memo = self._memo = _Memo()
        return memo

    def look_up(self, token: str) -> Postings | None:
        """The postings of a token as written, ``None`` if no article has it."""
        memo = self._current()
        return memo.words[token] if token in memo.words else self._look_up(token, memo)

    # -- words -------------------------------------------------------------------------------------

    def _look_up(self, token: str, memo: _Memo) -> Postings | None:
        term = self.find(token)
        postings = memo.words[token] = None if term < 0 else self.postings(term, memo)
        return postings

    def postings(self, term: int, memo: _Memo | None = None) -> Postings:
        """The postings of a term by its number."""
        known = (memo or self._current()).postings
        postings = known.get(term)
        if postings is None:
            postings = known.setdefault(term, self._postings(term))
        return postings

    def _postings(self, term: int) -> Postings:
        segment = self.segment
        start, stop = self.offsets[term], self.offsets[term + 1]
        docs, impacts = segment.docs.part(start, stop), self.impacts.part(start, stop)
        if not self._all_count:
            kept = impacts.nonzero()[0]
            docs, impacts = docs[kept], impacts[kept]
        df = stop - start
        return Postings(
            term,
            docs,
            impacts,
            df,
            self._max_impacts[term],
            inverse_document_frequency(segment.n_docs, df),
            bool(self._term_soft[term]),
            df * _FREQUENT > segment.n_docs,
            self._pair_children[term],
            self._pair_children[term + 1],
            self.compounds.apart.get(term),
            term in self.compounds.joined,
        )

    def soften(self, impacts: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """What these impacts count if their word is a soft one beside others."""
        return soften(impacts, self._soft_share)

    def _beside_hard(self, postings: Postings) -> npt.NDArray[np.uint16]:
        """What a word counts in a query that has hard words."""
        return self.soften(postings.impacts) if postings.soft else postings.impacts

    def _scatter(self, postings: Postings) -> Scattered:
        impacts = self._beside_hard(postings)
        largest = int(impacts.max(initial=0)) if postings.soft else postings.largest
        postings.scattered = Scattered(largest, postings.docs, impacts)
        return postings.scattered

    def _lay_out(self, postings: Postings) -> Laid | None:
        share = self._soft_share if postings.soft else 1.0
        impacts = self._beside_hard(postings)
        postings.laid = self._rows.lay_out(postings.term, share, postings.docs, impacts)
        return postings.laid

    # -- phrases -----------------------------------------------------------------------------------

    def _keywords(self, words: Sequence[Postings | None], memo: _Memo) -> list[Phrase]:
        """The keywords of several terms that stand in the query."""
        keys, n_terms = self._phrase_keys, self._n_terms
        found: dict[int, Sequence[Any]] = {}
        first = words[0]
        for start, second in enumerate(words[1:]):
            if first is not None and second is not None:
                nodes = first.keywords
                if nodes is None:
                    nodes = first.keywords = self._keywords_from(first.term)
                node = nodes.get(second.term, -1)
                stop = start + 2
                while node >= 0:
                    found[node] = words[start:stop]
                    if stop == len(words) or (word := words[stop]) is None:
                        break
                    key = (n_terms + node) * n_terms + word.term
                    node = bisect_left(keys, key, node + 1)
                    if node == len(keys) or keys[node] != key:
                        break
                    stop += 1
            first = second
        phrases: list[Phrase] = []
        for node, keyword in found.items():
            known = memo.keywords
            if node in known:
                phrase = known[node]
            else:
                if len(known) >= _KEYWORDS_KEPT:
                    known = memo.keywords = {}
                phrase = known[node] = self._keyword(node, keyword)
            if phrase is not None and len(phrases) < MAX_QUERY_TERMS:
                phrases.append(phrase)
        return phrases

    def _keywords_from(self, term: int) -> dict[int, int]:
        """By the second term, the nodes of the keywords that begin with a term."""
        low, high = self._phrase_children[term], self._phrase_children[term + 1]
        first = term * self._n_terms
        return {key - first: node for node, key in enumerate(self._phrase_keys[low:high], low)}

    def _keyword(self, node: int, words: Sequence[Postings]) -> Phrase | None:
        """The keyword that a node is; ``None`` if longer ones begin like this, but none ends here."""
        docs = self.segment.phrase_docs[self._phrase_offsets[node] : self._phrase_offsets[node + 1]]
        if not len(docs):
            return None
        idf = sum([word.idf * self._soft_share if word.soft else word.idf for word in words])
        largest = min(round(self._keyword_share * idf), MAX_IMPACT)
        added = np.empty(len(docs), np.uint16)
        added.fill(largest)
        return Phrase(words, Scattered(largest, docs, added), False)

    def _pairs(self, words: Sequence[Postings | None], memo: _Memo) -> list[Phrase]:
        """The pairs of a query that is a phrase: each two of its hard words that follow each other."""
        hard = [word for word in words if word is not None and not word.soft]
        pairs = [pair for pair in dict.fromkeys(pairwise(hard)) if pair[0] is not pair[1]][:_MAX_PAIRS]
        phrases: list[Phrase] = []
        for first, second in pairs:
            key = first.term, second.term, len(pairs)
            known = memo.pairs
            if key in known:
                phrase = known[key]
            else:
                if len(known) >= _KEYWORDS_KEPT:
                    known = memo.pairs = {}
                phrase = known[key] = self._pair(first, second, self._pair_share / len(pairs))
            if phrase is not None:
                phrases.append(phrase)
        return phrases

    def _pair(self, first: Postings, second: Postings, share: float) -> Phrase | None:
        """The pair of two words, ``None`` if it stands in no answer. ``share``: of the idf of both."""
        segment, seconds, offsets = self.segment, self._pair_seconds, self._pair_offsets
        low, high = first.first_pair, first.last_pair
        seconds.check(low, high)
        node = bisect_left(seconds.unchecked, second.term, low, high)
        if node == high or seconds.unchecked[node] != second.term:
            return None
        offsets.check(node, node + 2)
        start, stop = offsets.unchecked[node], offsets.unchecked[node + 1]
        largest = min(round((first.idf + second.idf) * share), MAX_IMPACT)
        added = segment.pair_impacts.part(start, stop) * np.uint32(largest) // _PAIR_UNIT
        return Phrase((first, second), Scattered(largest, segment.pair_docs.part(start, stop), added), True)


def _sound(start: int, stop: int) -> None:
    """These elements are in no file."""


def _times(scattered: Scattered, times: int) -> Scattered:
    largest, docs, added = scattered
    return Scattered(largest * times, docs, added.astype(np.uint32) * np.uint32(times))


def _is_soft(token: str, word: Postings | None) -> bool:
    return analysis.is_soft(analysis.stem(analysis.fold(token))) if word is None else word.soft
