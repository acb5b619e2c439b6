"""How long the nightly reindex takes: nothing changed, one file in a hundred, all files.

Measured: wall seconds of `python -m qtsearch reindex` in a fresh process, and the peak resident memory of its
    process tree: a build from nothing, a run after nothing changed, and runs after one article in a
    hundred got another question; beside it a bare script that only looks up size and time of every file.
Corpus: a copy of the real articles, or generated ones (corpus.py); all files read once beforehand.
Command: python benchmarks/nightly.py [--rounds N] [--articles N] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import corpus as corpora
from corpus import SEED
from documents import article_files
from memory import TreePeak
from report import digits, table, write_json

BARE = """
import os, sys
waiting, found = [sys.argv[1]], []
while waiting:
    with os.scandir(waiting.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.name.endswith(".md"):
                status = entry.stat()
                found.append((entry.path, status.st_size, status.st_mtime_ns))
"""
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
ROUNDS_A_BUILD = 3
LONG_AGO = 1_000_000_000  # seconds: files are old enough to be told by their time


class Outcome(NamedTuple):
    """One process."""

    seconds: float
    peak_bytes: int


def run(*command: str) -> Outcome:
    # Modules are compiled beforehand, as those of an installed package are.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with TreePeak() as tree:
        before = perf_counter()
        process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, env=environment)
        tree.watch(process.pid)
        code = process.wait()
        seconds = perf_counter() - before
    if code not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    return Outcome(seconds, tree.peak_bytes)


def reindex(source: Path, index: Path) -> Outcome:
    return run("-m", "qtsearch", "reindex", str(source), "--index", str(index))


def change(files: list[Path], dice: random.Random) -> None:
    """Another question for one file in a hundred: with a number and a word that no article has.

    Long ago, for what changes while a run begins is looked into by the next one, too.
    """
    for path in dice.sample(files, max(1, len(files) // 100)):
        text = path.read_text(encoding="utf-8")
        word = "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4)))
        question = f"question: Take {dice.random()} {word}ing "
        path.write_text(text.replace("question: ", question, 1), encoding="utf-8")
        when = LONG_AGO + dice.randrange(1, LONG_AGO // 2)
        os.utime(path, (when, when))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the nightly reindex.")
    corpora.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus = corpora.from_arguments(options)
    outcomes: dict[str, list[Outcome]] = {}
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory() as scratch:
        source, index = Path(scratch, "articles"), Path(scratch, "index")
        shutil.copytree(corpus.folder, source)
        files = article_files(source)
        for path in files:
            os.utime(path, (LONG_AGO, LONG_AGO))
        for number in range(options.rounds):
            if number % ROUNDS_A_BUILD == 0:  # among the others, for a machine is not as fast all the time
                shutil.rmtree(index, ignore_errors=True)
                outcomes.setdefault("all files", []).append(reindex(source, index))
            outcomes.setdefault("bare script", []).append(run("-c", BARE, str(source)))
            outcomes.setdefault("nothing changed", []).append(reindex(source, index))
            change(files, dice)
            outcomes.setdefault("1 % changed", []).append(reindex(source, index))
    print(f"{corpus}; medians of {options.rounds} rounds")
    seconds = {name: median(one.seconds for one in found) for name, found in outcomes.items()}
    peaks = {name: median(one.peak_bytes for one in found) for name, found in outcomes.items()}
    table(
        "The nightly reindex",
        ["", "seconds", "of a build", "of the bare script", "peak MB"],
        [
            [
                name,
                digits(seconds[name]),
                digits(seconds[name] / seconds["all files"]),
                digits(seconds[name] / seconds["bare script"]),
                digits(peaks[name] / 1e6),
            ]
            for name in outcomes
        ],
    )
    write_json(options.json, {"seconds": seconds, "peak_bytes": peaks})


if __name__ == "__main__":
    main()
