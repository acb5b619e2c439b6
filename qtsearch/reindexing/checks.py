"""What is worth a look though it is no error: subjects, ids and links of the articles that are published."""

from __future__ import annotations

from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from qtsearch.codec.segment import NO_ID
from qtsearch.codec.writer import SegmentWriter
from qtsearch.schema import slugify

__all__ = ["warnings_of"]

_EXAMPLES: Final = 3


def warnings_of(writer: SegmentWriter, left_out: frozenset[int]) -> tuple[str, ...]:
    """A sentence for each. ``left_out``: articles that are not published."""
    published = np.ones(len(writer.urls), bool)
    published[list(left_out)] = False
    return (*_subjects(writer, published), *_ids(writer, published), *_links(writer, published))


def _subjects(writer: SegmentWriter, published: npt.NDArray[np.bool_]) -> list[str]:
    spellings: dict[str, list[str]] = {}
    for name in sorted(set(compress(writer.subjects, published.tolist()))):
        spellings.setdefault(slugify(name), []).append(name)
    return [
        f"a subject is spelt in {len(names)} ways, and taken as one: {', '.join(map(repr, names))}"
        for names in spellings.values()
        if len(names) > 1
    ]


def _ids(writer: SegmentWriter, published: npt.NDArray[np.bool_]) -> list[str]:
    ids, contents = writer.ids, writer.contents
    numbers = np.flatnonzero(published & (ids != NO_ID))
    order = numbers[np.lexsort((contents[numbers], ids[numbers]))]
    same = (np.diff(ids[order]) == 0) & (np.diff(contents[order]) == 0)
    different = np.sort(order[np.append(True, ~same)[: len(order)]])  # of the same content the first one
    found, counts = np.unique(ids[different], return_counts=True)
    several = found[counts > 1]
    if not len(several):
        return []
    urls = [writer.urls[number].decode() for number in different[ids[different] == several[0]][:_EXAMPLES]]
    return [f"{len(several):,} ids stand for different articles, {several[0]} say: {', '.join(urls)}"]


def _links(writer: SegmentWriter, published: npt.NDArray[np.bool_]) -> list[str]:
    known = writer.url_hashes[published]
    targets, owners = writer.links()
    dead = ~np.isin(targets, known) & published[owners]
    if not dead.any():
        return []
    pages = np.unique(owners[dead])
    examples = ", ".join(writer.urls[number].decode() for number in pages[:_EXAMPLES].tolist())
    return [f"{int(dead.sum()):,} links lead to no page of the index, on {len(pages):,} pages: {examples} …"]
