"""``tune``: ranking parameters shown, set and reset."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from command_line import run

import qtsearch
from qtsearch.generations import publishing


@pytest.fixture(scope="module")
def index(sample_index) -> Path:
    return Path(sample_index.path)


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


def test_tune_waits_for_another_writer(tunable):
    """With --wait it takes its turn when the other one has ended."""
    lock = publishing.WriteLock(str(tunable))
    lock.__enter__()
    ended = threading.Timer(0.3, lock.__exit__, (None, None, None))
    ended.start()
    assert run("tune", "--index", tunable, "--set", "k1=1", "--wait", "60").returncode == 0
    ended.join()


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon"])
def test_a_wait_is_a_number_of_seconds(tunable, wait):
    """Anything else is wrong usage."""
    done = run("tune", "--index", tunable, "--wait", wait)
    assert done.returncode == 2
    assert "seconds" in done.stderr


def test_a_later_reindex_keeps_what_was_tuned(tunable, sample_folder):
    """Parameters belong to the index, not to its articles."""
    tuned(tunable, "--set", "pair_share=0")
    assert run("reindex", sample_folder, "--index", tunable).returncode == 0
    assert tuned(tunable)["pair_share"] == 0
