"""What it takes to open an index, to ask it the first time, and to keep it open.

Measured: in fresh processes, milliseconds of importing the engine, of opening, of the first search;
    private memory (not the files mapped, which processes share) before the import, after opening
    and after 1,000 and 5,000 queries; open files.
Corpus: the real articles, or generated ones (corpus.py); half the queries are keyword phrases, half
    are questions.
Command: python benchmarks/open.py [--engines qtsearch,...] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import corpus as corpora
from open_child import STAGES, Figures
from peers import OURS, QUERY_PEERS, Peer, choose
from prepared import index_folder
from report import digits, table, write_json

DEFAULT_ENGINES = f"{OURS},bm25s,tantivy-1,tantivy-3"
CHILD = Path(__file__).with_name("open_child.py")


def measure(peer: Peer, folder: Path, queries: str) -> Figures:
    command = [sys.executable, str(CHILD), peer.name, str(folder)]
    done = subprocess.run(command, input=queries, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{peer.name} failed:\n{done.stderr}")
    figures: Figures = json.loads(done.stdout)
    return figures


def print_figures(found: dict[str, Figures]) -> None:
    for title, keys, scale in (
        ("Milliseconds", ["import ms", "open ms", "first search ms", "open files"], 1.0),
        (
            "Private memory, MB",
            ["start bytes", "import bytes", "open bytes", *(f"{s} bytes" for s in STAGES)],
            1e6,
        ),
    ):
        rows = []
        for name, figures in found.items():
            values = [figures[key] for key in keys]
            rows.append([name, *("-" if v is None else digits(v / scale) for v in values)])
        heads = [key.replace(" ms", "").replace(" bytes", "") for key in keys]
        table(f"{title}, median of the rounds", ["engine", *heads], rows)
    if OURS not in found:
        return
    keys = ["import and open ms", "first search ms", "open bytes", f"{STAGES[-1]} bytes"]
    rows = []
    for name, figures in found.items():
        if name != OURS:
            pairs = [(found[OURS][key], figures[key]) for key in keys]
            rows.append([name, *(digits(a / b, 2) if a and b else "-" for a, b in pairs)])
    table("qtsearch / peer (below 1: qtsearch takes less)", ["peer", *keys], rows)


def medians_of(sample: list[Figures]) -> Figures:
    medians: Figures = {}
    for key in sample[0]:
        values = [value for figures in sample if (value := figures[key]) is not None]
        medians[key] = median(values) if values else None
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure opening, and memory while open.")
    corpora.add_arguments(parser)
    parser.add_argument("--engines", default=DEFAULT_ENGINES, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus = corpora.from_arguments(options)
    peers, reasons = choose(QUERY_PEERS, options.engines)
    print(f"{corpus}, {options.rounds} rounds, engines in turn")
    for reason in reasons:
        print(reason)
    half = STAGES[-1] // 2
    pairs = zip(corpus.keyword_phrases(half), corpus.questions(half), strict=True)
    queries = json.dumps([query.text for pair in pairs for query in pair])
    indexes = [(peer, index_folder(peer, corpus, rebuild=options.rebuild)) for peer in peers]
    samples: dict[str, list[Figures]] = {peer.name: [] for peer in peers}
    for _ in range(options.rounds):
        for peer, folder in indexes:
            samples[peer.name].append(measure(peer, folder, queries))
    found = {name: medians_of(sample) for name, sample in samples.items()}
    print_figures(found)
    write_json(options.json, {"corpus": str(corpus), "open": found})


if __name__ == "__main__":
    main()
