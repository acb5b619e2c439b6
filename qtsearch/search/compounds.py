"""Compounds: words that articles write as one or as two, ``nonsteroidal`` and ``non-steroidal``.

Of one typed in two words the one joins the query, of one typed in one the two: each in those articles only
that do not have what was typed, as the index lists them (:mod:`qtsearch.codec.phrases`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.container import SlicedArray
from qtsearch.codec.segment import Segment
from qtsearch.forks import cached_property
from qtsearch.search.plans import Expansion, Plan, Postings, Scattered

__all__ = ["Compounds"]

_MAX_EXPANSIONS: Final = 1_024
_KEPT: Final = 16_384


class Compounds:
    """The compounds of one segment, by the impacts of one weighting. Any number of threads may share it.

    ``apart``: by the first term and the second, the compounds that bring in the one word of these two.
    ``joined``: by the one term, the compounds that bring in the two words of this one.
    """

    def __init__(self, segment: Segment, impacts: SlicedArray, *, all_count: bool) -> None:
        """``impacts``: of all postings. ``all_count``: whether none of them is 0."""
        self._segment = segment
        self._impacts = impacts
        self._all_count = all_count
        self._offsets = segment.offsets.data
        # What a compound brings in, by its number, or by the inverted term that is the one word.
        self._kept: dict[int, list[tuple[int, Scattered]]] = {}
        seconds, wholes = segment.compound_seconds, segment.compound_wholes
        self.apart: dict[int, dict[int, list[int]]] = {}
        for compound in np.diff(segment.alone_offsets).nonzero()[0].tolist():
            seconds_of = self.apart.setdefault(self._first(compound), {})
            seconds_of.setdefault(int(seconds[compound]), []).append(compound)
        self.joined: dict[int, list[int]] = {}
        for compound in np.diff(segment.apart_offsets).nonzero()[0].tolist():
            self.joined.setdefault(int(wholes[compound]), []).append(compound)

    def _first(self, compound: int) -> int:
        """The first term of a compound."""
        return int(self._segment.compound_children.searchsorted(compound, "right")) - 1

    def expand(
        self, tokens: list[str], words: Sequence[Postings | None], postings: Callable[[int], Postings]
    ) -> list[Expansion]:
        """What compounds bring in to the words of a query, where it is needed.

        ``postings``: gives those of a term.
        """
        found: dict[int, slice] = {}  # which of the words brought each
        for place, word in enumerate(words):
            if word is not None:
                if word.apart is not None and place + 1 < len(words):
                    following = words[place + 1]
                    if following is not None:
                        for compound in word.apart.get(following.term, ()):
                            found.setdefault(compound, slice(place, place + 2))
                if word.joined:
                    found.setdefault(~word.term, slice(place, place + 1))
        if not found:
            return []
        typed = {word.term for word in words if word is not None}
        expansions: list[Expansion] = []
        for key, places in found.items():
            brought = self._kept.get(key)
            if brought is None:
                if len(self._kept) >= _KEPT:
                    self._kept = {}
                brought = self._kept[key] = self._one_word(key) if key >= 0 else self._two_words(~key)
            for term, scattered in brought:
                if term not in typed and len(expansions) < _MAX_EXPANSIONS:
                    expansions.append(Expansion(postings(term), tokens[places], 1.0, scattered))
        return expansions

    def _one_word(self, compound: int) -> list[tuple[int, Scattered]]:
        """What a compound in one word adds to articles that do not have both words."""
        segment = self._segment
        first, last = segment.alone_offsets[compound : compound + 2]
        whole = int(segment.compound_wholes[compound])
        start, stop = self._offsets[whole], self._offsets[whole + 1]
        postings = segment.alone_postings[first:last] - start
        return self._counting(whole, segment.docs[start:stop][postings], self._impacts[start:stop][postings])

    def _two_words(self, term: int) -> list[tuple[int, Scattered]]:
        """What the words of compounds add to articles that have both side by side, and not in one word."""
        segment = self._segment
        docs_of: dict[int, list[npt.NDArray[Any]]] = {}
        for compound in self.joined[term]:
            start, stop = segment.apart_offsets[compound : compound + 2]
            for part in (self._first(compound), int(segment.compound_seconds[compound])):
                docs_of.setdefault(part, []).append(segment.apart_docs[start:stop])
        brought: list[tuple[int, Scattered]] = []
        for part, found in docs_of.items():
            docs = found[0] if len(found) == 1 else np.unique(np.concatenate(found))
            start, stop = self._offsets[part], self._offsets[part + 1]
            places = segment.docs[start:stop].searchsorted(docs)
            brought += self._counting(part, docs, self._impacts[start:stop][places])
        return brought

    def _counting(
        self, term: int, docs: npt.NDArray[Any], impacts: npt.NDArray[np.uint16]
    ) -> list[tuple[int, Scattered]]:
        """The term with these postings, but for those that count nothing; nothing if none does."""
        if not self._all_count:
            kept = impacts.nonzero()[0]
            docs, impacts = docs[kept], impacts[kept]
        return [(term, Scattered(int(impacts.max()), docs, impacts))] if len(docs) else []

    def terms(self, plan: Plan) -> set[int]:
        """The terms of the compounds of a plan's words: the one of those typed apart, the two of others."""
        parts, wholes = self._by_terms
        found = {part for word in plan.counts for pair in parts.get(word.term, ()) for part in pair}
        for first, second in pairwise(plan.words):
            if first is not None and second is not None:
                found.update(wholes.get((first.term, second.term), ()))
        return found

    @cached_property
    def _by_terms(self) -> tuple[dict[int, list[tuple[int, int]]], dict[tuple[int, int], list[int]]]:
        """Of all compounds, by the one word the two, and by the two words the one."""
        segment = self._segment
        children = np.diff(segment.compound_children)
        firsts = np.repeat(np.arange(len(children)), children).tolist()
        seconds, ones = segment.compound_seconds.tolist(), segment.compound_wholes.tolist()
        parts: dict[int, list[tuple[int, int]]] = {}
        wholes: dict[tuple[int, int], list[int]] = {}
        for first, second, whole in zip(firsts, seconds, ones, strict=True):
            parts.setdefault(whole, []).append((first, second))
            wholes.setdefault((first, second), []).append(whole)
        return parts, wholes
