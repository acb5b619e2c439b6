"""Searching an index whose postings, keywords or pairs are not what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

import qtsearch
from qtsearch.codec.container import ArrayFile

QUERIES = ["thrombectomy", "what is it", "how is a blood clot removed", "the clot", "stent retriever"]


@pytest.fixture
def damaged(sample_folder, tmp_path):
    """``damaged(name, byte)``: an index of the samples of which an array has other bytes; and its file."""

    def damage(name: str, byte: bytes) -> tuple[qtsearch.Index, Path]:
        qtsearch.reindex(sample_folder, tmp_path)
        for path in (*tmp_path.glob("*.arrays"), *tmp_path.glob("*.impacts")):
            arrays = ArrayFile(str(path))
            if name in arrays.names:
                break
        _, _, start, size, _ = arrays._entry(name)
        assert size
        content = bytearray(path.read_bytes())
        content[start : start + size] = byte * size
        path.unlink()
        path.write_bytes(content)
        return qtsearch.open_index(tmp_path), path

    return damage


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("subjects", [None, ["Medicine"]])
def test_impossible_article_numbers(damaged, query, subjects):
    """Postings that are not what was written are a typed error that names file and array, on every way."""
    index, path = damaged("docs", b"\xff")
    with pytest.raises(qtsearch.IndexDamagedError, match=r"'docs'.*reindex") as caught:
        index.search(query, subjects=subjects)
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("phrase_docs", "how is a blood clot removed"),
        ("phrase_docs", "stent retriever"),
        ("pair_docs", "stent retriever"),
        ("pair_docs", "blood clot"),
    ],
)
def test_phrases_that_lead_nowhere(damaged, name, query):
    """So are keywords and pairs; a query that has none is answered as ever."""
    index, path = damaged(name, b"\xff")
    with pytest.raises(qtsearch.IndexDamagedError, match="reindex") as caught:
        index.search(query)
    assert caught.value.path == str(path)
    assert index.search("thrombectomy")


@pytest.mark.parametrize("byte", [b"\0", b"\x7f"])
@pytest.mark.parametrize(
    "name",
    "offsets docs term_soft forms form_terms phrase_keys phrase_children phrase_offsets phrase_docs "
    "pair_seconds pair_children pair_offsets pair_docs impacts max_impacts pair_impacts "
    "originals question_ranks".split(),
)
def test_any_damage_is_answered_or_told(damaged, name, byte):
    """Whatever an array that searches read has in it, a search gives pages or a typed error."""
    index, _ = damaged(name, byte)
    for query in QUERIES:
        for subjects in (None, ["Medicine"]):
            try:
                results = index.search(query, subjects=subjects)
            except qtsearch.IndexDamagedError:
                continue
            assert all(index.get(hit.url) for hit in results)
    for options in (
        {"sort": "question"},
        {"sort": "oldest"},
        {"since": "2025"},
        {"keywords": ["blood clot"]},
    ):
        try:
            results = index.search("blood clot", correct=False, **options)
        except qtsearch.IndexDamagedError:
            continue
        assert all(index.get(hit.url) for hit in results)
        assert max(results.subjects.values(), default=0) <= results.total
        assert max(results.months.values(), default=0) <= results.total
