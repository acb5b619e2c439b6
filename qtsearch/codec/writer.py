"""Chunks → the files of one segment.

Articles are numbered by (subject slug, url), whatever order they came in; every array follows from that
numbering, so the same articles give the same segment however they were spread over chunks.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec import records
from qtsearch.codec.chunk import MAX_DOCS, url_hash
from qtsearch.codec.completions import Texts, completion_arrays, merged_texts
from qtsearch.codec.container import write_array_file
from qtsearch.codec.expansions import expansion_arrays
from qtsearch.codec.frequencies import Arrays, Frequencies, encode_numbered
from qtsearch.codec.keyterms import key_term_arrays
from qtsearch.codec.lexicon import FormCounts, count_forms, merged_vocabulary
from qtsearch.codec.merging import merged_postings
from qtsearch.codec.phrases import compound_arrays, keyword_arrays, pair_arrays
from qtsearch.codec.segment import INDEX_NAME, SubjectSlice, offsets_of, pieces_of
from qtsearch.codec.texts import joined_texts, split_texts
from qtsearch.errors import SourceError
from qtsearch.parameters import RankingParameters, Weighting
from qtsearch.schema import FIELD_NAMES, slugify
from qtsearch.scoring import POSTINGS_AT_A_TIME, average_lengths, compute_impacts, compute_pair_impacts

__all__ = ["SegmentWriter", "write_impacts"]

_THREADS: Final = 2  # more wait for each other
_TEXTS: Final = ("urls", "questions", "keywords", "definitions")
_PAGE_KEYWORDS: Final = FIELD_NAMES.index("page_keywords")

#: What the file of impacts holds: arrays, metadata.
_Impacts = tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]


class SegmentWriter:
    """Merges chunks, as :mod:`qtsearch.codec.chunk` has them, into a segment.

    ``dictionary`` is the one that their records were packed with.

    ``urls`` (bytes), ``url_hashes``, ``subjects``, ``dates`` (ordinals), ``ids`` (int64, NO_ID for none),
    ``contents`` (hashes, uint64) and ``files`` (numbers) tell of every article, chunks in turn. Once the
    segment is written, ``doc_of`` says which number each article has in it, -1 for none, and ``rest`` has
    what a chunk has and the segment has not.
    """

    def __init__(self, chunks: Sequence[Arrays], dictionary: bytes) -> None:
        self._chunks: list[Arrays] = []
        self._dictionary = dictionary
        self._texts: dict[str, list[bytes]] = {name: [] for name in _TEXTS}
        self._leaving: frozenset[int] = frozenset()
        self._leaving_counts = FormCounts(Counter(), Counter())
        self.urls = self._texts["urls"]
        self.subjects: list[str] = []
        self.dates: list[int] = []
        self.ids = np.zeros(0, np.int64)
        self.contents = np.zeros(0, np.uint64)
        self.url_hashes: list[int] = []
        self.doc_of = np.zeros(0, np.int32)
        self.rest: dict[str, npt.NDArray[Any]] = {}
        for chunk in chunks:
            self.add(chunk)

    def add(self, chunk: Arrays, leaving: frozenset[int] = frozenset()) -> None:
        """One more chunk: what can be done before the others are there is done, without its ``files``.

        ``leaving``: articles that are likely to be left out; of one chunk only.
        """
        self._chunks.append(chunk)
        for name, texts in self._texts.items():
            texts += split_texts(chunk, name)
        if len(self.urls) > MAX_DOCS:
            raise SourceError(f"{len(self.urls)} articles: an index holds at most {MAX_DOCS}")
        self.subjects += [subject.decode() for subject in split_texts(chunk, "subjects")]
        self.dates += chunk["dates"].tolist()
        self.ids, self.contents = self._joined("ids"), self._joined("contents")
        urls = self.urls[len(self.url_hashes) :]
        self.url_hashes += [url_hash(url.decode("utf-8", "surrogatepass")) for url in urls]
        if leaving:
            self._leaving, self._leaving_counts = leaving, self._counts(leaving)

    @property
    def files(self) -> list[int]:
        """Of every article the number of the file that it was read from."""
        numbers: list[int] = self._joined("files").tolist()
        return numbers

    def _joined(self, name: str) -> npt.NDArray[Any]:
        return np.concatenate([chunk[name] for chunk in self._chunks])

    def links(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """The hashes of the urls that articles link to, and the article of each link."""
        counts = np.diff(self._offsets("link_offsets"))
        return self._joined("links"), np.repeat(np.arange(len(counts)), counts)

    def _record(self, number: int) -> bytes:
        for chunk in self._chunks:
            if number < len(chunk["ids"]):
                start, stop = chunk["record_offsets"][number : number + 2]
                return chunk["records"][start:stop].tobytes()
            number -= len(chunk["ids"])
        raise IndexError(number)

    def write(
        self,
        folder: str,
        segment_id: str,
        left_out: frozenset[int] = frozenset(),
        parameters: RankingParameters = RankingParameters(),
    ) -> dict[str, int]:
        """Write and fsync both files of the segment; returns the size in bytes of each by name.

        ``left_out``: articles not to be written, as numbers in the order of ``urls``. Raises OSError.
        """
        # NumPy lets other threads run while it sorts, copies and computes.
        with ThreadPoolExecutor(_THREADS) as pool:
            arrays, metadata, impacts = self._arrays(left_out, parameters, pool)
            path = os.path.join(folder, f"{INDEX_NAME}_{segment_id}.arrays")
            return {
                "arrays": write_array_file(path, arrays, metadata),
                "impacts": write_array_file(_impacts_path(folder, segment_id), *impacts),
            }

    def _arrays(
        self, left_out: frozenset[int], parameters: RankingParameters, pool: Executor
    ) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any], _Impacts]:
        """The arrays of the segment, its metadata, and what the file of impacts holds."""
        slugs = [slugify(subject) for subject in self.subjects]
        kept = [number for number in range(len(self.urls)) if number not in left_out]
        kept.sort(key=lambda number: (slugs[number], self.urls[number]))
        order = np.array(kept, np.int64)
        urls = [self.urls[number] for number in kept]
        arrays: dict[str, npt.NDArray[Any]] = {
            "lengths": self._joined("lengths")[order],
            "field_starts": self._joined("field_starts")[order],
            "ids": self._joined("ids")[order],
            "dates": self._joined("dates")[order],
            "url_order": np.array(sorted(range(len(urls)), key=urls.__getitem__), np.int32),
            "originals": _originals(self._joined("contents")[order]),
            "dictionary": np.frombuffer(self._dictionary, np.uint8),
        }
        stored = pool.submit(self._stored, order, kept)
        doc_of = self.doc_of = np.full(len(self.urls), -1, np.int32)
        doc_of[order] = np.arange(len(order), dtype=np.int32)
        vocabulary, form_numbers, term_numbers = merged_vocabulary(self._chunks, self._forgotten(left_out))
        arrays |= stored.result() | vocabulary
        texts = pool.submit(self._text_arrays, order, kept, vocabulary, form_numbers)
        postings, impacts = self._postings(
            term_numbers, arrays["term_soft"], arrays["lengths"], parameters, pool
        )
        subjects = _subject_slices([slugs[n] for n in kept], [self.subjects[n] for n in kept])
        return arrays | postings | texts.result(), {"subjects": subjects}, impacts

    def _stored(self, order: npt.NDArray[np.int64], kept: list[int]) -> dict[str, npt.NDArray[Any]]:
        """What is stored of articles for whoever shows them."""
        questions = self._texts["questions"]
        # Records that lie side by side, as most of a segment's do again, are copied as one.
        firsts = offsets_of(np.array([len(chunk["ids"]) for chunk in self._chunks]))
        of_chunk = firsts.searchsorted(order, "right") - 1
        begin = np.flatnonzero((np.diff(order, prepend=-2) != 1) | (np.diff(of_chunk, prepend=-1) != 0))
        runs = zip(begin.tolist(), [*begin[1:].tolist(), len(order)], strict=True)
        blobs = [(chunk["records"].data, chunk["record_offsets"]) for chunk in self._chunks]
        pieces = []
        for start, stop in runs:
            blob, offsets = blobs[of_chunk[start]]
            first = order[start] - firsts[of_chunk[start]]
            pieces.append(blob[offsets[first] : offsets[first + stop - start]])
        sizes = np.diff(self._offsets("record_offsets"))[order]
        return {
            "question_ranks": _ranks([questions[number].decode().casefold() for number in kept]),
            **joined_texts("headings", [self.urls[n] + b"\0" + questions[n] for n in kept]),
            "records": np.frombuffer(b"".join(pieces), np.uint8),
            "record_offsets": offsets_of(sizes),
        }

    def _text_arrays(
        self,
        order: npt.NDArray[np.int64],
        kept: list[int],
        vocabulary: Arrays,
        form_numbers: list[npt.NDArray[np.int64]],
    ) -> dict[str, npt.NDArray[Any]]:
        keywords = merged_texts("keyword", self._chunks, self._texts["keywords"], form_numbers, self.doc_of)
        questions = merged_texts(
            "question", self._chunks, self._texts["questions"], form_numbers, self.doc_of
        )
        self.rest = self._rest(order, kept, form_numbers, keywords)
        definitions = [self._texts["definitions"][number] for number in kept]
        expansions = expansion_arrays(definitions, vocabulary["terms"])
        return completion_arrays(keywords, questions, vocabulary["forms"]) | expansions

    def _rest(
        self,
        order: npt.NDArray[np.int64],
        kept: list[int],
        form_numbers: list[npt.NDArray[np.int64]],
        keywords: Texts,
    ) -> dict[str, npt.NDArray[Any]]:
        chunks = zip(self._chunks, form_numbers, strict=True)
        number_of = np.concatenate([numbers[chunk["question_words"]] for chunk, numbers in chunks])
        words, offsets = pieces_of(number_of, self._offsets("question_word_offsets"), order)
        links, link_offsets = pieces_of(self._joined("links"), self._offsets("link_offsets"), order)
        found = np.sort(keywords.found)
        definitions = self._texts["definitions"]
        return {
            "contents": self._joined("contents")[order],
            "question_words": words.astype(np.int32),
            "question_word_offsets": offsets,
            "links": links,
            "link_offsets": link_offsets,
            "keyword_words": keywords.words.astype(np.int32),
            "keyword_word_offsets": keywords.offsets,
            "carried": np.column_stack((found % MAX_DOCS, found // MAX_DOCS)).astype(np.int32),
            "keywords": keywords.blob,
            "keyword_offsets": keywords.bounds,
            **joined_texts("subjects", [self.subjects[number].encode() for number in kept]),
            **joined_texts("definitions", [definitions[number] for number in kept]),
        }

    def _offsets(self, name: str) -> npt.NDArray[np.int64]:
        """Where the pieces of all chunks begin, and the last one ends, in what is joined."""
        counts = np.concatenate([np.diff(chunk[name]) for chunk in self._chunks])
        return offsets_of(counts)

    def _counts(self, numbers: frozenset[int]) -> FormCounts:
        """What articles count."""
        found = ((number, records.unpack(self._record(number), self._dictionary)) for number in numbers)
        return count_forms(
            (self._texts["questions"][number].decode(), record["answer"], "\n".join(record["keywords"]))
            for number, record in found
        )

    def _forgotten(self, left_out: frozenset[int]) -> FormCounts:
        """What the articles left out count: most of it was counted when they were likely to leave."""
        if left_out == self._leaving:
            return self._leaving_counts
        forms, capitals = Counter(self._leaving_counts.forms), Counter(self._leaving_counts.capitals)
        more, less = self._counts(left_out - self._leaving), self._counts(self._leaving - left_out)
        forms.update(more.forms)
        capitals.update(more.capitals)
        forms.subtract(less.forms)
        capitals.subtract(less.capitals)
        return FormCounts(forms, capitals)

    def _postings(
        self,
        term_numbers: list[npt.NDArray[np.int64]],
        term_soft: npt.NDArray[np.bool_],
        lengths: npt.NDArray[np.uint16],
        parameters: RankingParameters,
        pool: Executor,
    ) -> tuple[dict[str, npt.NDArray[Any]], _Impacts]:
        n_docs = len(lengths)
        doc_type = np.uint16 if n_docs <= 1 << 16 else np.int32
        numbered, compounds = [], []
        first = 0
        for chunk, places in zip(self._chunks, term_numbers, strict=True):
            docs = self.doc_of[first : first + len(chunk["ids"])]
            numbered.append((chunk, places, docs))
            kept = chunk["compounds"][docs[chunk["compounds"][:, 3]] >= 0]
            compounds.append(np.column_stack((places[kept[:, :3]], docs[kept[:, 3]])))
            first += len(chunk["ids"])
        arrays, numbers, triples, totals = merged_postings(numbered, len(term_soft), doc_type, pool)
        pairs = pair_arrays(numbered, len(term_soft), doc_type, pool)
        key_terms = pool.submit(key_term_arrays, arrays["offsets"], arrays["docs"], totals, term_soft, n_docs)
        keywords = pool.submit(_keywords, arrays, numbers, triples)
        frequencies = pool.submit(encode_numbered, numbers, triples)
        compound = compound_arrays(np.concatenate(compounds), term_soft, arrays | pairs)
        found = frequencies.result() | keywords.result() | pairs
        impacts = _impacts({"lengths": lengths} | arrays | found, parameters, pool)
        return arrays | key_terms.result() | found | compound, impacts


def _keywords(
    arrays: Arrays, numbers: npt.NDArray[Any], triples: npt.NDArray[np.uint16]
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of keywords, given the postings and, as numbers of triples, their frequencies."""
    totals, of_keywords = triples.sum(axis=1, dtype=np.int64), triples[:, _PAGE_KEYWORDS].astype(np.int64)
    postings, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    n_tokens = 0
    for start in range(0, len(numbers), POSTINGS_AT_A_TIME):
        part = numbers[start : start + POSTINGS_AT_A_TIME]
        ends = np.cumsum(totals.take(part))
        found = np.flatnonzero((of_keywords > 0).take(part))
        counts = of_keywords.take(part[found])
        # The keywords come last in an article.
        shifts = n_tokens + ends[found] - np.cumsum(counts)
        n_tokens += int(ends[-1])
        postings.append(np.repeat(found + start, counts))
        places.append(np.repeat(shifts, counts) + np.arange(counts.sum()))
    positions = arrays["positions"][np.concatenate(places)]
    return keyword_arrays(np.concatenate(postings), positions, arrays["offsets"], arrays["docs"])


def write_impacts(folder: str, segment_id: str, arrays: Arrays, parameters: RankingParameters) -> int:
    """Write and fsync the impacts of a segment, given its other arrays; returns the file's size in bytes."""
    return write_array_file(_impacts_path(folder, segment_id), *_impacts(arrays, parameters))


def _impacts_path(folder: str, segment_id: str) -> str:
    return os.path.join(folder, f"{INDEX_NAME}_{segment_id}.impacts")


def _impacts(arrays: Arrays, parameters: RankingParameters, pool: Executor | None = None) -> _Impacts:
    offsets, lengths = arrays["offsets"], arrays["lengths"]
    impacts = compute_impacts(
        arrays["docs"],
        Frequencies(arrays),
        offsets,
        lengths,
        arrays["keyword_postings"],
        Weighting.of(parameters),
        pool,
    )
    scores = {
        "impacts": impacts,
        "max_impacts": np.maximum.reduceat(impacts, offsets[:-1]),
        "pair_impacts": compute_pair_impacts(
            arrays["pair_docs"], arrays["pair_counts"], lengths[:, 1], parameters
        ),
    }
    metadata = {"parameters": parameters.to_dict(), "average_lengths": average_lengths(lengths).tolist()}
    return scores, metadata


def _originals(contents: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Of each article the first one with the same content."""
    _, first, which = np.unique(contents, return_index=True, return_inverse=True)
    return first[which].astype(np.int32)


def _ranks(texts: list[str]) -> npt.NDArray[np.int32]:
    """The place of each text when they are sorted; equal ones in the order they come."""
    ranks = np.empty(len(texts), np.int32)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts), dtype=np.int32)
    return ranks


def _subject_slices(slugs: list[str], names: list[str]) -> list[SubjectSlice]:
    slices = []
    start = 0
    while start < len(slugs):
        stop = start
        while stop < len(slugs) and slugs[stop] == slugs[start]:
            stop += 1
        spellings = Counter(names[start:stop])
        name = min(spellings, key=lambda spelling: (-spellings[spelling], spelling))
        slices.append(SubjectSlice(slugs[start], name, start, stop))
        start = stop
    return slices
