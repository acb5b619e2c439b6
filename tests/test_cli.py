"""The command line as people type it: the index it works on, what goes wrong, pipes and terminals."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import on_terminal, run, run_process

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "index"
    done = run("reindex", EXAMPLES, "--index", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_reindex_prints_a_summary(tmp_path):
    """One line: pages, what was left out, seconds, size, generation, folder."""
    done = run("reindex", EXAMPLES, "--index", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("66 pages indexed, 2 left out as no_index in ")
    assert f"generation 1 in {tmp_path}" in done.stdout


def test_query_lists_the_best_article_first(index):
    """A query for thrombectomy has an article about it first."""
    done = run("query", "thrombectomy", "--index", index)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. What is mechanical thrombectomy and how is it performed?" in done.stdout
    assert "/learn/medicine/questions/what-is-mechanical-thrombectomy" in done.stdout


def test_an_unknown_subject_is_told(index):
    """A misspelt subject finds nothing, and stderr says which subjects there are."""
    done = run("query", "clot", "--index", index, "--subject", "Medicin")
    assert done.returncode == 0
    assert "no page matches" in done.stdout
    assert "'Medicin'" in done.stderr
    assert "Medicine" in done.stderr


def test_no_hit_is_not_an_error(index):
    """A query without a hit says so and exits with 0."""
    done = run("query", "xyzzyplugh", "--index", index)
    assert (done.returncode, done.stdout) == (0, "no page matches 'xyzzyplugh'\n")


def test_index_defaults_to_the_environment_then_to_index(index, tmp_path):
    """$QTSEARCH_INDEX is used when --index is not given, else the folder index."""
    environment = {**os.environ, "QTSEARCH_INDEX": str(index)}
    assert "thrombectomy" in run_process("query", "thrombectomy", env=environment).stdout
    del environment["QTSEARCH_INDEX"]
    shutil.copytree(index, tmp_path / "index")
    assert "thrombectomy" in run_process("query", "thrombectomy", env=environment, cwd=tmp_path).stdout


def test_a_missing_index_is_one_clear_line(tmp_path):
    """No index: exit 1, and the line says how to build one."""
    done = run("query", "clot", "--index", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "reindex" in done.stderr


def test_a_missing_source_is_one_clear_line(tmp_path):
    """A source that is not there: exit 1, its name, nothing published."""
    done = run("reindex", tmp_path / "nowhere", "--index", tmp_path / "index")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert not (tmp_path / "index").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    """An index folder that is a file: exit 1, one line."""
    (tmp_path / "file").write_text("x")
    done = run("reindex", EXAMPLES, "--index", tmp_path / "file")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "file" in done.stderr


def test_rejected_files_are_listed_and_exit_with_3(tmp_path):
    """A reindex that published but rejected files lists each with its reason and exits with 3."""
    source = tmp_path / "articles"
    shutil.copytree(EXAMPLES / "nursing", source)
    (source / "not-yaml.md").write_text("---\nquestion: [\n---\n")
    (source / "binary.md").write_bytes(b"---\nurl: \xff\n---\n")
    done = run("reindex", source, "--index", tmp_path / "index")
    assert done.returncode == 3
    rejected = done.stderr.splitlines()
    assert len(rejected) == 2
    assert "binary.md:2: not UTF-8" in rejected[0]
    assert "not-yaml.md" in rejected[1]
    assert "broken YAML" in rejected[1]
    assert "2 files rejected" in done.stdout


def test_the_console_command_is_the_same(index):
    """``qtsearch`` is installed and does what ``python -m qtsearch`` does."""
    command = Path(sys.executable).parent / "qtsearch"
    done = subprocess.run(
        [command, "query", "thrombectomy", "--index", index], capture_output=True, text=True, check=True
    )
    assert "mechanical thrombectomy" in done.stdout


def test_output_that_nobody_reads_is_no_traceback(index):
    """``| head -1`` closes the pipe early: no traceback."""
    command = f"'{sys.executable}' -m qtsearch query clot --limit 60 --index '{index}' | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


def test_a_terminal_sees_a_progress_bar(tmp_path):
    """On a terminal, reindex draws a bar and wipes it in the end."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "qtsearch", "reindex", str(EXAMPLES), "--index", str(tmp_path)]
    with subprocess.Popen(command, stderr=child, stdout=subprocess.DEVNULL) as process:
        process.wait()
    os.close(child)
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    assert "of 68 files" in shown
    assert shown.endswith("\r\x1b[K")


def test_ctrl_c_leaves_the_old_generation_and_no_litter(real_folder, tmp_path):
    """Interrupted in the middle: exit 130, one line, the old index still there, nothing left over."""
    run("reindex", EXAMPLES, "--index", tmp_path)
    before = sorted(os.listdir(tmp_path))
    command = [sys.executable, "-m", "qtsearch", "reindex", str(real_folder), "--index", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not any(name.endswith(".work") for name in os.listdir(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "qtsearch: interrupted; the index is as it was\n"
    assert sorted(os.listdir(tmp_path)) == before
    assert "thrombectomy" in run("query", "thrombectomy", "--index", tmp_path).stdout
