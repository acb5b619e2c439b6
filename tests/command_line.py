"""The command line within this process, which takes no second to start, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

from qtsearch.cli import main

__all__ = ["asked", "on_terminal", "run", "run_process"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """One command, as `qtsearch` would run it, and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    argv = [str(argument) for argument in arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as wrong_usage:
            code = int(wrong_usage.code or 0)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def run_process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own."""
    command = [sys.executable, "-m", "qtsearch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def on_terminal(*arguments: str | Path, **environment: str) -> str:
    """What one command writes on a terminal, with these variables set and no others of colours."""
    others = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "qtsearch", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=child, stderr=child, env={**others, "TERM": "xterm", **environment}
    ) as process:
        os.close(child)
        written = b""
        with contextlib.suppress(OSError):  # on Linux, that is how a terminal ends
            while chunk := os.read(parent, 65_536):
                written += chunk
    os.close(parent)
    assert process.returncode == 0, written
    return written.decode().replace("\r\n", "\n")


def asked(index: str | Path, *arguments: str) -> dict[str, Any]:
    """What a query prints as JSON."""
    done = run("query", *arguments, "--index", index, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
