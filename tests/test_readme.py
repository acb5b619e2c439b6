"""The README's shell commands, run as written; its Python runs as a doctest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def shell_blocks() -> list[list[tuple[str, str]]]:
    """The ```console blocks: pairs of command and output."""
    blocks = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        pairs = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        blocks.append([(command, output) for command, output in pairs])
    return blocks


def comparable(output: str) -> str:
    """Without what differs from run to run: times, and where the index lies."""
    output = re.sub(r"(generation \d+) in \S+", r"\1", output)
    return re.sub(r"\d+\.\d+ (m?s)\b", r"# \1", output).strip()


def test_shell_examples_print_what_the_readme_shows(tmp_path):
    """Each command of the README that is shown with output prints that output."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    others = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "QTSEARCH_INDEX")}
    ran = 0
    for block in shell_blocks():
        for command, output in block:
            if not output.strip():
                continue
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env={**others, "PATH": path},
                capture_output=True,
                text=True,
            )
            assert comparable(done.stdout + done.stderr) == comparable(output), command
            ran += 1
    assert ran >= 2


@pytest.mark.parametrize("command", ["python -m qtsearch reindex", "python -m qtsearch query", "-m pytest"])
def test_the_two_commands_are_there(command):
    """The README shows how to set up and run, and how to set up and test."""
    assert command in README


def test_links_lead_somewhere():
    """Every relative link of the documents leads to a file of the repository."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
