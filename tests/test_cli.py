"""The command line as people type it, in processes of its own."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import qtsearch
from qtsearch import publishing

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"


def run(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qtsearch", *map(str, arguments)], capture_output=True, text=True, **options
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "index"
    done = run("reindex", EXAMPLES, "--index", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_reindex_prints_a_summary(tmp_path):
    """One line: pages, what was left out, seconds, size, generation, folder."""
    done = run("reindex", EXAMPLES, "--index", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("66 pages indexed, 2 left out as no_index in ")
    assert f"generation 1 in {tmp_path}" in done.stdout


def test_query_lists_the_best_article_first(index):
    """A query for thrombectomy has an article about it first."""
    done = run("query", "thrombectomy", "--index", index)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. What is mechanical thrombectomy and how is it performed?" in done.stdout
    assert "/learn/medicine/questions/what-is-mechanical-thrombectomy" in done.stdout


def test_query_prints_one_json_object(index):
    """--json has exactly the documented keys."""
    done = run("query", "how is a clot removed", "--index", index, "--json", "--limit", "2", "--offset", "1")
    found = json.loads(done.stdout)
    assert list(found) == ["query", "total", "elapsed_ms", "hits"]
    assert found["query"] == "how is a clot removed"
    keys = ["rank", "score", "url", "id", "question", "subject", "date", "keywords"]
    assert [list(hit) for hit in found["hits"]] == [keys, keys]
    assert [hit["rank"] for hit in found["hits"]] == [2, 3]
    assert all(isinstance(hit["keywords"], list) for hit in found["hits"])


def test_subject_may_be_repeated_and_named_in_any_case(index):
    """--subject takes names and slugs, and several add up."""
    query = ["query", "what is it", "--index", index, "--json", "--limit", "50"]
    both = json.loads(run(*query, "--subject", "NURSING", "--subject", "computer-science").stdout)
    assert {hit["subject"] for hit in both["hits"]} == {"Nursing", "Computer Science"}


def test_an_unknown_subject_is_told(index):
    """A misspelt subject finds nothing, and stderr says which subjects there are."""
    done = run("query", "clot", "--index", index, "--subject", "Medicin")
    assert done.returncode == 0
    assert "no page matches" in done.stdout
    assert "'Medicin'" in done.stderr
    assert "Medicine" in done.stderr


def test_no_hit_is_not_an_error(index):
    """A query without a hit says so and exits with 0."""
    done = run("query", "xyzzyplugh", "--index", index)
    assert (done.returncode, done.stdout) == (0, "no page matches 'xyzzyplugh'\n")


def test_index_defaults_to_the_environment_then_to_index(index, tmp_path):
    """$QTSEARCH_INDEX is used when --index is not given, else the folder index."""
    environment = {**os.environ, "QTSEARCH_INDEX": str(index)}
    assert "thrombectomy" in run("query", "thrombectomy", env=environment).stdout
    del environment["QTSEARCH_INDEX"]
    shutil.copytree(index, tmp_path / "index")
    assert "thrombectomy" in run("query", "thrombectomy", env=environment, cwd=tmp_path).stdout


def test_a_missing_index_is_one_clear_line(tmp_path):
    """No index: exit 1, and the line says how to build one."""
    done = run("query", "clot", "--index", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "reindex" in done.stderr


def test_a_missing_source_is_one_clear_line(tmp_path):
    """A source that is not there: exit 1, its name, nothing published."""
    done = run("reindex", tmp_path / "nowhere", "--index", tmp_path / "index")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert not (tmp_path / "index").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    """An index folder that is a file: exit 1, one line."""
    (tmp_path / "file").write_text("x")
    done = run("reindex", EXAMPLES, "--index", tmp_path / "file")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "file" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["query"], ["query", "x", "--limit", "-1"], ["serve"], ["reindex"]]
)
def test_wrong_usage_exits_with_2(arguments):
    """Wrong usage is told by argparse and exits with 2."""
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_rejected_files_are_listed_and_exit_with_3(tmp_path):
    """A reindex that published but rejected files lists each with its reason and exits with 3."""
    source = tmp_path / "articles"
    shutil.copytree(EXAMPLES / "nursing", source)
    (source / "not-yaml.md").write_text("---\nquestion: [\n---\n")
    (source / "binary.md").write_bytes(b"---\nurl: \xff\n---\n")
    done = run("reindex", source, "--index", tmp_path / "index")
    assert done.returncode == 3
    rejected = done.stderr.splitlines()
    assert len(rejected) == 2
    assert "binary.md:2: not UTF-8" in rejected[0]
    assert "not-yaml.md" in rejected[1]
    assert "broken YAML" in rejected[1]
    assert "2 files rejected" in done.stdout


def test_every_command_has_an_example_in_its_help():
    """Help ends with a command that can be pasted."""
    for command in ("reindex", "query", "tune", "evaluate"):
        assert f"python -m qtsearch {command}" in run(command, "--help").stdout


def test_the_console_command_is_the_same(index):
    """``qtsearch`` is installed and does what ``python -m qtsearch`` does."""
    command = Path(sys.executable).parent / "qtsearch"
    done = subprocess.run(
        [command, "query", "thrombectomy", "--index", index], capture_output=True, text=True, check=True
    )
    assert "mechanical thrombectomy" in done.stdout


def test_output_that_nobody_reads_is_no_traceback(index):
    """``| head -1`` closes the pipe early: no traceback."""
    command = f"'{sys.executable}' -m qtsearch query clot --limit 60 --index '{index}' | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


def test_a_terminal_sees_a_progress_bar(tmp_path):
    """On a terminal, reindex draws a bar and wipes it in the end."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "qtsearch", "reindex", str(EXAMPLES), "--index", str(tmp_path)]
    with subprocess.Popen(command, stderr=child, stdout=subprocess.DEVNULL) as process:
        process.wait()
    os.close(child)
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    assert "of 68 files" in shown
    assert shown.endswith("\r\x1b[K")


def test_ctrl_c_leaves_the_old_generation_and_no_litter(real_folder, tmp_path):
    """Interrupted in the middle: exit 130, one line, the old index still there, nothing left over."""
    run("reindex", EXAMPLES, "--index", tmp_path, check=True)
    before = sorted(os.listdir(tmp_path))
    command = [sys.executable, "-m", "qtsearch", "reindex", str(real_folder), "--index", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not any(name.endswith(".work") for name in os.listdir(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "qtsearch: interrupted; the index is as it was\n"
    assert sorted(os.listdir(tmp_path)) == before
    assert "thrombectomy" in run("query", "thrombectomy", "--index", tmp_path).stdout


# -- boosts, broadening, explanations ------------------------------------------------------------------


def asked(index: Path, *arguments: str) -> dict:
    """What a query prints as JSON."""
    done = run("query", *arguments, "--index", index, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def scored(answer: dict) -> list[tuple[str, float]]:
    return [(hit["url"], hit["score"]) for hit in answer["hits"]]


def test_boosts_by_field(index):
    """--boost may be repeated, is what ``boosts`` is in Python, and 0 leaves a field out."""
    boosted = asked(index, "blood clot", "--boost", "question=0", "--boost", "answer=2.5")
    with qtsearch.open_index(index) as opened:
        same = opened.search("blood clot", boosts={"question": 0, "answer": 2.5})
        assert [(hit["url"], hit["score"]) for hit in boosted["hits"]] == [
            (hit.url, hit.score) for hit in same
        ]
        assert boosted["total"] == same.total
    assert boosted["hits"] != asked(index, "blood clot")["hits"]


@pytest.mark.parametrize(
    ("boost", "message"),
    [
        ("title=1", "there are: question, answer, page_keywords"),
        ("answer=101", "from 0 to 100"),
        ("answer=-1", "from 0 to 100"),
        ("answer=nan", "from 0 to 100"),
        ("answer=much", "'much' is no number"),
        ("answer", "NAME=NUMBER"),
        ("answer=", "is no number"),
        ("=1", "no field"),
        ("", "NAME=NUMBER"),
    ],
)
def test_a_bad_boost_is_wrong_usage(index, boost, message):
    """Exit code 2, and the line says what a boost is."""
    done = run("query", "clot", "--index", index, f"--boost={boost}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--boost" in done.stderr
    assert message in done.stderr


def test_broaden_finds_more(index):
    """--broaden is what ``broaden`` is in Python."""
    broadened = asked(index, "thrombectomy", "--broaden", "--limit", "30")
    with qtsearch.open_index(index) as opened:
        same = opened.search("thrombectomy", broaden=True, limit=30)
        assert scored(broadened) == [(hit.url, hit.score) for hit in same]
    assert broadened["total"] > asked(index, "thrombectomy")["total"]


def test_explain_as_text(index):
    """Under each hit what its score is made of, and nothing without --explain."""
    query = ["query", "mechanical thrombectomy", "--index", index, "--limit", "2"]
    plain, done = run(*query), run(*query, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("thrombectomy: impact") == 2
    assert done.stdout.count("mechanical: impact") == 1
    assert done.stdout.count("not in the page: mechanical") == 1
    assert '"mechanical thrombectomy": a whole keyword of the page' in done.stdout
    assert "impact" not in plain.stdout
    # What was printed without is still there, in order, but for the time it took.
    lines = iter(done.stdout.splitlines())
    assert all(line in lines for line in plain.stdout.splitlines()[1:] if line)


def test_explain_as_json(index):
    """Each hit has its explanation, with its own score, by the same boosts and broadening."""
    options = ["how is a clot removed", "--boost", "answer=3", "--broaden", "--subject", "Medicine"]
    explained = asked(index, *options, "--explain")
    for hit in explained["hits"]:
        explanation = hit.pop("explanation")
        assert (explanation["url"], explanation["score"]) == (hit["url"], hit["score"])
        assert sum(part["score"] for part in explanation["words"] + explanation["phrases"]) == hit["score"]
    assert len(explained["hits"]) > 3
    assert explained["hits"] == asked(index, *options)["hits"]
    assert asked(index, "xyzzyplugh", "--explain")["hits"] == []


# -- tune ----------------------------------------------------------------------------------------------


@pytest.fixture
def tunable(index, tmp_path) -> Path:
    """A copy of the index, to be changed."""
    shutil.copytree(index, tmp_path / "tunable")
    return tmp_path / "tunable"


def tuned(index: Path, *arguments: str) -> dict[str, float]:
    """What ``tune --json`` prints."""
    done = run("tune", "--index", index, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_tune_shows_every_parameter(index):
    """A line each, with value, range and meaning; nothing is published."""
    done = run("tune", "--index", index)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    table = qtsearch.RankingParameters.table()
    assert len(lines) == len(table)
    for line, (name, default, (low, high), meaning) in zip(lines, table, strict=True):
        assert line.split()[:5] == [name, f"{default:g}", f"{low:g}", "to", f"{high:g}"]
        assert line.endswith(meaning)
    with qtsearch.open_index(index) as opened:
        assert opened.generation == 1


def test_tune_sets_and_resets(tunable):
    """--set changes what it names and keeps the rest, --reset begins with the defaults; each publishes."""
    defaults = qtsearch.RankingParameters().to_dict()
    assert tuned(tunable) == defaults
    done = run("tune", "--index", tunable, "--set", "k1=0.9", "--set", "question_weight=4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"generation 2 in {tunable}\n")
    starred = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("* ")]
    assert starred == [["k1", "0.9"], ["question_weight", "4"], ["is", "not"]]
    assert tuned(tunable) == defaults | {"k1": 0.9, "question_weight": 4}
    assert tuned(tunable, "--set", "k1=2") == defaults | {"k1": 2, "question_weight": 4}
    assert tuned(tunable, "--reset", "--set", "share_b=1") == defaults | {"share_b": 1}
    assert tuned(tunable, "--reset") == tuned(tunable) == defaults
    with qtsearch.open_index(tunable) as opened:
        assert opened.generation == 5


@pytest.mark.parametrize(
    ("assignment", "code", "message"),
    [
        ("k1=11", 1, "k1 must be from 0 to 10"),
        ("k1=nan", 1, "k1 must be from 0 to 10"),
        ("soft_share=0", 1, "soft_share must be from 0.01 to 1"),
        ("k9=1", 1, "no ranking parameter 'k9'; there are: k1, "),
        ("k1=high", 2, "'high' is no number"),
        ("k1", 2, "NAME=NUMBER"),
    ],
)
def test_a_bad_assignment_changes_nothing(tunable, assignment, code, message):
    """Exit code 2 for what is no NAME=NUMBER, 1 and one line for what the formula does not take."""
    done = run("tune", "--index", tunable, "--set", "pair_b=0", "--set", assignment)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert code == 2 or done.stderr.count("\n") == 1
    with qtsearch.open_index(tunable) as opened:
        assert (opened.generation, opened.parameters) == (1, qtsearch.RankingParameters())


def test_tune_without_an_index_is_one_clear_line(tmp_path):
    """No index: exit 1, and the line says how to build one."""
    for arguments in ([], ["--set", "k1=1"], ["--reset"]):
        done = run("tune", "--index", tmp_path / "none", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert "reindex" in done.stderr


def test_a_locked_index_cannot_be_tuned(tunable):
    """While another process writes: exit 1, one line with its number."""
    with publishing.WriteLock(str(tunable)):
        done = run("tune", "--index", tunable, "--set", "k1=1")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"locked by process {os.getpid()}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_later_reindex_keeps_what_was_tuned(tunable):
    """Parameters belong to the index, not to its articles."""
    tuned(tunable, "--set", "pair_share=0")
    assert run("reindex", EXAMPLES, "--index", tunable).returncode == 0
    assert tuned(tunable)["pair_share"] == 0
