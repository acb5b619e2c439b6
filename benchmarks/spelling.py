"""How often a misspelt word is put right, and how long that takes, beside other correctors.

Measured: over lists of misspellings with their corrections, each pair counting once: how often the first
    suggestion is the correction, how often one of the first five is; milliseconds a word. Only pairs whose
    correction is in the vocabulary and whose misspelling is not. Each list also in two halves, by a digest of
    the misspelling: what was chosen by looking at the figures was chosen on the first half.
Corpus: the vocabulary of the real articles, or of generated ones (corpus.py), with its frequencies, the same
    for all; the lists `collections/spelling/*.tsv` under $QTSEARCH_DATA.
Command: python benchmarks/spelling.py [--engines qtsearch,symspell,whoosh] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

import corpus as corpora
import numpy as np
from corpus import SEED, data_folder
from peers import OURS, QUERY_PEERS
from prepared import index_folder
from report import digits, summarize, table, write_json
from whoosh.analysis import Token, Tokenizer
from whoosh.fields import KEYWORD, Schema
from whoosh.filedb.filestore import RamStorage

from qtsearch.analysis import fold
from qtsearch.generations.generation import open_segment
from qtsearch.search.spelling import Speller

LIMIT = 5
BLOCK = 100
#: The first five suggestions for a word, best first.
Corrector = Callable[[str], Sequence[str]]


class Pair(NamedTuple):
    misspelling: str
    correction: str

    @property
    def half(self) -> int:
        """0 or 1."""
        return hashlib.md5(self.misspelling.encode()).digest()[0] & 1


@dataclass
class Outcome:
    """What one corrector did with one list: by pair, the place of the correction (0: not there)."""

    pairs: list[Pair] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def share(self, last: int, half: int | None = None) -> float | None:
        """How often the correction was among the first `last`, of one half of the pairs or of all."""
        places = [
            place
            for pair, place in zip(self.pairs, self.places, strict=True)
            if half is None or pair.half == half
        ]
        return sum(0 < place <= last for place in places) / len(places) if places else None


def read_pairs(path: Path, vocabulary: dict[str, int]) -> list[Pair]:
    """The pairs of a list that ask for a correction that the vocabulary has."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        pairs = [Pair(fold(row["misspelling"]), fold(row["correct"])) for row in rows]
    return [pair for pair in pairs if pair.correction in vocabulary and pair.misspelling not in vocabulary]


def qtsearch_corrector(vocabulary: dict[str, int]) -> Corrector:
    forms = np.array([form.encode() for form in vocabulary])
    speller = Speller(forms, np.array(list(vocabulary.values())))
    return lambda word: [suggestion.word for suggestion in speller.suggest(word, LIMIT)]


def symspell_corrector(vocabulary: dict[str, int]) -> Corrector:
    """Its defaults: two edits, prefixes of seven letters; the closest words, the most frequent first."""
    from symspellpy import SymSpell, Verbosity

    speller = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for form, frequency in vocabulary.items():
        speller.create_dictionary_entry(form, frequency)

    def suggest(word: str) -> list[str]:
        return [found.term for found in speller.lookup(word, Verbosity.CLOSEST, max_edit_distance=2)[:LIMIT]]

    return suggest


class Forms(Tokenizer):
    """Whatever is analysed: every form of a vocabulary, weighing its frequency."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.vocabulary = vocabulary

    def __call__(self, value: str, **_: Any) -> Iterator[Token]:
        for form, frequency in self.vocabulary.items():
            yield Token(text=form, boost=float(frequency))


def whoosh_corrector(vocabulary: dict[str, int]) -> Corrector:
    """That of its searcher, over one document that has each form as often as all articles together."""
    index = RamStorage().create_index(Schema(forms=KEYWORD(analyzer=Forms(vocabulary))))
    writer = index.writer()
    writer.add_document(forms="all of them")
    writer.commit()
    corrector = index.searcher().corrector("forms")
    return lambda word: corrector.suggest(word, limit=LIMIT, maxdist=2)


CORRECTORS = {OURS: qtsearch_corrector, "symspell": symspell_corrector, "whoosh": whoosh_corrector}


def correct(correctors: dict[str, Corrector], pairs: list[Pair], slow: int) -> dict[str, Outcome]:
    """Every corrector on the pairs, in turn by blocks; Whoosh on the first `slow` of them only."""
    outcomes = {name: Outcome() for name in correctors}
    names = list(correctors)
    for start in range(0, len(pairs), BLOCK):
        turn = start // BLOCK % len(names)
        for name in names[turn:] + names[:turn]:
            end = min(start + BLOCK, slow) if name == "whoosh" else start + BLOCK
            for pair in pairs[start:end]:
                before = perf_counter_ns()
                words = correctors[name](pair.misspelling)
                after = perf_counter_ns()
                place = list(words).index(pair.correction) + 1 if pair.correction in words else 0
                outcome = outcomes[name]
                outcome.pairs.append(pair)
                outcome.places.append(place)
                outcome.times.append((after - before) / 1e6)
    return outcomes


def print_outcomes(found: dict[str, dict[str, Outcome]]) -> dict[str, Any]:
    rows, figures = [], {}
    for name, outcomes in found.items():
        for engine, outcome in outcomes.items():
            if not outcome.pairs:
                continue
            shares = [outcome.share(1), outcome.share(1, 0), outcome.share(1, 1), outcome.share(LIMIT)]
            times = summarize(outcome.times)
            cells = [digits(value) for value in (*shares, times.mean, times.median, times.p99)]
            rows.append([name, engine, f"{times.size:,}", *cells])
            figures[f"{name}, {engine}"] = {"first, first by half, five": shares, "ms": times._asdict()}
    head = [
        "list",
        "engine",
        "pairs",
        "first right",
        "1st half",
        "2nd half",
        "of five",
        "mean ms",
        "median",
        "p99",
    ]
    table("Misspelt words put right", head, rows, names=2)
    return figures


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Spelling correction of qtsearch and of its peers.")
    corpora.add_arguments(parser)
    parser.add_argument("--index", type=Path, help="of these articles, if there is one already")
    parser.add_argument("--engines", help=f"default: all of {','.join(CORRECTORS)}")
    parser.add_argument("--pairs", type=int, default=0, help="of each list, 0 for all (default)")
    parser.add_argument("--slow-pairs", type=int, default=100, help="for whoosh")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    corpus = corpora.from_arguments(options)
    folder = data_folder() / "collections" / "spelling"
    lists = sorted(folder.glob("*.tsv"))
    if not lists:
        raise SystemExit(f"no lists of misspellings in {folder}")
    index = options.index or index_folder(QUERY_PEERS[OURS], corpus, rebuild=options.rebuild)
    _, segment = open_segment(str(index))
    forms = [form.decode() for form in segment.forms.tolist()]
    vocabulary = dict(zip(forms, segment.form_frequencies.sum(axis=1).tolist(), strict=True))
    names = options.engines.split(",") if options.engines else list(CORRECTORS)
    if "symspell" in names and importlib.util.find_spec("symspellpy") is None:
        names.remove("symspell")
        print("symspell: left out, no module symspellpy (pip install -e '.[bench]')")
    print(f"{corpus}; {len(vocabulary):,} forms")
    correctors = {}
    for name in names:
        before = perf_counter_ns()
        correctors[name] = CORRECTORS[name](vocabulary)
        correctors[name]("mispeling")
        print(f"{name}: prepared, and one word, in {(perf_counter_ns() - before) / 1e6:,.0f} ms")
    found = {}
    for path in lists:
        pairs = read_pairs(path, vocabulary)
        random.Random(SEED).shuffle(pairs)
        found[path.stem] = correct(correctors, pairs[: options.pairs or None], options.slow_pairs)
    write_json(options.json, {"corpus": str(corpus), "lists": print_outcomes(found)})


if __name__ == "__main__":
    main()
