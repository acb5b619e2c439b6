"""Searching an index whose postings are not what was written."""

from __future__ import annotations

import pytest

import qtsearch
from qtsearch.codec.container import ArrayFile


@pytest.mark.parametrize("query", ["thrombectomy", "what is it", "how is a blood clot removed", "the clot"])
@pytest.mark.parametrize("subjects", [None, ["Medicine"]])
def test_impossible_article_numbers(sample_folder, tmp_path, query, subjects):
    """Postings that lead to no article are a typed error that names the file, on every way to search."""
    qtsearch.reindex(sample_folder, tmp_path)
    path = next(tmp_path.glob("*.arrays"))
    arrays = ArrayFile(str(path))
    start = arrays._start + arrays._arrays["docs"][2]
    size = arrays["docs"].nbytes
    damaged = bytearray(path.read_bytes())
    damaged[start : start + size] = b"\xff" * size
    path.unlink()
    path.write_bytes(damaged)
    with (
        qtsearch.open_index(tmp_path) as index,
        pytest.raises(qtsearch.IndexDamagedError, match="reindex") as caught,
    ):
        index.search(query, subjects=subjects)
    assert caught.value.path == str(path)
