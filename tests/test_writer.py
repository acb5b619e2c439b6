"""The writer: the same articles give the same bytes, and an article that is left out leaves no trace."""

from __future__ import annotations

import datetime
import tempfile
from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from agreement import all_arrays, open_index_segment
from corpora import corpora
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch import scoring
from qtsearch.articles import Article
from qtsearch.codec import frequencies, keyterms, merging
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.records import make_dictionary
from qtsearch.codec.segment import Segment
from qtsearch.codec.writer import SegmentWriter

DICTIONARY = make_dictionary([Article(url="/x", question="The cell", answer="Explain the virus.")])
COMPRESSED = {"dictionary", "records", "record_offsets"}


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    return tmp_path_factory.mktemp("segments")


def chunk_of(articles, dictionary=b""):
    builder = ChunkBuilder(dictionary)
    for article in articles:
        builder.add(article)
    return builder.arrays()


def write(parent, chunks, dictionary=b"", left_out=frozenset()):
    """Write a segment without waiting for the disk; returns its folder."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    with mock.patch("os.fsync"):
        sizes = SegmentWriter(chunks, dictionary).write(str(folder), "0", frozenset(left_out))
    assert sum(sizes.values()) == sum(path.stat().st_size for path in folder.iterdir())
    return folder


def data(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- order and chunks ------------------------------------------------------------------------------------


@given(articles=corpora(), draw=st.data())
@settings(max_examples=60)
def test_order_and_chunks_make_no_difference(parent, articles, draw):
    """The same articles in any order, spread over chunks in any way, give the same bytes of both files."""
    expected = data(write(parent, [chunk_of(sorted(articles, key=lambda a: a.url), DICTIONARY)], DICTIONARY))
    assert sorted(expected) == ["MAIN_0.arrays", "MAIN_0.impacts"]
    shuffled = draw.draw(st.permutations(articles))
    cuts = [0, *sorted(draw.draw(st.sets(st.integers(1, len(articles))))), len(articles)]
    parts = [shuffled[start:stop] for start, stop in pairwise(cuts)]
    chunks = [chunk_of(part, DICTIONARY) for part in parts if part]
    assert data(write(parent, chunks, DICTIONARY)) == expected


@pytest.mark.parametrize("left_out", [frozenset(), frozenset(range(0, 60, 3))])
def test_ranges_make_no_difference(parent, sample_articles, monkeypatch, left_out):
    """However little is merged and computed at a time, in NumPy too, the segment is the same."""
    chunks = [chunk_of(sample_articles[:30]), chunk_of(sample_articles[30:])]
    expected = data(write(parent, chunks, left_out=left_out))
    monkeypatch.setattr(merging, "kernel", None)
    assert data(write(parent, chunks, left_out=left_out)) == expected
    for size in (1, 7, 1_000):
        monkeypatch.setattr(merging, "_AT_A_TIME", size)
        for module in (frequencies, keyterms, scoring):
            monkeypatch.setattr(module, "POSTINGS_AT_A_TIME", size)
        assert data(write(parent, chunks, left_out=left_out)) == expected


def test_chunks_in_files(parent, tmp_path, sample_articles):
    """A chunk read from its file gives the segment that the chunk in memory gives."""
    chunk = chunk_of(sample_articles)
    write_array_file(str(tmp_path / "chunk"), chunk, {}, sync=False)
    assert data(write(parent, [ArrayFile(str(tmp_path / "chunk"))])) == data(write(parent, [chunk]))


# -- left out --------------------------------------------------------------------------------------------


@given(articles=corpora(), draw=st.data())
@settings(max_examples=60)
def test_articles_left_out_leave_no_trace(parent, articles, draw):
    """A segment without some of its articles is, array by array, one that never had them."""
    left_out = draw.draw(st.sets(st.integers(0, len(articles) - 1), max_size=len(articles) - 1))
    kept = [article for number, article in enumerate(articles) if number not in left_out]
    cut = draw.draw(st.integers(0, len(articles) - 1))
    chunks = [chunk_of(part) for part in (articles[:cut], articles[cut:]) if part]
    found, expected = (
        Segment(str(folder), "0")
        for folder in (write(parent, chunks, left_out=left_out), write(parent, [chunk_of(kept)]))
    )
    assert found.metadata == expected.metadata
    np.testing.assert_equal(all_arrays(found), all_arrays(expected))


def test_longest_word_left_out(parent):
    """A long word that only an article left out has does not widen the arrays of words."""
    short = Article(url="/1", question="Cell", answer="-")
    long = Article(url="/2", question="Photosynthesis", answer="-")
    expected = data(write(parent, [chunk_of([short])]))
    assert data(write(parent, [chunk_of([short, long])], left_out={1})) == expected


def test_two_files_with_one_url(tmp_path, write_article, sample_articles):
    """The later date wins; the other file is reported, and in the index it is as if it had never been."""
    for folder in ("both", "one"):
        for number, page in enumerate(sample_articles[:20]):
            path = tmp_path / folder / f"{number}.md"
            write_article(path, url=page.url, question=page.question, answer=page.answer)
        path = tmp_path / folder / "new.md"
        write_article(path, url="/same", question="Newer?", date=datetime.date(2025, 2, 1))
    loser = write_article(
        tmp_path / "both" / "a.md",
        url="/same",
        question="Older?",
        answer="Floccinaucinihilipilification of viruses.",
        page_keywords="zebrawood, naïve cells",
        date=datetime.date(2025, 1, 1),
    )
    qtsearch.reindex(tmp_path / "one", tmp_path / "one.index")
    report = qtsearch.reindex(tmp_path / "both", tmp_path / "both.index")
    (error,) = report.rejected
    assert error.path == str(loser)
    assert "has the same url as" in error.reason
    assert (report.pages, report.files) == (21, 22)

    both, one = (all_arrays(open_index_segment(tmp_path / f"{name}.index")) for name in ("both", "one"))
    assert both.keys() == one.keys()
    for name in both.keys() - COMPRESSED:
        np.testing.assert_array_equal(both[name], one[name], name)
    with qtsearch.open_index(tmp_path / "both.index") as index:
        assert index.get("/same").question == "Newer?"
        assert index.search("zebrawood floccinaucinihilipilification").total == 0


def test_same_url_and_date(tmp_path, write_article):
    """Of the same date, or none, the first file by its path is taken; a date goes before none."""
    for name, key, date in (
        ("b", "/none", None),
        ("a", "/none", None),
        ("c", "/none", None),
        ("e", "/same", datetime.date(2025, 1, 1)),
        ("d", "/same", datetime.date(2025, 1, 1)),
        ("f", "/one", None),
        ("g", "/one", datetime.date(2020, 1, 1)),
    ):
        write_article(tmp_path / "articles" / f"{name}.md", url=key, question=f"From {name}?", date=date)
    report = qtsearch.reindex(tmp_path / "articles", tmp_path / "index")
    assert [Path(error.path).stem for error in report.rejected] == ["b", "c", "e", "f"]
    with qtsearch.open_index(tmp_path / "index") as index:
        found = [index.get(url).question for url in ("/none", "/same", "/one")]
    assert found == ["From a?", "From d?", "From g?"]
