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
from itertools import compress
from operator import ne
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import offsets_of, pieces_of, places_of
from qtsearch.codec.sorting import distinct
from qtsearch.codec.texts import joined_texts

__all__ = ["MAX_PHRASE_WORDS", "Texts", "completion_arrays", "merged_texts"]

#: A keyword or question of more words is not offered: places are stored in 8 bits.
MAX_PHRASE_WORDS: Final = 255

Integers = npt.NDArray[np.int64]


class Texts(NamedTuple):
    """The different texts of one kind, ascending: of each one of the ``rows`` that have it; a ``blob``, and
    where each begins and the last one ends in it; ``words`` and ``offsets``, the surface forms of each;
    ``found``, text and article packed as text · MAX_DOCS + article, each once, in any order."""

    rows: Integers
    blob: npt.NDArray[np.uint8]
    bounds: Integers
    words: Integers
    offsets: Integers
    found: Integers


def completion_arrays(
    keywords: Texts, plain: npt.NDArray[np.bool_], questions: Texts, n_forms: int
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of completion, as the table in :mod:`qtsearch.codec.segment` has them.

    ``plain``: of each keyword whether it is written as its surface forms with spaces between. ``n_forms``:
    surface forms of the segment.
    """
    phrases = _Phrases(keywords, n_forms)
    arrays = phrases.arrays("keyword") | _spellings(keywords, phrases.spellings, plain)
    phrases = _Phrases(questions, n_forms)
    arrays |= phrases.arrays("question")
    arrays["question_docs"] = phrases.docs.astype(_narrowest(int(phrases.docs.max(initial=0))))
    return arrays


class _Phrases:
    """The phrases of one kind, best first.

    ``spellings``: the number of the text that is its commonest spelling. ``counts``: pages that have it.
    ``docs``: the first page that has it in this spelling. ``words`` and ``offsets``: its surface forms.
    """

    def __init__(self, given: Texts, n_forms: int) -> None:
        self._n_forms = n_forms
        lengths = np.diff(given.offsets)
        ranks = _suffix_ranks(given.words, np.repeat(given.offsets[1:], lengths), n_forms)
        # Texts of the same words are one phrase, with the rank of its first word for its number.
        phrases = np.full(len(lengths), -1, np.int64)
        offered = (lengths > 0) & (lengths <= MAX_PHRASE_WORDS)
        phrases[offered] = ranks[given.offsets[:-1][offered]]
        found = distinct(given.found[offered[given.found // MAX_DOCS]])
        spellings, docs = found // MAX_DOCS, found % MAX_DOCS
        counts = np.bincount(distinct(phrases[spellings] * MAX_DOCS + docs) // MAX_DOCS)
        first = np.flatnonzero(np.diff(spellings, prepend=-1))
        spellings, docs, pages = spellings[first], docs[first], np.diff(first, append=len(found))
        # By phrase, its commonest spelling first; of equally common ones the first by its bytes.
        order = np.lexsort((-pages, phrases[spellings]))
        best = np.sort(order[np.diff(phrases[spellings[order]], prepend=-1) > 0])
        counts = counts[phrases[spellings[best]]]
        by_worth = np.lexsort((_characters(given)[spellings[best]], -counts))
        self.counts = counts[by_worth]
        self.docs = docs[best[by_worth]]
        self.spellings = spellings[best[by_worth]]
        which, places = places_of(given.offsets, self.spellings)
        self.words = given.words[places]
        self.offsets = offsets_of(lengths[self.spellings])
        self._phrases = which
        self._ranks = ranks[places]

    def arrays(self, kind: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays that both kinds have."""
        words, offsets, phrases = self.words, self.offsets, self._phrases
        every = np.arange(len(words))
        order = np.sort(self._ranks << 32 | every) & 0xFFFF_FFFF  # equal ones in the order they come
        places = every - offsets[phrases]
        arrays = {
            "words": words.astype(_narrowest(self._n_forms)),
            "offsets": offsets.astype(np.int32),
            "counts": self.counts.astype(_narrowest(int(self.counts.max(initial=0)))),
            "suffixes": phrases[order].astype(_narrowest(len(offsets) - 1)),
            "places": places[order].astype(np.uint8),
            "starts": offsets_of(np.bincount(words, minlength=self._n_forms)).astype(np.int32),
        }
        return {f"{kind}_{name}": array for name, array in arrays.items()}


def _characters(given: Texts) -> Integers:
    """The length of each text in characters, which is that in bytes but for those that go on a character."""
    lengths = np.diff(given.bounds)
    goes_on = np.flatnonzero((given.blob & 0xC0) == 0x80)
    return lengths - np.diff(goes_on.searchsorted(given.bounds))


def _spellings(
    given: Texts, texts: npt.NDArray[np.int64], plain: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[Any]]:
    """The spellings of phrases, empty where one is its surface forms with spaces between.

    ``texts``: the number of the text that is the spelling of each.
    """
    odd = ~plain[texts]
    lengths = np.where(odd, np.diff(given.bounds)[texts], 0)
    return {
        "spellings": pieces_of(given.blob, given.bounds, texts[odd])[0],
        "spelling_offsets": offsets_of(lengths).astype(np.int32),
    }


def _narrowest(largest: int) -> np.dtype[Any]:
    return np.promote_types(np.uint16, np.min_scalar_type(largest))


def merged_texts(
    kind: Literal["keyword", "question"],
    chunks: Sequence[Arrays],
    rows: Sequence[bytes],
    form_numbers: Sequence[Integers],
    doc_of: npt.NDArray[np.int32],
) -> Texts:
    """The texts of a kind.

    Args:
        kind: of what.
        chunks: as :mod:`qtsearch.codec.chunk` has them.
        rows: their texts of this kind, chunks in turn.
        form_numbers: of each chunk the new number of every surface form.
        doc_of: the new number of every article, chunks in turn; -1 for one that is left out.
    """
    words, lengths, row_docs, row_numbers = [], [], [], []
    first_doc = first_row = 0
    for chunk, of_forms in zip(chunks, form_numbers, strict=True):
        n_docs = len(chunk["ids"])
        each = np.arange(n_docs)
        carried = chunk["carried"] if kind == "keyword" else np.stack((each, each), axis=1)
        row_docs.append(doc_of[first_doc : first_doc + n_docs][carried[:, 0]])
        row_numbers.append(carried[:, 1].astype(np.int64) + first_row)
        # A form of articles left out alone has no number, and stands in no text that is kept.
        words.append(of_forms[chunk[f"{kind}_words"]])
        lengths.append(np.diff(chunk[f"{kind}_word_offsets"]))
        first_doc += n_docs
        first_row += len(lengths[-1])
    docs, numbers = np.concatenate(row_docs), np.concatenate(row_numbers)
    docs, numbers = docs[docs >= 0], numbers[docs >= 0]
    order = sorted(np.flatnonzero(np.bincount(numbers)).tolist(), key=rows.__getitem__)
    texts = list(map(rows.__getitem__, order))
    new = list(map(ne, texts, [None, *texts]))
    ordered, first = np.array(order, np.int64), np.array(new, bool)
    text_of = np.empty(len(rows), np.int64)
    text_of[ordered] = np.cumsum(first) - 1
    one_row = ordered[first]
    words_of, starts = pieces_of(np.concatenate(words), offsets_of(np.concatenate(lengths)), one_row)
    blob, bounds = joined_texts("texts", list(compress(texts, new))).values()
    return Texts(one_row, blob, bounds, words_of, starts, text_of[numbers] * MAX_DOCS + docs)


def _suffix_ranks(words: Integers, ends: Integers, n_forms: int) -> Integers:
    """The rank of every suffix: of the words from each place on to the end of its text, equal for the same.

    ``ends``: of the text of each. By prefix doubling, several at once: ranks by the first n words, as many
    as fit a number, are those by the first 2n, 3n or more; only those are ranked anew of which others had the
    same. A rank is one more than the number of suffixes that are less.
    """
    ranks = offsets_of(np.bincount(words, minlength=n_forms))[words] + 1
    bits = (len(words) + 1).bit_length()
    at_a_time = 63 // bits
    tied = np.arange(len(words))
    step = 1
    while len(tied):
        old = keys = ranks[tied]
        for number in range(1, at_a_time):
            later = tied + number * step
            keys = keys << bits | np.where(later < ends[tied], ranks.take(later, mode="clip"), 0)
        order = np.argsort(keys)
        tied, keys, old = tied[order], keys[order], old[order]
        first = np.diff(keys, prepend=-1) > 0
        starts = np.flatnonzero(first)
        old_starts = np.flatnonzero(np.diff(old, prepend=-1))
        less = np.repeat(starts, np.diff(starts, append=len(tied)))
        less -= np.repeat(old_starts, np.diff(old_starts, append=len(tied)))
        ranks[tied] = old + less
        step *= at_a_time
        alone = first & np.append(first[1:], True)
        tied = tied[~alone & (ends[tied] - tied >= step)]
    return ranks
