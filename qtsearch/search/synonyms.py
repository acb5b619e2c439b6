"""Synonyms: what a word or phrase of the query stands for joins the query, with less weight than those typed.

Two sources: abbreviations that the articles define (:mod:`qtsearch.codec.expansions`), from the short form
to the long one, and groups of synonyms in a file of the user's, which stand for each other. The words of a
synonym together count :data:`SHARE` of a word typed, times the share that an expansion has of the definitions
of its short form. An abbreviation is a form and not a stem, and typed in lower case it is one only where the
articles hardly use the form as a word: "dvt", but not "aids" or "who".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from qtsearch import analysis
from qtsearch.codec.segment import Segment
from qtsearch.errors import SynonymsError
from qtsearch.schema import FIELD_NAMES
from qtsearch.search.planner import Planner
from qtsearch.search.plans import Plan, Postings
from qtsearch.text.abbreviations import is_capital

__all__ = ["SHARE", "Expander", "Synonyms"]

SHARE: Final = 0.5
#: Words that join a query count in multiples of 1/16: so few kinds of rows are kept of each.
_UNIT: Final = 16
#: A query of more terms than this needs no others; and no more join.
_MAX_TERMS: Final = 64
_PLAIN_KEPT: Final = 16_384

_MAX_MEMBERS: Final = 32
_MAX_GROUPS: Final = 10_000

#: Synonyms of something: each with its share of 1, and the numbers of its terms.
_Expansions = Sequence[tuple[float, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Groups of words and phrases that mean the same.

    >>> Synonyms((("heart attack", "myocardial infarction", "MI"),)).groups[0][2]
    'MI'
    """

    groups: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a group that is none, or for too many."""
        if len(self.groups) > _MAX_GROUPS:
            raise ValueError(f"more than {_MAX_GROUPS:,} groups: keep those that are searched for")
        for group in self.groups:
            _check(group)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Synonyms:
        """Read a file: UTF-8, a group a line, synonyms separated by commas.

        Blank lines and lines that begin with ``#`` are passed over.

        Raises:
            SynonymsError: with the line and the reason.
            OSError: the file cannot be read.
        """
        name = os.fspath(path)
        groups: list[tuple[str, ...]] = []
        with open(name, "rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                    if not line or line.startswith("#"):
                        continue
                    if len(groups) == _MAX_GROUPS:
                        raise ValueError(
                            f"more than {_MAX_GROUPS:,} groups: keep those that are searched for"
                        )
                    groups.append(tuple(member.strip() for member in line.split(",")))
                    _check(groups[-1])
                except UnicodeDecodeError as error:
                    reason = f"not UTF-8 (byte 0x{raw[error.start]:02x}): save it as UTF-8"
                    raise SynonymsError(name, number, reason) from error
                except ValueError as error:
                    raise SynonymsError(name, number, str(error)) from error
        return cls(tuple(groups))


def _check(group: tuple[str, ...]) -> None:
    if len(group) < 2:
        raise ValueError(f"{''.join(group)!r} has no synonym: write two or more, with commas between")
    if len(group) > _MAX_MEMBERS:
        raise ValueError(f"{len(group)} synonyms in a group, at most {_MAX_MEMBERS}: split it")
    for member in group:
        if not analysis.tokenize(member):
            raise ValueError(f"{member!r} has no word in it: take away the comma, or write one")


class Expander:
    """Expands plans over one index. Immutable: any number of threads may share it."""

    def __init__(self, planner: Planner, synonyms: Synonyms = Synonyms(), *, learned: bool = True) -> None:
        """``planner``: any over the index. ``learned``: take the abbreviations of the articles, too."""
        self._segment = segment = planner.segment
        shorts = [short.decode() for short in segment.abbreviations.tolist()] if learned else []
        self._learned = {short: number for number, short in enumerate(shorts)}
        self._given: dict[str, list[tuple[float, list[int]]]] = {}
        self._phrases: dict[int | str, list[tuple[list[int | str], _Expansions]]] = {}
        for group in synonyms.groups:
            self._add(group, planner)
        shorts = list(dict.fromkeys((*self._learned, *self._given)))
        #: Short forms of several words by the first one.
        self._longer: dict[str, list[str]] = {}
        for short in shorts:
            if " " in short:
                self._longer.setdefault(short.partition(" ")[0], []).append(short)
        self._words = _words_of(segment, shorts)
        # A query has one of these terms, or of these tokens, if it has a short form. -1 is a word that no
        # article has.
        numbers = [segment.find_form(form.encode()) for form in {*shorts, *self._longer} - self._words]
        self._terms = {-1 if number < 0 else int(segment.form_terms[number]) for number in numbers}
        self._tokens = {short.upper() for short in self._words} | {f"{short.upper()}s" for short in shorts}
        # Tokens that were seen, and no synonym begins with: what most queries are made of.
        self._plain: set[str] = set()

    def _add(self, group: tuple[str, ...], planner: Planner) -> None:
        tokens = [analysis.tokenize(member) for member in group]
        numbers = [[planner.find(token) for token in member] for member in tokens]
        for place, member in enumerate(tokens):
            others = [
                (1.0, [number for number in terms if number >= 0])
                for other, terms in enumerate(numbers)
                if other != place
            ]
            if any(map(is_capital, member)):
                self._given.setdefault(" ".join(map(analysis.fold, member)), []).extend(others)
                continue
            keys = [
                analysis.stem(analysis.fold(token)) if number < 0 else number
                for token, number in zip(member, numbers[place], strict=True)
            ]
            self._phrases.setdefault(keys[0], []).append((keys, others))

    def expand(self, planner: Planner, plan: Plan) -> Plan:
        """The plan with the words of synonyms; itself, if there are none or the query has very many words.

        ``planner``: the one that made the plan.
        """
        tokens, words, plain = plan.tokens, plan.words, self._plain
        if plain.issuperset(tokens) or len(plan.counts) > _MAX_TERMS:
            return plan
        places = [place for place, token in enumerate(tokens) if token not in plain]
        shorts = [place for place in places if self._may_be_short(tokens[place], words[place])]
        phrases = []
        if self._phrases:
            phrases = [place for place in places if _key(tokens[place], words[place]) in self._phrases]
        if not shorts and not phrases:
            if None not in words:  # words that no article has are without number
                if len(plain) >= _PLAIN_KEPT:
                    plain = self._plain = set()
                plain.update(tokens)
            return plan
        found: list[_Expansions] = []
        if shorts:
            for short in dict.fromkeys(self._short_forms(tokens, _folded(tokens), shorts)):
                found += [self._given.get(short, ()), self._learned_expansions(short)]
        if phrases:
            found += self._phrases_of(plan, phrases)
        return self._joined(planner, plan, found) if found else plan

    def _may_be_short(self, token: str, word: Postings | None) -> bool:
        """Whether a word of a query may be, or begin, a short form."""
        return token in self._tokens or (-1 if word is None else word.term) in self._terms

    # -- what stands in the query ------------------------------------------------------------------

    def _short_forms(self, tokens: list[str], forms: list[str], places: list[int]) -> Iterator[str]:
        """The known short forms that stand in the query, at some of these places, and are meant as such."""
        learned, given = self._learned, self._given
        shouted = len(tokens) > 1 and " ".join(tokens).isupper()
        for place in places:
            token, form = tokens[place], forms[place]
            if form in learned or form in given:
                if form not in self._words or (token.isupper() and not shouted):
                    yield form
            elif token[-1] == "s" and token[:-1].isupper() and (form[:-1] in learned or form[:-1] in given):
                yield form[:-1]  # a plural
            for short in self._longer.get(form, ()):
                words = short.split(" ")
                end = place + len(words)
                if forms[place:end] == words and (
                    # In lower case, words of one or two letters may be anything: "at t".
                    max(map(len, words)) > 2
                    or (" ".join(tokens[place:end]).isupper() and not (shouted and words != forms))
                ):
                    yield short

    def _phrases_of(self, plan: Plan, places: list[int]) -> Iterator[_Expansions]:
        """Of the phrases of the user's that stand in the query, at some of these places."""
        keys = list(map(_key, plan.tokens, plan.words))
        for place in places:
            for phrase, expansions in self._phrases[keys[place]]:
                if keys[place : place + len(phrase)] == phrase:
                    yield expansions

    def _learned_expansions(self, short: str) -> _Expansions:
        number = self._learned.get(short)
        if number is None:
            return ()
        segment = self._segment
        start, stop = segment.expansion_starts[number : number + 2].tolist()
        shares = segment.expansion_shares[start:stop].tolist()
        places = segment.expansion_offsets[start : stop + 1].tolist()
        return [
            (share, segment.expansion_terms[first:last].tolist())
            for share, (first, last) in zip(shares, pairwise(places), strict=True)
        ]

    # -- what joins it -----------------------------------------------------------------------------

    @staticmethod
    def _joined(planner: Planner, plan: Plan, found: Iterable[_Expansions]) -> Plan:
        typed = {word.term for word in plan.counts}
        weights: dict[Postings, float] = {}
        for expansions in found:
            for share, terms in expansions:
                words = [word for word in map(planner.postings, dict.fromkeys(terms)) if not word.soft]
                for word in words:
                    if word.term not in typed:
                        weights[word] = weights.get(word, 0.0) + share / len(words)
        shares = {word: round(_UNIT * SHARE * min(weight, 1.0)) / _UNIT for word, weight in weights.items()}
        best = sorted((word for word in shares if shares[word]), key=lambda word: (-shares[word], word.term))
        if not best:
            return plan
        return planner.add_synonyms(plan, {word: shares[word] for word in best[:_MAX_TERMS]})


def _key(token: str, word: Postings | None) -> int | str:
    """What a word of a phrase of the user's is told by: its term, or its stem if no article has it."""
    return analysis.stem(analysis.fold(token)) if word is None else word.term


def _words_of(segment: Segment, shorts: list[str]) -> set[str]:
    """Those of the short forms that the articles use as words: soft ones, and any not mostly in capitals."""
    if not shorts or not len(segment.forms):
        return set()
    wanted = np.array([short.encode() for short in shorts])
    places = segment.forms.searchsorted(wanted.astype(segment.forms.dtype))
    places = np.minimum(places, len(segment.forms) - 1)
    times = segment.form_frequencies[places, : FIELD_NAMES.index("page_keywords")].sum(axis=1)
    soft = segment.term_soft[segment.form_terms[places]]
    words = (segment.forms[places] == wanted) & (soft | (2 * segment.form_capitals[places] < times))
    return {shorts[number] for number in words.nonzero()[0].tolist()}


def _folded(tokens: list[str]) -> list[str]:
    """The surface forms of tokens."""
    text = " ".join(tokens)
    if text.isascii() and "'" not in text:  # folding one by one takes ten times as long
        return text.lower().split(" ")
    return [analysis.fold(token) for token in tokens]
