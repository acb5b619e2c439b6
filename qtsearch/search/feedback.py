"""Broadening: words of the best articles join the query (RM3: Abdul-Jaleel and others, TREC 2004).

More of what is relevant is found, and the very first hits get a little worse: so it is an option. The
:data:`TERMS` weightiest words of the :data:`PAGES` best articles join the words typed, weighed by how much of
an article a word makes up and by the article's score; together they count half as much as the hard words
typed.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from qtsearch import analysis
from qtsearch.search.plans import Plan, Postings
from qtsearch.search.searcher import Ranges, Searcher

__all__ = ["PAGES", "TERMS", "broadened"]

PAGES: Final = 10
TERMS: Final = 10
_SHARE: Final = 0.5
#: Words that join a query count in multiples of 1/16.
_UNIT: Final = 16
#: A query of more terms than this needs no others.
_MAX_TERMS: Final = 64


def broadened(searcher: Searcher, plan: Plan, ranges: Ranges | None) -> Plan:
    """The plan with words of its best articles; itself, if it has no hard words or very many.

    Raises IndexDamagedError if one of these articles cannot be read.
    """
    n_hard = sum(times for word, times in plan.counts.items() if not word.soft) / plan.unit
    docs, scores = searcher.search(plan, ranges, PAGES)
    if not docs or not n_hard or len(plan.counts) > _MAX_TERMS:
        return plan
    weights: dict[Postings, float] = {}
    for doc, score in zip(docs, scores, strict=True):
        words = _hard_words(searcher, doc)
        share = score / max(words.total(), 1)
        for word, count in words.items():
            weights[word] = weights.get(word, 0.0) + share * count
    best = sorted(weights, key=lambda word: (-weights[word], word.term))[:TERMS]
    total = sum(weights[word] for word in best)
    times = {word: round(_UNIT * _SHARE * n_hard * weights[word] / total) for word in best}
    return searcher.planner.join(plan, {word: n for word, n in times.items() if n}, _UNIT)


def _hard_words(searcher: Searcher, doc: int) -> Counter[Postings]:
    """How often each hard word stands in an article."""
    segment, planner = searcher.segment, searcher.planner
    record = segment.record(doc)
    texts = (segment.url_and_question(doc)[1], record["answer"], *record["keywords"])
    tokens = Counter(token for text in texts for token in analysis.tokenize(text))
    found: Counter[Postings] = Counter()
    for token, count in tokens.items():
        word = planner.look_up(token)
        if word is not None and not word.soft:
            found[word] += count
    return found
