"""The documents say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from qtsearch import RankingParameters

RANKING = (Path(__file__).parent.parent / "docs" / "ranking.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", RankingParameters.table(), ids=lambda row: row[0])
def test_ranking_lists_every_parameter(row):
    """With its default, its range and its meaning, as ``tune`` shows them."""
    name, default, (low, high), meaning = row
    assert f"| `{name}` | {default:g} | {low:g} to {high:g} | {meaning} |" in RANKING
