"""Completion as one types: the beginning of a text → keywords and questions that go on from it, best first.

The arrays, and why the best of any set of phrases are its smallest numbers, stand in
:mod:`qtsearch.codec.completions`. Words are compared as the index folds them: without case, accents,
punctuation and hyphens. Phrases come in tiers:

0. those that begin with what was typed;
1. those that have it further on;
2. those that have all its words, in any order;
3. if these are too few: those that have all its words but for a slip of the finger in one of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec.segment import PhraseArrays, Segment, pieces_of

__all__ = ["MAX_TYPED_CHARS", "MIN_MISTYPED_LETTERS", "Completer", "Completion", "NearPrefix"]

#: Longer texts complete to nothing.
MAX_TYPED_CHARS: Final = 1_024
#: A shorter word is taken as it was typed.
MIN_MISTYPED_LETTERS: Final = 4

_MAX_MISTYPED: Final = 3  # words that are looked up again, of those that may be mistyped
_FEW: Final = 32  # phrases are looked at one by one
_MAX_NEAR: Final = 100  # surface forms that a mistyped word may stand for

#: ``near_prefix(prefix, limit)``: the numbers of surface forms that begin with ``prefix`` or with a text one
#: edit away from it, most frequent first, at most ``limit``.
NearPrefix = Callable[[str, int], npt.NDArray[Any]]


class Completion(NamedTuple):
    """A phrase that goes on from what was typed.

    ``text``: as most often written. ``count``: pages that have the keyword, or ask the question.
    ``url``: of a page with the question, ``None`` for a keyword.
    """

    text: str
    kind: Literal["keyword", "question"]
    count: int  # type: ignore[assignment]  # hides a method of tuples that nobody misses
    url: str | None


class _Word(NamedTuple):
    """A typed word, folded. The surface forms it may be are ``low`` ≤ form < ``high``."""

    text: str
    is_complete: bool
    low: int
    high: int


#: Other surface forms that some of the words may be.
Near = Mapping[_Word, npt.NDArray[Any]]


class Completer:
    """Completes texts from one segment. It never changes: any number of threads may share it."""

    def __init__(self, segment: Segment, near_prefix: NearPrefix | None = None) -> None:
        """``near_prefix``: by default no slips are tolerated."""
        self._segment = segment
        self._near_prefix = near_prefix
        self._keywords = _Phrases(segment.phrases("keyword"))
        self._questions = _Phrases(segment.phrases("question"))
        arrays = segment.files[0]
        self._spellings = arrays["spellings"]
        self._spelling_offsets = arrays["spelling_offsets"].data
        self._docs = arrays["question_docs"].data

    def complete(self, text: str, limit: int = 10) -> list[Completion]:
        """What a text may become, best first.

        By tiers; in each keywords before questions; then by pages, most first; then by length, shortest
        first. Questions get a third of the places, if there are as many, and keywords the others; what one
        kind leaves the other takes. A text without words, the empty one too, completes to nothing. Nothing
        that can be typed is an error.

        Args:
            text: what has been typed so far. Its last word may go on, unless a space, say, follows it.
            limit: completions wanted, 0 or more.

        Raises:
            TypeError: ``text`` is not a ``str``.
            ValueError: ``limit`` is negative.
            IndexDamagedError: a file of the index is not what was written.

        >>> import qtsearch
        >>> from qtsearch.generations import generation
        >>> report = qtsearch.reindex("examples/articles", "index")
        >>> completer = Completer(generation.open_segment("index")[1])
        >>> for completion in completer.complete("Thromb", limit=4):
        ...     print(completion.kind, completion.count, completion.text)
        keyword 1 thrombolysis
        keyword 1 thrombectomy devices
        keyword 1 thrombectomy procedure
        question 1 What causes deep vein thrombosis?
        """
        if not isinstance(text, str):
            raise TypeError(f"the text must be a str, not {type(text).__name__}")
        if limit < 0:
            raise ValueError(f"limit must be 0 or more, not {limit}")
        if not limit or len(text) > MAX_TYPED_CHARS:
            return []
        words = self._words(text)
        if not words:
            return []
        kinds = (self._keywords, self._questions)
        keywords, questions = found = [kind.find(words, limit) for kind in kinds]
        for tier, near in enumerate(self._near(words), 3):
            if len(keywords) + len(questions) >= limit:
                break
            for kind, phrases in zip(kinds, found, strict=True):
                kind.add_all(phrases, tier, words, near, limit)
        n_questions = min(len(questions), max(limit // 3, limit - len(keywords)))
        # Numbers stand in the order of the tiers, and in each the best first.
        shown = [(tier, 0, number) for number, tier in list(keywords.items())[: limit - n_questions]]
        shown += [(tier, 1, number) for number, tier in list(questions.items())[:n_questions]]
        return [self._question(n) if is_question else self._keyword(n) for _, is_question, n in sorted(shown)]

    def _words(self, text: str) -> list[_Word]:
        tokens = analysis.tokenize(text)
        # What a letter would lengthen may go on.
        goes_on = len(analysis.tokenize(text + "a")) == len(tokens)
        words = []
        for place, token in enumerate(tokens, 1):
            form = analysis.fold(token)
            is_complete = place < len(tokens) or not goes_on
            if is_complete:
                number = self._segment.find_form(form.encode())
                words.append(_Word(form, True, max(number, 0), number + 1))
            else:
                words.append(_Word(form, False, *self._segment.find_prefix(form.encode())))
        return words

    def _near(self, words: list[_Word]) -> Iterator[Near]:
        """Which words may be which surface forms, likeliest first.

        Words that no phrase has are mistyped; if there are none, the last may be, or the one before it.
        """
        if self._near_prefix is None:
            return
        mistyped = [word for word in words if not (self._keywords.knows(word) or self._questions.knows(word))]
        if len(mistyped) > _MAX_MISTYPED:
            return
        for choice in [mistyped] if mistyped else [[word] for word in words[: -_MAX_MISTYPED - 1 : -1]]:
            if min([len(word.text) for word in choice]) >= MIN_MISTYPED_LETTERS:
                yield {
                    word: self._forms_near(word, self._near_prefix(word.text, _MAX_NEAR)) for word in choice
                }

    def _forms_near(self, word: _Word, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Of surface forms that begin almost like a word those that it may be."""
        if word.is_complete:
            forms = self._segment.forms[numbers].tolist()
            numbers = numbers[np.array([_is_one_edit(form.decode(), word.text) for form in forms], bool)]
        return numbers

    def _keyword(self, number: int) -> Completion:
        start, stop = self._spelling_offsets[number : number + 2]
        text = self._spellings[start:stop].tobytes()
        if not text:
            text = b" ".join(self._segment.forms[self._keywords.words_of(number)].tolist())
        count = int(self._keywords.counts[number])
        return Completion(text.decode("utf-8", "surrogatepass"), "keyword", count, None)

    def _question(self, number: int) -> Completion:
        url, text = self._segment.url_and_question(self._docs[number])
        return Completion(text, "question", int(self._questions.counts[number]), url)


class _Phrases:
    """The phrases of one kind: their numbers, best first, by words."""

    def __init__(self, arrays: PhraseArrays) -> None:
        self.counts = arrays.counts
        self._words = arrays.words
        self._suffixes = arrays.suffixes
        self._places = arrays.places
        # Single numbers are read several times faster from a memoryview than from an array.
        self._offsets = arrays.offsets.data
        self._form_starts = arrays.starts.data
        self._starts = arrays.starts

    def words_of(self, number: int) -> npt.NDArray[Any]:
        """The surface forms of a phrase."""
        return self._words[self._offsets[number] : self._offsets[number + 1]]

    def knows(self, word: _Word) -> bool:
        """Whether any phrase has the word."""
        return self._form_starts[word.low] < self._form_starts[word.high]

    def find(self, words: list[_Word], limit: int) -> dict[int, int]:
        """Phrases by tier, from 0 to 2, the best ``limit`` of them."""
        low, high = self._suffixes_of(words)
        # Where a suffix is not the whole phrase, it comes after all that are.
        n_phrases = len(self.counts)
        later = (self._places[low:high] != 0) * np.uint32(n_phrases)
        found: dict[int, int] = {}
        for number in _smallest(later + self._suffixes[low:high], 2 * limit):
            tier = int(number >= n_phrases)
            found.setdefault(number - tier * n_phrases, tier)
        if len(found) < limit and len(words) > 1:
            self.add_all(found, 2, words, {}, limit)
        return dict(islice(found.items(), limit))

    def add_all(self, found: dict[int, int], tier: int, words: list[_Word], near: Near, limit: int) -> None:
        """Add the best phrases that have all the words, until there are ``limit``."""
        (phrases, _), *others = sorted(
            [self._having(word, near) for word in dict.fromkeys(words)], key=lambda having: len(having[0])
        )
        for having, forms in others:
            if len(phrases) > _FEW:
                marked = np.zeros(len(self.counts), bool)
                marked[having] = True
                phrases = phrases[marked[phrases]]
            else:  # most words of a question are frequent ones, and to go through their lists takes longer
                among = [any(map(forms.__contains__, self.words_of(n).tolist())) for n in phrases.tolist()]
                phrases = phrases[np.array(among, bool)]
        for phrase in _smallest(phrases, limit + len(found)):
            if len(found) >= limit:
                break
            found.setdefault(phrase, tier)

    def _having(self, word: _Word, near: Near) -> tuple[npt.NDArray[Any], Container[int]]:
        """The phrases that have a word, as often as they have it; and the surface forms that it may be."""
        if word in near:
            return pieces_of(self._suffixes, self._starts, near[word])[0], frozenset(near[word].tolist())
        low, high = self._form_starts[word.low], self._form_starts[word.high]
        return self._suffixes[low:high], range(word.low, word.high)

    def _suffixes_of(self, words: list[_Word]) -> tuple[int, int]:
        """The suffixes that begin with the words: the first of them, and the one after the last."""
        first, *others = words
        low, high = self._form_starts[first.low], self._form_starts[first.high]
        if not others or low == high:
            return low, high
        n_others = len(others)
        suffixes, places, offsets = self._suffixes.data, self._places.data, self._offsets

        def following(suffix: int) -> list[int]:
            phrase = suffixes[suffix]
            start = offsets[phrase] + places[suffix] + 1
            forms: list[int] = self._words[start : min(start + n_others, offsets[phrase + 1])].tolist()
            return forms

        begin = [word.low for word in others]
        end = [*begin[:-1], others[-1].high]
        if any(word.low == word.high for word in others):
            return low, low
        low = bisect_left(range(high), begin, low, key=following)
        return low, bisect_left(range(high), end, low, key=following)


def _smallest(numbers: npt.NDArray[Any], count: int) -> list[int]:
    """The smallest numbers, ascending, each once: ``count`` of them at least, if there are as many."""
    taken = 2 * count
    while taken < len(numbers):
        smallest = set(np.partition(numbers, taken)[:taken].tolist())
        if len(smallest) >= count:
            return sorted(smallest)
        taken *= 4
    return sorted(set(numbers.tolist()))


def _is_one_edit(first: str, second: str) -> bool:
    """Whether at most one letter was left out, put in, or replaced, or two side by side were swapped.

    >>> _is_one_edit("throm", "trhom"), _is_one_edit("throm", "trom"), _is_one_edit("throm", "tromb")
    (True, True, False)
    """
    if abs(len(first) - len(second)) > 1:
        return False
    for place, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            one, other = first[place:], second[place:]
            swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
            return one[1:] in (other, other[1:]) or one == other[1:] or swapped
    return True
