"""The fresh process of open.py: open one index, ask it queries, look at its own memory meanwhile.

Command: python benchmarks/open_child.py ENGINE FOLDER < QUERIES (a JSON list)

It imports nothing of the corpus, and of the engines only the one it is told.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

from memory import open_files, private_bytes
from peers import QUERY_PEERS

STAGES = (1_000, 5_000)  # queries after which memory is looked at

Figures = dict[str, float | None]


def measure(name: str, folder: Path, queries: list[str]) -> Figures:
    """Milliseconds, private bytes, and how many files more are open than before."""
    figures: Figures = {"start bytes": private_bytes()}
    before = perf_counter()
    engine = QUERY_PEERS[name].create(Path())
    figures["import ms"] = (perf_counter() - before) * 1000
    figures["import bytes"] = private_bytes()
    files = open_files()
    before = perf_counter()
    engine.open(folder)
    figures["open ms"] = (perf_counter() - before) * 1000
    # An engine may put its imports off until it opens something.
    figures["import and open ms"] = figures["import ms"] + figures["open ms"]
    figures["open bytes"] = private_bytes()
    before = perf_counter()
    engine.search(queries[0], 10, 0, None)
    figures["first search ms"] = (perf_counter() - before) * 1000
    asked = 1
    for stage in STAGES:
        for query in queries[asked:stage]:
            engine.search(query, 10, 0, None)
        asked = stage
        figures[f"{stage} bytes"] = private_bytes()
    now = open_files()
    figures["open files"] = None if now is None or files is None else now - files
    return figures


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin)), sys.stdout)
