"""Chunks → the files of one segment.

Articles are numbered by (subject slug, url), whatever order they came in; every array follows from that
numbering, so the same articles give the same segment however they were spread over chunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import groupby
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from qtsearch.codec import records
from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.completions import Texts, completion_arrays, merged_texts
from qtsearch.codec.container import Parts, write_array_file
from qtsearch.codec.expansions import expansion_arrays
from qtsearch.codec.files import SegmentFiles
from qtsearch.codec.frequencies import Arrays, Frequencies, encode_numbered
from qtsearch.codec.keyterms import key_term_arrays
from qtsearch.codec.lexicon import FormCounts, count_forms, merged_vocabulary
from qtsearch.codec.merging import merged_postings
from qtsearch.codec.phrases import compound_arrays, keyword_arrays, pair_arrays
from qtsearch.codec.segment import SubjectSlice, offsets_of, pieces_of, segment_file
from qtsearch.codec.texts import joined_texts, split_texts
from qtsearch.errors import SourceError
from qtsearch.parameters import RankingParameters, Weighting
from qtsearch.schema import slugify
from qtsearch.scoring import average_lengths, compute_impacts, compute_pair_impacts

__all__ = ["SegmentWriter", "write_impacts"]

_THREADS: Final = 2  # more wait for each other
_TEXTS: Final = ("headings", "keywords", "definitions")

#: What a file holds: arrays, metadata.
_Contents = tuple[Mapping[str, npt.NDArray[Any]], Mapping[str, Any]]


class SegmentWriter:
    """Merges chunks, as :mod:`qtsearch.codec.chunk` has them, into a segment.

    ``dictionary`` is the one that their records were packed with.

    ``urls`` (bytes), ``subjects``, ``dates`` (ordinals), ``ids`` (int64, NO_ID for none), ``contents`` and
    ``url_hashes`` (uint64) and ``files`` (numbers) tell of every article, chunks in turn. Once the
    segment is written, ``doc_of`` says which number each article has in it, -1 for none, and ``rest`` has
    what a chunk has and the segment has not.
    """

    def __init__(self, chunks: Sequence[Arrays], dictionary: bytes) -> None:
        self._chunks: list[Arrays] = []
        self._dictionary = dictionary
        self._texts: dict[str, list[bytes]] = {name: [] for name in _TEXTS}
        self._leaving: frozenset[int] = frozenset()
        self._leaving_counts = FormCounts(Counter(), Counter())
        self.urls: list[bytes] = []
        self._questions: list[bytes] = []
        self.subjects: list[str] = []
        self.dates: list[int] = []
        self.ids = np.zeros(0, np.int64)
        self.contents = np.zeros(0, np.uint64)
        self.url_hashes = np.zeros(0, np.uint64)
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
        headings = [heading.partition(b"\0") for heading in self._texts["headings"][len(self.urls) :]]
        self.urls += [url for url, _, _ in headings]
        self._questions += [question for _, _, question in headings]
        if len(self.urls) > MAX_DOCS:
            raise SourceError(f"{len(self.urls)} articles: an index holds at most {MAX_DOCS}")
        self.subjects += [subject.decode() for subject in split_texts(chunk, "subjects")]
        self.dates += chunk["dates"].tolist()
        self.ids, self.contents = self._joined("ids"), self._joined("contents")
        self.url_hashes = self._joined("url_hashes")
        if leaving:
            self._leaving, self._leaving_counts = leaving, self._counts(leaving)

    @property
    def files(self) -> npt.NDArray[np.int32]:
        """Of every article the number of the file that it was read from."""
        return self._joined("files")

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
        sources: Callable[[], _Contents] | None = None,
    ) -> dict[str, int]:
        """Write and fsync the files of the segment; returns the size in bytes of each by name.

        ``left_out``: articles not to be written, as numbers in the order of ``urls``. ``sources``: gives what
        the third file holds, given ``doc_of`` and ``rest``; without it there is none. Raises OSError.
        """
        kept = [number for number in range(len(self.urls)) if number not in left_out]
        kept.sort(key=lambda number: (slugify(self.subjects[number]), self.urls[number]))
        with SegmentFiles(folder, segment_id) as files, ThreadPoolExecutor(_THREADS) as pool:
            self._make(kept, left_out, parameters, files, pool, sources)
            return files.finish({"subjects": _subject_slices([self.subjects[number] for number in kept])})

    def _make(
        self,
        kept: list[int],
        left_out: frozenset[int],
        parameters: RankingParameters,
        files: SegmentFiles,
        pool: Executor,
        sources: Callable[[], _Contents] | None,
    ) -> None:
        """Make the arrays of the segment, of the articles ``kept`` in this order, and have them written, each
        as soon as it is known. NumPy and the kernels let other threads run while they sort, copy, compute."""
        order = np.array(kept, np.int64)
        doc_of = self.doc_of = np.full(len(self.urls), -1, np.int32)
        doc_of[order] = np.arange(len(order), dtype=np.int32)
        files.add({"records": self._records(order)})
        vocabulary, form_numbers, term_numbers = merged_vocabulary(self._chunks, self._forgotten(left_out))
        keywords = pool.submit(self._merged_texts, "keyword", form_numbers)
        stored = pool.submit(self._stored, order, kept)
        rest = pool.submit(self._rest, order, kept, form_numbers, keywords)
        texts = pool.submit(self._text_arrays, kept, vocabulary, form_numbers, keywords)
        n_docs, term_soft = len(order), vocabulary["term_soft"]
        doc_type = np.uint16 if n_docs <= 1 << 16 else np.int32
        numbered, compounds = self._numbered(term_numbers)
        arrays, numbers, triples = merged_postings(numbered, len(term_soft), doc_type, pool)
        files.add(stored.result() | vocabulary | arrays)
        offsets, docs = arrays["offsets"], arrays["docs"]
        waiting = [
            pool.submit(keyword_arrays, keywords.result(), vocabulary["form_terms"], offsets, docs),
            pool.submit(encode_numbered, numbers, triples),
        ]
        key_terms = pool.submit(key_term_arrays, offsets, docs, numbers, triples, term_soft, n_docs)
        self.rest = rest.result()
        third = pool.submit(sources) if sources else None
        pairs = pair_arrays(numbered, len(term_soft), doc_type, pool)
        files.add(pairs)
        files.sync()
        found = {name: array for one in waiting for name, array in one.result().items()}
        files.add(found)
        lengths = {"lengths": stored.result()["lengths"]}
        files.add_file("impacts", *_impacts(lengths | arrays | pairs | found, parameters))
        files.add(compound_arrays(compounds, term_soft, arrays | pairs))
        if third:
            files.add_file("sources", *third.result())
        files.add(key_terms.result() | texts.result())

    def _records(self, order: npt.NDArray[np.int64]) -> Parts:
        """The records of articles: those that lie side by side, as most of a segment's do again, as one."""
        firsts = offsets_of(np.array([len(chunk["ids"]) for chunk in self._chunks]))
        of_chunk = firsts.searchsorted(order, "right") - 1
        begin = np.flatnonzero((np.diff(order, prepend=-2) != 1) | (np.diff(of_chunk, prepend=-1) != 0))
        runs = zip(begin.tolist(), [*begin[1:].tolist(), len(order)], strict=True)
        blobs = [(chunk["records"], chunk["record_offsets"]) for chunk in self._chunks]
        parts = []
        for start, stop in runs:
            blob, offsets = blobs[of_chunk[start]]
            first = order[start] - firsts[of_chunk[start]]
            parts.append(blob[offsets[first] : offsets[first + stop - start]])
        return parts

    def _stored(self, order: npt.NDArray[np.int64], kept: list[int]) -> dict[str, npt.NDArray[Any]]:
        """What else is known of articles one by one."""
        headings = self._texts["headings"]
        urls = [self.urls[number] for number in kept]
        sizes = np.diff(self._offsets("record_offsets"))[order]
        return {
            **{name: self._joined(name)[order] for name in ("lengths", "field_starts", "ids", "dates")},
            "url_order": np.array(sorted(range(len(urls)), key=urls.__getitem__), np.int32),
            "originals": _originals(self._joined("contents")[order]),
            "dictionary": np.frombuffer(self._dictionary, np.uint8),
            "question_ranks": _ranks([self._questions[number].decode().casefold() for number in kept]),
            **joined_texts("headings", [headings[number] for number in kept]),
            "record_offsets": offsets_of(sizes),
        }

    def _text_arrays(
        self,
        kept: list[int],
        vocabulary: Arrays,
        form_numbers: list[npt.NDArray[np.int64]],
        merged_keywords: Future[Texts],
    ) -> dict[str, npt.NDArray[Any]]:
        questions = self._merged_texts("question", form_numbers)
        keywords = merged_keywords.result()
        definitions = [self._texts["definitions"][number] for number in kept]
        expansions = expansion_arrays(definitions, vocabulary["terms"])
        plain = self._joined("keyword_plain")[keywords.rows].astype(bool)
        return completion_arrays(keywords, plain, questions, len(vocabulary["forms"])) | expansions

    def _merged_texts(
        self, kind: Literal["keyword", "question"], form_numbers: list[npt.NDArray[np.int64]]
    ) -> Texts:
        rows = self._questions if kind == "question" else self._texts["keywords"]
        return merged_texts(kind, self._chunks, rows, form_numbers, self.doc_of)

    def _rest(
        self,
        order: npt.NDArray[np.int64],
        kept: list[int],
        form_numbers: list[npt.NDArray[np.int64]],
        merged_keywords: Future[Texts],
    ) -> dict[str, npt.NDArray[Any]]:
        chunks = zip(self._chunks, form_numbers, strict=True)
        number_of = np.concatenate([numbers[chunk["question_words"]] for chunk, numbers in chunks])
        words, offsets = pieces_of(number_of, self._offsets("question_word_offsets"), order)
        links, link_offsets = pieces_of(self._joined("links"), self._offsets("link_offsets"), order)
        keywords = merged_keywords.result()
        found = np.sort(keywords.found)
        definitions = self._texts["definitions"]
        return {
            "contents": self._joined("contents")[order],
            "question_words": words.astype(np.int32),
            "question_word_offsets": offsets,
            "url_hashes": self.url_hashes[order],
            "links": links,
            "link_offsets": link_offsets,
            "keyword_words": keywords.words.astype(np.int32),
            "keyword_word_offsets": keywords.offsets,
            "carried": np.column_stack((found % MAX_DOCS, found // MAX_DOCS)).astype(np.int32),
            "keywords": keywords.blob,
            "keyword_offsets": keywords.bounds,
            "keyword_plain": self._joined("keyword_plain")[keywords.rows],
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
            (self._questions[number].decode(), record["answer"], "\n".join(record["keywords"]))
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

    def _numbered(
        self, term_numbers: list[npt.NDArray[np.int64]]
    ) -> tuple[list[tuple[Arrays, npt.NDArray[np.int64], npt.NDArray[np.int32]]], npt.NDArray[np.int64]]:
        """Each chunk with the new numbers of its terms and articles, and the compounds of all."""
        numbered, compounds = [], []
        first = 0
        for chunk, terms in zip(self._chunks, term_numbers, strict=True):
            docs = self.doc_of[first : first + len(chunk["ids"])]
            numbered.append((chunk, terms, docs))
            kept = chunk["compounds"][docs[chunk["compounds"][:, 3]] >= 0]
            compounds.append(np.column_stack((terms[kept[:, :3]], docs[kept[:, 3]])))
            first += len(chunk["ids"])
        return numbered, np.concatenate(compounds)


def write_impacts(folder: str, segment_id: str, arrays: Arrays, parameters: RankingParameters) -> int:
    """Write and fsync the impacts of a segment, given its other arrays; returns the file's size in bytes."""
    return write_array_file(segment_file(folder, segment_id, ".impacts"), *_impacts(arrays, parameters))


def _impacts(arrays: Arrays, parameters: RankingParameters) -> _Contents:
    offsets, lengths = arrays["offsets"], arrays["lengths"]
    impacts = compute_impacts(
        arrays["docs"],
        Frequencies(arrays),
        offsets,
        lengths,
        arrays["keyword_postings"],
        Weighting.of(parameters),
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


def _subject_slices(subjects: list[str]) -> list[SubjectSlice]:
    """Articles of one subject each, given that of every article; named as most of them spell it."""
    slices = []
    start = 0
    for slug, group in groupby(subjects, slugify):
        spellings = Counter(group)
        stop = start + spellings.total()
        name = min(spellings, key=lambda spelling: (-spellings[spelling], spelling))
        slices.append(SubjectSlice(slug, name, start, stop))
        start = stop
    return slices
