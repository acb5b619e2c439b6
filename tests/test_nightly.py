"""docs/nightly.md: its cron line, systemd units, workflow and other commands, run as they stand."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_line import run

import qtsearch

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def units() -> dict[str, configparser.ConfigParser]:
    """systemd's units, by which section they have beside ``Unit``."""
    found = {}
    for block in blocks("ini"):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # systemd's names have capitals
        unit.read_string(block)
        found[unit.sections()[1]] = unit
    return found


def cron_command() -> str:
    (line,) = blocks("crontab")
    return line.split(maxsplit=5)[5].strip()


def workflow_command() -> str:
    (block,) = blocks("yaml")
    (job,) = yaml.safe_load(block)["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "qtsearch" in step.get("run", "")]
    return str(command)


def plain_command() -> str:
    (line,) = re.findall(r"^    (python -m qtsearch reindex .*)$", DOCUMENT, re.MULTILINE)
    return str(line)


REINDEX = {
    "cron": cron_command(),
    "systemd": units()["Service"]["Service"]["ExecStart"],
    "workflow": workflow_command(),
}
OTHERS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def site(tmp_path) -> Path:
    """What the document supposes: a folder with articles, and an environment that has qtsearch."""
    shutil.copytree(ROOT / "examples" / "articles", tmp_path / "articles")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    return tmp_path


def at_site(command: str, site: Path) -> subprocess.CompletedProcess[str]:
    """Run a command by the shell, as cron does, in the folder that stands for ``/srv/site``."""
    others = {name: value for name, value in os.environ.items() if name != "QTSEARCH_INDEX"}
    path = f"{site / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command.replace("/srv/site", str(site))],
        cwd=site,
        env={**others, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


# -- the document ------------------------------------------------------------------------------------------


def test_all_run_the_same_command():
    """cron, systemd and the workflow: the one at the head of the document, with names in it."""
    name, *arguments = shlex.split(plain_command())
    filled = {"SOURCE": "articles", "DIR": "index", "FILE": "reindex.json"}
    expected = shlex.join(filled.get(argument, argument) for argument in arguments)
    assert name == "python"
    for command in REINDEX.values():
        assert f"python {expected}" in command
    for command in REINDEX.values():
        assert os.path.basename(command.partition(f" {expected}")[0].split()[-1]) == "python"


def test_they_begin_at_the_same_time():
    """A quarter past three."""
    (line,) = blocks("crontab")
    (workflow,) = blocks("yaml")
    (schedule,) = yaml.safe_load(workflow)[True]["schedule"]  # YAML 1.1 takes `on` for a truth value
    assert line.split()[:5] == schedule["cron"].split() == ["15", "3", "*", "*", "*"]
    assert units()["Timer"]["Timer"]["OnCalendar"].endswith(" 03:15:00")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_can_read_the_units(tmp_path, site):
    """Without a complaint."""
    for block, kind in zip(blocks("ini"), ("service", "timer"), strict=True):
        text = block.replace("/srv/site", str(site))
        (tmp_path / f"qtsearch-reindex.{kind}").write_text(text)
    paths = [str(tmp_path / f"qtsearch-reindex.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# -- its commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REINDEX)
def test_reindex(name, site):
    """Builds the index and writes the report; run again, it does no harm."""
    for _ in range(2):
        done = at_site(REINDEX[name], site)
        assert done.returncode == 0, done.stderr
        report = json.loads((site / "reindex.json").read_text(encoding="utf-8"))
        assert report["pages"] == 66
        with qtsearch.open_index(site / "index") as index:
            assert (len(index), index.generation) == (66, report["generation"])


@pytest.mark.parametrize("name", REINDEX)
def test_rejected_files_end_with_3(name, site):
    """Published all the same; which systemd is told to take for success."""
    (site / "articles" / "bad.md").write_text("no front matter")
    done = at_site(REINDEX[name], site)
    assert done.returncode == 3
    assert str(done.returncode) in units()["Service"]["Service"]["SuccessExitStatus"].split()
    assert "bad.md" in (site / "reindex.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", OTHERS)
def test_other_commands(command, site):
    """Each ends well on an index of two generations, and says something."""
    for _ in range(2):
        done = run("reindex", site / "articles", "--index", site / "index", "--keep-previous")
        assert done.returncode == 0
        (site / "articles" / "new.md").write_text("---\nurl: /new\nquestion: New?\nanswer: Yes.\n---\n")
    done = at_site(command, site)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
