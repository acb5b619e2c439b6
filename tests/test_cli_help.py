"""What the command line says of itself: help, examples, wrong usage, the README, and scripts for shells."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from command_line import run

from qtsearch.cli import make_parser

ROOT = Path(__file__).parent.parent


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command by its name."""
    (commands,) = (a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)


COMMANDS = parsers()


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Its long options, but for --help."""
    return {name for action in parser._actions for name in action.option_strings if name[:2] == "--"} - {
        "--help"
    }


def usage(name: str) -> str:
    """How the README shows a command: arguments, then options in the order of the parser, three dots where
    one may be given again."""
    parts = []
    for action in COMMANDS[name]._actions:
        shown = str(action.metavar or "|".join(map(str, action.choices or [])))
        again = "…" if action.nargs == "+" or isinstance(action, argparse._AppendAction) else ""
        if not action.option_strings:
            parts.append(shown + again)
        elif action.option_strings[-1] != "--help":
            value = f" {shown}" if shown and action.nargs != 0 else ""
            parts.append(f"[{action.option_strings[-1]}{value}]{again}")
    return " ".join([name, *sorted(parts, key=lambda part: part.startswith("["))])


def readme_usages() -> dict[str, str]:
    """The commands of README's section, each on one line."""
    section = (ROOT / "README.md").read_text().split("\n## Command line\n")[1].split("\n## ")[0]
    lines = re.findall(r"^    (.*)$", section, re.MULTILINE)
    joined = re.sub(r"\s+", " ", " ".join(lines)).split("python -m qtsearch ")[1:]
    return {line.split()[0]: line.strip() for line in joined}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_shows_every_option(name):
    """README's section has each command with its arguments and options, and no others."""
    shown = readme_usages().get(name, "")
    assert set(re.findall(r"--[a-z-]+", shown)) == options_of(COMMANDS[name]), f"write: {usage(name)}"
    assert shown == usage(name), f"write: {usage(name)}"


def test_the_readme_shows_no_other_command():
    """What the parser does not have is not in the README."""
    assert set(readme_usages()) == set(COMMANDS)


# -- help ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder as the examples of the help texts suppose it: articles, an index of them, judgments."""
    folder = tmp_path_factory.mktemp("help")
    (folder / "examples").symlink_to(ROOT / "examples")
    reindexed(folder)
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "crohns disease"}\n')
    url = "/learn/medicine/questions/what-is-crohns-disease"
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n1\t{url}\t1\n")
    (folder / ".local/share/bash-completion/completions").mkdir(parents=True)
    return folder


def reindexed(folder: Path) -> None:
    """Twice, so that there is a generation to go back to."""
    for _ in range(2):
        command = ["reindex", folder / "examples" / "articles", "--index", folder / "index"]
        assert run(*command, "--full", "--keep-previous").returncode == 0


def examples(name: str) -> list[str]:
    """The commands under "example:" or "examples:" of a help text."""
    text = run(*([name] if name else []), "--help").stdout
    return re.findall(r"^  ((?:python -m )?qtsearch .*)$", text.split("\nexample")[-1], re.MULTILINE)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_has_an_example_that_runs(name, folder):
    """Each example, pasted into a shell, ends with 0 and no complaint; it is one of this command."""
    commands = examples(name)
    assert commands
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name != "QTSEARCH_INDEX"}
    for command in commands:
        assert f"qtsearch {name}" in command
        if name in ("", "rollback"):
            reindexed(folder)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**environment, "PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout or ">" in command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_has_a_help_text(name):
    """Whatever has a name says what it is; every command prints JSON, but for the script for a shell."""
    for action in COMMANDS[name]._actions:
        assert action.help, action
    assert ("--json" in options_of(COMMANDS[name])) == (name != "shell-completion")


def test_the_help_lists_every_command():
    """With a line of what it does."""
    text = run("--help").stdout
    for name in COMMANDS:
        assert re.search(rf"^ +{name}\s+\w+", text, re.MULTILINE), name


# -- wrong usage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("", "COMMAND"),
        ("serve", "'serve'"),
        ("reindex", "SOURCE"),
        ("query", "TEXT"),
        ("query a b", "b"),
        ("query a --fast", "--fast"),
        ("query a --boost", "--boost"),
        ("show", "URL"),
        ("complete", "TEXT"),
        ("complete a --limit x", "'x'"),
        ("complete a --limit 9223372036854775808", "9223372036854775808"),
        ("evaluate queries.jsonl", "QRELS"),
        ("tune --set k1", "'k1'"),
        ("shell-completion", "shell"),
        ("shell-completion fish", "'fish'"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, named):
    """The usage, and a last line that names what is wrong or missing; nothing on stdout."""
    done = run(*shlex.split(arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
    assert named in done.stderr.splitlines()[-1].partition("error: ")[2]


# -- scripts for shells ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_script_for_each_shell(shell):
    """It knows every command, and the options of each; its shell, where there is one, can read it."""
    done = run("shell-completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    for name, parser in COMMANDS.items():
        assert name in done.stdout
        for option in options_of(parser):
            assert (option if shell != "tcsh" else option.removeprefix("--")) in done.stdout
    if shutil.which(shell):
        read = subprocess.run([shell, "-n"], input=done.stdout, capture_output=True, text=True)
        assert (read.returncode, read.stderr) == (0, "")


def test_bash_completes_commands_and_options():
    """The script, in a shell: what begins with ``re`` is ``reindex``, and its options follow."""
    script = run("shell-completion", "bash").stdout
    function = re.search(r"complete .*-F (\w+) qtsearch", script)
    assert function
    for words, expected in (("qtsearch re", {"reindex"}), ("qtsearch tune --s", {"--set"})):
        typed = f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}"
        ask = f"{script}\n{typed}; {function[1]}; echo ${{COMPREPLY[@]}}"
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
        assert set(done.stdout.split()) == expected, done.stderr


def test_without_shtab_the_line_says_what_to_install():
    """Exit 1, one line."""
    with mock.patch.dict(sys.modules, shtab=None):
        done = run("shell-completion", "bash")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "qtsearch: shtab is not installed: pip install 'qtsearch[completion]'\n"
