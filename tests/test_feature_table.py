"""What the README says the library offers, each line of it is backed by a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## What it offers\n")[2].partition("\n## ")[0]

#: What names a test: a link to its file, and its name after it, which readers do not see.
NAMED = re.compile(r"\[\w+\]\((\S+\.py)\)<!-- (\w+) -->")


def rows() -> list[list[str]]:
    """The cells of each row of both tables, without the headings."""
    lines = [line for line in SECTION.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0]]


def test_the_tables_are_there():
    """One table compares, the other lists what the comparison does not name."""
    assert len([row for row in rows() if len(row) == 10]) >= 19
    assert len([row for row in rows() if len(row) == 2]) >= 8


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_what_is_offered_names_its_test(row):
    """What the library has names a test that exists; what it has not names none."""
    named = NAMED.findall(row[-1])
    if len(row) == 10:
        assert set(row[1:9]) <= {"Y", "~", "–", "Y/Y", "~/–", "–/–"}
        assert bool(named) == row[1].startswith("Y")
    else:
        assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            f"{path}: {name}"
        )
