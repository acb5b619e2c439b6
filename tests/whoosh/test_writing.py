"""Whoosh's writers: what they may not do to our index, and what comes of what they may.

Only ``reindex`` writes an index of ours. Whoosh's writers are refused what would be lost at the next one;
what cannot be refused, rewriting the index in Whoosh's format, is found out when the index is opened.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import whoosh.index
from article_pairs import EXAMPLES, Pair
from query_trees import KINDS, QueryTrees
from whoosh import query
from whoosh.searching import Searcher

import qtsearch
from qtsearch.codec.plugin import ArrayCodec
from qtsearch.errors import ForeignSegmentError, IndexLockedError, IndexWriteError

URL = "/learn/nursing/questions/what-should-nurses-monitor-after-a-thrombectomy"
#: The files of our index end like this, the lock in nothing.
OURS = {".arrays", ".impacts", ".sources", ".toc", ""}


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name != "MAIN_WRITELOCK")
    return {path.name: path.read_bytes() for path in files}


def _suffixes(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir() if path.is_file()}


def _urls(searcher: Searcher, tree: query.Query) -> set[str]:
    return {hit["url"] for hit in searcher.search(tree, limit=None)}


# -- what is refused -------------------------------------------------------------------------------


def _delete_by_term(index: Any) -> None:
    index.delete_by_term("url", URL)


def _delete_document(index: Any) -> None:
    with index.writer() as writer:
        writer.delete_document(3)


def _delete_by_query(index: Any) -> None:
    with index.writer() as writer:
        writer.delete_by_query(query.Every())


def _update_document(index: Any) -> None:
    with index.writer() as writer:
        writer.update_document(url=URL, question="Another question?")


def _write_with_our_codec(index: Any) -> None:
    with index.writer(codec=ArrayCodec()) as writer:
        writer.add_document(url="/new", question="Which?")


def _optimize_with_our_codec(index: Any) -> None:
    index.optimize(codec=ArrayCodec())


REFUSED = [
    _delete_by_term,
    _delete_document,
    _delete_by_query,
    _update_document,
    _write_with_our_codec,
    _optimize_with_our_codec,
]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Whoosh drops the files of its writer
@pytest.mark.parametrize("write", REFUSED)
def test_refused(index_copy: Path, write: Callable[[Any], None]) -> None:
    """Deleting pages and writing with our codec are refused, leave the index as it was, and free the lock."""
    before = _contents(index_copy)
    n_pages = len(qtsearch.open_index(index_copy))
    index = whoosh.index.open_dir(index_copy)
    with pytest.raises(IndexWriteError, match="run `qtsearch reindex`"):
        write(index)
    gc.collect()  # the writer that was refused holds Whoosh's lock as long as it lives
    assert before.items() <= _contents(index_copy).items()
    assert index.doc_count() == len(qtsearch.open_index(index_copy)) == n_pages
    assert qtsearch.reindex(EXAMPLES / "nursing", index_copy, full=True, allow_shrink=True).generation == 2
    assert _suffixes(index_copy) == OURS


def test_lock_is_shared_with_whoosh(index_copy: Path) -> None:
    """A writer of Whoosh keeps reindex out as long as it is open, and the error says what to do."""
    writer = whoosh.index.open_dir(index_copy).writer()
    with pytest.raises(IndexLockedError, match="try again"):
        qtsearch.reindex(EXAMPLES / "nursing", index_copy, full=True, allow_shrink=True)
    writer.cancel()
    assert qtsearch.reindex(EXAMPLES / "nursing", index_copy, full=True, allow_shrink=True).generation == 2


def test_cancelled_writer(index_copy: Path) -> None:
    """A writer of Whoosh that is cancelled leaves the index as it was."""
    before = _contents(index_copy)
    writer = whoosh.index.open_dir(index_copy).writer()
    writer.add_document(url="/new", question="Which?")
    writer.cancel()
    assert qtsearch.open_index(index_copy).generation == 1
    assert before.items() <= _contents(index_copy).items()


# -- what comes of the rest ------------------------------------------------------------------------


def _assert_recovers(folder: Path) -> None:
    """A foreign index is refused by name, and rebuilt by reindex."""
    with pytest.raises(ForeignSegmentError) as caught:
        qtsearch.open_index(folder)
    assert str(folder) in str(caught.value)
    assert "reindex" in str(caught.value)
    report = qtsearch.reindex(EXAMPLES, folder, full=True, allow_shrink=True)
    index = qtsearch.open_index(folder)
    assert len(index) == report.pages
    assert index.generation == report.generation > 2
    assert _suffixes(folder) == OURS


def test_optimize(examples: Pair, index_copy: Path) -> None:
    """Optimizing through a plain writer rewrites all in Whoosh's format, which finds the same pages."""
    index = whoosh.index.open_dir(index_copy)
    before = index.searcher()
    index.writer().commit(optimize=True)
    assert whoosh.index.exists_in(index_copy)
    with whoosh.index.open_dir(index_copy).searcher() as after:
        assert not (index_copy / before.reader().segment().segment_id()).exists()
        trees = QueryTrees(examples.articles, seed="optimize")
        for kind in KINDS:
            for _ in range(5):
                tree = trees.tree(kind)
                assert _urls(after, tree) == _urls(before, tree), repr(tree)
        stored = [list(searcher.reader().all_stored_fields()) for searcher in (before, after)]
        assert stored[0] == stored[1]
        assert list(before.reader().all_terms()) == list(after.reader().all_terms())
        assert after.suggest("answer", "thromectomy") == ["thrombectomy"]
        order = [[hit["url"] for hit in s.search(query.Every(), sortedby="date")] for s in (before, after)]
        assert order[0] == order[1]
    _assert_recovers(index_copy)


def test_added_document(index_copy: Path) -> None:
    """A page added through a plain writer, merged or not, makes an index that is not ours."""
    n_pages = len(qtsearch.open_index(index_copy))
    for merge in (False, True):
        index = whoosh.index.open_dir(index_copy)
        writer = index.writer()
        writer.add_document(url="/new", question="Which thrombectomy?", id=1, subject="Medicine")
        writer.commit(merge=merge)
        with index.searcher() as searcher:
            assert searcher.doc_count() == n_pages + 1
            tree = query.And([query.Term("question", "thrombectomi"), query.Term("subject", "medicine")])
            assert "/new" in _urls(searcher, tree)
            assert len(_urls(searcher, tree)) > 1
        _assert_recovers(index_copy)
        n_pages = len(qtsearch.open_index(index_copy))


def test_reindex_beside_open_searcher(index_copy: Path) -> None:
    """A searcher that Whoosh has open goes on after a reindex; the next one sees the new pages."""
    index = whoosh.index.open_dir(index_copy)
    searcher = index.searcher()
    assert searcher.up_to_date()
    before = _urls(searcher, query.Every())
    qtsearch.reindex(EXAMPLES / "nursing", index_copy, full=True, allow_shrink=True)
    assert not searcher.up_to_date()
    assert _urls(searcher, query.Every()) == before
    assert searcher.document(url=URL)["answer"]
    with index.searcher() as newer:  # not refresh(), which works in Whoosh 2.7.4 alone
        nursing = _urls(newer, query.Every())
        assert nursing == _urls(newer, query.Term("subject", "nursing"))
        assert URL in nursing < before
