"""The command line as people type it: the index it works on, what goes wrong, pipes and terminals."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest
from command_line import on_terminal, run, run_process

import qtsearch
from qtsearch.articles import Article

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
    assert done.stdout.startswith("66 pages (66 added, 2 left out as no_index, 3 warnings) in ")
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
    assert "2 rejected" in done.stdout


def test_the_console_command_is_the_same(index):
    """``qtsearch`` is installed and does what ``python -m qtsearch`` does."""
    command = Path(sys.executable).parent / "qtsearch"
    done = subprocess.run(
        [command, "query", "thrombectomy", "--index", index], capture_output=True, text=True, check=True
    )
    assert "mechanical thrombectomy" in done.stdout


def test_output_that_nobody_reads_is_no_traceback(index):
    """The reader of a pipe is gone before anything is written: exit 1, and not a word."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "qtsearch", "query", "clot", "--index", str(index)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_old_generation_and_no_litter(real_folder, tmp_path, number):
    """Stopped in the middle, with its workers: exit 130 or 143, one line, the old index still there, nothing
    left over."""
    run("reindex", EXAMPLES, "--index", tmp_path)
    before = sorted(os.listdir(tmp_path))
    command = [sys.executable, "-m", "qtsearch", "reindex", str(real_folder), "--index", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not any(name.endswith(".work") for name in os.listdir(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors == "qtsearch: interrupted; the index is as it was\n"
    assert sorted(os.listdir(tmp_path)) == before
    assert "thrombectomy" in run("query", "thrombectomy", "--index", tmp_path).stdout


# -- terminals ---------------------------------------------------------------------------------------------

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202e"


@pytest.fixture(scope="module")
def hostile(build_index) -> str:
    """An index of articles that hold escape sequences wherever an article can hold text."""
    articles = [
        Article(
            f"/a{number}",
            f"Why is{HOSTILE} blood clotting {number}?",
            f"Because {HOSTILE} of **platelets** `{HOSTILE}`.",
            page_keywords=(f"clotting{HOSTILE}", "platelets"),
            subject=f"Medicine{HOSTILE}",
            id=7,
        )
        for number in (1, 2)
    ]
    with build_index(articles) as index:
        return index.path


def commands(index: str | Path, text: str, url: str) -> list[list[str | Path]]:
    """What prints texts of articles, with every option that prints more of them."""
    query = ["query", text, "--index", index]
    return [
        [*query, "--facets", "--related", "--explain", "--all-pages"],
        [*query, "--subject", "None"],
        ["show", url, "--index", index],
        ["complete", "clot", "--index", index],
    ]


def test_no_article_steers_a_terminal(hostile):
    """No control character is printed, as text or as JSON, on stdout or stderr; and the text is there."""
    for command in commands(hostile, "clotting", "/a1"):
        plain, as_json = run(*command), run(*[part for part in command if part != "--facets"], "--json")
        assert plain.returncode == as_json.returncode == 0
        for text in (plain.stdout, plain.stderr, as_json.stdout):
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
        assert "red" in plain.stdout + plain.stderr
        assert isinstance(json.loads(as_json.stdout), dict)


def test_json_keeps_what_it_escapes(hostile):
    """The controls of an article are in the JSON, escaped."""
    assert HOSTILE in json.loads(run("show", "/a1", "--index", hostile, "--json").stdout)["question"]


def test_a_rejected_file_steers_no_terminal(tmp_path):
    """Names of files and reasons are printed without controls."""
    (tmp_path / "\x1b[31mred.md").write_text("---\nquestion: [\n---\n")
    shutil.copy(next(EXAMPLES.rglob("*.md")), tmp_path)
    done = run("reindex", tmp_path, "--index", tmp_path / "index")
    assert done.returncode == 3
    assert "[31mred.md" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("number", [0, 2, 3])
def test_colors_on_a_terminal_alone(hostile, number):
    """A terminal has colours, and no other codes than those; NO_COLOR and TERM=dumb end them."""
    command = commands(hostile, "clotting", "/a1")[number]
    colored = on_terminal(*command)
    without = re.sub(r"\x1b\[(0|1|2|4|22)m", "", colored)
    assert without != colored
    assert "\x1b" not in without + on_terminal(*command, NO_COLOR="1")
    assert "\x1b" not in on_terminal(*command, TERM="dumb") + run_process(*command).stdout
    assert "\x1b" in on_terminal(*command, NO_COLOR="")  # no-color.org: when not empty


def test_json_has_no_colors_on_a_terminal(index):
    """--json is the same wherever it goes."""
    command = ["show", "/learn/medicine/questions/what-is-crohns-disease", "--json", "--index", index]
    assert on_terminal(*command) == run(*command).stdout


@pytest.mark.parametrize("columns", ["1", "19", "50", "1000"])
def test_any_width_of_terminal(index, columns):
    """Lines are wrapped to the terminal's columns, from 20 to 100."""
    url = "/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed"
    with mock.patch.dict(os.environ, COLUMNS=columns):
        shown = run("show", url, "--index", index)
        found = run("query", "thrombectomy", "--index", index)
    assert (shown.returncode, found.returncode) == (0, 0)
    width = min(max(int(columns), 20), 100)
    answer = shown.stdout.split("\n\n", 1)[1].split("keywords:")[0]
    assert all(len(line) <= width for line in answer.splitlines() if " " in line.strip())
    assert max(map(len, answer.splitlines())) > width - 20


# -- texts, pipes, files ---------------------------------------------------------------------------------


def test_a_query_that_is_no_unicode(index):
    """Bytes that are not UTF-8 are words without a page, told and printed as JSON without a traceback."""
    for options in ([], ["--json"]):
        done = run_process("query", b"xyzzy\xff".decode(errors="surrogateescape"), "--index", index, *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert "xyzzy" in done.stdout


def test_an_output_that_is_not_utf_8(index):
    """What the encoding lacks is a question mark in a text, and escaped in JSON."""
    url = "/learn/physics/questions/what-does-the-schrodinger-equation-describe"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run_process("show", url, "--index", index, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout
    as_json = run_process("show", url, "--index", index, "--json", env=environment)
    assert json.loads(as_json.stdout) == json.loads(run("show", url, "--index", index, "--json").stdout)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_line(index):
    """What cannot be printed is told, exit 1."""
    command = f"'{sys.executable}' -m qtsearch query clot --index '{index}' > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("qtsearch: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


# -- reindex ---------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_is_told_with_the_file(tmp_path, monkeypatch):
    """An error of the system names the file that was written, and what became of the index."""
    folder = tmp_path / "index"
    assert run("reindex", EXAMPLES / "nursing", "--index", folder).returncode == 0
    before = sorted(path.name for path in folder.iterdir())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    done = run("reindex", EXAMPLES / "physics", "--index", folder, "--allow-shrink")
    assert done.returncode == 1
    name = rf"{re.escape(str(folder))}/MAIN_[0-9a-f]+\.arrays"
    told = rf"qtsearch: {name}: No space left on device; the index is as it was\n"
    assert re.fullmatch(told, done.stderr)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_reindex_prints_one_json_object(tmp_path):
    """--json has exactly these keys, with the files that were rejected; the exit code tells of those."""
    source = tmp_path / "articles"
    shutil.copytree(EXAMPLES / "nursing", source)
    (source / "binary.md").write_bytes(b"---\nurl: \xff\n---\n")
    done = run("reindex", source, "--index", tmp_path / "index", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 3
    assert list(found) == [
        *("index", "generation", "published", "dry_run", "full", "pages", "files"),
        *("added", "changed", "removed", "moved", "unchanged", "rejected", "kept", "no_index"),
        *("warnings", "phases", "seconds", "size_bytes"),
    ]
    assert found["files"] == found["pages"] + found["no_index"] + 1
    assert (found["index"], found["generation"]) == (str(tmp_path / "index"), 1)
    (rejected,) = found["rejected"]
    assert list(rejected) == ["path", "line", "reason"]
    assert (rejected["path"], rejected["line"]) == (str(source / "binary.md"), 2)


def test_reindex_takes_files_folders_and_pages_marked_no_index(tmp_path):
    """Several sources add up; --include-no-index leaves nothing out."""
    one = next((EXAMPLES / "medicine").glob("*.md"))
    done = run("reindex", EXAMPLES / "nursing", one, "--index", tmp_path, "--json")
    assert json.loads(done.stdout)["files"] == len(list((EXAMPLES / "nursing").glob("*.md"))) + 1
    done = run("reindex", EXAMPLES, "--index", tmp_path, "--json", "--include-no-index")
    found = json.loads(done.stdout)
    assert (found["pages"], found["no_index"], found["generation"]) == (68, 0, 2)


# -- show and complete -----------------------------------------------------------------------------------

URL = "/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed"


def test_show_prints_an_article(index):
    """Question, subject, date and url, the answer rendered, keywords, related pages."""
    done = run("show", URL, "--index", index)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "What is mechanical thrombectomy and how is it performed?",
        f"Medicine  2025-01-09  {URL}",
        "",
    ]
    assert "**" not in done.stdout
    assert any(line.startswith("1. Imaging. ") for line in lines)
    assert any(line.startswith("keywords: ") for line in lines)
    assert any(line.startswith("related: How do stent retrievers differ") for line in lines)


def test_show_prints_one_json_object(index):
    """--json has exactly the keys of an article, the answer in Markdown."""
    found = json.loads(run("show", URL, "--index", index, "--json").stdout)
    assert list(found) == [field.name for field in dataclasses.fields(Article)]
    assert (found["url"], found["date"], found["subject"]) == (URL, "2025-01-09", "Medicine")
    assert "**" in found["answer"]


def test_an_unknown_url_is_one_clear_line(index):
    """Exit 1; the line names the url."""
    for options in ([], ["--json"]):
        done = run("show", "/nowhere", "--index", index, *options)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "'/nowhere'" in done.stderr


def test_complete_lists_keywords_and_questions(index):
    """A keyword with its pages, a question with its url; --limit ends the list."""
    done = run("complete", "throm", "--index", index)
    assert (done.returncode, done.stderr) == (0, "")
    assert "thrombectomy devices  1 page\n" in done.stdout
    assert f"What is mechanical thrombectomy and how is it performed?  {URL}\n" in done.stdout
    limited = run("complete", "throm", "--index", index, "--limit", "2").stdout
    assert limited.splitlines() == done.stdout.splitlines()[:2]
    assert run("complete", "throm", "--index", index, "--limit", "0").stdout == ""


def test_complete_prints_one_json_object(index):
    """--json has exactly these keys, the same completions as Python gives."""
    found = json.loads(run("complete", "throm", "--index", index, "--json", "--limit", "9").stdout)
    assert list(found) == ["text", "completions"]
    with qtsearch.open_index(index) as opened:
        assert found["completions"] == [one._asdict() for one in opened.complete("throm", limit=9)]
    assert {tuple(one) for one in found["completions"]} == {("text", "kind", "count", "url")}
    empty = run("complete", "", "--index", index, "--json").stdout
    assert json.loads(empty) == {"text": "", "completions": []}
