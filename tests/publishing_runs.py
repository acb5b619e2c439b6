"""Runs that write to a small index, for something to happen to them, and what must be true then.

For the tests and for ``benchmarks/faults.py``.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from faulty_disk import FaultyDisk, PowerCut, SimulatedCrash, installed

import qtsearch
from qtsearch import RankingParameters
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.filetable import FileTable
from qtsearch.codec.segment import INDEX_NAME, SEGMENT_EXTENSIONS
from qtsearch.codec.sources import kept_segments, sources_path
from qtsearch.errors import IndexMissingError, RollbackError
from qtsearch.generations import generation
from qtsearch.generations.locking import LOCK_NAME

__all__ = [
    "Scene",
    "assert_recovers",
    "check",
    "cut_power",
    "left_over",
    "make_scenes",
    "must_be",
    "published_at",
    "steps_of",
]

SAMPLES = Path(__file__).parent.parent / "examples" / "articles"
QUERIES = ("blood clot", "what is entropy", "thrombectomy", "atp", '"the sky"')
#: What is no part of the index, though one of them looks much like it.
STRANGERS = {"notes.txt": "mine", "_OTHER_1.toc": "another index of Whoosh's", "MAIN_notes.txt": "mine, too"}

#: Files are as old as that, in seconds since 1970: their times tell whether they have changed.
LONG_AGO = 1_000_000_000
#: What an index answers: None where there is none; its size, its parameters, what it knows of the files, and
#: the hits of some queries.
Answers = tuple[object, ...] | None


@dataclass(frozen=True)
class Scene:
    """A run that begins with the folder as ``before`` (None: there is none) and ends with another state.

    ``old`` and ``new``: what the index answers before and after; ``numbers``: those of the two generations;
    ``withdrawn``: an error or a signal, however late, takes back all of it.
    """

    name: str
    before: Path | None
    run: Callable[[Path], object]
    old: Answers
    new: Answers
    numbers: tuple[int, int] = (0, 0)
    withdrawn: bool = False

    def begin(self, folder: Path) -> None:
        """Bring the folder into the state before."""
        shutil.rmtree(folder, ignore_errors=True)
        if self.before:
            shutil.copytree(self.before, folder)


def make_scenes(place: Path, processes: int = 1) -> list[Scene]:
    """Runs of ``reindex`` for the first time, again, and where only the time of a file has changed; of
    ``set_parameters``, ``rollback`` and ``backup``; made in ``place``."""
    old, new, index = place / "old articles", place / "new articles", place / "built"
    shutil.copytree(SAMPLES / "biochemistry", old)
    shutil.copytree(SAMPLES / "physics", old, dirs_exist_ok=True)
    shutil.copytree(old, new)
    (new / "what-is-entropy.md").unlink()
    shutil.copy(SAMPLES / "nursing" / "what-should-nurses-monitor-after-a-thrombectomy.md", new)
    sky = new / "why-is-the-sky-blue.md"
    sky.write_text(sky.read_text(encoding="utf-8").replace("\nanswer:", "\nanswer: Atp,"), encoding="utf-8")

    for path in (*old.iterdir(), *new.iterdir()):
        os.utime(path, (LONG_AGO, LONG_AGO))

    def reindex(folder: Path) -> None:
        qtsearch.reindex(new, folder, processes=processes)

    def tune(folder: Path) -> None:
        qtsearch.set_parameters(folder, RankingParameters(k1=0.9, keyword_share=0.2))

    def touch(folder: Path) -> None:
        os.utime(old / "what-is-entropy.md", (LONG_AGO, LONG_AGO + 1))
        qtsearch.reindex(old, folder)

    def rollback(folder: Path) -> None:
        with contextlib.suppress(RollbackError):  # it was done before
            qtsearch.rollback(folder)

    def backup(folder: Path) -> None:
        if answers(folder) is None or left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)  # what an interrupted one has left
            qtsearch.backup(index, folder)

    qtsearch.reindex(old, index)
    for name, text in STRANGERS.items():
        (index / name).write_text(text)
    twice = place / "twice"
    shutil.copytree(index, twice)
    qtsearch.reindex(new, twice, keep_previous=True)
    runs: list[tuple[str, Path | None, Callable[[Path], object]]] = [
        ("first", None, reindex),
        ("again", index, reindex),
        ("tune", index, tune),
        ("touch", index, touch),
        ("rollback", twice, rollback),
        ("backup", None, backup),
    ]
    scenes = []
    for name, before, run in runs:
        scene = Scene(name, before, run, answers(before) if before else None, None, withdrawn=run is backup)
        scene.begin(place / "other")
        run(place / "other")
        numbers = [generation.latest(str(path)).number if path else 0 for path in (before, place / "other")]
        scenes.append(replace(scene, new=answers(place / "other"), numbers=tuple(numbers)))
        assert scenes[-1].new != scene.old
    return scenes


def answers(folder: Path) -> Answers:
    """What the index says."""
    try:
        index = qtsearch.open_index(folder)
    except IndexMissingError:
        return None
    with index:
        hits = tuple(
            tuple((hit.url, hit.score, hit.answer) for hit in index.search(query)) for query in QUERIES
        )
        return len(index), index.parameters, _files(folder), hits


def _files(folder: Path) -> tuple[object, ...]:
    """What the index knows of the files that it was made of."""
    current = generation.latest(str(folder))
    return tuple(FileTable.read(ArrayFile(sources_path(str(folder), current.segment_id))))


def check(folder: Path) -> Answers:
    """What the index answers, once nothing is found wrong with it."""
    found = answers(folder)
    if found is not None:
        assert qtsearch.verify(folder).problems == ()
    return found


def left_over(folder: Path) -> set[str]:
    """The names in the folder that neither the current generation needs nor strangers have brought, and
    those of the generation that are not there."""
    needed, optional = set(), {LOCK_NAME}
    try:
        current = generation.latest(str(folder))
    except IndexMissingError:
        pass
    else:
        needed.add(f"_{INDEX_NAME}_{current.number}.toc")
        for segment_id in (current.segment_id, *kept_segments(str(folder))):
            needed |= {f"{INDEX_NAME}_{segment_id}{extension}" for extension in SEGMENT_EXTENSIONS}
    return ({*os.listdir(folder)} - STRANGERS.keys() - optional) ^ needed


def steps_of(scene: Scene, folder: Path) -> list[str]:
    """The steps of a run that nothing happens to."""
    scene.begin(folder)
    with installed(layer := FaultyDisk()):
        scene.run(folder)
    return layer.steps


def published_at(steps: list[str]) -> tuple[int, int]:
    """The step that makes the new generation visible, and the one that makes it last."""
    renamed = len(steps) - 1 - steps[::-1].index("rename")
    return renamed, steps.index("sync_folder", renamed)


def must_be(steps: list[str], at: int, when: str = "before") -> str:
    """Which state a process leaves that dies at this step: "old" or "new"."""
    renamed, _ = published_at(steps)
    return "new" if at > renamed or (at == renamed and when == "after") else "old"


def cut_power(scene: Scene, folder: Path, steps: list[str], at: int, rng: random.Random) -> str:
    """Run the scene, cut the power before its step ``at``, and bring it back: ``rng`` chooses what is lost.

    Returns which state must be there then: "old", "new", or "either", from the rename on to the sync of it.
    """
    layer = PowerCut(folder.parent, at)
    with installed(layer), contextlib.suppress(SimulatedCrash):
        scene.run(folder)
    layer.power_up(rng)
    renamed, lasting = published_at(steps)
    return "old" if at <= renamed else "new" if at > lasting else "either"


def assert_recovers(scene: Scene, folder: Path) -> None:
    """The next run works, ends with the new generation, and leaves what that one needs and nothing more."""
    scene.run(folder)
    assert check(folder) == scene.new
    assert left_over(folder) == set()
    if scene.before:
        assert {name: (folder / name).read_text(encoding="utf-8") for name in STRANGERS} == STRANGERS
