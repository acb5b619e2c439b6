"""Figures to statistics, statistics to tables on the screen and to a JSON file."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Summary(NamedTuple):
    """A sample of times, in the unit of the sample."""

    size: int
    mean: float
    median: float
    p99: float
    minimum: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the sample does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarize(sample: Iterable[float]) -> Summary:
    ordered = sorted(sample)
    if not ordered:
        raise ValueError("an empty sample has no statistics")
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    mean = math.fsum(ordered) / len(ordered)
    return Summary(len(ordered), mean, middle, percentile(ordered, 0.99), ordered[0])


def digits(value: float | None, significant: int = 3) -> str:
    """A number with three significant digits and without an exponent; a dash for None."""
    if value is None:
        return "-"
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    places = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> None:
    """Print a table as Markdown: the first `names` columns to the left, figures to the right."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    print(f"\n{title}\n")
    for number, row in enumerate(cells):
        texts = [
            cell.ljust(width) if at < names else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(texts)} |")
        if number == 0:
            rules = ["-" * (width - 1) + "-:"[at >= names] for at, width in enumerate(widths)]
            print(f"| {' | '.join(rules)} |")


def machine() -> dict[str, str]:
    """What the figures depend on, besides the corpus."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures, with the machine they were taken on, where a file was asked for."""
    if path is not None:
        text = json.dumps({"machine": machine(), **figures}, indent=2)
        path.write_text(f"{text}\n", encoding="utf-8")
