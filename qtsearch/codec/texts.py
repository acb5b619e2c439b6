"""Many texts as one blob, and where each begins: two arrays of a chunk, or of a file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from qtsearch.codec.frequencies import Arrays
from qtsearch.codec.segment import offsets_of

__all__ = ["joined_texts", "split_texts"]


def joined_texts(name: str, texts: list[bytes]) -> dict[str, npt.NDArray[Any]]:
    """The texts as one blob, ``urls`` say, and where each begins, ``url_offsets``.

    >>> {name: array.tolist() for name, array in joined_texts("urls", [b"a", b"bc"]).items()}
    {'urls': [97, 98, 99], 'url_offsets': [0, 1, 3]}
    """
    return {
        name: np.frombuffer(b"".join(texts), np.uint8),
        f"{name.removesuffix('s')}_offsets": offsets_of(np.fromiter(map(len, texts), np.int64, len(texts))),
    }


def split_texts(arrays: Arrays, name: str) -> list[bytes]:
    """The texts of a blob, ``urls`` say, that :func:`joined_texts` made."""
    data = arrays[name].tobytes()
    offsets = arrays[f"{name.removesuffix('s')}_offsets"].tolist()
    return [data[start:stop] for start, stop in pairwise(offsets)]
