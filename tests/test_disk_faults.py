"""Every step at which an index is written, gone wrong: the index is the old one or the new, never another.

Errors, power cuts and signals at every single step of a first reindex, of a later one and of one that finds
other times only, of set_parameters, rollback and backup; what kinds of fault are not tried at every write
are by ``benchmarks/faults.py``, which also kills.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
from pathlib import Path

import pytest
from faulty_disk import KINDS, FailingDisk, FaultyDisk, PowerCut, SimulatedCrash, installed
from publishing_runs import (
    Scene,
    assert_recovers,
    check,
    cut_power,
    left_over,
    make_scenes,
    must_be,
    published_at,
    steps_of,
)

from qtsearch import disk
from qtsearch.cli.signals import Stopped, stoppable

NAMES = ("first", "again", "tune", "touch", "rollback", "backup")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return {scene.name: scene for scene in make_scenes(tmp_path_factory.mktemp("scenes"))}


@pytest.fixture(params=NAMES)
def scene(request: pytest.FixtureRequest, scenes: dict[str, Scene]) -> Scene:
    return scenes[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the index is to be: alone in a folder of its own, which a power cut damages."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk" / "index"


def chosen(scene: Scene, steps: list[str]) -> list[tuple[int, str]]:
    """Which steps to try: all, but of the many writes of a first run, which are those of a later one, few."""
    return [(at, step) for at, step in enumerate(steps) if step != "write" or scene.before or at % 4 == 0]


@pytest.mark.parametrize("scene", NAMES[:3], indirect=True)
def test_the_order_of_a_publish(scene, folder):
    """The segment's files, their names, the TOC and its name are synced in turn; only then is one removed."""
    steps = steps_of(scene, folder)
    renamed, lasting = published_at(steps)
    assert [step for step in steps[:renamed] if KINDS[step] == "fsync"][-2:] == ["sync_folder", "sync"]
    assert lasting == renamed + 1
    assert "unlink" not in steps[:renamed]
    if scene.name in ("again", "tune"):
        assert steps[lasting + 1 : lasting + 4] == ["unlink"] * 3  # the TOC and the segment before


FAULTS = [
    {"number": errno.ENOSPC},
    {"number": errno.ENOSPC, "lasting": True, "when": "half"},
    {"number": errno.EIO, "when": "after"},
    {"number": errno.EIO, "lasting": True},
]


def test_an_error_at_every_step(scene, folder):
    """A disk that is full or fails, once or from then on: OSError, and the old generation with nothing beside
    it; or a run that could do without that step, and the new one."""
    steps = steps_of(scene, folder)
    renamed, lasting = published_at(steps)
    for at, step in chosen(scene, steps):
        # One of the faults at each of the many writes; all of them at the other steps.
        for fault in FAULTS if step != "write" else [FAULTS[at % len(FAULTS)]]:
            if step in ("create", "append", "link") and fault.get("when") == "after":
                continue  # these do nothing when they fail
            scene.begin(folder)
            raised = None
            try:
                with installed(FailingDisk(at, **fault)):
                    scene.run(folder)
            except OSError as error:
                raised = error.errno
            assert raised in (None, fault["number"])
            done = must_be(steps, at, str(fault.get("when"))) == "new"
            possible = [scene.new if done or not raised else scene.old]
            if raised and scene.withdrawn:
                possible.append(scene.old)
            assert check(folder) in possible, (at, step, fault)
            if not fault.get("lasting") and KINDS[step] != "clean-up" and not renamed <= at <= lasting:
                assert not folder.exists() or left_over(folder) == set(), (at, step, fault)
            assert_recovers(scene, folder)


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_at_every_step(scene, folder, seed):
    """Whatever was not synced is lost or damaged: the old generation until the rename, the new one from the
    sync of the folder on, and one of the two in between."""
    steps = steps_of(scene, folder)
    for at, step in chosen(scene, [*steps, ""]):
        if step == "write" and at // 4 % 2 != seed:
            continue  # each of the many writes once
        scene.begin(folder)
        must = cut_power(scene, folder, steps, at, random.Random(seed * 10_000 + at))
        possible = {"old": [scene.old], "new": [scene.new], "either": [scene.old, scene.new]}[must]
        assert check(folder) in possible, (at, step)
        assert_recovers(scene, folder)


@pytest.mark.parametrize("seed", range(20))
def test_power_cuts_one_after_another(scenes, folder, seed):
    """The power goes again and again, at any step, also while the run before is cleaned up after."""
    scene = scenes["again"]
    rng = random.Random(seed)
    steps = steps_of(scene, folder)
    scene.begin(folder)
    for _ in range(5):
        # Most steps are writes, early ones: the end is where it matters.
        at = rng.choice((rng.randrange(8), len(steps) - rng.randrange(16)))
        cut_power(scene, folder, steps, at, rng)
        assert check(folder) in (scene.old, scene.new)
    assert_recovers(scene, folder)


def test_a_power_cut_after_a_process_died(scenes, folder):
    """A run dies between its rename and the sync of it. The next one cleans up after it, and the power goes
    then: the rename may be lost, so no file may have been that the generation before needs."""
    scene = scenes["again"]
    steps = steps_of(scene, folder)
    _, lasting = published_at(steps)
    for at in (*range(16), *range(len(steps) - 16, len(steps) + 1)):
        for seed in range(4):
            scene.begin(folder)
            layer = PowerCut(folder.parent, lasting)
            with installed(layer), contextlib.suppress(SimulatedCrash):
                scene.run(folder)
            layer.go_on(at)
            with installed(layer), contextlib.suppress(SimulatedCrash):
                scene.run(folder)
            layer.power_up(random.Random(seed * 10_000 + at))
            assert check(folder) in (scene.old, scene.new), (at, seed)
    assert_recovers(scene, folder)


class SignallingDisk(FaultyDisk):
    """Sends this process a signal at the step."""

    def __init__(self, at: int, number: int, when: str) -> None:
        super().__init__(at, when=when)
        self._number = number

    def go_wrong(self, step: str) -> None:
        signal.raise_signal(self._number)


def test_a_signal_at_every_step(scene, folder):
    """Ctrl-C and SIGTERM: the command ends with their exit code and says which generation is current, and
    nothing is left over, wherever it was."""
    steps = steps_of(scene, folder)
    for at, step in chosen(scene, steps):
        when = "before" if step in ("create", "append") or at % 3 == 0 else "after"
        number = (signal.SIGINT, signal.SIGTERM)[at % 2]
        scene.begin(folder)
        with (
            pytest.raises(Stopped) as caught,
            stoppable(str(folder)),
            installed(SignallingDisk(at, number, when)),
        ):
            scene.run(folder)
        assert caught.value.code == 128 + number
        done = must_be(steps, at, when) == "new" and not scene.withdrawn
        if done and len({*scene.numbers}) > 1:
            assert str(caught.value) == f"interrupted; generation {scene.numbers[1]} is published"
        else:
            assert str(caught.value) == "interrupted; the index is as it was"
        assert check(folder) == (scene.new if done else scene.old), (at, step)
        assert not folder.exists() or left_over(folder) == set(), (at, step)
    assert_recovers(scene, folder)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_names_what_it_is_of(tmp_path, monkeypatch):
    """The file that is written or synced, or the folder that is synced: the system does not say."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("os.fsync", fail)
    with disk.layer.create(str(tmp_path / "file")) as file, pytest.raises(OSError, match="error") as synced:
        disk.layer.sync(file)
    with pytest.raises(OSError, match="error") as folder_synced:
        disk.layer.sync_folder(str(tmp_path))
    assert (synced.value.filename, folder_synced.value.filename) == (str(tmp_path / "file"), str(tmp_path))


def test_permissions_follow_the_umask(scenes, folder):
    """Every file and folder of an index is as readable as the umask lets it be."""
    before = os.umask(0o027)
    try:
        scenes["first"].run(folder)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o640}
    assert folder.stat().st_mode & 0o777 == 0o750
