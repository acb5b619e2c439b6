"""The write lock: one writer at a time, who waits or is told who holds it; the dead hold nothing."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faulty_disk import FailingDisk, installed
from whoosh.filedb.filestore import FileStorage

import qtsearch
from qtsearch.errors import IndexLockedError
from qtsearch.generations.locking import LOCK_NAME, WriteLock

ROOT = Path(qtsearch.__file__).parent.parent
HOLD = (
    "import sys, time\n"
    "from qtsearch.generations.locking import WriteLock\n"
    "with WriteLock(sys.argv[1]):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def holding(folder: str) -> subprocess.Popen[str]:
    """A process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, folder]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
    )
    assert process.stdout.readline() == "held\n"
    return process


def note(folder: str) -> str:
    return Path(folder, LOCK_NAME).read_text()


def test_who_holds_it_is_told(folder):
    """Process, host and time, as attributes and in words; nothing is left of them afterwards."""
    with WriteLock(folder), pytest.raises(IndexLockedError) as caught, WriteLock(folder):
        pass
    error = caught.value
    assert (error.path, error.pid, error.host) == (
        os.path.join(folder, LOCK_NAME),
        os.getpid(),
        socket.gethostname(),
    )
    assert error.since.startswith("20")
    assert str(error) == (
        f"{error.path} is locked by process {error.pid} on {error.host} since {error.since}: "
        "try again when it has ended, or wait for it"
    )
    assert note(folder) == ""


def test_a_lock_of_a_dead_process_never_blocks(folder):
    """Killed with the lock in hand, its name still in the file: the next one has it at once."""
    with holding(folder) as process:
        with pytest.raises(IndexLockedError) as caught, WriteLock(folder):
            pass
        assert caught.value.pid == process.pid
        process.kill()
    assert f"process {process.pid} " in note(folder)
    with WriteLock(folder):
        assert f"process {os.getpid()} " in note(folder)


def test_the_dead_are_not_blamed(folder):
    """A program that does not say that it holds the lock, as Whoosh: not the one that died before it."""
    with holding(folder) as process:
        process.kill()
    lock = FileStorage(folder).lock(LOCK_NAME)
    assert lock.acquire()
    with pytest.raises(IndexLockedError, match="locked by another program") as caught, WriteLock(folder):
        pass
    assert (caught.value.pid, caught.value.host, caught.value.since) == (0, "", "")
    lock.release()


@pytest.mark.parametrize("text", ["", "\0\xff", "process x on y since z\n", f"process {10**30} on  since \n"])
def test_any_text_may_stand_in_it(folder, text):
    """What the file says is no more than words."""
    with WriteLock(folder):
        Path(folder, LOCK_NAME).write_bytes(text.encode("latin-1"))
        with pytest.raises(IndexLockedError), WriteLock(folder):
            pass
    with WriteLock(folder):
        pass


def test_waiting_for_another_process(folder):
    """Whoever waits gets the lock when the other one ends."""
    with holding(folder) as process:
        ended = threading.Timer(0.3, process.stdin.close)
        ended.start()
        with WriteLock(folder, wait=60):
            assert process.wait() == 0
        ended.join()


def test_waiting_in_vain(folder):
    """After so many seconds it is the error that it would have been at once."""
    began = time.monotonic()
    with WriteLock(folder), pytest.raises(IndexLockedError, match=str(os.getpid())):
        WriteLock(folder, wait=0.2).__enter__()
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("wait", [-1, -0.001, float("nan")])
def test_no_time_at_all(folder, wait):
    """A wait of less than nothing is a ValueError that names the range."""
    with pytest.raises(ValueError, match="0 seconds or more"):
        WriteLock(folder, wait)


def test_threads_take_turns(folder):
    """Within a process it keeps threads apart, too; all of them get their turn."""
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with WriteLock(folder, wait=60):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.001)
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
def test_a_fork_has_no_part_in_it(folder):
    """A child that ends, killed or not, leaves the lock to its parent; one that lives on holds nothing."""
    command = (
        "import os, signal, sys, time\n"
        "from qtsearch.generations.locking import WriteLock\n"
        "with WriteLock(sys.argv[1]):\n"
        "    child = os.fork()\n"
        "    if child:\n"
        "        os.waitpid(child, 0)\n"
        "        if os.fork():\n"
        "            signal.pause()\n"
        "        print('held', flush=True)\n"
        "        time.sleep(60)\n"
        "print('left', flush=True)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", command, folder],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with started as process:
        assert process.stdout.readline() == "left\n"
        assert process.stdout.readline() == "held\n"
        with pytest.raises(IndexLockedError) as caught, WriteLock(folder):
            pass
        assert caught.value.pid == process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with WriteLock(folder):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_a_full_disk_does_not_keep_it_locked(folder, at, caplog):
    """What the file says is not worth failing for: the run may be the one that makes room."""
    with WriteLock(folder):
        pass
    with (
        installed(FailingDisk(at, errno.EIO)),
        WriteLock(folder),
        pytest.raises(IndexLockedError),
        WriteLock(folder),
    ):
        pass
    assert "does not say who holds it" in caplog.text
    with WriteLock(folder):
        pass


def test_it_is_no_program(folder):
    """The lock is made with the permissions of a file that is written, not run."""
    with WriteLock(folder):
        pass
    assert not os.stat(os.path.join(folder, LOCK_NAME)).st_mode & 0o111
