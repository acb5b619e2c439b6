"""What a text is completed from: the different keywords and questions, in the order of their words.

Keywords that are the same but for case, accents, punctuation and spaces are one *phrase*, shown as it is most
often written; so are questions. A phrase is a sequence of surface forms, which are numbered in the order of
their letters. The phrases of a kind are numbered best first: by pages, most first; by characters, fewest
first; by text. So the best of any set of phrases are its smallest numbers.

Every word of every phrase begins a *suffix*, which goes on to the end of the phrase; suffixes are kept
ascending by their words (a suffix array: Manber and Myers, 1993). So those that begin alike lie side by side.

Three of four keywords are written as their surface forms with spaces between: of these no spelling is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import offsets_of, pieces_of
from qtsearch.codec.texts import split_texts

__all__ = ["MAX_PHRASE_WORDS", "Texts", "completion_arrays", "merged_texts"]

#: A keyword or question of more words is not offered: places are stored in 8 bits.
MAX_PHRASE_WORDS: Final = 255

Integers = npt.NDArray[np.int64]


class Texts(NamedTuple):
    """The different texts of one kind, ascending: ``words`` and ``offsets``, the surface forms of each;
    ``found``, text and article packed as text · MAX_DOCS + article, each once, in any order."""

    texts: list[bytes]
    words: Integers
    offsets: Integers
    found: Integers


def completion_arrays(
    keywords: Texts, questions: Texts, forms: npt.NDArray[np.bytes_]
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of completion, as the table in :mod:`qtsearch.codec.segment` has them.

    ``forms``: the surface forms of the segment.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    phrases = _Phrases(keywords, len(forms))
    arrays |= phrases.arrays("keyword")
    words = forms[phrases.words].tolist()
    bounds = pairwise(phrases.offsets.tolist())
    spelt = [b" ".join(words[start:stop]) for start, stop in bounds]
    texts = [b"" if text == plain else text for text, plain in zip(phrases.texts, spelt, strict=True)]
    arrays["spellings"] = np.frombuffer(b"".join(texts), np.uint8)
    arrays["spelling_offsets"] = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    phrases = _Phrases(questions, len(forms))
    arrays |= phrases.arrays("question")
    arrays["question_docs"] = phrases.docs.astype(_narrowest(int(phrases.docs.max(initial=0))))
    return arrays


class _Phrases:
    """The phrases of one kind, best first.

    ``texts``: each in its commonest spelling. ``counts``: pages that have it. ``docs``: the first page that
    has it in this spelling. ``words`` and ``offsets``: its surface forms.
    """

    def __init__(self, given: Texts, n_forms: int) -> None:
        self._n_forms = n_forms
        texts, words, offsets, found = given
        phrases = _same_words(words, offsets)
        found = _distinct(found[phrases[found // MAX_DOCS] >= 0])
        spellings, docs = found // MAX_DOCS, found % MAX_DOCS
        counts = np.bincount(_distinct(phrases[spellings] * MAX_DOCS + docs) // MAX_DOCS)
        first = np.flatnonzero(np.diff(spellings, prepend=-1))
        spellings, docs, pages = spellings[first], docs[first], np.diff(first, append=len(found))
        # By phrase, its commonest spelling first; of equally common ones the first by its bytes.
        order = np.lexsort((spellings, -pages, phrases[spellings]))
        best = order[np.diff(phrases[spellings[order]], prepend=-1) > 0]
        lengths = np.array(
            [len(texts[number].decode("utf-8", "surrogatepass")) for number in spellings[best].tolist()]
        )
        best = best[np.lexsort((spellings[best], lengths, -counts))]
        spellings = spellings[best]
        self.texts = [texts[number] for number in spellings.tolist()]
        self.counts = counts[phrases[spellings]]
        self.docs = docs[best]
        self.words, self.offsets = pieces_of(words, offsets, spellings)

    def arrays(self, kind: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays that both kinds have."""
        lengths = np.diff(self.offsets)
        phrases = np.repeat(np.arange(len(lengths)), lengths)
        order = _suffix_order(self.words, np.repeat(self.offsets[1:], lengths))
        places = np.arange(len(self.words)) - self.offsets[phrases]
        first = np.bincount(self.words, minlength=self._n_forms)
        arrays = {
            "words": self.words.astype(_narrowest(self._n_forms)),
            "offsets": self.offsets.astype(np.int32),
            "counts": self.counts.astype(_narrowest(int(self.counts.max(initial=0)))),
            "suffixes": phrases[order].astype(_narrowest(len(lengths))),
            "places": places[order].astype(np.uint8),
            "starts": np.concatenate(([0], np.cumsum(first))).astype(np.int32),
        }
        return {f"{kind}_{name}": array for name, array in arrays.items()}


def _distinct(values: Integers) -> Integers:
    """Ascending, each once. ``np.unique`` hashes, which takes some times longer."""
    values = np.sort(values)
    return values[np.diff(values, prepend=-1) > 0]


def _narrowest(largest: int) -> np.dtype[Any]:
    return np.promote_types(np.uint16, np.min_scalar_type(largest))


def merged_texts(
    kind: Literal["keyword", "question"],
    chunks: Sequence[Arrays],
    forms: npt.NDArray[np.bytes_],
    doc_of: npt.NDArray[np.int32],
) -> Texts:
    """The texts of a kind.

    Args:
        kind: of what.
        chunks: as :mod:`qtsearch.codec.chunk` has them.
        forms: the surface forms of the segment.
        doc_of: the new number of every article, chunks in turn; -1 for one that is left out.
    """
    rows: list[bytes] = []
    words, lengths, row_docs, row_numbers = [], [], [], []
    first_doc = 0
    for chunk in chunks:
        texts = split_texts(chunk, f"{kind}s")
        n_docs = len(chunk["ids"])
        each = np.arange(n_docs)
        carried = chunk["carried"] if kind == "keyword" else np.stack((each, each), axis=1)
        row_docs.append(doc_of[first_doc : first_doc + n_docs][carried[:, 0]])
        row_numbers.append(carried[:, 1].astype(np.int64) + len(rows))
        rows += texts
        # A form of articles left out alone has no number, and stands in no text that is kept.
        words.append(np.searchsorted(forms, chunk["forms"])[chunk[f"{kind}_words"]])
        lengths.append(np.diff(chunk[f"{kind}_word_offsets"]))
        first_doc += n_docs
    docs, numbers = np.concatenate(row_docs), np.concatenate(row_numbers)
    docs, numbers = docs[docs >= 0], numbers[docs >= 0]
    row_of = {rows[number]: number for number in np.flatnonzero(np.bincount(numbers)).tolist()}
    texts = sorted(row_of)
    place = {text: number for number, text in enumerate(texts)}
    text_of = np.array([place.get(text, -1) for text in rows], np.int64)
    offsets = offsets_of(np.concatenate(lengths))
    one_row = np.array([row_of[text] for text in texts], np.int64)
    words_of, starts = pieces_of(np.concatenate(words), offsets, one_row)
    return Texts(texts, words_of, starts, text_of[numbers] * MAX_DOCS + docs)


def _same_words(words: Integers, offsets: Integers) -> Integers:
    """The same number for texts of the same words; -1 for those that have none, or too many."""
    data = words.tobytes()
    size = words.itemsize
    numbers: dict[bytes, int] = {}
    found = [
        numbers.setdefault(data[start * size : stop * size], len(numbers))
        if 0 < stop - start <= MAX_PHRASE_WORDS
        else -1
        for start, stop in pairwise(offsets.tolist())
    ]
    return np.array(found, np.int64)


def _suffix_order(words: Integers, ends: Integers) -> Integers:
    """The places of ``words``, ascending by the words from there on to the end of the phrase.

    ``ends``: of the phrase of each. Equal ones keep their order. By prefix doubling: the ranks by the first n
    words, two of each joined, are those by the first 2n.
    """
    ranks = words + 1
    places = np.arange(len(words))
    n_ranks, step = 0, 1
    while True:
        later = places + step
        within = later < ends
        keys = ranks * (ranks.max(initial=0) + 1)
        keys[within] += ranks[later[within]]
        distinct, ranks = np.unique(keys, return_inverse=True)
        ranks += 1
        if len(distinct) == n_ranks:
            return np.argsort(ranks, kind="stable")
        n_ranks = len(distinct)
        step *= 2
