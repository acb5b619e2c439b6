"""The surface forms of an index, which of them a pattern stands for, and which articles have them.

A pattern is a prefix, a wildcard, a fuzzy word or a range.
"""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment, offsets_of
from qtsearch.forks import cached_property
from qtsearch.schema import FIELD_NAMES
from qtsearch.scoring import POSTINGS_AT_A_TIME

__all__ = ["Vocabulary"]

Numbers = npt.NDArray[np.intp]

_MAX_EDITS: Final = 2
_BIT_COUNTS: Final = np.array([bin(value).count("1") for value in range(1 << 13)], np.uint8)


class Vocabulary:
    """Patterns → numbers of surface forms, ascending. What it needs is prepared when first asked for."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._forms = segment.forms

    # -- articles ----------------------------------------------------------------------------------

    def having(self, terms: npt.NDArray[Any], field: int | None) -> npt.NDArray[np.bool_]:
        """Which articles have one of these terms, given ascending: bool, shape (n_docs,).

        ``field``: in this one, ``None`` for any.
        """
        docs, offsets = self._postings[field]
        found = np.zeros(self._segment.n_docs, bool)
        if len(terms):
            # Terms of one beginning stand side by side, and so do their postings.
            breaks = np.flatnonzero(np.diff(terms) != 1) + 1
            starts = offsets[terms[np.concatenate(([0], breaks))]].tolist()
            stops = offsets[terms[np.concatenate((breaks - 1, [-1]))] + 1].tolist()
            spans = zip(starts, stops, strict=True)
            having = np.concatenate([docs[start:stop] for start, stop in spans])
            # Piece by piece: NumPy makes indices of them, four times as wide.
            for start in range(0, len(having), POSTINGS_AT_A_TIME):
                found[having[start : start + POSTINGS_AT_A_TIME]] = True
                if found.all():
                    break
        return found

    @cached_property
    def _postings(self) -> dict[int | None, tuple[npt.NDArray[Any], npt.NDArray[np.int64]]]:
        """The articles of all postings, and of those of each field, and where each term's begin."""
        segment = self._segment
        docs = segment.docs[:]
        postings: dict[int | None, tuple[Any, Any]] = {None: (docs, segment.offsets)}
        for field in range(len(FIELD_NAMES)):
            here = segment.frequencies.of_field(0, len(docs), field) > 0
            offsets = offsets_of(segment.field_df[:, field])
            postings[field] = docs[here], offsets
        return postings

    # -- prefixes and ranges -----------------------------------------------------------------------

    def _place(self, text: str) -> int:
        """Where a text would stand among the forms."""
        # A longer needle would make searchsorted copy the whole array; cut, it stands before its like.
        needle = text.encode("utf-8", "surrogatepass")
        width = self._forms.dtype.itemsize
        if len(needle) > width:
            return int(self._forms.searchsorted(np.array(needle[:width], self._forms.dtype), "right"))
        return int(self._forms.searchsorted(np.array(needle, self._forms.dtype)))

    def with_prefix(self, prefix: str) -> Numbers:
        """The forms that begin so."""
        if not prefix:
            return np.arange(len(self._forms))
        start = self._place(prefix)
        needle = prefix.encode("utf-8", "surrogatepass")
        stop = start
        step = 1
        # Doubling, then halving: no text stands directly behind all that begin so.
        while stop + step <= len(self._forms) and self._forms[stop + step - 1].startswith(needle):
            stop += step
            step *= 2
        while step:
            if stop + step <= len(self._forms) and self._forms[stop + step - 1].startswith(needle):
                stop += step
            step //= 2
        return np.arange(start, stop)

    def between(self, low: str | None, high: str | None, low_excluded: bool, high_excluded: bool) -> Numbers:
        """The forms of a range; ``None`` for an end that is open."""
        start = 0 if low is None else self._place(low) + (low_excluded and self._has(low))
        stop = len(self._forms)
        if high is not None:
            stop = self._place(high) + (not high_excluded and self._has(high))
        return np.arange(start, max(start, stop))

    def _has(self, text: str) -> bool:
        place = self._place(text)
        needle = text.encode("utf-8", "surrogatepass")
        return place < len(self._forms) and bool(self._forms[place] == needle)

    # -- wildcards ---------------------------------------------------------------------------------

    @cached_property
    def _texts(self) -> list[str]:
        return [form.decode("utf-8", "surrogatepass") for form in self._forms.tolist()]

    @cached_property
    def _lines(self) -> tuple[str, Numbers]:
        """All forms, each on a line, and where each begins."""
        ends = np.cumsum([0, *(len(text) + 1 for text in self._texts)])
        return "\n".join(self._texts), ends[:-1]

    def like(self, pattern: str) -> Numbers:
        """The forms that match a pattern: ``?`` is one sign, ``*`` any number, ``[ab]`` one of these."""
        numbers = self._candidates(pattern)
        match = re.compile(fnmatch.translate(pattern)).match
        texts = self._texts
        kept = [match(texts[number]) is not None for number in numbers.tolist()]
        found: Numbers = numbers[np.array(kept, bool)]
        return found

    def _candidates(self, pattern: str) -> Numbers:
        """The forms that have one of the pattern's stretches of letters, if it has any."""
        literals = [] if "[" in pattern else re.findall(r"[^*?]+", pattern)
        if not literals:
            return np.arange(len(self._forms))
        if pattern.startswith(literals[0]):
            return self.with_prefix(literals[0])
        text, starts = self._lines
        matched = re.finditer(re.escape(max(literals, key=len)), text)
        numbers = np.searchsorted(starts, [match.start() for match in matched], "right") - 1
        return numbers[np.diff(numbers, prepend=-1) > 0]  # a form may have it twice

    # -- fuzzy -------------------------------------------------------------------------------------

    @cached_property
    def _codes(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp], npt.NDArray[np.int32]]:
        """Of every form its characters as numbers, how many they are, and a bit for each of some letters."""
        width = self._forms.dtype.itemsize
        codes: npt.NDArray[Any] = np.frombuffer(self._forms.tobytes(), np.uint8).reshape(-1, width)
        if (codes > 0x7F).any():
            texts = np.array(self._texts)
            codes = texts.view(np.uint32).reshape(len(texts), -1)
        lengths = (codes != 0).sum(axis=1)
        return codes, lengths, _letters(codes)

    def near(self, word: str, max_edits: int, prefix: int = 0) -> Numbers:
        """The forms within an optimal string alignment distance of at most 2, that begin with ``prefix``
        letters of the word."""
        if not word:
            return np.zeros(0, np.intp)
        max_edits = min(max_edits, _MAX_EDITS)
        codes, lengths, letters = self._codes
        own = np.array([ord(sign) for sign in word], np.uint32)
        numbers = self.with_prefix(word[:prefix])
        numbers = numbers[np.abs(lengths[numbers] - len(own)) <= max_edits]
        # An edit changes two letters at most.
        differing = letters[numbers] ^ _letters(own[None, :])[0]
        changed = _BIT_COUNTS[differing & 0x1FFF] + _BIT_COUNTS[differing >> 13]
        numbers = numbers[changed <= 2 * max_edits]
        distances = _alignment_distances(own, codes[numbers], lengths[numbers], max_edits)
        found: Numbers = numbers[distances <= max_edits]
        return found


def _letters(codes: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Of every row of codes: a bit for each of its characters, modulo 26."""
    bits = np.where(codes != 0, np.int32(1) << (codes % 26).astype(np.int32), np.int32(0))
    found: npt.NDArray[np.int32] = np.bitwise_or.reduce(bits, axis=1)
    return found


def _alignment_distances(
    word: npt.NDArray[Any], others: npt.NDArray[Any], lengths: npt.NDArray[np.intp], most: int
) -> npt.NDArray[np.uint8]:
    """Optimal string alignment (Damerau, 1964) of a word and each of others, padded with 0, where it is at
    most ``most``; where it is more, any number above."""
    width = others.shape[1]
    columns = np.ascontiguousarray(others.T)
    beyond = np.uint8(most + 1)
    rows = [np.full((width + 1, len(others)), beyond, np.uint8) for _ in range(3)]
    for column in range(min(width, most) + 1):
        rows[0][column] = column
    for i, letter in enumerate(word, 1):
        row, before, earlier = rows[i % 3], rows[(i - 1) % 3], rows[(i - 2) % 3]
        row[:] = beyond
        if i <= most:
            row[0] = i
        for j in range(max(1, i - most), min(width, i + most) + 1):
            best = np.minimum(before[j], row[j - 1]) + np.uint8(1)
            np.minimum(best, before[j - 1] + (columns[j - 1] != letter), out=best)
            if i > 1 and j > 1:
                swapped = (columns[j - 1] == word[i - 2]) & (columns[j - 2] == letter)
                best = np.where(swapped, np.minimum(best, earlier[j - 2] + np.uint8(1)), best)
            row[j] = best
    found: npt.NDArray[np.uint8] = rows[len(word) % 3][lengths, np.arange(len(others))]
    return found
