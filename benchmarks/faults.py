"""What becomes of an index when its writer is killed, its disk fails, or the power goes.

measured: for each fault, whether the index answers as before the run or as after it, as it must at that step;
          whether the next run works and leaves what it needs and nothing more
corpus:   eight sample articles: a first reindex, a later one, one where only the time of a file has
          changed, and one by two processes; set_parameters, rollback, backup
command:  python benchmarks/faults.py [--runs 500] [--seeds 3] [--parts kills,cuts,errors]

Kills are real ones, SIGKILL to a child process at a step of its writing or at any moment. Power cuts are as
in tests/faulty_disk.py, at every step; so are errors. Exit code 1 if any index was wrong.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # there are forks: no thread but this one
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from faulty_disk import KINDS, DeadlyDisk, FailingDisk, FaultyDisk, installed
from publishing_runs import Scene, assert_recovers, check, cut_power, make_scenes, must_be, steps_of
from report import table, write_json

from qtsearch.reindexing import pool

#: What a kill comes at; every so many of them each, "moment" being any time at all.
KILLED_AT = ("write", "fsync", "rename", "clean-up", "write", "fsync", "rename", "clean-up", "moment")
#: One run in so many reads its articles by two processes, which takes longer than all else.
ONE_IN_PARALLEL = 10
ERRORS = [
    (number, lasting, when)
    for number in (errno.ENOSPC, errno.EIO)
    for lasting in (False, True)
    for when in ("before", "half", "after")
]


class Tally:
    """Counts runs by what was done to them, and tells of those that went wrong."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Counter[str]] = {}

    def judge(self, part: str, what: str, scene: Scene, folder: Path, must: str, where: str) -> None:
        """Look at the index that a run has left: ``must`` is "old", "new" or "either"."""
        count = self.counts.setdefault((part, what), Counter())
        count["runs"] += 1
        try:
            found = check(folder)
            state = "new" if found == scene.new else "old" if found == scene.old else "neither"
            assert state in ("old", "new"), "it answers neither as before nor as after"
            assert must in (state, "either"), f"it is {state}, and must be {must}"
            count[state] += 1
            assert_recovers(scene, folder)
            count["recovered"] += 1
        except Exception:
            count["wrong"] += 1
            print(f"\n{part}, {scene.name}, {where}:\n{traceback.format_exc()}", file=sys.stderr)

    @property
    def wrong(self) -> int:
        return sum(count["wrong"] for count in self.counts.values())

    def show(self) -> None:
        head = ("fault", "at", "runs", "old after it", "new after it", "next run clean", "wrong")
        rows = [
            (part, what, *(f"{count[n]:,}" for n in ("runs", "old", "new", "recovered", "wrong")))
            for (part, what), count in self.counts.items()
        ]
        total = sum((count for count in self.counts.values()), Counter())
        rows.append(("all", "", *(f"{total[n]:,}" for n in ("runs", "old", "new", "recovered", "wrong"))))
        table("Indexes after a fault", head, rows, names=2)


# -- kill -9 -------------------------------------------------------------------------------------------


def kills(
    tally: Tally, scenes: list[Scene], parallel: list[Scene], folder: Path, runs: int, seed: int
) -> None:
    """SIGKILL at a random step of each kind in turn, or at any moment."""
    rng = random.Random(seed)
    steps: dict[int, list[str]] = {}
    seconds: dict[int, float] = {}
    for scene in (*scenes, *parallel):
        began = time.monotonic()
        steps[id(scene)] = steps_of(scene, folder)
        seconds[id(scene)] = time.monotonic() - began
    for number in range(runs):
        kind = KILLED_AT[number % len(KILLED_AT)]
        several = parallel if number % ONE_IN_PARALLEL == 0 else scenes
        if kind != "moment":  # a backup has nothing to clean up
            several = [one for one in several if kind in map(KINDS.__getitem__, steps[id(one)])]
        scene = rng.choice(several)
        all_steps = steps[id(scene)]
        scene.begin(folder)
        if kind == "moment":
            moment = rng.uniform(0, 1.1 * seconds[id(scene)])
            child = _fork(scene, folder, FaultyDisk())
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            tally.judge("kill -9", "any moment", scene, folder, "either", f"after {moment:.4f} s")
            continue
        places = [at for at, step in enumerate(all_steps) if KINDS[step] == kind]
        which = rng.randrange(len(places))
        # A file has contents only after some writes: a half of one is a torn write.
        when = rng.choice(("before", "half", "after") if kind == "write" else ("before", "after"))
        child = _fork(scene, folder, DeadlyDisk(which, kind=kind, when=when))
        _, status = os.waitpid(child, 0)
        where = f"{when} step {places[which]} ({all_steps[places[which]]})"
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"{scene.name}, {where}: the process ended by itself")
        tally.judge("kill -9", kind, scene, folder, must_be(all_steps, places[which], when), where)


def _fork(scene: Scene, folder: Path, layer: FaultyDisk) -> int:
    """A child that runs the scene; everything is imported, so that takes no time but that of the run."""
    child = os.fork()
    if not child:
        try:
            with installed(layer):
                scene.run(folder)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    return child


# -- power cuts and errors, at every step ----------------------------------------------------------------


def cuts(tally: Tally, scenes: list[Scene], folder: Path, seeds: int) -> None:
    """The power goes at every step; ``seeds`` choices each of what is lost."""
    for scene, at, step, steps in _every_step(scenes, folder):
        for seed in range(seeds):
            scene.begin(folder)
            must = cut_power(scene, folder, steps, at, random.Random(seed * 1_000_003 + at))
            tally.judge("power cut", KINDS[step], scene, folder, must, f"step {at} ({step}), seed {seed}")


def errors(tally: Tally, scenes: list[Scene], folder: Path) -> None:
    """ENOSPC and EIO at every step, once or from then on, before it, in the middle, or when it is done."""
    for scene, at, step, steps in _every_step(scenes, folder):
        for number, lasting, when in ERRORS:
            if (when == "half" and step != "write") or (
                when == "after" and step in ("create", "append", "link")
            ):
                continue  # what cannot be done by halves, or does nothing when it fails
            scene.begin(folder)
            raised = False
            try:
                with installed(FailingDisk(at, number, lasting=lasting, when=when)):
                    scene.run(folder)
            except OSError:
                raised = True
            must = must_be(steps, at, when) if raised else "new"
            if raised and must == "new" and scene.withdrawn:
                must = "either"
            where = f"{os.strerror(number)} {when} step {at} ({step}){' and on' if lasting else ''}"
            tally.judge("error", KINDS[step], scene, folder, must, where)


def _every_step(scenes: list[Scene], folder: Path) -> Iterator[tuple[Scene, int, str, list[str]]]:
    for scene in scenes:
        steps = steps_of(scene, folder)
        for at, step in enumerate(steps):
            yield scene, at, step, steps


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500, help="kills (default: 500)")
    parser.add_argument("--seeds", type=int, default=3, help="power cuts at each step (default: 3)")
    parser.add_argument("--parts", default="kills,cuts,errors", help="which faults (default: all three)")
    parser.add_argument("--seed", type=int, default=1, help="of where the kills come (default: 1)")
    parser.add_argument("--folder", type=Path, help="where to write (default: that for temporary files)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts, too")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - {"kills", "cuts", "errors"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    logging.getLogger("qtsearch").setLevel(logging.CRITICAL)  # which tells of every fault
    pool._BATCH = 4  # so that eight articles are work for two processes
    tally = Tally()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Path(name)
        (place / "disk").mkdir()
        folder = place / "disk" / "index"
        scenes = make_scenes(place / "one")
        if "kills" in parts:
            parallel = make_scenes(place / "two", processes=2)[:2]
            kills(tally, scenes, parallel, folder, options.runs, options.seed)
        if "cuts" in parts:
            cuts(tally, scenes, folder, options.seeds)
        if "errors" in parts:
            errors(tally, scenes, folder)
    tally.show()
    print(f"\n{time.monotonic() - began:.0f} s")
    counts = [{"fault": part, "at": what, **count} for (part, what), count in tally.counts.items()]
    write_json(options.json, {"faults": counts})
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
