"""Term frequencies in a byte a posting: the commonest triples by number, the others in a list beside.

A posting has three frequencies, one for each text field, and nearly all postings share a few triples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from qtsearch.scoring import POSTINGS_AT_A_TIME, Sliced

__all__ = ["Arrays", "Frequencies", "encode_frequencies", "encode_numbered", "number_frequencies"]

#: The code of a posting that is in the list.
_RARE: Final = 255


def encode_frequencies(frequencies: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of frequencies, shape (n_postings, 3), as :mod:`qtsearch.codec.segment` has them."""
    triples, numbers = _distinct(frequencies)
    return encode_numbered(numbers, triples)


def encode_numbered(
    numbers: npt.NDArray[Any], triples: npt.NDArray[np.uint16]
) -> dict[str, npt.NDArray[Any]]:
    """The same of frequencies that are given as rows of ``triples``, which differ and ascend."""
    counts = np.zeros(len(triples), np.int64)
    for start in range(0, len(numbers), POSTINGS_AT_A_TIME):
        counts += np.bincount(numbers[start : start + POSTINGS_AT_A_TIME], minlength=len(triples))
    used = np.flatnonzero(counts)
    commonest = used[np.argsort(counts[used], kind="stable")[::-1][:_RARE]]
    codes = np.full(len(triples), _RARE, np.uint8)
    codes[commonest] = np.arange(len(commonest), dtype=np.uint8)
    posting_codes = codes[numbers]
    rare = np.flatnonzero(posting_codes == _RARE)
    return {
        "frequency_codes": posting_codes,
        "frequency_table": triples[commonest],
        "rare_postings": rare,
        "rare_frequencies": triples[numbers[rare]],
    }


def number_frequencies(
    encoded: Sequence[Arrays],
) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.uint16]]:
    """Of each of several what :func:`encode_numbered` takes, by the same triples: the numbers of the
    postings, unsigned integers, and the triples."""
    known = [np.concatenate((one["frequency_table"], one["rare_frequencies"])) for one in encoded]
    triples, rows = _distinct(np.concatenate(known))
    rows = rows.astype(np.min_scalar_type(len(triples)))
    numbers = []
    for one, of_one in zip(encoded, np.split(rows, np.cumsum([*map(len, known)])[:-1]), strict=True):
        n_common = len(one["frequency_table"])
        table = np.zeros(256, rows.dtype)
        table[:n_common] = of_one[:n_common]
        numbers.append(table[one["frequency_codes"]])
        numbers[-1][one["rare_postings"]] = of_one[n_common:]
    return numbers, triples


def _distinct(frequencies: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """The different triples, ascending, and which of them each is."""
    packed = np.zeros(len(frequencies), np.uint64)
    for field in range(3):
        packed = (packed << np.uint64(16)) | frequencies[:, field]
    triples, numbers = np.unique(packed, return_inverse=True)
    columns = [triples >> 32, (triples >> 16) & 0xFFFF, triples & 0xFFFF]
    return np.stack(columns, 1).astype(np.uint16), numbers


class Arrays(Protocol):
    """Arrays by name, in memory or in a container."""

    def __getitem__(self, name: str, /) -> npt.NDArray[Any]: ...


class Frequencies:
    """The term frequencies of all postings: a slice of it is a uint16 array of shape (n, 3)."""

    def __init__(self, arrays: Arrays, codes: Sliced | None = None) -> None:
        """``arrays``: what :func:`encode_frequencies` gives, in memory or in a file. ``codes``: the
        frequency codes, if they are not to be taken from there."""
        self._codes = arrays["frequency_codes"] if codes is None else codes
        table = arrays["frequency_table"]
        self._table = np.zeros((256, 3), np.uint16)
        self._table[: len(table)] = table
        self._rare_postings = arrays["rare_postings"]
        self._rare_frequencies = arrays["rare_frequencies"]

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, part: slice) -> npt.NDArray[np.uint16]:
        start, stop, _ = part.indices(len(self._codes))
        found = self._table.take(self._codes[start:stop], axis=0)
        places, rare = self._rare(start, stop)
        found[places] = rare
        return found

    def of_field(self, start: int, stop: int, field: int) -> npt.NDArray[np.uint16]:
        """The frequencies in one field of the postings ``start`` ≤ posting < ``stop``: shape (n,)."""
        found = self._table[:, field].take(self._codes[start:stop])
        places, rare = self._rare(start, stop)
        found[places] = rare[:, field]
        return found

    def totals(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """The frequencies of these postings in all fields together: shape (n,)."""
        found: npt.NDArray[np.int64] = self._table.sum(axis=1, dtype=np.int64)[self._codes[start:stop]]
        places, rare = self._rare(start, stop)
        found[places] = rare.sum(axis=1)
        return found

    def _rare(self, start: int, stop: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Which of these postings are in the list, counted from ``start``, and their frequencies."""
        first, last = np.searchsorted(self._rare_postings, (start, stop))
        return self._rare_postings[first:last] - start, self._rare_frequencies[first:last]
