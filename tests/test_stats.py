"""The figures of an index are those of its articles."""

from __future__ import annotations

import datetime
import json
import os
import re

import pytest
from command_line import run

import qtsearch
from qtsearch.generations import generation
from qtsearch.generations.stats import _age


@pytest.fixture
def index(tmp_path, write_article):
    """Three pages of two articles, in two subjects."""
    texts = {"a": "One clot, two clots.", "b": "One clot, two clots.", "c": "Blood"}
    for name, text in texts.items():
        write_article(
            tmp_path / "articles" / f"{name}.md",
            url=f"/{name}",
            id=5 if name != "c" else 6,
            question="Why?",
            answer=text,
            subject="Medicine" if name != "b" else "Biology",
        )
    qtsearch.reindex(tmp_path / "articles", tmp_path / "index", full=True, allow_shrink=True)
    with qtsearch.open_index(tmp_path / "index") as index:
        yield index


def test_counts(index):
    """Pages, articles, terms, forms, postings and tokens, counted by hand."""
    stats = index.stats()
    assert (stats.index, stats.generation) == (index.path, 1)
    assert (stats.pages, stats.articles, dict(stats.subjects)) == (3, 2, {"Biology": 1, "Medicine": 2})
    assert stats.forms == len({"why", "one", "clot", "two", "clots", "blood"})
    assert stats.terms == len({"whi", "one", "clot", "two", "blood"})
    assert stats.postings == 2 * len({"whi", "one", "clot", "two"}) + len({"whi", "blood"})
    assert stats.tokens == 2 * 5 + 2


def test_sizes_are_those_of_the_files(index):
    """Of all files of the segment; known, too, when they are gone."""
    name = f"MAIN_{generation.latest(index.path).segment_id}"
    files = {
        name: os.path.getsize(os.path.join(index.path, name))
        for name in (f"{name}.arrays", f"{name}.impacts", f"{name}.sources")
    }
    assert dict(index.stats().files) == files
    assert index.stats().size_bytes == sum(files.values())
    for path in os.listdir(index.path):
        os.unlink(os.path.join(index.path, path))
    del files[f"{name}.sources"]  # which an open index does not hold
    assert dict(index.stats().files) == files


def test_when_it_was_published(index):
    """By the time of the table of contents; one in the future is no negative age."""
    now = datetime.datetime.now(datetime.UTC)
    stats = index.stats()
    assert abs((now - stats.published).total_seconds()) < 3_600
    assert 0 <= stats.age_seconds < 3_600
    toc = os.path.join(index.path, "_MAIN_1.toc")
    for shift, low, high in ((-7_200, 7_000, 11_000), (7_200, 0, 0)):
        seconds = now.timestamp() + shift
        os.utime(toc, (seconds, seconds))
        with qtsearch.open_index(index.path) as again:
            assert low <= again.stats().age_seconds <= high


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (119.4, "119 seconds"),
        (120, "2 minutes"),
        (7_199, "120 minutes"),
        (7_200, "2 hours"),
        (172_799, "48 hours"),
        (172_800, "2 days"),
        (1e8, "1157 days"),
    ],
)
def test_age_in_words(seconds, text):
    """The largest unit of which there are two."""
    assert _age(seconds) == text


def test_the_command(index):
    """Lines for people, JSON for programs."""
    done = run("stats", "--index", index.path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"generation 1, published \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ \w+ ago", lines[0])
    assert lines[1:5] == [
        "3 pages of 2 articles",
        "               1  Biology",
        "               2  Medicine",
        "5 terms in 6 forms, 10 postings, 12 tokens",
    ]
    assert lines[5].endswith(f" bytes in {index.path}")
    found = json.loads(run("stats", "--index", index.path, "--json").stdout)
    told = index.stats().to_dict()
    assert datetime.datetime.fromisoformat(found["published"]).tzinfo is not None
    assert {**found, "age_seconds": 0} == {**told, "age_seconds": 0}
