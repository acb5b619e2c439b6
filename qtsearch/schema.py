"""The fields of an article: one table, from which the arrays, the scores and Whoosh's schema follow.

The order of :data:`TEXT_FIELDS` is the order of the columns of every ``(…, 3)`` array of a segment
and of an article's position space.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["FIELD_NAMES", "POSITION_GAP", "TEXT_FIELDS", "TextField", "slugify"]

#: Positions left free between two fields and between two keywords, so that no phrase spans them.
POSITION_GAP: Final = 64


class TextField(NamedTuple):
    """A field of running text.

    ``weight``: what one occurrence counts, 0 or more. ``b``: how much the field's length matters,
    from 0 (not at all) to 1 (fully).
    """

    name: str
    weight: float
    b: float


TEXT_FIELDS: Final = (
    TextField("question", weight=3.0, b=0.5),
    TextField("answer", weight=1.0, b=0.6),
    TextField("page_keywords", weight=2.0, b=0.5),
)
FIELD_NAMES: Final = tuple(field.name for field in TEXT_FIELDS)


@lru_cache(maxsize=1_024)
def slugify(subject: str) -> str:
    """A subject as it stands in urls: lower case, words joined by hyphens.

    >>> slugify("Computer Science"), slugify("computer-science")
    ('computer-science', 'computer-science')
    """
    return "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", subject).lower()))
