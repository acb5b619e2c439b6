"""Queries and judgments → nDCG@10, MRR@10, R@100: by hand on a tiny index, and what can be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from math import log2
from pathlib import Path

import pytest

import qtsearch
from qtsearch.errors import JudgmentsError, MissingLibraryError
from qtsearch.evaluation import Figures, evaluate, measure, read_qrels, read_queries

pytest.importorskip("ir_measures")

HEADER = "query-id\tcorpus-id\tscore\n"


def ideal(*grades: int) -> float:
    """The discounted gain of grades in this order, linear: grade / log2(rank + 1)."""
    return sum(grade / log2(rank + 1) for rank, grade in enumerate(grades, 1))


@pytest.fixture
def write(tmp_path):
    """``write(name, text)`` writes a file and gives its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_article) -> Path:
    """An index of four pages: for `kidney` /title is before /text, for `heart` /heart stands alone."""
    source = tmp_path_factory.mktemp("evaluation")
    pages = [
        ("/title", "Kidney", "An organ."),
        ("/text", "What filters the blood?", "Among other organs, and in a long answer, the kidney."),
        ("/heart", "Heart", "A pump."),
        ("/café", "Where?", "There."),
    ]
    for number, (url, question, answer) in enumerate(pages):
        write_article(source / f"{number}.md", url=url, question=question, answer=answer)
    qtsearch.reindex(source, source / "index")
    return source / "index"


@pytest.fixture(scope="module")
def index(folder):
    with qtsearch.open_index(folder) as index:
        yield index


# -- measures ------------------------------------------------------------------------------------------


def test_figures_are_those_computed_by_hand():
    """Gains are linear, discounted by log2(rank + 1), and divided by the best possible order."""
    mean, by_query = measure({"q": ["a", "x", "b"]}, {"q": {"a": 1, "b": 2, "c": 1, "x": 0}})
    assert mean == by_query["q"]
    assert mean.ndcg_at_10 == pytest.approx((1 + 2 / log2(4)) / ideal(2, 1, 1))
    assert mean.mrr_at_10 == 1
    assert mean.recall_at_100 == pytest.approx(2 / 3)


def test_cutoffs_are_10_and_100():
    """A page at rank 11 counts for recall only, one at rank 101 for nothing."""
    hits = [f"d{rank:03}" for rank in range(1, 151)]
    _, by_query = measure({"late": hits, "last": hits}, {"late": {"d011": 1}, "last": {"d101": 1}})
    assert by_query == {"late": Figures(0, 0, 1), "last": Figures(0, 0, 0)}


def test_the_order_of_hits_counts_not_their_names():
    """trec_eval would order equal scores by id: the order that is given is the one that is measured."""
    for hits in (["a", "b", "c"], ["c", "b", "a"]):
        mean, _ = measure({"q": hits}, {"q": {"b": 1}})
        assert mean == pytest.approx((1 / log2(3), 0.5, 1))


def test_a_query_without_hits_counts_as_nothing_found():
    """It pulls the mean down, as one that was not asked does; one without a relevant id is left out."""
    qrels = {"good": {"a": 1}, "none": {"a": 1}, "gone": {"a": 1}, "unjudged": {"a": 0}, "junk": {"a": -2}}
    mean, by_query = measure({"good": ["a"], "none": [], "unjudged": ["a"]}, qrels)
    assert list(by_query) == ["good", "none", "gone"]
    assert mean == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_nothing_relevant_has_no_mean():
    """Without one relevant id there is nothing to measure."""
    with pytest.raises(ValueError, match="no query has a relevant id"):
        measure({"q": ["a"]}, {"q": {"a": 0}})


def test_an_index_is_measured_through_its_search(index, write):
    """`kidney` finds /title, then /text; the page that is asked for with `heart` is not found."""
    queries = write("queries.tsv", "1\tkidney\n2\theart\n3\tlung\n")
    qrels = write("qrels.tsv", f"{HEADER}1\t/title\t1\n1\t/text\t3\n2\t/title\t1\n4\t/text\t1\n")
    found = evaluate(index, queries, qrels)
    first = ideal(1, 3) / ideal(3, 1)
    assert found.by_query["1"] == pytest.approx((first, 1, 1))
    assert found.by_query["2"] == Figures(0, 0, 0)
    assert found.mean == pytest.approx((first / 2, 0.5, 0.5))
    assert (found.unjudged, found.unasked, found.judged, found.missing) == (1, 1, 2, ())


def test_judged_ids_that_are_no_page_are_named_and_lower_recall(index, write):
    """A relevant page that the index lacks cannot be found; it is told, not passed over."""
    queries = write("queries.tsv", "1\tkidney\n")
    found = evaluate(index, queries, write("qrels.tsv", f"{HEADER}1\t/title\t1\n1\t/z\t1\n1\t/b\t0\n"))
    assert (found.judged, found.missing) == (3, ("/b", "/z"))
    assert found.mean.recall_at_100 == 0.5


def test_a_url_may_be_composed_otherwise(index, write):
    """é as two code points names the page whose url has it as one."""
    found = evaluate(index, write("q.tsv", "1\twhere\n"), write("r.tsv", f"{HEADER}1\t/cafe\u0301\t1\n"))
    assert found.mean == Figures(1, 1, 1)


# -- files ---------------------------------------------------------------------------------------------


def test_queries_are_json_lines_or_tab_separated(write):
    """Both formats give the same queries, in the order of the file; other keys do no harm."""
    expected = {"2": "kidney", "1": "heart \u2028 failure"}
    lines = '{"_id": "2", "text": "kidney", "metadata": {}}\n\n{"_id": 1, "text": "heart \u2028 failure"}'
    assert read_queries(write("queries.jsonl", lines)) == expected
    assert list(read_queries(write("queries.tsv", "\ufeff2\tkidney\r\n\r\n1\theart \u2028 failure\r\n"))) == [
        "2",
        "1",
    ]
    assert read_queries(write("queries.tsv", "2\tkidney\n1\theart \u2028 failure")) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}1\t/a\t2\n1\t/b\t0\n2\t/a\t-1\n",
        "query-id corpus-id score\r\n1 /a 2\r\n\r\n1 /b 0\r\n2 /a -1\r\n",
        "1 0 /a 2\n1 0 /b 0\n2 Q0 /a -1\n",
        "1\t0\t/a\t2\n1\t0\t/a\t2\n1\t0\t/b\t0\n2\t0\t/a\t-1",
    ],
)
def test_judgments_are_those_of_beir_or_trec(write, text):
    """BEIR's three columns under a header, TREC's four without; the same judgment twice is one."""
    assert read_qrels(write("qrels", text)) == {"1": {"/a": 2, "/b": 0}, "2": {"/a": -1}}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("1\tkidney\n2 heart\n", 2, "an id, a tab and the text"),
        ("\tkidney\n", 1, "an id, a tab and the text"),
        ("1\tkidney\n\n1\theart\n", 3, "query '1' stands here again"),
        ('{"_id": "1", "text": "kidney"}\n{"_id": "2"\n', 2, "broken JSON"),
        ('{"_id": "1", "text": "kidney"}\n["2", "heart"]\n', 2, "the text `text`"),
        ('{"_id": "1", "text": null}\n', 1, "the text `text`"),
        ('{"text": "kidney"}\n', 1, "the key `_id`"),
        ('{"_id": true, "text": "kidney"}\n', 1, "the key `_id`"),
    ],
)
def test_a_line_that_is_no_query_is_named(write, text, line, reason):
    """Path, line, why, and what a line must be."""
    path = write("queries", text)
    with pytest.raises(JudgmentsError) as caught:
        read_queries(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert reason in caught.value.reason
    assert str(caught.value) == f"{path}:{line}: {caught.value.reason}"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (f"{HEADER}1\t/a\n", 2, "2 columns: a line must have the columns of its header"),
        (f"{HEADER}1\t0\t/a\t1\n", 2, "4 columns: a line must have the columns of its header"),
        ("1 0 /a 1\n1 /a 1\n", 2, "3 columns: a line must have `query 0 id grade`"),
        ("1 0 /a high\n", 1, "the grade must be a whole number, found 'high'"),
        (f"{HEADER}1\t/a\t0.5\n", 2, "the grade must be a whole number, found '0.5'"),
        (f"{HEADER}1\t/a\t1\n1\t/a\t2\n", 3, "'/a' was judged 1 for query '1' before"),
    ],
)
def test_a_line_that_is_no_judgment_is_named(write, text, line, reason):
    """Path, line, why, and what a line must be."""
    path = write("qrels", text)
    with pytest.raises(JudgmentsError) as caught:
        read_qrels(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert reason in caught.value.reason


@pytest.mark.parametrize("read", [read_queries, read_qrels])
def test_bytes_that_are_not_utf_8_are_named(tmp_path, read):
    """The line that is not UTF-8 is named."""
    (tmp_path / "file").write_bytes(b"\n1\t0\t\xff\t1\n")
    with pytest.raises(JudgmentsError, match=r"file:2: not UTF-8 \(byte 0xff\): save it as UTF-8"):
        read(tmp_path / "file")


def test_files_that_do_not_belong_together_are_an_error(index, write):
    """No query in common, or no page in common with the index: that is no evaluation of 0."""
    queries = write("queries.tsv", "1\tkidney\n")
    with pytest.raises(JudgmentsError, match=r"no query of .*queries\.tsv has a relevant page here"):
        evaluate(index, queries, write("qrels.tsv", f"{HEADER}7\t/title\t1\n"))
    with pytest.raises(
        JudgmentsError, match="none of its 2 judged ids is a page of the index: an id must be"
    ):
        evaluate(index, queries, write("qrels.tsv", f"{HEADER}1\t17\t1\n1\t18\t1\n"))


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    """ir-measures comes with an extra; without it the message is the command that brings it."""
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'qtsearch\[evaluate\]'"):
        measure({"q": ["a"]}, {"q": {"a": 1}})


# -- command line --------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qtsearch", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_prints_three_figures_and_what_they_are_over(folder, write):
    """Figures and what was left out on stdout, ids without a page on stderr."""
    queries = write("queries.jsonl", '{"_id": "1", "text": "kidney"}\n{"_id": "2", "text": "heart"}\n')
    qrels = write("qrels.tsv", f"{HEADER}1\t/text\t1\n3\t/z\t1\n")
    done = run(queries, qrels, "--index", folder)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "nDCG@10  0.6309",
        "MRR@10   0.5000",
        "R@100    1.0000",
        "means over 1 queries; left out: 1 without a relevant page, 1 without a text",
    ]
    assert done.stderr == "qtsearch: 1 of 2 judged ids are no page of the index: '/z' is the url of none\n"


def test_the_command_prints_one_json_object(folder, write):
    """--json has exactly the documented keys, and the figures of each query."""
    done = run(write("q.tsv", "1\theart\n"), write("r.tsv", "1 0 /heart 1\n"), "--index", folder, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    figures = {"nDCG@10": 1.0, "MRR@10": 1.0, "R@100": 1.0}
    counts = {"queries": 1, "unjudged": 0, "unasked": 0, "judged": 1, "missing": []}
    assert json.loads(done.stdout) == {**figures, **counts, "by_query": {"1": figures}}


def test_a_malformed_file_is_one_clear_line(folder, write):
    """Exit 1, one line with path, line and reason; a missing file the same."""
    queries = write("q.tsv", "1\theart\n")
    done = run(queries, write("r.tsv", "1 0 /heart\n"), "--index", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"qtsearch: {queries.parent / 'r.tsv'}:1: 3 columns")
    done = run(queries, queries.parent / "none", "--index", folder)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "none" in done.stderr


def test_the_help_has_an_example():
    """Help ends with a command that can be pasted, and says what to install."""
    done = run("--help")
    assert "python -m qtsearch evaluate" in done.stdout
    assert "qtsearch[evaluate]" in done.stdout
