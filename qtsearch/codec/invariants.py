"""What must be true of the arrays of a segment, whoever wrote them: for ``verify``, which reads all of them.

Checksums tell that bytes are those that were written; these checks, that what was written is a segment. They
are a table of small functions over whole arrays, named as in :mod:`qtsearch.codec.segment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec import layout, records
from qtsearch.codec.frequencies import Frequencies, number_frequencies
from qtsearch.codec.keyterms import key_term_arrays
from qtsearch.codec.layout import Condition, ascends_between, within
from qtsearch.codec.segment import NO_DATE, SubjectSlice
from qtsearch.forks import cached_property
from qtsearch.parameters import RankingParameters, Weighting
from qtsearch.schema import FIELD_NAMES, slugify
from qtsearch.scoring import average_lengths, compute_impacts, compute_pair_impacts

__all__ = ["Arrays", "Broken", "broken"]

_KEYWORDS: Final = FIELD_NAMES.index("page_keywords")
_LAST_DAY: Final = 3_652_059  # 9999-12-31


class Broken(NamedTuple):
    """``array``: that is to blame; ``what`` is wrong of it."""

    array: str
    what: str


class Arrays(Mapping[str, npt.NDArray[Any]]):
    """The arrays of both files of a segment, and what several checks need of them.

    ``subjects``, ``parameters``, ``averages``: of the metadata.
    """

    def __init__(
        self,
        arrays: Mapping[str, npt.NDArray[Any]],
        subjects: Sequence[SubjectSlice],
        parameters: RankingParameters,
        averages: Sequence[float],
    ) -> None:
        self._arrays = arrays
        self.subjects = subjects
        self.parameters = parameters
        self.averages = averages

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @cached_property
    def n_terms(self) -> int:
        """T."""
        return len(self["terms"])

    @cached_property
    def n_docs(self) -> int:
        """N."""
        return len(self["ids"])

    @cached_property
    def frequencies(self) -> npt.NDArray[np.uint16]:
        """Of every posting, shape (P, 3)."""
        return Frequencies(self)[:]

    def by_term(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The sums over the postings of each term. ``values``: of every posting."""
        # A term without postings would make reduceat give something else: then what it counts is not right.
        starts = self["offsets"][:-1]
        if values.ndim == 1:
            sums: npt.NDArray[np.int64] = np.add.reduceat(values, starts, dtype=np.int64)
            return sums
        return np.stack([self.by_term(column) for column in values.T.copy()], axis=1)

    @cached_property
    def headings(self) -> list[tuple[bytes, str]]:
        """The url of every article, and its question. Raises ValueError if one is none."""
        data, offsets = self["headings"].tobytes(), self["heading_offsets"].tolist()
        found = []
        for start, stop in pairwise(offsets):
            url, nul, question = data[start:stop].partition(b"\0")  # a question may have another
            if not nul or not url.decode().isprintable():
                raise ValueError("a heading without a url")
            found.append((url, question.decode()))
        return found


def broken(arrays: Arrays) -> Iterator[Broken]:
    """All that is not true of the arrays of a segment.

    What rests on something that is not true is not looked at.
    """
    for checks in _STAGES:
        found = [Broken(name, what) for name, what, is_true in checks(arrays) if not _holds(is_true)]
        yield from found
        if found:
            return


def _holds(is_true: Callable[[], Any]) -> bool:
    try:
        return bool(is_true())
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        return False  # the condition could not even be looked at


# -- meaning ---------------------------------------------------------------------------------------------


def _meaning(arrays: Arrays) -> Iterator[Condition]:
    yield from _postings(arrays)
    yield from _words(arrays)
    yield from _articles(arrays)
    yield from _phrases(arrays)
    yield from _completions(arrays, "keyword")
    yield from _completions(arrays, "question")
    yield from _impacts(arrays)


def _postings(a: Arrays) -> Iterator[Condition]:
    rare = a["frequency_codes"] == 255
    yield (
        "frequency_codes",
        "has numbers beyond 'frequency_table'",
        lambda: within(a["frequency_codes"][~rare], len(a["frequency_table"])),
    )
    yield (
        "rare_postings",
        "does not list the postings without a frequency code",
        lambda: np.array_equal(rare.nonzero()[0], a["rare_postings"]),
    )
    frequencies = a.frequencies
    yield "frequency_codes", "has postings of no word", lambda: frequencies.any(axis=1).all()
    yield (
        "field_df",
        "does not count the articles",
        lambda: np.array_equal(a.by_term(frequencies > 0), a["field_df"]),
    )
    totals = frequencies.sum(axis=1, dtype=np.int64)
    yield (
        "position_offsets",
        "does not count the frequencies",
        lambda: np.array_equal(a.by_term(totals), np.diff(a["position_offsets"])),
    )
    ends = np.concatenate(([0], np.cumsum(totals)))
    yield (
        "positions",
        "does not ascend in an article",
        lambda: ascends_between(a["positions"], ends, equal=True),
    )
    starts = a["field_starts"]
    yield (
        "field_starts",
        "does not ascend from 0",
        lambda: not starts[:, 0].any() and (starts[:, 1:] >= starts[:, :-1]).all(),
    )
    yield "positions", "does not stand in the fields", lambda: _in_fields(a, totals)
    yield "lengths", "counts more words than there are", lambda: _lengths_fit(a)
    yield (
        "keyword_postings",
        "has postings that are in no keyword",
        lambda: frequencies[a["keyword_postings"], _KEYWORDS].all(),
    )
    yield "key_terms", "is not what the postings give", lambda: _key_terms_fit(a)


def _in_fields(a: Arrays, totals: npt.NDArray[np.int64]) -> bool:
    """Whether as many positions of a posting are in each field as its frequencies say."""
    starts = a["field_starts"][a["docs"]]
    first, second = np.repeat(starts[:, 1], totals), np.repeat(starts[:, 2], totals)
    fields = (a["positions"] >= first).astype(np.int8) + (a["positions"] >= second)
    postings = np.repeat(np.arange(len(totals)) * 3, totals)
    counts = np.bincount(postings + fields, minlength=3 * len(totals))
    return np.array_equal(counts.reshape(-1, 3), a.frequencies)


def _lengths_fit(a: Arrays) -> bool:
    docs = a["docs"]
    words = [np.bincount(docs, a.frequencies[:, field], a.n_docs) for field in range(3)]
    return bool((a["lengths"] <= np.stack(words, axis=1)).all())


def _key_terms_fit(a: Arrays) -> bool:
    (numbers,), triples = number_frequencies([a])
    expected = key_term_arrays(a["offsets"], a["docs"], numbers, triples, a["term_soft"], a.n_docs)
    return all(np.array_equal(a[name], array) for name, array in expected.items())


def _words(a: Arrays) -> Iterator[Condition]:
    yield (
        "term_soft",
        "is not what the terms are",
        lambda: a["term_soft"].tolist() == [analysis.is_soft(term.decode()) for term in a["terms"].tolist()],
    )
    yield "forms", "is no text", lambda: all(form.decode() for form in a["forms"].tolist())
    yield "form_terms", "leaves out terms", lambda: np.bincount(a["form_terms"], minlength=a.n_terms).all()
    frequencies = a["form_frequencies"]
    yield (
        "form_capitals",
        "counts more than there are",
        lambda: (a["form_capitals"] <= frequencies[:, :_KEYWORDS].sum(axis=1)).all(),
    )
    yield "form_frequencies", "does not count the postings", lambda: _forms_fit(a)
    yield (
        "expansion_shares",
        "is no share",
        lambda: ((a["expansion_shares"] > 0) & (a["expansion_shares"] <= 1)).all(),
    )


def _forms_fit(a: Arrays) -> bool:
    by_term = a.by_term(a.frequencies)
    for field in range(3):
        counts = np.bincount(a["form_terms"], a["form_frequencies"][:, field], a.n_terms)
        if not np.array_equal(counts, by_term[:, field]):
            return False
    return True


# -- articles --------------------------------------------------------------------------------------------


def _articles(a: Arrays) -> Iterator[Condition]:
    yield "headings", "is no url and question", lambda: len(a.headings) == a.n_docs
    yield "url_order", "does not sort the urls", lambda: _urls_ascend(a)
    yield "question_ranks", "does not sort the questions", lambda: _questions_ascend(a)
    yield (
        "dates",
        "has a day that is none",
        lambda: ((a["dates"] >= NO_DATE) & (a["dates"] <= _LAST_DAY)).all(),
    )
    yield "originals", "leads to another article", lambda: _originals_fit(a)
    yield "headings", "is not in order of subject and url", lambda: _subjects_fit(a)
    yield "records", "cannot be read", lambda: _records_fit(a)


def _urls_ascend(a: Arrays) -> bool:
    urls = [a.headings[doc][0] for doc in a["url_order"].tolist()]
    return all(first < second for first, second in pairwise(urls))


def _questions_ascend(a: Arrays) -> bool:
    order = np.argsort(a["question_ranks"]).tolist()
    keys = [(a.headings[doc][1].casefold(), doc) for doc in order]
    return all(first < second for first, second in pairwise(keys))


def _originals_fit(a: Arrays) -> bool:
    originals, ids = a["originals"], a["ids"]
    copies = (originals != np.arange(a.n_docs)).nonzero()[0].tolist()
    return bool(
        (originals <= np.arange(a.n_docs)).all()
        and (originals[originals] == originals).all()
        and (ids[originals] == ids).all()
        and all(a.headings[doc][1] == a.headings[originals[doc]][1] for doc in copies)
    )


def _subjects_fit(a: Arrays) -> bool:
    """Whether the subjects are slices of all articles, in order of slugs, the urls ascending in each."""
    stop = 0
    for subject in a.subjects:
        urls = [url for url, _ in a.headings[subject.start : subject.stop]]
        ascend = all(first < second for first, second in pairwise(urls))
        if not (stop == subject.start < subject.stop and ascend and slugify(subject.name) == subject.slug):
            return False
        stop = subject.stop
    slugs = [subject.slug for subject in a.subjects]
    return stop == a.n_docs and all(first < second for first, second in pairwise(slugs))


def _records_fit(a: Arrays) -> bool:
    """Whether every record can be read, and has the subject that the article is filed under."""
    data, offsets = a["records"].tobytes(), a["record_offsets"].tolist()
    dictionary = a["dictionary"].tobytes()
    slugs = [subject.slug for subject in a.subjects for _ in range(subject.start, subject.stop)]
    for slug, (start, stop) in zip(slugs, pairwise(offsets), strict=True):
        record = records.unpack(data[start:stop], dictionary)
        if slugify(record["subject"]) != slug or not isinstance(record["answer"], str):
            return False
    return True


# -- phrases, completions, impacts -----------------------------------------------------------------------


def _phrases(a: Arrays) -> Iterator[Condition]:
    keys, nodes = a["phrase_keys"], np.arange(len(a["phrase_keys"]))
    firsts = np.arange(a.n_terms + 1) * a.n_terms
    yield (
        "phrase_keys",
        "has nodes before their parents",
        lambda: (keys < (a.n_terms + nodes) * a.n_terms).all(),
    )
    yield (
        "phrase_children",
        "does not lead to the nodes",
        lambda: np.array_equal(keys.searchsorted(firsts), a["phrase_children"]),
    )
    yield "pair_counts", "has pairs that do not occur", lambda: a["pair_counts"].all()
    wholes = a["compound_wholes"][a["compound_rows"]]
    yield (
        "compound_rows",
        "is not in order of the terms",
        lambda: (
            np.array_equal(wholes.searchsorted(np.arange(a.n_terms + 1)), a["compound_offsets"])
            and (wholes[1:] >= wholes[:-1]).all()
        ),
    )
    yield "alone_postings", "has postings of other words", lambda: _alone_fit(a)


def _alone_fit(a: Arrays) -> bool:
    wholes = np.repeat(a["compound_wholes"], np.diff(a["alone_offsets"]))
    postings = a["alone_postings"]
    return bool(((a["offsets"][wholes] <= postings) & (postings < a["offsets"][wholes + 1])).all())


def _completions(a: Arrays, kind: str) -> Iterator[Condition]:
    words = a[f"{kind}_words"]
    counts = np.bincount(words, minlength=len(a["forms"]))
    yield (
        f"{kind}_starts",
        "does not lead to the words",
        lambda: np.array_equal(np.concatenate(([0], np.cumsum(counts))), a[f"{kind}_starts"]),
    )
    yield (
        f"{kind}_counts",
        "does not begin with the most frequent",
        lambda: (a[f"{kind}_counts"][1:] <= a[f"{kind}_counts"][:-1]).all(),
    )
    yield f"{kind}_suffixes", "is not in order of the words", lambda: _suffixes_ascend(a, kind)
    if kind == "keyword":
        yield "spellings", "is no text", lambda: _spellings_fit(a)


def _suffixes_ascend(a: Arrays, kind: str) -> bool:
    """Whether every end of a phrase is there, each smaller than the next by its words, then by its place."""
    words, offsets = a[f"{kind}_words"].astype(np.int64), a[f"{kind}_offsets"].astype(np.int64)
    phrases = a[f"{kind}_suffixes"].astype(np.intp)
    places = offsets[phrases] + a[f"{kind}_places"]
    if (places >= offsets[phrases + 1]).any():
        return False
    ranks = np.full(len(words) + 1, -1)
    ranks[places] = np.arange(len(places))
    # Of each end the rank of what follows its first word, -1 for nothing.
    after = np.where(places + 1 < offsets[phrases + 1], ranks[places + 1], -1)
    keys = np.stack((words[places], after, places))
    rises, differs = keys[:, 1:] > keys[:, :-1], keys[:, 1:] != keys[:, :-1]
    first = differs.argmax(axis=0)  # of the three the first that tells one end from the next
    return bool(
        (ranks[:-1] >= 0).all() and differs.any(axis=0).all() and rises[first, np.arange(len(first))].all()
    )


def _spellings_fit(a: Arrays) -> bool:
    data = a["spellings"].tobytes()
    for start, stop in pairwise(a["spelling_offsets"].tolist()):
        data[start:stop].decode("utf-8", "surrogatepass")
    return True


def _impacts(a: Arrays) -> Iterator[Condition]:
    lengths = a["lengths"]
    yield (
        "impacts",
        "has other average lengths",
        lambda: list(a.averages) == average_lengths(lengths).tolist(),
    )
    yield "impacts", "is not what the formula gives", lambda: np.array_equal(_computed(a), a["impacts"])
    yield (
        "max_impacts",
        "is not the largest of each term",
        lambda: np.array_equal(np.maximum.reduceat(a["impacts"], a["offsets"][:-1]), a["max_impacts"]),
    )
    yield (
        "pair_impacts",
        "is not what the formula gives",
        lambda: np.array_equal(
            compute_pair_impacts(a["pair_docs"], a["pair_counts"], lengths[:, 1], a.parameters),
            a["pair_impacts"],
        ),
    )


def _computed(a: Arrays) -> npt.NDArray[np.uint16]:
    weighting = Weighting.of(a.parameters)
    frequencies = Frequencies(a)
    return compute_impacts(
        a["docs"], frequencies, a["offsets"], a["lengths"], a["keyword_postings"], weighting
    )


_STAGES: Final = (layout.layout, layout.offsets, layout.order, _meaning)
