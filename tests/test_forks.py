"""An index opened before a fork works in the children, whatever other threads were at, and is shared."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import qtsearch
from qtsearch.forks import Lock, cached_property

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

#: Seconds after which a child that hangs is killed, and the test fails.
HANGS = 30


def in_child(work: Callable[[], object]) -> int:
    """Fork, run this in the child; returns its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on: there are threads
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.alarm(HANGS)
        work()
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def ended(pid: int) -> str:
    """How a child ended: ``"well"``, or with which exit code or signal."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "well" if code == 0 else f"exit code {code}"


@pytest.fixture
def index(tmp_path, sample_folder) -> Iterator[qtsearch.Index]:
    """An index of the samples, just opened."""
    qtsearch.reindex(sample_folder, tmp_path / "index", processes=1, full=True, allow_shrink=True)
    with qtsearch.open_index(tmp_path / "index") as index:
        yield index


def ask(index) -> None:
    """A bit of everything that takes a lock or imports something."""
    assert index.search("stroke").total
    assert index.search("how is a clot removed zebrawood", boosts={"answer": 2}).total
    assert index.search('"blood clot" thromb* question:stroke~1').total
    assert index.search("thrombectmoy").corrected
    assert index.complete("throm")
    assert str(index.search("stroke")[0].snippet())


# -- children ----------------------------------------------------------------------------------------------


def test_children_search_refresh_and_close(index, tmp_path, write_article):
    """Each for itself: neither another child nor the parent is disturbed."""
    expected = [(hit.url, hit.score, hit.answer) for hit in index.search("clot")]
    write_article(tmp_path / "new" / "a.md", url="/new", question="Where is the clot?")

    def work():
        ask(index)
        assert [(hit.url, hit.score, hit.answer) for hit in index.search("clot")] == expected
        qtsearch.reindex(tmp_path / "new", index.path, processes=1, full=True, allow_shrink=True)
        assert index.refresh()
        assert [hit.url for hit in index.search("clot")] == ["/new"]
        index.close()

    assert ended(in_child(work)) == "well"
    assert index.generation == 1
    assert ended(in_child(lambda: index.close())) == "well"
    assert index.refresh()
    assert len(index) == 1


@pytest.mark.parametrize(
    "lock_of",
    [
        lambda index: index._snapshot._lock,
        lambda index: index._snapshot.searcher.planner._rows._lock,
        lambda index: index._current._moving,
    ],
)
def test_a_lock_that_another_thread_holds_is_free_in_the_child(index, lock_of):
    """It is the lock of a thread that the child does not have. In the parent it stays taken."""
    lock, held, release = lock_of(index), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            release.wait(HANGS)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(HANGS)

    def work():
        with lock:
            ask(index)
            assert index.refresh() is False

    try:
        pid = in_child(work)
        assert lock.acquire(blocking=False) is False
        assert ended(pid) == "well"
    finally:
        release.set()
        thread.join()


def test_what_another_thread_was_computing_is_computed_in_the_child():
    """A property that is computed once."""
    computing, release = threading.Event(), threading.Event()

    class Slow:
        @cached_property
        def value(self) -> int:
            if threading.current_thread() is thread:
                computing.set()
                release.wait(HANGS)
            return 5

    slow = Slow()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert computing.wait(HANGS)

    def work():
        assert slow.value == 5

    try:
        assert ended(in_child(work)) == "well"
    finally:
        release.set()
        thread.join()


def test_an_import_that_another_thread_has_begun_ends_before_the_fork(tmp_path, monkeypatch):
    """The lock of a half imported module would be held for ever in the child."""
    (tmp_path / "nltk_of_tests").mkdir()
    (tmp_path / "nltk_of_tests" / "nltk.py").write_text("import time\nbegun.set()\ntime.sleep(0.5)\nx = 1\n")
    begun = threading.Event()
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "nltk"}
    monkeypatch.syspath_prepend(str(tmp_path / "nltk_of_tests"))
    monkeypatch.setattr("builtins.begun", begun, raising=False)
    try:
        thread = threading.Thread(target=lambda: __import__("nltk"))
        thread.start()
        assert begun.wait(HANGS)

        def work():
            import nltk

            assert nltk.x == 1

        assert ended(in_child(work)) == "well"
        thread.join()
    finally:
        sys.modules.pop("nltk", None)
        sys.modules.update(kept)


def test_an_import_begun_while_another_is_waited_for(tmp_path, monkeypatch):
    """It, too, ends before the fork."""
    package = tmp_path / "whoosh_of_tests" / "nltk"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "slow.py").write_text("import time\nbegun.set()\ntime.sleep(0.5)\n")
    (package / "later.py").write_text("import time\ntime.sleep(0.5)\n")
    begun = threading.Event()
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "nltk"}
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr("builtins.begun", begun, raising=False)

    def import_later():
        time.sleep(0.25)
        importlib.import_module("nltk.later")

    try:
        threads = [
            threading.Thread(target=importlib.import_module, args=("nltk.slow",)),
            threading.Thread(target=import_later),
        ]
        for thread in threads:
            thread.start()
        assert begun.wait(HANGS)
        assert ended(in_child(lambda: importlib.import_module("nltk.later"))) == "well"
        for thread in threads:
            thread.join()
    finally:
        for name in list(sys.modules):
            if name.partition(".")[0] == "nltk":
                del sys.modules[name]
        sys.modules.update(kept)


def test_threads_search_while_children_are_forked(index):
    """Each of the children can do all that the parent can, whatever its threads were at."""
    stop = threading.Event()
    failures = []

    def search(seed):
        number = 0
        try:
            while not stop.is_set():
                number += 1
                with qtsearch.open_index(index.path) as own:  # whose lazy parts are not there yet
                    ask(own)
                index.search("stroke", boosts={"answer": 1 + number % 50 + seed / 10})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(12):
            pids = [in_child(lambda: ask(index)) for _ in range(2)]
            time.sleep(0.01)
            assert [ended(pid) for pid in pids] == ["well", "well"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


# -- memory --------------------------------------------------------------------------------------------------


def mapped_kilobytes(path: str) -> dict[str, int]:
    """What /proc says of the map of a file in this process, in kB."""
    found: dict[str, int] = {}
    here = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(":")
        if "-" in line.split()[0]:
            here = line.endswith(path)
        elif here and rest.endswith(" kB"):
            found[name] = found.get(name, 0) + int(rest.split()[0])
    return found


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="reads /proc/self/smaps")
def test_the_map_is_shared(index):
    """Of what a child reads of the index, no page is its own."""
    segment = index._snapshot.segment
    path = segment.files[0].path
    assert not list(segment.files[0].damages())  # reads all of it
    read_end, write_end = os.pipe()

    def work():
        assert not list(segment.files[0].damages())
        ask(index)
        sizes = mapped_kilobytes(path)
        os.write(write_end, f"{sizes['Private_Clean']} {sizes['Private_Dirty']} {sizes['Rss']}".encode())

    assert ended(in_child(work)) == "well"
    private_clean, private_dirty, resident = map(int, os.read(read_end, 100).split())
    os.close(read_end)
    os.close(write_end)
    assert (private_clean, private_dirty) == (0, 0)
    assert resident >= os.path.getsize(path) // 1024


# -- locks -----------------------------------------------------------------------------------------------


def test_a_lock_may_be_taken_twice():
    """By a signal handler that refreshes while its thread refreshes, say."""
    lock = Lock()
    with lock:
        assert lock.acquire(blocking=False)
        lock.release()


def test_a_lock_keeps_others_out():
    """One thread at a time."""
    lock, got = Lock(), []
    with lock, contextlib.ExitStack() as stack:
        thread = threading.Thread(target=lambda: got.append(lock.acquire(blocking=False)))
        stack.callback(thread.join)
        thread.start()
    assert got == [False]
