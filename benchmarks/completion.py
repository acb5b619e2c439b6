"""How long completions take as a text is typed, letter by letter.

Measured: microseconds from the typed text to ten completions, read: after each letter of keyword phrases and
    of questions, as they are and with one slip of the finger. Beside it three ways to have completions with
    what there is: a range of an ordered table and a prefix query of FTS5, both in SQLite, and a loop over all
    phrases. They tolerate no slips, and all but FTS5 find beginnings only; each has its phrases best first,
    so that it may stop at the tenth.
Corpus: the real articles, or generated ones (corpus.py); what is typed is drawn from them.
Command: python benchmarks/completion.py [--articles N] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from itertools import accumulate, islice
from time import perf_counter_ns
from typing import Any

import corpus as corpora
import numpy as np
import numpy.typing as npt
from corpus import SEED, Corpus
from peers import OURS, QUERY_PEERS
from prepared import index_folder
from report import digits, summarize, table, write_json

from qtsearch.analysis import fold, tokenize
from qtsearch.articles import split_phrases
from qtsearch.codec.segment import Segment
from qtsearch.generations import generation
from qtsearch.search.completion import Completer

LIMIT = 10
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Complete = Callable[[str], list[Any]]


def near_prefixes(segment: Segment) -> Callable[[str, int], npt.NDArray[Any]]:
    """Surface forms that begin with a text or with one an edit away from it, most frequent first.

    What was asked once is remembered: the time of finding them is a speller's, and is not measured here.
    """
    frequencies = segment.form_frequencies.sum(axis=1, dtype=np.int64)
    known: dict[str, npt.NDArray[Any]] = {}

    def near_prefix(prefix: str, limit: int) -> npt.NDArray[Any]:
        if prefix not in known:
            near = np.zeros(len(frequencies), bool)
            for slip in slips(prefix):
                near[slice(*segment.find_prefix(slip.encode()))] = True
            found = np.flatnonzero(near)
            known[prefix] = found[np.argsort(-frequencies[found], kind="stable")]
        return known[prefix][:limit]

    return near_prefix


def slips(word: str) -> set[str]:
    """A word, and it with one letter left out, put in, replaced or swapped with the next."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {before + after[1:] for before, after in cuts}
    found |= {before + after[1::-1] + after[2:] for before, after in cuts}
    found |= {before + letter + after for before, after in cuts for letter in LETTERS}
    return found | {before + letter + after[1:] for before, after in cuts for letter in LETTERS}


def phrases_of(corpus: Corpus) -> list[tuple[str, str]]:
    """Every keyword and question, folded and as written: on most pages first, then the shortest."""
    counts: Counter[str] = Counter()
    for document in corpus.documents:
        counts.update({document.question, *split_phrases(document.keywords)})
    best = sorted(counts, key=lambda text: (-counts[text], len(text), text))
    written: dict[str, str] = {}
    for text in best:
        written.setdefault(folded(text), text)
    return list(written.items())


def folded(text: str) -> str:
    return " ".join(map(fold, tokenize(text)))


def ordered_table(phrases: list[tuple[str, str]]) -> Complete:
    """SQLite: what `LIKE 'x%'` comes to with an index. Beginnings of phrases only."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE phrases (best INTEGER PRIMARY KEY, folded TEXT, text TEXT)")
    database.executemany("INSERT INTO phrases (folded, text) VALUES (?, ?)", phrases)
    database.execute("CREATE INDEX by_text ON phrases (folded)")
    database.execute("ANALYZE")
    query = "SELECT text FROM phrases WHERE folded >= ? AND folded < ? ORDER BY best LIMIT ?"

    def complete(text: str) -> list[Any]:
        typed = folded(text)
        return database.execute(query, (typed, typed + "\U0010ffff", LIMIT)).fetchall()

    return complete


def prefix_query(phrases: list[tuple[str, str]]) -> Complete:
    """SQLite's FTS5 with prefix indexes: all words typed, the last as a prefix, anywhere in a phrase."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE phrases USING fts5(folded, text UNINDEXED, prefix='1 2 3', detail=none)"
    )
    database.executemany("INSERT INTO phrases VALUES (?, ?)", phrases)
    database.execute("INSERT INTO phrases(phrases) VALUES ('optimize')")
    query = "SELECT text FROM phrases WHERE phrases MATCH ? ORDER BY rowid LIMIT ?"

    def complete(text: str) -> list[Any]:
        words = " ".join(f'"{word}"' for word in folded(text).split())
        return database.execute(query, (words + "*", LIMIT)).fetchall() if words else []

    return complete


def loop(phrases: list[tuple[str, str]]) -> Complete:
    """Python over a list: beginnings of phrases only."""

    def complete(text: str) -> list[Any]:
        typed = folded(text)
        return list(islice((text for known, text in phrases if known.startswith(typed)), LIMIT))

    return complete


def misspelt(text: str, source: random.Random) -> str:
    """One letter after the first left out, doubled, replaced, or swapped with the next."""
    places = [n for n, letter in enumerate(text) if n and letter.isalpha()]
    place = source.choice(places or [len(text) - 1])
    before, here, after = text[:place], text[place], text[place + 1 :]
    slipped = [after, here + here + after, source.choice(LETTERS) + after, after[:1] + here + after[1:]]
    return before + source.choice(slipped)


def typed_letters(texts: list[str]) -> list[str]:
    """What stands in the box after each letter of each text."""
    return [typed for text in texts for typed in accumulate(text)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time completions of qtsearch and of simpler ways.")
    corpora.add_arguments(parser)
    parser.add_argument("--texts", type=int, default=200, help="keywords, and a quarter as many questions")
    parser.add_argument("--slow-texts", type=int, default=20, help="for the peers, and a quarter as many")
    parser.add_argument("--block", type=int, default=100, help="letters before engines change")
    options = parser.parse_args()
    corpus = corpora.from_arguments(options)
    folder = index_folder(QUERY_PEERS[OURS], corpus, rebuild=options.rebuild)
    segment = generation.open_segment(str(folder))[1]
    phrases = phrases_of(corpus)
    engines: dict[str, Complete] = {
        OURS: Completer(segment, near_prefixes(segment)).complete,
        "SQLite range": ordered_table(phrases),
        "SQLite FTS5": prefix_query(phrases),
        "loop": loop(phrases),
    }
    source = random.Random(SEED)
    texts = {
        "keyword": [query.text for query in corpus.keyword_phrases(options.texts)],
        "question": [query.text for query in corpus.questions(options.texts // 4)],
    }
    texts |= {f"{kind}, a slip": [misspelt(text, source) for text in some] for kind, some in texts.items()}
    print(f"{corpus}; {len(phrases):,} phrases")
    rows = []
    figures: dict[str, Any] = {}
    for workload, some in texts.items():
        slow = len(typed_letters(some[: len(some) * options.slow_texts // options.texts]))
        times, found = time_engines(engines, typed_letters(some), options.block, slow)
        for name, sample in times.items():
            summary = summarize(sample)
            figures.setdefault(workload, {})[name] = summary._asdict()
            row = [digits(value) for value in (summary.mean, summary.median, summary.p99)]
            rows.append([workload, name, *row, f"{summary.size:,}", f"{found[name] / summary.size:.1f}"])
    head = ["typed", "engine", "mean µs", "median", "p99", "letters", "completions"]
    table("Completions after each letter", head, rows, names=2)
    write_json(options.json, {"corpus": str(corpus), "us": figures})


def time_engines(
    engines: dict[str, Complete], typed: list[str], block: int, slow: int
) -> tuple[dict[str, list[float]], Counter[str]]:
    """Microseconds of each completion, by engine; and how many completions there were in all.

    All but ours are asked the first ``slow`` only.
    """
    times: dict[str, list[float]] = {name: [] for name in engines}
    found: Counter[str] = Counter()
    for text in typed:
        engines[OURS](text)  # so that its slips are remembered
    for start in range(0, len(typed), block):
        for name, complete in engines.items():
            for text in typed[start : start + block if name == OURS else min(start + block, slow)]:
                before = perf_counter_ns()
                completions = complete(text)
                after = perf_counter_ns()
                times[name].append((after - before) / 1e3)
                found[name] += len(completions)
    return times, found


if __name__ == "__main__":
    main()
