"""What is worth a look though it is no error: subjects, ids and links of the articles that are published."""

from __future__ import annotations

from typing import Final

import numpy as np

from qtsearch.codec.chunk import url_hash
from qtsearch.codec.writer import SegmentWriter
from qtsearch.schema import slugify

__all__ = ["warnings_of"]

_EXAMPLES: Final = 3


def warnings_of(writer: SegmentWriter, left_out: frozenset[int]) -> tuple[str, ...]:
    """A sentence for each. ``left_out``: articles that are not published."""
    kept = [number for number in range(len(writer.urls)) if number not in left_out]
    return (*_subjects(writer, kept), *_ids(writer, kept), *_links(writer, kept))


def _subjects(writer: SegmentWriter, kept: list[int]) -> list[str]:
    spellings: dict[str, list[str]] = {}
    for name in sorted({writer.subjects[number] for number in kept}):
        spellings.setdefault(slugify(name), []).append(name)
    return [
        f"a subject is spelt in {len(names)} ways, and taken as one: {', '.join(map(repr, names))}"
        for names in spellings.values()
        if len(names) > 1
    ]


def _ids(writer: SegmentWriter, kept: list[int]) -> list[str]:
    urls: dict[int, dict[int, str]] = {}
    ids, contents = writer.ids, writer.contents
    for number in kept:
        one = ids[number]
        if one is not None:
            urls.setdefault(one, {}).setdefault(contents[number], writer.urls[number].decode())
    several = {one: found for one, found in urls.items() if len(found) > 1}
    if not several:
        return []
    least = min(several)
    examples = ", ".join(list(several[least].values())[:_EXAMPLES])
    return [f"{len(several):,} ids stand for different articles, {least} say: {examples}"]


def _links(writer: SegmentWriter, kept: list[int]) -> list[str]:
    known = np.array([url_hash(writer.urls[number].decode()) for number in kept], np.uint64)
    targets, owners = writer.links()
    dead = ~np.isin(targets, known) & np.isin(owners, kept)
    if not dead.any():
        return []
    pages = np.unique(owners[dead])
    examples = ", ".join(writer.urls[number].decode() for number in pages[:_EXAMPLES].tolist())
    return [f"{int(dead.sum()):,} links lead to no page of the index, on {len(pages):,} pages: {examples} …"]
