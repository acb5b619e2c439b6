"""A segment: every array of it by name, and the look-ups that need no more than these arrays.

``MAIN_<id>.arrays`` holds what the articles say, ``MAIN_<id>.impacts`` what the formula makes of it. With
N articles, T terms, S surface forms, P postings and M token positions:

=================  ==========  ===========  =========================================================
array              dtype       shape        meaning
=================  ==========  ===========  =========================================================
terms              S<width>    (T,)         stems, ascending
term_soft          bool        (T,)         whether it is the stem of a soft word
field_df           uint32      (T, 3)       articles that have the term in each text field
offsets            int64       (T + 1,)     where each term's postings begin in the arrays of P
docs               uint16 [1]  (P,)         articles, ascending within a term
frequency_codes    uint8       (P,)         row of ``frequency_table``; 255: see ``rare_postings``
frequency_table    uint16      (≤ 255, 3)   the commonest term frequencies in the text fields; never all 0
rare_postings      int64       (F,)         postings with other frequencies, ascending
rare_frequencies   uint16      (F, 3)       the frequencies of each of these
position_offsets   int64       (T + 1,)     where each term's positions begin in ``positions``
positions          uint16      (M,)         position in the article, ascending within a posting
forms              S<width>    (S,)         surface forms, ascending
form_terms         int32       (S,)         the term of each
form_frequencies   uint32      (S, 3)       occurrences of each in each text field
form_capitals      uint32      (S,)         those in question and answer written as abbreviations are [3]
keyword_postings   int32       (≤ P,)       postings whose term alone is a keyword of the article, ascending
phrase_keys        int64       (K,)         nodes of the trie of keywords of several terms [2]
phrase_children    int32       (T + 1,)     where the nodes of two terms begin that begin with each term
phrase_offsets     int32       (K + 1,)     where each node's articles begin in ``phrase_docs``
phrase_docs        as docs     (≥ 0,)       articles of which the node's terms are a keyword, ascending
pair_seconds       uint16 [1]  (Q,)         second terms of the pairs of each first term in turn [2]
pair_children      int32       (T + 1,)     where the pairs that begin with each term begin
pair_offsets       int32       (Q + 1,)     where each pair's articles begin in ``pair_docs``
pair_docs          as docs     (R,)         articles of each pair, ascending
pair_counts        uint8       (R,)         how often the pair stands in the answer, 255 for more
compound_seconds   int32       (H,)         second terms of the compounds of each first term in turn
compound_wholes    int32       (H,)         the term of both in one word
compound_children  int32       (T + 1,)     where the compounds that begin with each term begin
compound_rows      int32       (H,)         the compounds of each term that is both in one word, in turn
compound_offsets   int32       (T + 1,)     where those of each begin
hyphen_offsets     int32       (H + 1,)     where each compound's articles begin in ``hyphen_docs``
hyphen_docs        as docs     (≥ 0,)       articles that have it with a hyphen, ascending
alone_offsets      int32       (H + 1,)     where each compound's postings begin in ``alone_postings``
alone_postings     int32       (≥ 0,)       of the one word: in articles that do not have both of the two [2]
apart_offsets      int32       (H + 1,)     where each compound's articles begin in ``apart_docs``
apart_docs         as docs     (≥ 0,)       those with the pair that do not have the one word, ascending [2]
key_terms          uint16 [1]  (N, 24)      the terms that tell an article best from others, weightiest first
key_weights        uint8       (N, 24)      how much each weighs, 0 where the article has fewer
abbreviations      S<width>    (A,)         short forms, ascending: surface forms, spaces between
expansion_starts   int32       (A + 1,)     where the expansions of each begin
expansion_shares   float32     (E,)         which share of the definitions of the short form each has
expansion_offsets  int32       (E + 1,)     where the terms of each begin in ``expansion_terms``
expansion_terms    int32       (≥ 0,)       the terms of each expansion
lengths            uint16      (N, 3)       tokens in each text field, stop words not counted
field_starts       uint16      (N, 3)       position of the first token of each text field
ids                int64       (N,)         the article's id, :data:`NO_ID` where there is none
dates              int32       (N,)         proleptic Gregorian ordinal, :data:`NO_DATE` where there is none
originals          int32       (N,)         the first page of the same article: same id, question and answer
question_ranks     int32       (N,)         the place of its question in alphabetical order
keyword_words      uint16 [1]  (W,)         surface forms of the different keywords, best first [4]
keyword_offsets    int32       (C + 1,)     where each keyword's words begin
keyword_counts     uint16 [1]  (C,)         articles that have it
keyword_suffixes   uint16 [1]  (W,)         all ends of keywords, ascending by their words: the keyword [4]
keyword_places     uint8       (W,)         the same: its word, from 0, that this end begins with
keyword_starts     int32       (S + 1,)     where the ends begin that begin with each surface form
spelling_offsets   int32       (C + 1,)     into ``spellings``: each keyword as written most often; UTF-8 [4]
question_words     uint16 [1]  (V,)         of the different questions the same
question_offsets   int32       (D + 1,)     the same
question_counts    uint16 [1]  (D,)         the same
question_suffixes  uint16 [1]  (V,)         the same
question_places    uint8       (V,)         the same
question_starts    int32       (S + 1,)     the same
question_docs      uint16 [1]  (D,)         an article with the question, as it is most often written
heading_offsets    int64       (N + 1,)     into ``headings``: each article's url, a NUL, its question; UTF-8
url_order          int32       (N,)         articles by ascending bytes of the url
record_offsets     int64       (N + 1,)     into ``records``: each article's record, compressed
dictionary         uint8       (≤ 32768,)   the dictionary that all records are compressed with
impacts            uint16      (P,)         in the other file: the score of each posting, times 256
max_impacts        uint16      (T,)         in the other file: the largest of each term
pair_impacts       uint8       (R,)         in the other file: what each of ``pair_docs`` counts, of 255
=================  ==========  ===========  =========================================================

[1] the narrowest that holds the values: ``docs`` is int32 above 65,536 articles. [2] ascending; see
:mod:`qtsearch.codec.phrases`. [3] see :func:`qtsearch.text.abbreviations.is_capital`. [4] see
:mod:`qtsearch.codec.completions`. The metadata of the other file has the ranking parameters and the average
lengths of the fields.

Articles are numbered by (subject slug, url), so that a subject is a slice; the metadata lists the subjects
with their slices. A record is what :func:`qtsearch.codec.records.pack` makes of an article.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from qtsearch.codec.container import ArrayFile, SlicedArray
from qtsearch.codec.frequencies import Frequencies
from qtsearch.disk import INDEX_NAME
from qtsearch.errors import IndexDamagedError
from qtsearch.forks import cached_property, late_imports
from qtsearch.parameters import RankingParameters

__all__ = [
    "INDEX_NAME",
    "MAX_PHRASE_TERMS",
    "NO_DATE",
    "NO_ID",
    "SEGMENT_EXTENSIONS",
    "PhraseArrays",
    "Segment",
    "SubjectSlice",
    "offsets_of",
    "pieces_of",
    "places_of",
    "segment_file",
]

#: What a segment's files are called after ``MAIN_<id>``. Searching does without the last one.
SEGMENT_EXTENSIONS: Final = (".arrays", ".impacts", ".sources")
NO_ID: Final = -(1 << 63)
NO_DATE: Final = 0
#: A keyword of more terms has no postings of its own: it is found by its words.
MAX_PHRASE_TERMS: Final = 8

#: The files of a segment.
_ARRAYS: Final = 0
_IMPACTS: Final = 1

Element = TypeVar("Element", bound=np.generic)


class SubjectSlice(NamedTuple):
    """The articles ``start`` ≤ doc < ``stop`` have the subject ``slug``, most often written ``name``."""

    slug: str
    name: str
    start: int
    stop: int


class PhraseArrays(NamedTuple):
    """The arrays that the keywords and the different questions each have, named as in the table above."""

    words: npt.NDArray[Any]
    offsets: npt.NDArray[np.int32]
    counts: npt.NDArray[Any]
    suffixes: npt.NDArray[Any]
    places: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int32]


class _Array(Generic[Element]):
    """An array as an attribute of a segment: taken from its file, and so checked, when first asked for."""

    def __init__(self, file: int = _ARRAYS) -> None:
        self.file = file

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, segment: Segment, owner: type) -> npt.NDArray[Element]:
        array = segment.files[self.file][self._name]
        segment.__dict__[self._name] = array  # from now on an attribute like any other
        return array


class _Sliced:
    """The same for an array that is large: slices of it are checked when they are taken."""

    def __init__(self, file: int = _ARRAYS) -> None:
        self.file = file

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, segment: Segment, owner: type) -> SlicedArray:
        array = segment.__dict__[self._name] = segment.files[self.file].sliced(self._name)
        return array


class Segment:
    """One open segment. Arrays are attributes, under the names of the table above; all are read-only.

    What is used of an array is checked when it is first used: then IndexDamagedError is raised if it is not
    what was written. Of those that are large, slices are to be taken.
    """

    terms = _Array[Any]()
    term_soft = _Array[Any]()
    field_df = _Array[Any]()
    offsets = _Array[np.int64]()
    docs = _Sliced()
    position_offsets = _Array[np.int64]()
    positions = _Sliced()
    forms = _Array[Any]()
    form_terms = _Array[Any]()
    form_frequencies = _Array[Any]()
    form_capitals = _Array[np.uint32]()
    keyword_postings = _Array[np.int32]()
    phrase_keys = _Array[np.int64]()
    phrase_children = _Array[np.int32]()
    phrase_offsets = _Array[np.int32]()
    phrase_docs = _Array[Any]()
    pair_seconds = _Sliced()
    pair_children = _Array[np.int32]()
    pair_offsets = _Sliced()
    pair_docs = _Sliced()
    pair_counts = _Array[np.uint8]()
    compound_seconds = _Array[np.int32]()
    compound_wholes = _Array[np.int32]()
    compound_children = _Array[np.int32]()
    compound_rows = _Array[np.int32]()
    compound_offsets = _Array[np.int32]()
    alone_offsets = _Array[np.int32]()
    alone_postings = _Array[np.int32]()
    apart_offsets = _Array[np.int32]()
    apart_docs = _Array[Any]()
    key_terms = _Array[Any]()
    key_weights = _Array[np.uint8]()
    abbreviations = _Array[Any]()
    expansion_starts = _Array[np.int32]()
    expansion_shares = _Array[np.float32]()
    expansion_offsets = _Array[np.int32]()
    expansion_terms = _Array[np.int32]()
    lengths = _Array[np.uint16]()
    field_starts = _Array[np.uint16]()
    ids = _Array[np.int64]()
    dates = _Array[np.int32]()
    originals = _Array[np.int32]()
    question_ranks = _Array[np.int32]()
    url_order = _Array[Any]()
    impacts = _Sliced(_IMPACTS)
    max_impacts = _Array[np.uint16](_IMPACTS)
    pair_impacts = _Sliced(_IMPACTS)

    def __init__(self, folder: str, segment_id: str) -> None:
        """Map the files of a segment.

        Raises:
            OSError: a file is missing or cannot be read.
            IndexVersionError, IndexDamagedError: see :class:`~qtsearch.codec.container.ArrayFile`.
        """
        arrays = ArrayFile(segment_file(folder, segment_id, ".arrays"))
        impacts = ArrayFile(segment_file(folder, segment_id, ".impacts"))
        self.segment_id = segment_id
        self.files = (arrays, impacts)
        self.metadata = arrays.metadata
        try:
            self.subjects = tuple(SubjectSlice(*row) for row in arrays.metadata["subjects"])
        except (KeyError, TypeError) as error:
            raise IndexDamagedError(arrays.path, "has no list of subjects") from error
        self.n_docs = arrays.shape("ids")[0]
        for name, attribute in vars(Segment).items():
            if isinstance(attribute, _Array | _Sliced):
                self.files[attribute.file].shape(name)  # which raises an error if there is none
        sizes = [impacts.shape(name) for name in ("impacts", "max_impacts", "pair_impacts")]
        if sizes != [arrays.shape(name) for name in ("docs", "terms", "pair_docs")]:
            raise IndexDamagedError(impacts.path, f"does not belong to {arrays.path}")
        try:
            self.parameters = RankingParameters.from_dict(impacts.metadata["parameters"])
            self.average_lengths = tuple(map(float, impacts.metadata["average_lengths"]))
            if len(self.average_lengths) != 3 or not all(
                0 < mean < math.inf for mean in self.average_lengths
            ):
                raise ValueError(f"average lengths {self.average_lengths}")
        except (KeyError, TypeError, ValueError) as error:
            raise IndexDamagedError(impacts.path, f"has no ranking parameters ({error})") from error

    @cached_property
    def frequencies(self) -> Frequencies:
        """The term frequencies of all postings."""
        arrays = self.files[_ARRAYS]
        return Frequencies(arrays, arrays.sliced("frequency_codes"))

    @cached_property
    def raw_headings(self) -> Callable[[Iterable[int]], list[bytes]]:
        """What gives the headings of articles as bytes, in UTF-8: the url, a NUL, the question."""
        return self.files[_ARRAYS].pieces("headings", "heading_offsets")

    @cached_property
    def _records(self) -> Callable[[Iterable[int]], list[bytes]]:
        return self.files[_ARRAYS].pieces("records", "record_offsets")

    @cached_property
    def dictionary(self) -> bytes:
        """What all records are compressed with."""
        return self.files[_ARRAYS]["dictionary"].tobytes()

    @cached_property
    def copies(self) -> npt.NDArray[np.intp]:
        """The pages of all articles that stand on several, ascending. Raises IndexDamagedError."""
        # A forged index could ask for any amount of memory here.
        if self.originals.min() < 0 or self.originals.max() >= self.n_docs:
            raise IndexDamagedError(self.files[0].path, "has copies of pages that it has not")
        pages = np.bincount(self.originals, minlength=self.n_docs)
        return (pages[self.originals] > 1).nonzero()[0]

    def pages_of(self, doc: int) -> list[int]:
        """All pages of an article, ascending, given one of them."""
        pages: list[int] = self.copies[self.originals[self.copies] == self.originals[doc]].tolist()
        return pages or [doc]

    def find_term(self, term: bytes) -> int:
        """The number of a term, -1 if no article has it."""
        return _find(self.terms, term)

    def find_form(self, form: bytes) -> int:
        """The number of a surface form, -1 if no article has it."""
        return _find(self.forms, form)

    def forms_of(self, term: int) -> list[bytes]:
        """The surface forms of a term."""
        order, starts = self._forms_by_term
        forms: list[bytes] = self.forms[order[starts[term] : starts[term + 1]]].tolist()
        return forms

    @cached_property
    def _forms_by_term(self) -> tuple[npt.NDArray[np.intp], memoryview]:
        """The surface forms in order of their terms, and where those of each term begin."""
        counts = np.bincount(self.form_terms, minlength=len(self.terms))
        return self.form_terms.argsort(kind="stable"), offsets_of(counts).data

    def headings(self, docs: Iterable[int]) -> tuple[list[str], list[str]]:
        """The urls and the questions of these articles."""
        headings = self.raw_headings(docs)
        texts = b"\0".join(headings).decode().split("\0")
        if len(texts) == 2 * len(headings):
            return texts[::2], texts[1::2]
        pairs = [heading.decode().partition("\0") for heading in headings]  # a NUL in a question
        return [url for url, _, _ in pairs], [question for _, _, question in pairs]

    def url_and_question(self, doc: int) -> tuple[str, str]:
        """The url and the question of an article."""
        (url,), (question,) = self.headings((doc,))
        return url, question

    def record(self, doc: int) -> dict[str, Any]:
        """The rest of an article: see :mod:`qtsearch.codec.records`. Raises IndexDamagedError."""
        with late_imports:
            from qtsearch.codec import records  # here: a query for ten urls reads none

        try:
            return records.unpack(self._records((doc,))[0], self.dictionary)
        except ValueError as error:
            reason = f"the text of article {doc} is damaged ({error})"
            raise IndexDamagedError(self.files[0].path, reason) from error

    def keyword_docs(self, terms: Sequence[int]) -> npt.NDArray[Any]:
        """Articles of which these terms, in this order, are a keyword, :data:`MAX_PHRASE_TERMS` at most."""
        if len(terms) == 1:
            # Of the same dtype, or searchsorted makes a copy of the whole array.
            start, stop = self.offsets[terms[0] : terms[0] + 2].astype(self.keyword_postings.dtype)
            first, last = self.keyword_postings.searchsorted((start, stop))
            docs = self.docs[start:stop]
            found: npt.NDArray[Any] = docs[self.keyword_postings[first:last] - start]
            return found
        n_terms = len(self.terms)
        parent = terms[0]
        for term in terms[1:]:
            node = int(self.phrase_keys.searchsorted(parent * n_terms + term))
            if node == len(self.phrase_keys) or self.phrase_keys[node] != parent * n_terms + term:
                return self.phrase_docs[:0]
            parent = n_terms + node
        return self.phrase_docs[self.phrase_offsets[node] : self.phrase_offsets[node + 1]]

    def find_prefix(self, prefix: bytes) -> tuple[int, int]:
        """The surface forms low ≤ form < high begin with ``prefix``."""
        forms = self.forms
        if len(prefix) > forms.dtype.itemsize:
            return 0, 0
        low = forms.searchsorted(np.array(prefix, dtype=forms.dtype))
        if len(prefix) == forms.dtype.itemsize:  # no form goes on from there
            return int(low), int(forms.searchsorted(np.array(prefix, dtype=forms.dtype), "right"))
        # UTF-8 never has the byte 0xff.
        return int(low), int(forms.searchsorted(np.array(prefix + b"\xff", dtype=forms.dtype)))

    def phrases(self, kind: Literal["keyword", "question"]) -> PhraseArrays:
        """The arrays in which keywords or questions are looked up by some of their words."""
        return PhraseArrays(*(self.files[0][f"{kind}_{name}"] for name in PhraseArrays._fields))

    def find_url(self, url: str) -> int:
        """The article with this url, -1 if there is none."""
        wanted = url.encode("utf-8", "surrogatepass")
        place = bisect_left(self.url_order, wanted, key=self.url)
        doc = int(self.url_order[place]) if place < self.n_docs else -1
        return doc if doc >= 0 and self.url(doc) == wanted else -1

    def url(self, doc: int) -> bytes:
        """The url of an article, in UTF-8."""
        return self.raw_headings((doc,))[0].partition(b"\0")[0]

    def subject_of(self, doc: int) -> SubjectSlice:
        """The subject of an article."""
        return self.subjects[bisect_right(self.subjects, doc, key=attrgetter("start")) - 1]


def segment_file(folder: str, segment_id: str, extension: str) -> str:
    """The path of a file of a segment; ``extension``: one of :data:`SEGMENT_EXTENSIONS`."""
    return os.path.join(folder, f"{INDEX_NAME}_{segment_id}{extension}")


def offsets_of(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where groups of so many begin, and the last one ends."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def pieces_of(
    values: npt.NDArray[Any], offsets: npt.NDArray[Any], numbers: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """The pieces of ``values`` with these numbers, in turn, and where each begins and the last one ends.

    Piece n of ``values`` is ``values[offsets[n] : offsets[n + 1]]``.
    """
    which, places = places_of(offsets, numbers)
    return values[places], offsets_of(np.bincount(which, minlength=len(numbers)))


def places_of(
    offsets: npt.NDArray[Any], numbers: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the pieces with these numbers lie, as in :func:`pieces_of`: of each place in turn, which of
    ``numbers`` it belongs to, and the place."""
    starts = offsets[numbers].astype(np.int64)
    lengths = offsets[numbers + 1] - starts
    which = np.repeat(np.arange(len(numbers)), lengths)
    shifts = starts - (np.cumsum(lengths) - lengths)
    return which, np.arange(len(which)) + shifts[which]


def _find(words: npt.NDArray[np.bytes_], word: bytes) -> int:
    """Where ``word`` stands in an ascending ``S`` array, -1 if it does not."""
    if len(word) > words.dtype.itemsize:
        return -1  # and a longer needle would make searchsorted copy the whole array
    place = int(words.searchsorted(np.array(word, dtype=words.dtype)))
    return place if place < len(words) and words[place] == word else -1
