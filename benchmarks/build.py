"""How long an index takes to build from article files, how much memory, how large it is.

Measured: wall seconds of a fresh process from start to exit: Markdown on disk to an index that is
    fsynced and has answered a query; the peak resident memory of its largest process and of its
    process tree; bytes of the index.
Corpus: the real articles, or generated ones (corpus.py); all files read once beforehand.
Command: python benchmarks/build.py [--engines qtsearch,...] [--whoosh-full] [--json FILE]

qtsearch reads the files itself. The others are fed by PyYAML's C loader: in the same process, and
tantivy-py once more from a pool of parsing processes. Whoosh indexes a sample, its time and size
extrapolated in proportion.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import corpus as corpora
from corpus import Corpus
from documents import read_documents
from memory import TreePeak
from peers import BUILD_PEERS, OURS, choose
from report import digits, table, write_json

CHILD = Path(__file__).with_name("build_child.py")
WHOOSH_SAMPLE = 2_000


@dataclass(frozen=True)
class Run:
    """One row of the table: an engine, its parsing processes, every how many files it gets."""

    engine: str
    processes: int = 1
    every: int = 1

    def __str__(self) -> str:
        pooled = f", parsed by {self.processes} processes" if self.processes > 1 else ""
        sampled = f" (1 of {self.every} files, extrapolated)" if self.every > 1 else ""
        return f"{self.engine}{pooled}{sampled}"


class Outcome(NamedTuple):
    """What one build took. Seconds and bytes are extrapolated where only a sample was built."""

    seconds: float
    peak_bytes: int
    tree_peak_bytes: int
    index_bytes: int


def measure(run: Run, corpus: Corpus, question: str, scratch: Path) -> Outcome:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    command = [sys.executable, str(CHILD), run.engine, str(corpus.folder), str(folder)]
    command += [str(run.processes), str(run.every), question]
    os.sync()
    with TreePeak() as tree:
        before = perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        tree.watch(process.pid)
        output, _ = process.communicate()
        seconds = perf_counter() - before
    if process.returncode != 0:
        raise SystemExit(f"{run.engine}: the build failed")
    peak = int(output.split()[-1])
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return Outcome(seconds * run.every, peak, tree.peak_bytes, size * run.every)


def print_outcomes(outcomes: dict[Run, list[Outcome]], articles: int) -> dict[str, object]:
    """Medians of the rounds, and each engine divided into ours."""
    middle = {
        run: Outcome(*(median(values) for values in zip(*found, strict=True)))
        for run, found in outcomes.items()
    }
    rows = []
    for run, found in middle.items():
        sizes = (found.peak_bytes, found.tree_peak_bytes, found.index_bytes)
        figures = [digits(found.seconds), f"{articles / found.seconds:,.0f}"]
        rows.append([str(run), *figures, *(f"{size / 1e6:,.0f}" for size in sizes)])
    head = ["engine", "seconds", "articles/s", "peak MB, one process", "all processes", "index MB"]
    table("Build, median of the rounds", head, rows)
    ours = middle.get(Run(OURS))
    if ours is not None:
        rows = [
            [str(run), *(digits(a / b, 2) if b else "-" for a, b in zip(ours, found, strict=True))]
            for run, found in middle.items()
            if run.engine != OURS
        ]
        head = ["peer", "seconds", "peak, one process", "all processes", "index"]
        table("qtsearch / peer (below 1: qtsearch takes less)", head, rows)
    return {str(run): found._asdict() for run, found in middle.items()}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the building of indexes.")
    corpora.add_arguments(parser)
    parser.add_argument("--engines", help=f"default: all of {','.join(BUILD_PEERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whoosh-full", action="store_true", help="all files, no extrapolation")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    corpus = corpora.from_arguments(options)
    peers, reasons = choose(BUILD_PEERS, options.engines)
    print(f"{corpus}, {options.rounds} rounds, engines in turn")
    for reason in reasons:
        print(reason)
    question = next(read_documents(corpus.files)).question  # in every sample: the first file
    for path in corpus.files:
        path.read_bytes()
    runs: list[Run] = []
    for peer in peers:
        print(f"{peer.name} {peer.version}: {peer.about}")
        sampled = peer.slow and not options.whoosh_full
        every = max(1, len(corpus.files) // WHOOSH_SAMPLE) if sampled else 1
        runs.append(Run(peer.name, every=every))
        cores = os.cpu_count() or 1
        if peer.name == "tantivy-3" and cores > 1:
            runs.append(Run(peer.name, processes=cores))
    outcomes: dict[Run, list[Outcome]] = {run: [] for run in runs}
    with tempfile.TemporaryDirectory(dir=corpus.cache) as scratch:
        for number in range(options.rounds):
            for run in runs:
                if number == 0 or not BUILD_PEERS[run.engine].slow:
                    outcomes[run].append(measure(run, corpus, question, Path(scratch)))
    figures = print_outcomes(outcomes, len(corpus.files))
    write_json(options.json, {"corpus": str(corpus), "build": figures})


if __name__ == "__main__":
    main()
