"""What becomes of an index whose files were damaged at random: is it told, or is every answer still right?

Measured: of N damages (a bit flipped; a run of zeros, of garbage; two blocks swapped; the end cut off; in
    any file of the index) how many `verify` finds; and what a session of all calls of the API, and of plain
    Whoosh, gives: the right answer or a typed error, call by call.
Corpus: the sample articles, or generated ones (generator.py), by a fixed seed.
Command: python benchmarks/damage.py [--damages N] [--seed N] [--articles N] [--json FILE]

Each damage is tried in a forked process of its own, so that the end of an interpreter is seen, and within a
time limit. Exits with 1 on a damage that `verify` does not find, a wrong answer, an error of another type, a
crash or a hang. A damaged table of contents is not shown to plain Whoosh, which runs what is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import generator
import whoosh.index
from report import write_json
from whoosh.qparser import QueryParser
from whoosh.query import Every

import qtsearch
from qtsearch.errors import QtsearchError

SAMPLES = Path(__file__).parent.parent / "examples" / "articles"
LIMIT_SECONDS = 60.0
BLOCK = 4_096
LONGEST_RUN = 3_000

Call = Callable[[], Any]


# -- damages -----------------------------------------------------------------------------------------------


def flip(data: bytearray, dice: random.Random) -> None:
    """One bit."""
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def run_of(data: bytearray, dice: random.Random) -> slice:
    """A part of the file, of any length up to LONGEST_RUN, short ones as often as long ones."""
    length = min(int(LONGEST_RUN ** dice.random()), len(data))
    start = dice.randrange(len(data) - length + 1)
    return slice(start, start + length)


def zero(data: bytearray, dice: random.Random) -> None:
    """A run of zeros."""
    part = run_of(data, dice)
    data[part] = bytes(part.stop - part.start)


def garble(data: bytearray, dice: random.Random) -> None:
    """A run of random bytes."""
    part = run_of(data, dice)
    data[part] = dice.randbytes(part.stop - part.start)


def cut(data: bytearray, dice: random.Random) -> None:
    """The end cut off."""
    del data[dice.randrange(len(data)) :]


def swap(data: bytearray, dice: random.Random) -> None:
    """Two blocks exchanged, of a file that has two; short ones of a file that has not."""
    size = min(BLOCK, len(data) // 2)
    first, second = sorted(dice.sample(range(len(data) // size), 2))
    a, b = (slice(place * size, (place + 1) * size) for place in (first, second))
    data[a], data[b] = data[b], data[a]


KINDS = (flip, zero, garble, cut, swap)


def damage(path: Path, dice: random.Random) -> str:
    """Change a file; returns how."""
    before = path.read_bytes()
    while True:
        kind = dice.choice(KINDS)
        data = bytearray(before)
        kind(data, dice)
        if data != before:
            path.unlink()  # the pages of the sound file may be mapped
            path.write_bytes(data)
            return kind.__name__


# -- the session -------------------------------------------------------------------------------------------


class Session:
    """Calls of the API on an index, each by its name, with what they are asked: made of a sound one."""

    def __init__(self, folder: Path) -> None:
        with qtsearch.open_index(folder) as index:
            hits = list(index.search("*:*", limit=len(index), collapse=False))
            self.urls = [hit.url for hit in hits]
            self.pair = next(phrase for hit in hits for phrase in hit.keywords if phrase.count(" ") == 1)
            self.subject = hits[-1].subject

    def calls(self, index: qtsearch.Index) -> Iterator[tuple[str, Call]]:
        """Each of them, to be made."""
        one, two = self.pair.split()
        queries = [
            one,
            self.pair,
            f"what is {one} of the {two}",
            f'"{self.pair}"',
            f"+{one} -{two}",
            f"{one}~1",
        ]
        queries += [
            f"{one[:3]}*",
            f"*{one[1:]}",
            f"question:{one}",
            f"{one} OR url:/learn*",
            f"{one[:-1]}qx {two}",
        ]
        queries += [
            "*:*",
            f'"{two} {one}"~5',
            "id:[1 to 200000]",
            "date:[2024-12 to 2025-01]",
            f"[{one} TO {two}]",
        ]
        options: list[dict[str, Any]] = [{"sort": sort} for sort in ("date", "oldest", "question")]
        options += [{"subjects": [self.subject]}, {"since": "2025-01"}, {"keywords": [self.pair, two]}]
        options += [{"boosts": {"answer": 0}}, {"boosts": {"question": 5}}, {"broaden": True}]
        options += [{"collapse": False}, {"exclude": self.urls[::3]}]
        for query in queries:
            yield f"search {query}", partial(search, index, query, limit=5)
        for option in options:
            yield f"search {option}", partial(search, index, self.pair, limit=200, **option)
        for text in (one[:4], f"{one} {two[:2]}", f"{one[0]}{one[2:5]}", "what is"):
            yield f"complete {text}", partial(index.complete, text)
        for url in self.urls:
            yield f"get {url}", partial(index.get, url)
        for url in self.urls[::5]:
            yield f"related {url}", partial(related, index, url)
            yield f"explain {url}", partial(index.explain, self.pair, url)
        yield "subjects", index.subjects
        yield "parameters", lambda: (len(index), index.parameters)

    def calls_of_whoosh(self, folder: Path) -> Iterator[tuple[str, Call]]:
        """The same through plain Whoosh."""
        for name, call in (("search", whoosh_search), ("terms", whoosh_terms), ("stored", whoosh_stored)):
            yield f"whoosh {name}", partial(call, folder, self.pair)


def search(index: qtsearch.Index, query: str, **options: Any) -> Any:
    found = index.search(query, **options).to_dict()
    del found["elapsed_ms"]
    return found


def related(index: qtsearch.Index, url: str) -> Any:
    return [(hit.url, hit.score, hit.answer) for hit in index.related(url, limit=5)]


def whoosh_search(folder: Path, text: str) -> Any:
    with whoosh.index.open_dir(folder).searcher() as searcher:
        parser = QueryParser("answer", searcher.schema)
        found = [searcher.search(parser.parse(query), limit=None) for query in (text, f'"{text}"')]
        found.append(searcher.search(Every(), limit=None, sortedby="date"))
        return [[(hit["url"], hit.score) for hit in hits] for hits in found]


def whoosh_terms(folder: Path, text: str) -> Any:
    with whoosh.index.open_dir(folder).reader() as reader:
        return [(term, info.weight(), info.doc_frequency()) for term, info in reader]


def whoosh_stored(folder: Path, text: str) -> Any:
    with whoosh.index.open_dir(folder).searcher() as searcher:
        return [searcher.stored_fields(number) for number in range(searcher.doc_count())]


# -- one damage --------------------------------------------------------------------------------------------


def answers(session: Session, folder: Path, *, with_whoosh: bool) -> Iterator[tuple[str, str]]:
    """What every call gives, by its name, as a text; ``""`` for a typed error, ``"!…"`` for another."""
    try:
        calls = session.calls(qtsearch.open_index(folder))
    except QtsearchError:
        yield "open", ""
    else:
        for name, call in calls:
            yield name, outcome(call)
    if with_whoosh:
        for name, call in session.calls_of_whoosh(folder):
            yield name, outcome(call)


def outcome(call: Call) -> str:
    try:
        return repr(call())
    except QtsearchError:
        return ""
    except Exception:
        return "!" + traceback.format_exc()


def examine(session: Session, folder: Path, sound: dict[str, str], damaged: Path) -> Counter[str]:
    """What becomes of a damaged index, in counts, ``bad …`` of what must not be."""
    counts: Counter[str] = Counter()
    report = qtsearch.verify(folder)
    counts["found by verify" if report.problems else "bad: not found by verify"] += 1
    for name, answer in answers(session, folder, with_whoosh=damaged.suffix != ".toc"):
        if answer.startswith("!"):
            counts[f"bad: {name}: {answer[1:]}"] += 1
        elif not answer:
            counts["calls that raised a typed error"] += 1
        elif answer == sound[name]:
            counts["calls answered rightly"] += 1
        else:
            counts[f"bad: {name}: wrong answer"] += 1
    told = counts["calls that raised a typed error"] > 0
    counts["told by a call" if told else "every answer right"] += 1
    return counts


def in_a_process(work: Callable[[], Counter[str]], limit_seconds: float) -> Counter[str]:
    """What ``work`` counts in a forked process; a crash or a hang of it is counted, too."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            counts = work()
        except BaseException:
            counts = Counter({f"bad: {traceback.format_exc()}": 1})
        with os.fdopen(write_end, "w") as pipe:
            json.dump(counts, pipe)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        hangs = not select.select([pipe], [], [], limit_seconds)[0]
        if hangs:
            os.kill(child, signal.SIGKILL)
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if hangs or status or not text:
        return Counter({"bad: hangs" if hangs else f"bad: ended with status {status}": 1})
    return Counter(json.loads(text))


# -- all of them -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Damage an index at random; see whether it is told.")
    parser.add_argument("--damages", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--articles", type=int, default=0, help="generated ones, instead of the samples")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        counts, bad = run(Path(work), options.damages, options.seed, options.articles)
    for name, count in sorted(counts.items()):
        print(f"{count:9,}  {name}")
    for line in bad:
        print(line)
    print(f"{options.damages:,} damages, {len(bad)} bad")
    write_json(options.json, {"counts": counts, "bad": bad})
    sys.exit(1 if bad else 0)


def run(work: Path, damages: int, seed: int, articles: int) -> tuple[Counter[str], list[str]]:
    source = SAMPLES
    if articles:
        source = work / "articles"
        generator.generate(source, articles, seed)
    sound = work / "sound"
    qtsearch.reindex(source, sound)
    session = Session(sound)
    expected = dict(answers(session, sound, with_whoosh=True))
    if not all(expected.values()) or any(answer.startswith("!") for answer in expected.values()):
        raise SystemExit("a call fails on the sound index")
    if not qtsearch.verify(sound).ok:
        raise SystemExit("verify finds damage in the sound index")
    files = sorted(path for path in sound.iterdir() if path.stat().st_size)
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    bad: list[str] = []
    folder = work / "damaged"
    shutil.copytree(sound, folder)
    for number in range(damages):
        name = dice.choice(files).name
        kind = damage(folder / name, dice)
        found = in_a_process(partial(examine, session, folder, expected, folder / name), LIMIT_SECONDS)
        bad += [f"{number}: {kind} in {name}: {text}" for text in found if text.startswith("bad")]
        counts.update({text: count for text, count in found.items() if not text.startswith("bad")})
        counts[f"{kind} in {Path(name).suffix}"] += 1
        shutil.copyfile(sound / name, folder / name)
    return counts, bad


if __name__ == "__main__":
    main()
