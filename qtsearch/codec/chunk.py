"""Articles → one chunk: analysed, inverted, numbered locally.

A worker process of ``reindex`` makes chunks, and the writer merges them into a segment. Between the two a
chunk is a container file. With n articles, f surface forms, t terms and m tokens:

===================  =========  ==================================================================
array                dtype      meaning
===================  =========  ==================================================================
forms                S<width>   (f,) surface forms, ascending
form_terms           int32      (f,) the term of each
form_frequencies     int64      (f, 3) occurrences of each in each text field
form_capitals        int64      (f,) those in question and answer that are written as abbreviations are
terms                S<width>   (t,) stems, ascending
term_soft            bool       (t,) whether it is the stem of a soft word
offsets, docs, frequency_codes, frequency_table, rare_postings, rare_frequencies, position_offsets, positions
                                the postings, as in a segment
pair_children, pair_seconds, pair_offsets, pair_docs, pair_counts
                                two hard terms that stand side by side in an answer, as in a segment
compounds            int32      (c, 4) first term, second term, both in one word, article: once for each
                                occurrence in question or answer
lengths              uint16     (n, 3) tokens in each text field, stop words not counted
field_starts         uint16     (n, 3) position of the first token of each text field
question_words       int32      the surface forms of each question in turn; ``question_word_offsets``
keyword_words        int32      those of each different keyword in turn; ``keyword_word_offsets``
carried              int32      (c, 2) for every keyword of every article: the article, the keyword
ids, dates                      as in a segment
files                int32      (n,) the number of the file that each was read from
url_hashes           uint64     (n,) :func:`url_hash` of each url
links                uint64     those of the urls of related pages, in turn; ``link_offsets`` int64 (n + 1,)
contents             uint64     (n,) a hash of id, question and answer: pages of one article have the same
headings, subjects, records, definitions   uint8 blobs, each with ``…_offsets`` int64 (n + 1,)
keywords             uint8      the different keywords as written, with ``keyword_offsets`` int64
keyword_plain        bool       (k,) whether each is written as its surface forms with spaces between
===================  =========  ==================================================================
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch import analysis
from qtsearch.codec import records
from qtsearch.codec.expansions import definitions
from qtsearch.codec.frequencies import Arrays, encode_frequencies
from qtsearch.codec.segment import NO_DATE, NO_ID, offsets_of, pieces_of, places_of
from qtsearch.codec.texts import joined_texts
from qtsearch.errors import ArticleError
from qtsearch.schema import FIELD_NAMES, POSITION_GAP
from qtsearch.text.abbreviations import is_capital

if TYPE_CHECKING:
    from qtsearch.articles import Article

__all__ = [
    "MAX_DOCS",
    "MAX_POSITIONS",
    "ChunkBuilder",
    "byte_words",
    "url_hash",
]

#: An article of more positions is rejected: they are stored in 16 bits.
MAX_POSITIONS: Final = 60_000

_ANSWER: Final = FIELD_NAMES.index("answer")
_PAGE_KEYWORDS: Final = FIELD_NAMES.index("page_keywords")


class _Pieces(dict[str, int]):
    """Piece of text → its number. A piece never seen is analysed.

    ``forms``: surface form → its number. ``tokens``: of the tokens of all pieces in turn, twice the numbers
    of their forms, plus 1 for what is written as abbreviations are; ``counts``: how many each piece has.
    ``compounds``: piece, place of the first token in it, form of both in one word.
    """

    def __init__(self) -> None:
        self.forms: dict[str, int] = {}
        self.tokens = array("i")
        self.counts: list[int] = []
        self.compounds = array("i")

    def __missing__(self, piece: str) -> int:
        number = self[piece] = len(self)
        tokens = analysis.tokenize(piece)
        self.tokens.extend([2 * self._form(analysis.fold(one)) + is_capital(one) for one in tokens])
        self.counts.append(len(tokens))
        if len(tokens) > 1:
            for place, form in analysis.compounds(piece):
                self.compounds.extend((number, place, self._form(form)))
        return number

    def _form(self, form: str) -> int:
        return self.forms.setdefault(form, len(self.forms))


class ChunkBuilder:
    """Collects articles; :meth:`arrays` gives the chunk. Not to be used after that."""

    def __init__(self, dictionary: bytes, known: Arrays | None = None) -> None:
        """``dictionary``: to compress records with. ``known``: the arrays of a segment, which has the terms
        of most surface forms."""
        self._known = known
        self._pack = records.packer(dictionary)
        self._pieces = _Pieces()
        self._numbers = array("i")  # of the pieces of all articles in turn
        self._token_counts = array("q")
        self._field_starts = array("H")
        # Tokens come in runs of consecutive positions: a field, or a keyword phrase.
        self._run_starts = array("q")
        self._run_lengths = array("q")
        self._question_runs = array("q")
        # Keywords as written, each once: its number, and the run that was the first to have it.
        self._keywords: dict[str, int] = {}
        self._keyword_runs = array("q")
        self._carried = array("i")
        self._files = array("i")
        self._url_hashes = array("Q")
        self._links = array("Q")
        self._link_counts = array("q")
        self._ids = array("q")
        self._dates = array("i")
        self._contents = array("Q")
        names = ("headings", "subjects", "records", "definitions")
        self._texts: dict[str, list[bytes]] = {name: [] for name in names}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, article: Article, file: int = -1) -> None:
        """Add one article. ``file``: the number of the file that it was read from.

        Raises:
            ArticleError: it has more than :data:`MAX_POSITIONS` positions; nothing was added.
        """
        numbers: list[int] = []
        run_lengths, run_starts, field_starts = [], [], [0]
        position = 0
        for text in (article.question, article.answer, *article.page_keywords):
            found = list(map(self._pieces.__getitem__, analysis.pieces(text)))
            numbers += found
            run_starts.append(position)
            run_lengths.append(sum(map(self._pieces.counts.__getitem__, found)))
            position += run_lengths[-1] + POSITION_GAP
            if len(field_starts) < len(FIELD_NAMES):
                field_starts.append(position)
        if position > MAX_POSITIONS:
            raise ArticleError(
                article.path, 0, f"too long: {position} words and gaps, at most {MAX_POSITIONS}; split it"
            )
        self._numbers.extend(numbers)
        run = len(self._run_lengths)
        self._question_runs.append(run)
        keywords = self._keywords
        for keyword_run, keyword in enumerate(article.page_keywords, run + 2):
            keyword_number = keywords.setdefault(keyword, len(keywords))
            if keyword_number == len(self._keyword_runs):
                self._keyword_runs.append(keyword_run)
            self._carried.extend((len(self._ids), keyword_number))
        self._run_starts.extend(run_starts)
        self._run_lengths.extend(run_lengths)
        self._token_counts.extend((run_lengths[0], run_lengths[1], sum(run_lengths[2:])))
        self._field_starts.extend(field_starts)
        self._files.append(file)
        self._url_hashes.append(url_hash(article.url))
        self._links.extend([url_hash(link.url) for link in article.related])
        self._link_counts.append(len(article.related))
        self._ids.append(NO_ID if article.id is None else article.id)
        self._dates.append(NO_DATE if article.date is None else article.date.toordinal())
        self._contents.append(_hash(f"{article.id}\0{article.question}\0{article.answer}"))
        texts = self._texts
        texts["headings"].append(f"{article.url}\0{article.question}".encode("utf-8", "surrogatepass"))
        texts["subjects"].append(article.subject.encode())
        texts["records"].append(self._pack(article))
        texts["definitions"].append(definitions((article.question, article.answer)))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The chunk."""
        numbers = self._pieces.forms
        forms = sorted(numbers)
        rank = np.empty(len(forms), np.int32)
        rank[[numbers[form] for form in forms]] = np.arange(len(forms), dtype=np.int32)
        pieces = _from(self._numbers, np.int32)
        counts = np.array(self._pieces.counts, np.int64)
        piece_starts = np.cumsum(counts[pieces]) - counts[pieces]
        _, places = places_of(offsets_of(counts), pieces)
        numbered = _from(self._pieces.tokens, np.int32)[places]
        tokens = rank[numbered >> 1]
        token_counts = _from(self._token_counts, np.int64).reshape(-1, 3)
        kinds = np.tile(np.arange(len(FIELD_NAMES), dtype=np.uint8), len(token_counts))
        fields = np.repeat(kinds, token_counts.ravel())
        docs = np.repeat(np.arange(len(token_counts), dtype=np.int32), token_counts.sum(axis=1))
        positions = self._positions(len(tokens))
        # A compound is a word at its second token, but for the lengths, the pairs and the keywords.
        compounds = _from(self._pieces.compounds, np.int32).reshape(-1, 3)
        compound_counts = np.bincount(compounds[:, 0], minlength=len(counts))
        which, places = places_of(offsets_of(compound_counts), pieces)
        first = piece_starts[which] + compounds[places, 1]
        in_text = fields[first] != _PAGE_KEYWORDS
        first, wholes = first[in_text], rank[compounds[places[in_text], 2]]
        all_tokens = np.concatenate((tokens, wholes))
        all_fields = np.concatenate((fields, fields[first]))
        form_bytes = [form.encode() for form in forms]
        form_words = byte_words(form_bytes)
        terms, form_terms = np.unique(self._stems(form_words), return_inverse=True)
        term_soft = np.array([analysis.is_soft(term.decode()) for term in terms.tolist()], bool)
        form_terms = form_terms.astype(np.int32)
        token_terms = form_terms[tokens]
        postings = _postings(
            form_terms[all_tokens],
            np.concatenate((docs, docs[first])),
            np.concatenate((positions, positions[first] + 1)),
            all_fields,
            len(terms),
        )
        chunk: dict[str, npt.NDArray[Any]] = {
            "forms": form_words,
            "form_terms": form_terms,
            "form_frequencies": np.bincount(
                all_tokens.astype(np.int64) * 3 + all_fields, minlength=len(forms) * 3
            ).reshape(-1, 3),
            "form_capitals": np.bincount(
                tokens[(numbered & 1 > 0) & (fields != _PAGE_KEYWORDS)], minlength=len(forms)
            ),
            "terms": terms,
            "term_soft": term_soft,
            **postings,
            **_pairs(token_terms, ~term_soft[token_terms] & (fields == _ANSWER), docs, len(terms)),
            "compounds": np.column_stack(
                (token_terms[first], token_terms[first + 1], form_terms[wholes], docs[first])
            ),
            "lengths": self._lengths(forms, tokens, token_counts),
            "field_starts": _from(self._field_starts, np.uint16).reshape(-1, 3),
            "files": _from(self._files, np.int32),
            "url_hashes": _from(self._url_hashes, np.uint64),
            "links": _from(self._links, np.uint64),
            "link_offsets": offsets_of(_from(self._link_counts, np.int64)),
            "ids": _from(self._ids, np.int64),
            "dates": _from(self._dates, np.int32),
            "contents": _from(self._contents, np.uint64),
            "carried": _from(self._carried, np.int32).reshape(-1, 2),
        }
        run_offsets = offsets_of(_from(self._run_lengths, np.int64))
        for name, runs in (("question", self._question_runs), ("keyword", self._keyword_runs)):
            words = pieces_of(tokens, run_offsets, _from(runs, np.int64))
            chunk[f"{name}_words"], chunk[f"{name}_word_offsets"] = words
        for name, texts in self._texts.items():
            chunk |= joined_texts(name, texts)
        keywords = [keyword.encode("utf-8", "surrogatepass") for keyword in self._keywords]
        words, offsets = chunk["keyword_words"].tolist(), chunk["keyword_word_offsets"].tolist()
        plainly = (b" ".join([form_bytes[word] for word in words[a:b]]) for a, b in pairwise(offsets))
        plain = [text == keyword for text, keyword in zip(plainly, keywords, strict=True)]
        return chunk | joined_texts("keywords", keywords) | {"keyword_plain": np.array(plain, bool)}

    def _stems(self, forms: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bytes_]:
        """The terms of surface forms."""
        stems = np.empty(len(forms), object)
        new = np.ones(len(forms), bool)
        if self._known is not None and len(known := self._known["forms"]):
            places = np.minimum(known.searchsorted(forms), len(known) - 1)
            stems[:] = self._known["terms"][self._known["form_terms"][places]]
            new = known[places] != forms
        stems[new] = [analysis.stem(form.decode()).encode() for form in forms[new].tolist()]
        return byte_words(stems.tolist())

    def _positions(self, n_tokens: int) -> npt.NDArray[np.int32]:
        """Of each token: its run's start and its place within the run."""
        run_lengths = _from(self._run_lengths, np.int64)
        run_offsets = np.cumsum(run_lengths) - run_lengths
        first = (_from(self._run_starts, np.int64) - run_offsets).astype(np.int32)
        positions = np.repeat(first, run_lengths)
        positions += np.arange(n_tokens, dtype=np.int32)
        return positions

    def _lengths(
        self, forms: list[str], tokens: npt.NDArray[np.int32], token_counts: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint16]:
        counted = np.array([form not in analysis.STOP_WORDS for form in forms], bool)
        counted_before = np.zeros(len(tokens) + 1, np.int32)
        np.cumsum(counted[tokens], out=counted_before[1:])
        ends = np.cumsum(token_counts.ravel())
        starts = ends - token_counts.ravel()
        lengths: npt.NDArray[np.int32] = counted_before[ends] - counted_before[starts]
        return lengths.astype(np.uint16).reshape(-1, 3)


def _postings(
    terms: npt.NDArray[Any],
    docs: npt.NDArray[Any],
    positions: npt.NDArray[Any],
    fields: npt.NDArray[Any],
    n_terms: int,
) -> dict[str, npt.NDArray[Any]]:
    """The postings of tokens in any order."""
    keys = terms.astype(np.int64)
    for bits, column in ((_DOC_BITS, docs), (_POSITION_BITS, positions), (_FIELD_BITS, fields)):
        keys <<= bits
        keys |= column
    del terms, docs, column  # here a worker needs most memory
    keys.sort()
    fields = keys.astype(np.uint8) & (1 << _FIELD_BITS) - 1
    keys >>= _FIELD_BITS
    positions = keys.astype(np.uint16)
    keys >>= _POSITION_BITS
    n_tokens = len(keys)
    first = np.ones(n_tokens, bool)
    first[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(first)
    kinds = range(len(FIELD_NAMES))
    frequencies = [np.add.reduceat(fields == kind, starts, dtype=np.uint16) for kind in kinds]
    postings = keys[starts]
    del keys, first
    offsets = offsets_of(np.bincount(postings >> _DOC_BITS, minlength=n_terms))
    return {
        "offsets": offsets,
        "docs": postings.astype(np.int32) & (MAX_DOCS - 1),
        "position_offsets": np.append(starts, n_tokens)[offsets],
        "positions": positions,
        **encode_frequencies(np.stack(frequencies, axis=1)),
    }


def _pairs(
    terms: npt.NDArray[np.int32],
    pairing: npt.NDArray[np.bool_],
    docs: npt.NDArray[np.int32],
    n_terms: int,
) -> dict[str, npt.NDArray[Any]]:
    """Of tokens in order, two that follow each other, differ and are both ``pairing``."""
    first, second = terms[:-1], terms[1:]
    found = np.flatnonzero(pairing[:-1] & pairing[1:] & (docs[:-1] == docs[1:]) & (first != second))
    keys = first[found].astype(np.int64)
    for column in (second, docs):
        keys <<= _PAIR_BITS
        keys |= column[found]
    keys.sort()
    postings = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.minimum(np.diff(postings, append=len(keys)), 255)
    pairs = keys[postings] >> _PAIR_BITS
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    mask = (1 << _PAIR_BITS) - 1
    children = np.searchsorted(pairs[starts] >> _PAIR_BITS, np.arange(n_terms + 1))
    return {
        "pair_children": children.astype(np.int32),
        "pair_seconds": (pairs[starts] & mask).astype(np.int32),
        "pair_offsets": np.append(starts, len(postings)),
        "pair_docs": (keys[postings] & mask).astype(np.int32),
        "pair_counts": counts.astype(np.uint8),
    }


# A pair is packed as first term, second term, article, so many bits each: two million of each in a chunk.
_PAIR_BITS: Final = 21

# A token as one number that sorts by (term, article, position); the field rides along.
_FIELD_BITS: Final = 2
_POSITION_BITS: Final = 16
_DOC_BITS: Final = 22  # four million articles a segment, and as many terms
MAX_DOCS: Final = 1 << _DOC_BITS


def url_hash(url: str) -> int:
    """A number of 64 bits for a url: another url has another one, but for one in 10^19."""
    return _hash(url)


def _hash(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _from(values: array[int], dtype: Any) -> npt.NDArray[Any]:
    return np.frombuffer(values, dtype) if values else np.zeros(0, dtype)


def byte_words(words: list[bytes]) -> npt.NDArray[np.bytes_]:
    """As an ``S`` array that is as wide as the longest of them."""
    return np.array(words or [b""])[: len(words)]
