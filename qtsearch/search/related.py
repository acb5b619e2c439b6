"""Related pages: those that an article links to, then those that are most like it.

Likeness is the score that an article's key terms, each as often as it weighs, give to others: a long query
that was planned when the index was published ("more like this", as Whoosh and Lucene have it). It goes past
the planner, whose memo is for words that are typed. Pages of the same subject get a quarter more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import Segment
from qtsearch.scoring import IMPACT_SCALE
from qtsearch.search.searcher import Searcher

__all__ = ["linked", "most_similar", "related"]

#: Looked at beyond those wanted, for pages of articles that are there already.
_SPARE: Final = 8


def related(searcher: Searcher, doc: int, k: int) -> list[tuple[int, float]]:
    """At most ``k`` pages for a page, with scores: those that it links to, with 0, then the most similar.

    Every article is there once, and ``doc``'s own not at all. Raises as :func:`linked` and
    :func:`most_similar` do.

    >>> import qtsearch
    >>> from qtsearch.generations import generation
    >>> report = qtsearch.reindex("examples/articles", "index")
    >>> searcher = Searcher(generation.open_segment("index")[1])
    >>> doc = searcher.segment.find_url("/learn/medicine/questions/how-do-doacs-compare-with-warfarin")
    >>> found = related(searcher, doc, 4)
    >>> [searcher.segment.url_and_question(other)[1] for other, score in found if score]
    ['How does metformin work in type 2 diabetes?']
    """
    links = linked(searcher.segment, doc)[: max(k, 0)]
    docs, scores = most_similar(searcher, doc, k - len(links), links)
    similar = [score / IMPACT_SCALE for score in scores]
    return [*((link, 0.0) for link in links), *zip(docs, similar, strict=True)]


def linked(segment: Segment, doc: int) -> list[int]:
    """The pages of the index that a page links to as related, in its order.

    Of several that are the same article the first; none that is the same article as ``doc``.

    Raises IndexDamagedError if the page cannot be read.
    """
    targets = [segment.find_url(link[0]) for link in segment.record(doc)["related"]]
    seen = {int(segment.originals[doc])}
    return _others(segment, [target for target in targets if target >= 0], seen)


def most_similar(
    searcher: Searcher, doc: int, k: int, left_out: Iterable[int] = ()
) -> tuple[list[int], list[int]]:
    """The ``k`` articles most like that of page ``doc``: a page of each, best first, and their scores.

    Only articles that have one of its key terms: there may be fewer. Ties go to the lower number.

    Args:
        doc: from 0 to ``n_docs`` - 1.
        left_out: pages whose articles are not wanted, beside that of ``doc``.

    Returns:
        Article numbers, and scores that can be compared for the same ``doc`` only.
    """
    segment = searcher.segment
    scores = _scores(searcher, doc)
    unwanted = {int(segment.originals[page]) for page in (doc, *left_out)}
    depth = k + len(unwanted) + _SPARE
    while k > 0:
        docs, values = searcher.best(scores, depth)
        found = _others(segment, docs, set(unwanted))[:k]
        if len(found) == k or len(docs) < depth:
            by_doc = dict(zip(docs, values, strict=True))
            return found, [by_doc[other] for other in found]
        depth *= 2
    return [], []


def _scores(searcher: Searcher, doc: int) -> npt.NDArray[np.uint32]:
    """What every article gets from the key terms of one: shape (n_docs,)."""
    segment = searcher.segment
    scores = np.zeros(segment.n_docs, np.uint32)
    weights = segment.key_weights[doc]
    weights = weights[: np.count_nonzero(weights)]
    if not len(weights):
        return scores
    terms = segment.key_terms[doc, : len(weights)].astype(np.intp)
    starts, stops = segment.offsets[terms], segment.offsets[terms + 1]
    slices = [slice(*bounds) for bounds in zip(starts.tolist(), stops.tolist(), strict=True)]
    # Index and value dtypes as they must be for add.at's fast path, as in the searcher. The sums fit: 24
    # terms, weights of a byte, impacts of two.
    docs = np.concatenate([segment.docs[part] for part in slices], dtype=np.intp)
    added = np.concatenate([searcher.planner.impacts[part] for part in slices], dtype=np.uint32)
    added *= np.repeat(weights, stops - starts)
    np.add.at(scores, docs, added)
    subject = segment.subject_of(doc)
    if subject.slug:
        same: npt.NDArray[Any] = scores[subject.start : subject.stop]
        same += same >> 2
    return scores


def _others(segment: Segment, docs: Iterable[int], seen: set[int]) -> list[int]:
    """The first page of every article that is not yet in ``seen``, which they join."""
    found = []
    for doc in docs:
        article = int(segment.originals[doc])
        if article not in seen:
            seen.add(article)
            found.append(doc)
    return found
