"""What abbreviations stand for, as the articles themselves define them: learnt while indexing, for queries.

An article counts once for each of its definitions. Of several expansions of one short form those are kept
that are likely enough to be meant: the few that most articles give, each with a fair share of the articles.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.text.abbreviations import find_abbreviations

__all__ = ["definitions", "expansion_arrays"]

#: Of a short form so many expansions are kept, and none with a smaller share of its definitions.
MAX_EXPANSIONS: Final = 3
MIN_SHARE: Final = 1 / 8


def definitions(texts: Iterable[str]) -> bytes:
    """What the texts of an article define, each once: lines of short form, tab, long form, ascending.

    The short form as surface forms, the long one as terms, with spaces between.

    >>> definitions(["Acute limb ischemia (ALI) …", "… or ALI (acute limb ischemia)."])
    b'ali\\tacut limb ischemia'
    """
    found = set()
    for text in texts:
        for short, long in find_abbreviations(text):
            forms = " ".join(map(analysis.fold, analysis.tokenize(short)))
            terms = " ".join(analysis.stem(analysis.fold(token)) for token in analysis.tokenize(long))
            if forms and terms:
                found.add(f"{forms}\t{terms}")
    return "\n".join(sorted(found)).encode()


def expansion_arrays(articles: Iterable[bytes], terms: npt.NDArray[np.bytes_]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of expansions, as the table in :mod:`qtsearch.codec.segment` has them.

    ``articles``: the definitions of each. ``terms``: of the segment, ascending.
    """
    counts = Counter(line for article in articles if article for line in article.split(b"\n"))
    by_short: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    for line, count in counts.items():
        short, long = line.split(b"\t")
        by_short[short].append((-count, long))
    wanted = sorted({term for line in counts for term in line.partition(b"\t")[2].split(b" ")})
    places = terms.searchsorted(np.array(wanted, terms.dtype))
    there = zip(wanted, places.tolist(), terms.take(places, mode="clip").tolist(), strict=True)
    numbers = {term: place for term, place, found in there if found == term}
    shorts, sizes, shares, words = [], [], [], []
    for short in sorted(by_short):
        total = -sum(count for count, _ in by_short[short])
        kept = 0
        for negative, long in sorted(by_short[short])[:MAX_EXPANSIONS]:
            found = [numbers.get(term, -1) for term in long.split(b" ")]
            if -negative >= MIN_SHARE * total and min(found) >= 0:
                shares.append(-negative / total)
                words.append(found)
                kept += 1
        if kept:
            shorts.append(short)
            sizes.append(kept)
    return {
        "abbreviations": np.array(shorts or [b""])[: len(shorts)],
        "expansion_starts": np.array([0, *accumulate(sizes)], np.int32),
        "expansion_shares": np.array(shares, np.float32),
        "expansion_offsets": np.array([0, *accumulate(map(len, words))], np.int32),
        "expansion_terms": np.array([number for found in words for number in found], np.int32),
    }
