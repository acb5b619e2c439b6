"""The benchmarks of relevance, run as they are typed on a tiny collection; the test of significance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("ir_measures")

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

DOCUMENTS = [
    {"_id": "kidney/1.txt", "title": "What is a kidney?", "text": "An organ: it filters blood."},
    {
        "_id": "2",
        "title": "",
        "text": "The heart is a pump.",
        "focus": "heart",
        "synonyms": ["cor, the pump", ""],
    },
    {"_id": "3", "title": "Blood 🩸", "text": "---\nkey: [\n", "semantic_group": ["Anatomy"]},
    {"_id": "é", "title": "null", "text": "", "author": "kidney", "keywords": "kidney"},
    {"_id": "5", "title": "Lungs", "text": "They breathe air, and give it to the blood in the end."},
]
QUERIES = [("a", "kidney"), ("b", "cor"), ("c", "blood"), ("unjudged", "lungs")]
QRELS = [
    ("a", "kidney/1.txt", 1),
    ("a", "é", 0),
    ("b", "2", 2),
    ("c", "5", 1),
    ("c", "3", 1),
    ("c", "none", 1),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data folder with one collection, one folder that is none, and no articles."""
    folder = tmp_path_factory.mktemp("data")
    collection = folder / "collections" / "tiny"
    collection.mkdir(parents=True)
    (folder / "collections" / "spelling").mkdir()
    (collection / "corpus.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in DOCUMENTS))
    rows = [{"_id": id_, "text": text} for id_, text in QUERIES]
    (collection / "queries.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    lines = [("query-id", "corpus-id", "score"), *QRELS]
    (collection / "qrels.tsv").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    return folder


def run(script: str, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / script), "--cache", str(data / "cache"), *arguments]
    environment = {**os.environ, "QTSEARCH_DATA": str(data)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_relevance_measures_a_collection(data):
    """Documents become articles that are found by their own words only, and judged under their own ids."""
    done = run(
        "relevance.py", data, "--engines", "qtsearch", "--rounds", "1", "--json", str(data / "out.json")
    )
    assert done.returncode == 0, done.stderr
    assert "| tiny |       3 |" in done.stdout
    found = json.loads((data / "out.json").read_text())["collections"]["tiny"]
    assert found["p"] is None
    figures = found["engines"]["qtsearch"]
    assert (figures["queries"], figures["sampled"], figures["MRR@10"]) == (3, False, 1.0)
    assert figures["R@100"] == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert list(figures["by_query"]) == ["a", "b", "c"]
    assert figures["by_query"]["a"] == figures["by_query"]["b"] == 1


def test_relevance_names_what_there_is(data):
    """A misspelt collection is told with those that there are; a folder without the three files is none."""
    done = run("relevance.py", data, "--collections", "tyni")
    assert done.returncode == 1
    assert done.stderr == "no collection tyni; there are: tiny\n"


def test_ablation_compares_every_variation_with_the_full_formula(data):
    """Each variation has a line; on three queries nothing is significant."""
    done = run("ablation.py", data, "--json", str(data / "out.json"))
    assert done.returncode == 0, done.stderr
    found = json.loads((data / "out.json").read_text())["variations"]
    full = found["full formula"]
    assert (full["difference"], full["p"]) == (0, 1)
    assert len(found) > 5
    assert all(f"| {label} " in done.stdout for label in found)
    assert all(line["p"] > 0.05 for line in found.values())


def test_p_is_that_of_all_sign_flips(monkeypatch):
    """The sampled p is that of the 1,024 possible flips of ten differences; equal samples have p 1."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from significance import p_value

    ours = [0.9, 0.8, 0.7, 0.65, 0.5, 0.4, 0.9, 0.3, 0.2, 1.0]
    theirs = [0.5, 0.8, 0.6, 0.7, 0.2, 0.1, 0.4, 0.35, 0.1, 0.2]
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    exact = sum(value >= abs(sum(differences)) - 1e-9 for value in sums) / len(sums)
    assert p_value(ours, theirs) == pytest.approx(exact, abs=0.002)
    assert p_value(ours, theirs) == p_value(theirs, ours)
    assert p_value(ours, ours) == 1
    assert p_value([1.0] * 40, [0.0] * 40, flips=999) == 1 / 1_000
