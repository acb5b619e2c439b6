"""What is made of several words: keywords, and pairs of words that stand side by side in answers.

Of every keyword of several words the articles that carry it are found word by word.

A keyword of one term marks its posting. Longer ones make a trie: a node is a sequence of two terms or more,
its key ``parent · n_terms + last term``; the parent of two terms is the first one, that of more is
``n_terms`` + the number of the node of all but the last. Keys ascend, so children lie side by side.

A pair is two hard words that stand side by side in an answer; it has a posting for each article.

A compound is two words that some text joins by a hyphen, and both in one word, which has postings of its own.
Stored with it is who would not be found: the articles that have the one word and not both of the two, and
those whose answer has the two side by side and which do not have the one. There are few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt

from qtsearch.codec.chunk import MAX_DOCS
from qtsearch.codec.completions import Texts
from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.merging import Lists, merged_lists
from qtsearch.codec.segment import MAX_PHRASE_TERMS, offsets_of, places_of
from qtsearch.codec.sorting import distinct

__all__ = ["compound_arrays", "keyword_arrays", "pair_arrays"]


def keyword_arrays(
    keywords: Texts,
    form_terms: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of keywords, as the table in :mod:`qtsearch.codec.segment` has them.

    Args:
        keywords: as they are written.
        form_terms: the term of each surface form.
        offsets: where each term's postings begin and the last one's end.
        docs: article of each posting.
    """
    n_terms = len(offsets) - 1
    terms = form_terms[keywords.words].astype(np.int64)
    firsts, lengths = keywords.offsets[:-1], np.diff(keywords.offsets)
    keys, node_of = _nodes(terms, firsts, lengths, n_terms)
    texts, text_docs = keywords.found // MAX_DOCS, keywords.found % MAX_DOCS
    nodes, alone = node_of[texts], lengths[texts] == 1
    found = distinct((nodes * MAX_DOCS + text_docs)[nodes >= 0])
    doc_counts = np.bincount(found // MAX_DOCS, minlength=len(keys))
    single = find_postings(offsets, docs, terms[firsts[texts[alone]]], text_docs[alone])
    return {
        "keyword_postings": distinct(single).astype(np.int32),
        "phrase_keys": keys,
        "phrase_children": np.searchsorted(keys, np.arange(n_terms + 1) * n_terms).astype(np.int32),
        "phrase_offsets": offsets_of(doc_counts).astype(np.int32),
        "phrase_docs": (found % MAX_DOCS).astype(docs.dtype),
    }


def _nodes(
    terms: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    n_terms: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The keys of all nodes, and the node of every keyword, -1 of one that has none.

    ``starts``, ``lengths``: where in ``terms`` those of each keyword are.
    """
    node_of = np.full(len(starts), -1, np.int64)
    texts = np.flatnonzero((lengths > 1) & (lengths <= MAX_PHRASE_TERMS))
    parents = terms[starts[texts]]
    keys = [np.zeros(0, np.int64)]
    n_nodes = 0
    for depth in range(1, MAX_PHRASE_TERMS):
        if not len(texts):
            break
        level, node = np.unique(parents * n_terms + terms[starts[texts] + depth], return_inverse=True)
        node += n_nodes
        n_nodes += len(level)
        keys.append(level)
        ends = lengths[texts] == depth + 1
        node_of[texts[ends]] = node[ends]
        texts, parents = texts[~ends], node[~ends] + n_terms
    return np.concatenate(keys), node_of


def find_postings(
    offsets: npt.NDArray[np.int64],
    docs: npt.NDArray[Any],
    terms: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Where in ``docs`` these terms have their postings in the articles ``wanted``; for an article that has
    not the term, the place of the next one that has, or the end. A binary search for each, all in step."""
    low, high = offsets[terms], offsets[terms + 1]
    while (searching := low < high).any():
        middle = (low + high) >> 1
        less = docs.take(middle, mode="clip") < wanted
        low = np.where(searching & less, middle + 1, low)
        high = np.where(searching & ~less, middle, high)
    return low


def pair_arrays(
    chunks: Sequence[tuple[Arrays, npt.NDArray[np.int64], npt.NDArray[np.int32]]],
    n_terms: int,
    doc_type: Any,
    pool: Executor,
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of pairs.

    ``chunks``: each with the new number of each of its terms, ascending, and of each of its articles, -1 for
    one that is left out. A term that does not stay has the number of one before it that does, or -1.
    """
    parts = []
    for chunk, terms, new_docs in chunks:
        keys = np.repeat(terms * n_terms, np.diff(chunk["pair_children"]))
        keys += terms[chunk["pair_seconds"]]
        # A pair of which a term does not stay, and so no posting, could stand out of order.
        np.maximum.accumulate(keys, out=keys)
        offsets = chunk["pair_offsets"].astype(np.int64)
        postings = offsets, chunk["pair_docs"], chunk["pair_counts"]
        parts.append(Lists(keys, new_docs, *postings, np.zeros_like(offsets), np.zeros(0, np.uint16)))
    pairs = merged_lists(parts, np.zeros(256, np.uint32), np.zeros(256, np.uint8), doc_type, pool)
    first_keys = np.arange(n_terms + 1) * n_terms
    children = pairs.keys.searchsorted(first_keys)
    seconds = pairs.keys
    seconds -= np.repeat(first_keys[:-1], np.diff(children))
    return {
        "pair_seconds": seconds.astype(np.min_scalar_type(n_terms)),
        "pair_children": children.astype(np.int32),
        "pair_offsets": offsets_of(pairs.counts[:, 0]).astype(np.int32),
        "pair_docs": pairs.docs,
        "pair_counts": pairs.numbers,
    }


def compound_arrays(
    found: npt.NDArray[Any], term_soft: npt.NDArray[np.bool_], arrays: dict[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of compounds.

    Args:
        found: first term, second term, both in one word, article; shape (n, 4), repeated, in any order.
        term_soft: of every term whether it is soft.
        arrays: the postings and the pairs of the segment.
    """
    n_terms = len(term_soft)
    pairs, whole_docs = found[:, 0] * n_terms + found[:, 1], found[:, 2] * MAX_DOCS + found[:, 3]
    order = np.lexsort((whole_docs, pairs))
    order = order[_differ(pairs[order], whole_docs[order])]
    pairs, (wholes, hyphen_docs) = pairs[order], np.divmod(whole_docs[order], MAX_DOCS)
    starts = np.flatnonzero(_differ(pairs, wholes))
    firsts, seconds, wholes = *np.divmod(pairs[starts], n_terms), wholes[starts]
    by_whole = np.argsort(wholes, kind="stable")
    terms = np.arange(n_terms + 1)
    offsets, docs = arrays["offsets"], arrays["docs"]

    def have(term: npt.NDArray[Any], doc: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        places = find_postings(offsets, docs, term, doc)
        found: npt.NDArray[np.bool_] = (places < offsets[term + 1]) & (docs.take(places, mode="clip") == doc)
        return found

    # Nothing is found by a soft word that is a compound: nearly all articles have it.
    hard = np.flatnonzero(~term_soft[wholes])
    row, posting = places_of(offsets, wholes[hard])
    row, doc = hard[row], docs[posting].astype(np.int64)
    # Who has it with a hyphen has both of the two.
    hyphened = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(pairs))) * MAX_DOCS + hyphen_docs
    maybe = ~np.isin(row * MAX_DOCS + doc, hyphened, assume_unique=True)
    row, posting, doc = row[maybe], posting[maybe], doc[maybe]
    alone = ~(have(firsts[row], doc) & have(seconds[row], doc))
    nodes = np.repeat(terms[:-1], np.diff(arrays["pair_children"])) * n_terms + arrays["pair_seconds"]
    node = nodes.searchsorted(firsts * n_terms + seconds)
    paired = hard[node[hard] < len(nodes)]
    paired = paired[nodes[node[paired]] == firsts[paired] * n_terms + seconds[paired]]
    pair_row, place = places_of(arrays["pair_offsets"], node[paired])
    pair_row, pair_doc = paired[pair_row], arrays["pair_docs"][place]
    apart = ~have(wholes[pair_row], pair_doc.astype(np.int64))
    rows = np.arange(len(starts) + 1)
    return {
        "compound_seconds": seconds.astype(np.int32),
        "compound_wholes": wholes.astype(np.int32),
        "compound_children": firsts.searchsorted(terms).astype(np.int32),
        "compound_rows": by_whole.astype(np.int32),
        "compound_offsets": wholes[by_whole].searchsorted(terms).astype(np.int32),
        "hyphen_offsets": np.append(starts, len(pairs)).astype(np.int32),
        "hyphen_docs": hyphen_docs.astype(docs.dtype),
        "alone_offsets": row[alone].searchsorted(rows).astype(np.int32),
        "alone_postings": posting[alone].astype(np.int32),
        "apart_offsets": pair_row[apart].searchsorted(rows).astype(np.int32),
        "apart_docs": pair_doc[apart],
    }


def _differ(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Of each row whether it is another than the one before."""
    differs = np.zeros(len(columns[0]), bool)
    differs[:1] = True
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return differs
