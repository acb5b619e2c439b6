"""Runs that write to a small index, for something to happen to them, and what must be true then.

For the tests and for ``benchmarks/faults.py``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faulty_disk import FaultyDisk, installed

import qtsearch
from qtsearch import RankingParameters, generation
from qtsearch.codec.segment import INDEX_NAME, SEGMENT_EXTENSIONS
from qtsearch.errors import IndexMissingError
from qtsearch.locking import LOCK_NAME

__all__ = [
    "Scene",
    "assert_recovers",
    "check",
    "left_over",
    "make_scenes",
    "published_at",
    "steps_of",
]

SAMPLES = Path(__file__).parent.parent / "examples" / "articles"
QUERIES = ("blood clot", "what is entropy", "thrombectomy", "atp", '"the sky"')
#: What is no part of the index, though one of them looks much like it.
STRANGERS = {"notes.txt": "mine", "_OTHER_1.toc": "another index of Whoosh's", "MAIN_notes.txt": "mine, too"}

#: What an index answers: None where there is none; its size, its parameters, and the hits of some queries.
Answers = tuple[object, ...] | None


@dataclass(frozen=True)
class Scene:
    """A run that begins with the folder as ``before`` (None: there is none) and ends with a generation more.

    ``old`` and ``new``: what the index answers before and after.
    """

    name: str
    before: Path | None
    run: Callable[[Path], object]
    old: Answers
    new: Answers

    def begin(self, folder: Path) -> None:
        """Bring the folder into the state before."""
        shutil.rmtree(folder, ignore_errors=True)
        if self.before:
            shutil.copytree(self.before, folder)


def make_scenes(place: Path, processes: int = 1) -> list[Scene]:
    """Runs of ``reindex`` for the first time and again, and of ``set_parameters``; made in ``place``."""
    old, new, index = place / "old articles", place / "new articles", place / "built"
    shutil.copytree(SAMPLES / "biochemistry", old)
    shutil.copytree(SAMPLES / "physics", old, dirs_exist_ok=True)
    shutil.copytree(old, new)
    (new / "what-is-entropy.md").unlink()
    shutil.copy(SAMPLES / "nursing" / "what-should-nurses-monitor-after-a-thrombectomy.md", new)
    sky = new / "why-is-the-sky-blue.md"
    sky.write_text(sky.read_text(encoding="utf-8").replace("\nanswer:", "\nanswer: Atp,"), encoding="utf-8")

    def reindex(folder: Path) -> None:
        qtsearch.reindex(new, folder, processes=processes)

    def tune(folder: Path) -> None:
        qtsearch.set_parameters(folder, RankingParameters(k1=0.9, keyword_share=0.2))

    qtsearch.reindex(old, index)
    for name, text in STRANGERS.items():
        (index / name).write_text(text)
    began = answers(index)
    other = place / "other"
    shutil.copytree(index, other)
    reindex(other)
    renewed = answers(other)
    shutil.rmtree(other)
    shutil.copytree(index, other)
    tune(other)
    tuned = answers(other)
    shutil.rmtree(other)
    assert len({began, renewed, tuned}) == 3
    return [
        Scene("first", None, reindex, None, renewed),
        Scene("again", index, reindex, began, renewed),
        Scene("tune", index, tune, began, tuned),
    ]


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
        return len(index), index.parameters, hits


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
        *names, last = (f"{INDEX_NAME}_{current.segment_id}{extension}" for extension in SEGMENT_EXTENSIONS)
        needed |= {*names}
        optional.add(last)
    return ({*os.listdir(folder)} - STRANGERS.keys() - optional) ^ needed


def steps_of(scene: Scene, folder: Path) -> list[str]:
    """The steps of a run that nothing happens to."""
    scene.begin(folder)
    with installed(layer := FaultyDisk()):
        scene.run(folder)
    return layer.steps


def published_at(steps: list[str]) -> tuple[int, int]:
    """The step that makes the new generation visible, and the one that makes it last."""
    renamed = steps.index("rename")
    return renamed, steps.index("sync_folder", renamed)


def assert_recovers(scene: Scene, folder: Path) -> None:
    """The next run works, ends with the new generation, and leaves what that one needs and nothing more."""
    scene.run(folder)
    assert check(folder) == scene.new
    assert left_over(folder) == set()
    if scene.before:
        assert {name: (folder / name).read_text(encoding="utf-8") for name in STRANGERS} == STRANGERS
