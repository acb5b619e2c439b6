"""Spelling: the forms of an index that a word may have been meant for which the index does not have.

A noisy channel (Kernighan, Church and Gale, 1990): a form counts the more, the more frequent it is and the
fewer edits make the word of it, those of the letters and those of the sounds counting half each: see
:mod:`qtsearch.text.edits` and :mod:`qtsearch.text.sounds`. Compared are only the forms that share most pairs
of neighbouring letters with the word, of letters as written and of consonants as they sound. So a word takes
about a millisecond, and several errors in it, or one at its beginning, are found like any other.

What this needs, about a hundred bytes a form, is prepared with the first word.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.analysis import MAX_FORM_BYTES, fold
from qtsearch.forks import cached_property
from qtsearch.text.edits import UNIT, distances
from qtsearch.text.sounds import EDGE, respell, skeleton

__all__ = ["MIN_TOLERANT_PREFIX", "Speller", "Suggestion"]

#: Bytes from which on a prefix may have an error.
MIN_TOLERANT_PREFIX: Final = 4

_COST_WEIGHT: Final = 13.0
_LETTER_WEIGHT: Final = 1.5
_FIRST_LETTER: Final = 0.25  # another first letter
_FORGOTTEN_SPACE: Final = 0.8
_MIN_PART: Final = 2  # bytes of each of two words
_MAX_COST: Final = 3.0
_MAX_COST_A_LETTER: Final = 0.5

_CANDIDATES: Final = 160
_PAIR_COST: Final = 0.25  # of each pair of a candidate; one that it shares with the word counts 1
_FREQUENCY_WEIGHT: Final = 0.2
_COMMON: Final = 12  # a pair that more than a twelfth of the forms have tells little
_ALL_PAIRS: Final = 1 << 16
_HEARD: Final = np.uint16(0x8080)  # marks pairs of consonants

_ANY: Final = b"\0"  # in a pattern, any letter
_MASK: Final = b"\0".ljust(256, b"\xff")
_HEAD: Final = 8  # bytes of a form that are compared as one number

Letters = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.intp]

_NONE: Final = np.zeros(0, np.intp)


class Suggestion(NamedTuple):
    """A form, or two with a space between; its cost in edits; its frequency, of two forms the smaller.

    ``evidence`` is ``ln(frequency) − 13 · cost + 1.5 · letters of the word``: a long word resembles another
    by chance less easily than a short one.
    """

    word: str
    cost: float
    frequency: int
    evidence: float


class Speller:
    """Suggests forms of a vocabulary. Immutable; any number of threads may share it."""

    def __init__(self, forms: npt.NDArray[np.bytes_], frequencies: npt.NDArray[Any]) -> None:
        """``forms``: ``S``, ascending, folded, UTF-8. ``frequencies``: the number of each.

        Raises ValueError if these are not as many.
        """
        if len(forms) != len(frequencies):
            raise ValueError(f"{len(forms)} forms, but {len(frequencies)} frequencies")
        self._forms = forms
        self._frequencies = frequencies

    def suggest(self, word: str, limit: int = 5) -> list[Suggestion]:
        """At most ``limit`` suggestions for a word that is not in the vocabulary; for one that is, none.

        Best first: by descending evidence, then by ascending cost, then by word. There are none for words of
        one letter, with a digit, or so long that :func:`qtsearch.analysis.fold` may have cut them; none costs
        more than three edits, or than half an edit a letter. A letter is a byte of UTF-8. All forms are
        compared if they are no more than 160; with more, a form of another skeleton may be overlooked.

        >>> forms = np.array([b"brain", b"thrombectomy", b"thrombosis"])
        >>> Speller(forms, np.array([7, 40, 90])).suggest("trombectomy")[0][:3]
        ('thrombectomy', 0.5, 40)
        """
        form = _correctable(word)
        if not form or not len(self._forms) or self._find(form) >= 0:
            return []
        bound = min(_MAX_COST, _MAX_COST_A_LETTER * len(form))
        found = self._similar(form, bound, max(limit, 0)) + self._two_words(form, bound)
        return sorted(found, key=_rank)[: max(limit, 0)]

    def near_prefix(self, prefix: str, limit: int) -> Numbers:
        """Numbers of the forms that begin as ``prefix`` or with one edit of it, the most frequent first.

        An edit is a letter changed, left out or put in, or two neighbours exchanged. The first letter has to
        be right; so has all of a prefix of fewer bytes than :data:`MIN_TOLERANT_PREFIX`. ``prefix`` is
        folded; an empty one has no forms.

        >>> forms = np.array([b"stroke", b"strong", b"strut"])
        >>> Speller(forms, np.array([7, 40, 90])).near_prefix("srto", 5).tolist()
        [1, 0]
        """
        typed = fold(prefix).encode() if prefix.isprintable() else b""
        if not typed or not len(self._forms):
            return _NONE
        numbers = np.unique(np.concatenate([_NONE, *self._beginning(typed)]))
        frequencies = self._frequencies[numbers].astype(np.float64)
        return numbers[np.argsort(-frequencies, kind="stable")][: max(limit, 0)]

    # -- words -------------------------------------------------------------------------------------

    def _similar(self, form: bytes, bound: float, limit: int) -> list[Suggestion]:
        """The best forms that are spelt or sound like ``form``, at a cost of at most ``bound``."""
        known = self._vocabulary
        flat = np.frombuffer(b"%c%b%c" % (EDGE, form, EDGE), np.uint8)
        sound = respell(flat)
        numbers = known.sharing(_pairs(flat, skeleton(sound)))
        letters = known.letters[numbers]
        spelt = distances(flat[1:-1], letters)
        heard = distances(sound[1:-1], known.sounds[numbers])
        costs = (spelt + np.minimum(spelt, heard)) / (2 * UNIT) + _FIRST_LETTER * (letters[:, 0] != flat[1])
        numbers, costs = numbers[costs <= bound], costs[costs <= bound]
        scores = known.log_frequencies[numbers] - _COST_WEIGHT * costs
        best = np.lexsort((numbers, costs, -scores))[:limit]
        return [
            _suggestion(form, self._forms[number].decode(), cost, int(self._frequencies[number]))
            for number, cost in zip(numbers[best].tolist(), costs[best].tolist(), strict=True)
        ]

    def _two_words(self, form: bytes, bound: float) -> list[Suggestion]:
        """Each two forms that ``form`` is without the space between them.

        The cost makes up for what is not in the smaller frequency: that they stand together by chance.
        """
        found = []
        for place in range(_MIN_PART, len(form) - _MIN_PART + 1):
            first, second = form[:place], form[place:]
            if (number := self._find(first)) >= 0 and (other := self._find(second)) >= 0:
                rarer, commoner = sorted(int(self._frequencies[one]) for one in (number, other))
                chance = max(commoner, 1) / self._vocabulary.total
                cost = _FORGOTTEN_SPACE - math.log(chance) / _COST_WEIGHT
                if cost <= bound:
                    found.append(_suggestion(form, f"{first.decode()} {second.decode()}", cost, rarer))
        return found

    @cached_property
    def _vocabulary(self) -> _Vocabulary:
        return _Vocabulary(self._forms, self._frequencies)  # by two threads at once: the same, twice

    def _find(self, form: bytes) -> int:
        """The number of a form, -1 if it is none."""
        if len(form) > self._forms.itemsize:
            return -1  # and a longer needle would make searchsorted copy the whole array
        place = int(self._forms.searchsorted(np.array(form, self._forms.dtype)))
        return place if place < len(self._forms) and self._forms[place] == form else -1

    # -- prefixes ----------------------------------------------------------------------------------

    @cached_property
    def _heads(self) -> npt.NDArray[np.uint64]:
        """The first bytes of each form, as a number."""
        heads = np.zeros((len(self._forms), _HEAD), np.uint8)
        heads[:, : self._forms.itemsize] = _letters(self._forms)[:, :_HEAD]
        return heads.view(np.uint64)[:, 0]

    def _beginning(self, typed: bytes) -> list[Numbers]:
        """The forms that begin as ``typed`` or with one edit of it, some of them more than once."""
        if len(typed) < MIN_TOLERANT_PREFIX:
            return [np.arange(*self._range(typed))]
        found = []
        for place in range(1, len(typed)):  # of the edit; before it, all is right
            start, rest, after = typed[:place], typed[place:], typed[place + 1 :]
            low, high = self._range(start)
            if low == high:
                break
            exchanged = after[:1] + rest[:1] + after[1:]
            for end in (_ANY + after, _ANY + rest, after, exchanged):
                found.append(self._matching(low, high, start + end))
        return found

    def _range(self, start: bytes) -> tuple[int, int]:
        """The forms ``low`` ≤ number < ``high`` begin as ``start``."""
        if len(start) >= self._forms.itemsize:
            place = self._find(start)
            return (place, place + 1) if place >= 0 else (0, 0)
        edges = np.array([start, start + b"\xff"], self._forms.dtype)
        low, high = self._forms.searchsorted(edges).tolist()
        return low, high

    def _matching(self, low: int, high: int, pattern: bytes) -> Numbers:
        """The forms ``low`` ≤ number < ``high`` that begin as ``pattern``."""
        if len(pattern) > self._forms.itemsize:
            return _NONE
        head = pattern[:_HEAD].ljust(_HEAD, _ANY)
        wanted, mask = (np.frombuffer(text, np.uint64) for text in (head, head.translate(_MASK)))
        numbers = low + np.flatnonzero(self._heads[low:high] & mask == wanted)
        if len(pattern) <= _HEAD:
            return numbers
        tail = np.frombuffer(pattern[_HEAD:], np.uint8)
        tails = _letters(self._forms[numbers])[:, _HEAD : len(pattern)]
        found: Numbers = numbers[((tails == tail) | (tail == 0)).all(axis=1)]
        return found


class _Vocabulary:
    """What is prepared of the forms: ``letters`` and ``sounds``, a form a row padded with zeros; and more."""

    def __init__(self, forms: npt.NDArray[np.bytes_], frequencies: npt.NDArray[Any]) -> None:
        n = len(forms)
        self.letters = _letters(forms)
        edged = np.concatenate((np.full((n, 1), EDGE, np.uint8), self.letters), axis=1)
        flat = np.append(edged[edged > 0], np.uint8(EDGE))
        sound = respell(flat)
        lengths = np.diff(np.flatnonzero(sound == EDGE)) - 1
        self.sounds = np.zeros((n, lengths.max()), np.uint8)
        self.sounds[np.arange(lengths.max()) < lengths[:, None]] = sound[sound != EDGE]
        frequencies = np.maximum(frequencies, 1)
        self.total = float(frequencies.sum(dtype=np.float64))
        self.log_frequencies = np.log(frequencies)

        bare = skeleton(sound)
        pairs = _pairs(flat, bare)
        owners = np.concatenate([np.cumsum(text == EDGE, dtype=np.int32)[:-1] for text in (flat, bare)]) - 1
        self._owners = owners[np.argsort(pairs, kind="stable")]
        self._starts = np.zeros(_ALL_PAIRS + 1, np.int32)
        np.cumsum(np.bincount(pairs, minlength=_ALL_PAIRS), out=self._starts[1:])
        n_pairs = np.bincount(owners, minlength=n)
        self._base = (_FREQUENCY_WEIGHT * self.log_frequencies - _PAIR_COST * n_pairs).astype(np.float32)

    def sharing(self, pairs: npt.NDArray[np.uint16]) -> Numbers:
        """The :data:`_CANDIDATES` forms that share most of these pairs, in no order."""
        n = len(self._base)
        if n <= _CANDIDATES:
            return np.arange(n)
        edges = zip(self._starts[pairs].tolist(), self._starts[1:][pairs].tolist(), strict=True)
        lists = [self._owners[start:stop] for start, stop in edges if stop - start < n // _COMMON]
        scores = np.bincount(np.concatenate([_NONE, *lists]), minlength=n).astype(np.float32)
        scores += self._base
        found: Numbers = np.argpartition(scores, n - _CANDIDATES)[-_CANDIDATES:]
        return found


def _pairs(flat: Letters, bare: Letters) -> npt.NDArray[np.uint16]:
    """Each two neighbouring letters as a number: of words as written, and of their skeletons, marked."""
    written, heard = (text[:-1].astype(np.uint16) << 8 | text[1:] for text in (flat, bare))
    return np.concatenate((written, heard | _HEARD))


def _letters(forms: npt.NDArray[np.bytes_]) -> Letters:
    """The bytes of each form as a row."""
    return np.ascontiguousarray(forms).view(np.uint8).reshape(len(forms), forms.itemsize)


def _correctable(word: str) -> bytes:
    """The form of a word that may be corrected; of others, nothing."""
    if not word.isprintable():
        return b""
    form = fold(word)
    coded = form.encode()
    fits = len(form) > 1 and len(coded) < MAX_FORM_BYTES
    return coded if fits and not any(map(str.isdigit, form)) else b""


def _suggestion(form: bytes, word: str, cost: float, frequency: int) -> Suggestion:
    evidence = math.log(max(frequency, 1)) - _COST_WEIGHT * cost + _LETTER_WEIGHT * len(form)
    return Suggestion(word, cost, frequency, evidence)


def _rank(suggestion: Suggestion) -> tuple[float, float, str]:
    return -suggestion.evidence, suggestion.cost, suggestion.word
