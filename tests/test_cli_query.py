"""``query``: every option, what is printed, and what is JSON."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import pytest
from command_line import asked, run

import qtsearch


@pytest.fixture(scope="module")
def index(sample_index) -> Path:
    return Path(sample_index.path)


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
