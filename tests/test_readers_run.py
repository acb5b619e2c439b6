"""benchmarks/readers.py, run as it is typed, in a shorter form; and it tells what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHORT = "--processes 2 --threads 2 --publishes 8 --interval 0.05 --pause 0.25 --rounds 50".split()

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

#: A start of the program with something in the index broken.
_BROKEN = """
import runpy, sys
sys.path.insert(0, {benchmarks!r})
{patch}
sys.argv = ["readers.py", *{arguments!r}]
runpy.run_path({script!r}, run_name="__main__")
"""


def readers(*arguments: str, patch: str = "") -> subprocess.CompletedProcess[str]:
    script = ROOT / "benchmarks" / "readers.py"
    text = _BROKEN.format(
        benchmarks=str(script.parent), patch=patch, arguments=[*SHORT, *arguments], script=str(script)
    )
    command = [sys.executable, "-c", text] if patch else [sys.executable, str(script), *SHORT, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )


@pytest.mark.parametrize("start", [[], ["--spawn"]])
def test_nothing_is_wrong(start):
    """Forked or not, the processes see no mixed generation and no error, and hold no more at the end."""
    done = readers(*start)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 errors, 0 mixed answers" in done.stdout
    assert done.stdout.endswith("nothing wrong\n")


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        # Each call takes what it needs from the index twice, and so perhaps from two generations.
        (
            "import qtsearch.results as r, qtsearch.search.current as c\n"
            "init = r.Results.__init__\n"
            "def mixed(self, snapshot, *rest):\n"
            "    mixed.last, snapshot = snapshot, getattr(mixed, 'last', snapshot)\n"
            "    init(self, snapshot, *rest)\n"
            "r.Results.__init__ = mixed\n",
            "mixed: ",
        ),
        ("import qtsearch.search.current as c\nc.Current._move = lambda self: None\n", "saw 1 generations"),
        (
            "import qtsearch.search.current as c\nkept = []\nopen_it = c.Current._open\n"
            "c.Current._open = lambda self: kept.append(open_it(self)) or kept[-1]\n",
            "files open, then at least",
        ),
    ],
    ids=["mixed", "stuck", "leak"],
)
def test_what_is_wrong_is_told(patch, told):
    """A mixed answer, an index that stays behind, files left open: each ends with 1 and is named."""
    done = readers(patch=patch)
    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stdout
