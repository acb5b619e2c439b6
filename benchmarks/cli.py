"""How long the command line takes from nothing to an answer.

Measured: wall milliseconds of fresh processes, in turn: `python -m qtsearch query`, an interpreter
    that imports NumPy, an interpreter that does nothing. The last two are what no program here can
    go below.
Corpus: the real articles, or generated ones (corpus.py); the index and the programs are in the
    page cache.
Command: python benchmarks/cli.py [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from time import perf_counter

import corpus as corpora
from peers import OURS, QUERY_PEERS
from prepared import index_folder
from report import Summary, digits, summarize, table, write_json


def milliseconds(command: list[str]) -> float:
    before = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    elapsed = (perf_counter() - before) * 1000
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[1:4])} ended with {done.returncode}:\n{done.stderr}")
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the command line against bare imports.")
    corpora.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    peer = QUERY_PEERS[OURS]
    reason = peer.missing()
    if reason:
        raise SystemExit(reason)
    corpus = corpora.from_arguments(options)
    index = str(index_folder(peer, corpus, rebuild=options.rebuild))
    text = "thrombectomy" if corpus.kind == "real" else corpus.keyword_phrases(1)[0].text
    python = sys.executable
    commands = {
        "qtsearch query": [python, "-m", "qtsearch", "query", text, "--index", index],
        "import numpy": [python, "-c", "import numpy"],
        "pass": [python, "-c", "pass"],
    }
    print(f"{corpus}, {options.rounds} rounds")
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(options.rounds + 1):
        for name, command in commands.items():
            elapsed = milliseconds(command)
            if number:  # the first round fills the page cache
                times[name].append(elapsed)
    found = {name: summarize(sample) for name, sample in times.items()}
    print_times(found)
    figures = {name: summary._asdict() for name, summary in found.items()}
    write_json(options.json, {"corpus": str(corpus), "ms": figures})


def print_times(found: dict[str, Summary]) -> None:
    ours = found["qtsearch query"]
    rows = [
        [name, digits(s.median), digits(s.minimum), digits(ours.median / s.median, 2)]
        for name, s in found.items()
    ]
    table("A cold command", ["process", "median ms", "least ms", "qtsearch / it"], rows)


if __name__ == "__main__":
    main()
