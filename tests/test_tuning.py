"""Other ranking parameters for an index that is there: published as a reindex is, scored as if built so."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path
from unittest import mock

import pytest
from corpora import corpora, queries, zipf_articles
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch import RankingParameters
from qtsearch.articles import Article
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.writer import SegmentWriter
from qtsearch.generations import publishing

QUERIES = ["how is a blood clot removed", "oxidative phosphorylation", "what is it", "memory"]
OTHER = RankingParameters(k1=0.5, question_weight=9, pair_share=0, soft_share=0.5)

_NUMBERS = {
    name: st.sampled_from([low, high, (low + high) / 2]) | st.floats(low, high)
    for name, _, (low, high), _ in RankingParameters.table()
}
parameter_sets = st.fixed_dictionaries({}, optional=_NUMBERS).map(RankingParameters.from_dict)


def found(index, query, **options):
    return [
        (hit.url, hit.score)
        for hit in index.search(query, limit=1_000, collapse=False, correct=False, **options)
    ]


def answers(folder):
    """What an index opened now gives for some queries."""
    with qtsearch.open_index(folder) as index:
        return [found(index, query) for query in QUERIES]


def files(folder) -> dict[str, int]:
    """The files of an index but its lock, with their inodes."""
    names = [name for name in os.listdir(folder) if "LOCK" not in name]
    return {name: os.stat(os.path.join(folder, name)).st_ino for name in names}


def of_kind(folder, extension: str) -> Path:
    (path,) = Path(folder).glob(f"MAIN_*.{extension}")
    return path


def built_with(articles, folder, parameters) -> qtsearch.Index:
    """A new index of the articles by the parameters, opened."""
    builder = ChunkBuilder(b"")
    for article in articles:
        builder.add(article)
    segment_id = publishing.new_segment_id()
    with mock.patch("os.fsync"):
        SegmentWriter([builder.arrays()], b"").write(str(folder), segment_id, parameters=parameters)
        publishing.publish(str(folder), segment_id, len(articles))
    return qtsearch.open_index(folder)


@pytest.fixture
def folder(tmp_path, sample_folder) -> Path:
    """The index of the samples, to be changed."""
    qtsearch.reindex(sample_folder, tmp_path / "index")
    return tmp_path / "index"


# -- what changes ----------------------------------------------------------------------------------------


def test_a_new_generation_with_other_scores(folder):
    """Open indexes keep what they have; those opened from now on have the next number and the new scores."""
    with qtsearch.open_index(folder) as before:
        old = [found(before, query) for query in QUERIES]
        assert qtsearch.set_parameters(folder, OTHER) == before.generation + 1
        assert [found(before, query) for query in QUERIES] == old
        assert before.parameters == RankingParameters()
    with qtsearch.open_index(folder) as after:
        assert after.generation == 2
        assert after.parameters == OTHER
        assert [found(after, query) for query in QUERIES] != old
        assert all(after.get(url) is not None for url, _ in found(after, "what"))
    qtsearch.set_parameters(folder, RankingParameters())
    assert answers(folder) == old


def test_the_folder_is_that_of_the_environment(folder, monkeypatch):
    """``None`` means ``$QTSEARCH_INDEX``, as for ``open_index``."""
    monkeypatch.setenv("QTSEARCH_INDEX", str(folder))
    assert qtsearch.set_parameters(None, OTHER) == 2
    with qtsearch.open_index() as index:
        assert index.parameters == OTHER


@settings(max_examples=60)
@given(st.data())
def test_tuned_is_as_built(build_index, tmp_path_factory, data):
    """Any parameters: hits, scores and order are those of an index that was built with them."""
    articles = data.draw(corpora())
    parameters = data.draw(parameter_sets)
    path = build_index(articles).path
    with mock.patch("os.fsync"):
        qtsearch.set_parameters(path, parameters)
    tuned = qtsearch.open_index(path)
    fresh = built_with(articles, tmp_path_factory.mktemp("fresh"), parameters)
    assert tuned.parameters == fresh.parameters == parameters
    for _ in range(3):
        query = data.draw(queries)
        hits = found(tuned, query)
        assert hits == found(fresh, query)
        assert (
            tuned.search(query, collapse=False, correct=False).total
            == fresh.search(query, collapse=False, correct=False).total
            == len(hits)
        )
        for url, score in hits:
            assert tuned.explain(query, url).score == score


def test_tuned_is_as_built_among_many_pages(build_index, tmp_path):
    """The same with frequent words and rare ones, byte for byte."""
    articles = zipf_articles(300, seed=8)
    tuned = build_index(articles).path
    qtsearch.set_parameters(tuned, OTHER)
    fresh = built_with(articles, tmp_path, OTHER).path
    for extension in ("arrays", "impacts"):
        assert of_kind(tuned, extension).read_bytes() == of_kind(fresh, extension).read_bytes()


def test_boosts_start_from_the_parameters(folder):
    """A boost that is the tuned weight changes nothing; one that is the default is a change."""
    qtsearch.set_parameters(folder, OTHER)
    with qtsearch.open_index(folder) as index:
        plain = found(index, "blood clot")
        assert found(index, "blood clot", boosts={"question": 9}) == plain
        assert found(index, "blood clot", boosts={"question": 3}) != plain


def test_an_index_without_a_word(build_index):
    """Pages of punctuation alone can be tuned, too."""
    path = build_index([Article(url="/1", question="?", answer="!")]).path
    assert qtsearch.set_parameters(path, OTHER) == 2
    assert qtsearch.open_index(path).search("anything", correct=False).total == 0


# -- reindex ---------------------------------------------------------------------------------------------


def test_a_later_reindex_keeps_the_parameters(folder, sample_folder):
    """Unless it is given others, which later ones keep in turn."""

    def reindexed(**options):
        qtsearch.reindex(sample_folder, folder, **options)
        with qtsearch.open_index(folder) as index:
            return index.parameters

    qtsearch.set_parameters(folder, OTHER)
    tuned = answers(folder)
    assert reindexed() == OTHER
    assert answers(folder) == tuned
    explicit = RankingParameters(k1=2)
    assert reindexed(parameters=explicit) == explicit
    assert reindexed() == explicit
    assert reindexed(parameters=RankingParameters()) == RankingParameters()


def test_a_new_index_has_the_defaults_or_what_it_is_given(tmp_path, sample_folder):
    """``reindex`` where there is no index."""
    for name, options, expected in (
        ("a", {}, RankingParameters()),
        ("b", {"parameters": OTHER}, OTHER),
    ):
        qtsearch.reindex(sample_folder, tmp_path / name, **options)
        with qtsearch.open_index(tmp_path / name) as index:
            assert index.parameters == expected


def test_a_reindex_over_damaged_parameters_takes_the_defaults(folder, sample_folder):
    """An index that cannot be opened is built again, not kept from being built."""
    replace_metadata(folder, parameters={"k1": 99})
    qtsearch.reindex(sample_folder, folder)
    with qtsearch.open_index(folder) as index:
        assert index.parameters == RankingParameters()


# -- files -----------------------------------------------------------------------------------------------


def test_the_arrays_are_shared_not_copied(folder):
    """The new generation has the same file of arrays under another name, and the old names are gone."""
    before = files(folder)
    arrays = of_kind(folder, "arrays")
    inode = arrays.stat().st_ino
    qtsearch.set_parameters(folder, OTHER)
    after = files(folder)
    assert len(after) == len(before) == 4
    assert not set(after) & set(before)
    assert of_kind(folder, "arrays").stat().st_ino == inode
    assert of_kind(folder, "arrays").stat().st_nlink == 1


def test_the_arrays_are_copied_where_there_are_no_hard_links(folder, monkeypatch):
    """On a file system without them, the new file has the same bytes."""
    arrays = of_kind(folder, "arrays")
    inode, content = arrays.stat().st_ino, arrays.read_bytes()

    def no_links(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", no_links)
        with qtsearch.open_index(folder) as held:  # so that the inode is not given to the copy
            qtsearch.set_parameters(folder, OTHER)
            assert held.search("clot").total > 0
            assert of_kind(folder, "arrays").stat().st_ino != inode
    assert of_kind(folder, "arrays").read_bytes() == content
    assert len(files(folder)) == 4
    with qtsearch.open_index(folder) as index:
        assert index.parameters == OTHER


def test_a_failure_changes_nothing(folder, monkeypatch):
    """A disk that is full in the middle: the error, and the index with its files as before."""
    before, old = files(folder), answers(folder)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, name in ((qtsearch.generations.tuning, "write_impacts"), (publishing, "publish")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, full)
            with pytest.raises(OSError, match="No space"):
                qtsearch.set_parameters(folder, OTHER)
        assert files(folder) == before
    assert answers(folder) == old


def test_a_locked_index_is_left_alone(folder):
    """While another writes: IndexLockedError, which says who, and nothing is changed."""
    before = files(folder)
    with publishing.WriteLock(str(folder)), pytest.raises(qtsearch.IndexLockedError, match="try again"):
        qtsearch.set_parameters(folder, OTHER)
    assert files(folder) == before
    with qtsearch.open_index(folder) as index:
        assert (index.generation, index.parameters) == (1, RankingParameters())
    assert qtsearch.set_parameters(folder, OTHER) == 2


def test_where_there_is_no_index_none_is_begun(tmp_path):
    """IndexMissingError, and no file is made, not even a lock."""
    with pytest.raises(qtsearch.IndexMissingError):
        qtsearch.set_parameters(tmp_path, OTHER)
    with pytest.raises(qtsearch.IndexMissingError):
        qtsearch.set_parameters(tmp_path / "nowhere", OTHER)
    assert os.listdir(tmp_path) == []


# -- damage ----------------------------------------------------------------------------------------------


def replace_metadata(folder, **changes):
    """Write the impacts file again with other metadata; ``None`` takes a key away."""
    path = of_kind(folder, "impacts")
    file = ArrayFile(str(path))
    arrays = {name: file[name].copy() for name in ("impacts", "max_impacts", "pair_impacts")}
    metadata = {name: value for name, value in {**file.metadata, **changes}.items() if value is not None}
    path.unlink()
    write_array_file(str(path), arrays, metadata)


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": None},
        {"parameters": {"k1": 99}},
        {"parameters": {"k1": math.nan}},
        {"parameters": {"k1": "1.5"}},
        {"parameters": {"k1": True}},
        {"parameters": {"k9": 1.0}},
        {"parameters": []},
        {"parameters": [1.5]},
        {"parameters": "k1"},
        {"average_lengths": None},
        {"average_lengths": ["long", 1, 1]},
    ],
    ids=repr,
)
def test_damaged_parameters_are_told(folder, changes):
    """IndexDamagedError with the file's name, when the index is opened or tuned."""
    replace_metadata(folder, **changes)
    for do in (qtsearch.open_index, lambda path: qtsearch.set_parameters(path, OTHER)):
        with pytest.raises(qtsearch.IndexDamagedError, match="impacts"):
            do(folder)


@pytest.mark.parametrize("lengths", [[], [1.0], [0.0, 0.0, 0.0]], ids=repr)
def test_damaged_average_lengths_are_told(folder, lengths):
    """IndexDamagedError at the latest when a page is explained, not an error of arithmetic."""
    replace_metadata(folder, average_lengths=lengths)
    with pytest.raises(qtsearch.IndexDamagedError, match=r"arrays|impacts"):
        qtsearch.open_index(folder).explain("entropy", "/learn/physics/questions/what-is-entropy")
