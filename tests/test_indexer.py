"""Reindexing: what is found, what is published, and what happens when it cannot be."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import qtsearch
from qtsearch.reindexing import indexer, pool, processes, workers

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"


def index_files(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if name != "MAIN_WRITELOCK"}


def test_the_report_tells_what_was_done(tmp_path):
    """Counts, rejected files with reasons, seconds, size, generation."""
    report = qtsearch.reindex(EXAMPLES, tmp_path)
    assert (report.pages, report.files, report.rejected, report.no_index) == (66, 68, (), 2)
    assert report.generation == 1
    assert report.seconds > 0
    assert report.index == str(tmp_path)
    sizes = (os.path.getsize(tmp_path / name) for name in index_files(tmp_path) if not name.endswith(".toc"))
    assert report.size_bytes == sum(sizes)
    assert (report.added, report.unchanged, report.published, report.full) == (66, 0, True, True)
    again = qtsearch.reindex(EXAMPLES, tmp_path)
    assert (again.added, again.unchanged, again.published, again.full) == (0, 66, False, False)
    assert (again.generation, again.pages, again.size_bytes) == (1, 66, report.size_bytes)
    assert qtsearch.reindex(EXAMPLES, tmp_path, full=True).generation == 2


def test_no_index_pages_are_taken_in_when_asked_for(tmp_path):
    """include_no_index adds the pages that are marked."""
    report = qtsearch.reindex(EXAMPLES, tmp_path, include_no_index=True)
    assert (report.pages, report.no_index) == (68, 0)


def test_several_sources_and_single_files(tmp_path):
    """Folders and files may be mixed; a named file may have any ending; each file counts once."""
    article = next((EXAMPLES / "nursing").iterdir())
    copied = tmp_path / "article.txt"
    shutil.copy(article, copied)
    report = qtsearch.reindex([EXAMPLES / "physics", copied, EXAMPLES / "physics"], tmp_path / "index")
    assert report.files == 6


def test_hidden_files_and_linked_folders_are_passed_over(tmp_path):
    """Hidden files and folders, and links to folders, are not read."""
    source = tmp_path / "articles"
    shutil.copytree(EXAMPLES / "nursing", source)
    shutil.copytree(EXAMPLES / "nursing", source / ".git")
    (source / ".draft.md").write_text("no article")
    (source / "linked").symlink_to(EXAMPLES / "physics")
    assert qtsearch.reindex(source, tmp_path / "index").files == 3


def test_two_files_with_one_url(tmp_path):
    """The later date wins, and the report names both files."""
    source = tmp_path / "articles"
    source.mkdir()
    for name, date in (("a.md", "2025-01-01"), ("b.md", "2025-02-02"), ("c.md", "2025-01-15")):
        text = f"---\nurl: /same\nquestion: Which {name}?\nanswer: This one.\ndate: {date}\n---\n"
        (source / name).write_text(text)
    report = qtsearch.reindex(source, tmp_path / "index")
    assert report.pages == 1
    assert [os.path.basename(error.path) for error in report.rejected] == ["a.md", "c.md"]
    assert all("b.md" in error.reason for error in report.rejected)
    with qtsearch.open_index(tmp_path / "index") as index:
        assert index.search("which")[0].question == "Which b.md?"


@pytest.mark.parametrize(
    "text", [None, "no front matter", "---\nurl: /a\nquestion: q\nanswer: a\nno_index: true\n---\n"]
)
def test_nothing_to_index_publishes_nothing(tmp_path, text):
    """An empty folder, or one without any usable article, is an error, and the old index stays."""
    index = tmp_path / "index"
    qtsearch.reindex(EXAMPLES, index)
    before = index_files(index)
    source = tmp_path / "articles"
    source.mkdir()
    if text:
        (source / "a.md").write_text(text)
    with pytest.raises(qtsearch.SourceError, match="nothing was published"):
        qtsearch.reindex(source, index)
    assert index_files(index) == before


def test_processes_give_the_same_index(tmp_path, monkeypatch):
    """Spread over worker processes, the articles make the same segment, byte for byte."""
    monkeypatch.setattr(pool, "_BATCH", 7)
    reports = [
        qtsearch.reindex(EXAMPLES, tmp_path / str(processes), processes=processes) for processes in (1, 3)
    ]
    contents = []
    for report in reports:
        folder = Path(report.index)
        names = sorted(index_files(folder))
        contents.append(
            [(folder / name).read_bytes() for name in names if name.endswith((".arrays", ".impacts"))]
        )
    assert contents[0] == contents[1]


def test_a_worker_that_dies_publishes_nothing(tmp_path, monkeypatch):
    """A worker killed in the middle is a WorkerError, and leaves nothing behind."""
    monkeypatch.setattr(pool, "_BATCH", 7)
    started = []
    start = pool._Pool._start

    def start_and_kill(pool, log):
        started.append(start(pool, log))
        started[-1].kill()
        return started[-1]

    monkeypatch.setattr(pool._Pool, "_start", start_and_kill)
    with pytest.raises(qtsearch.WorkerError, match="nothing was published"):
        qtsearch.reindex(EXAMPLES, tmp_path, processes=2)
    assert index_files(tmp_path) == set()
    assert all(worker.returncode is not None for worker in started)


def test_a_worker_that_was_started_early_reads_what_has_changed(tmp_path, monkeypatch):
    """It gives the index that reading in this process gives, and does not outlive the run, which may have
    nothing to read, or nothing to do."""
    source = shutil.copytree(EXAMPLES, tmp_path / "articles")
    for name in ("apart", "here"):
        qtsearch.reindex(source, tmp_path / name)
    files = [path for path in sorted(source.rglob("*.md")) if "\nanswer: >-\n  " in path.read_text()]
    for path in files[:5]:
        path.write_text(path.read_text().replace("\nanswer: >-\n  ", "\nanswer: >-\n  Undulators. ", 1))
    qtsearch.reindex(source, tmp_path / "here")
    started = []
    start = processes.start
    monkeypatch.setattr(processes, "start", lambda errors: started.append(start(errors)) or started[-1])
    monkeypatch.setattr(indexer, "available", lambda: 2)
    monkeypatch.setattr(processes, "FILES_WORTH_PROCESSES", 1)
    monkeypatch.setattr(pool, "_FILES_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(workers, "read_bytes", lambda path: pytest.fail("read in this process"))
    assert qtsearch.reindex(source, tmp_path / "apart").changed == 5
    files[5].unlink()
    assert qtsearch.reindex(source, tmp_path / "apart").removed == 1
    assert not qtsearch.reindex(source, tmp_path / "apart").published
    assert len(started) == 3
    assert all(worker.returncode is not None for worker in started)
    monkeypatch.undo()
    qtsearch.reindex(source, tmp_path / "here")
    contents = []
    for name in ("apart", "here"):
        folder = tmp_path / name
        names = sorted(name for name in index_files(folder) if name.endswith((".arrays", ".impacts")))
        contents.append([(folder / name).read_bytes() for name in names])
    assert contents[0] == contents[1]


def test_a_full_disk_leaves_the_old_index(tmp_path):
    """When the segment cannot be written, the old generation stays and nothing is left over."""
    qtsearch.reindex(EXAMPLES, tmp_path)
    before = index_files(tmp_path)
    code = (
        "import resource, sys, qtsearch, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "try: qtsearch.reindex(sys.argv[1], sys.argv[2], full=True)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(EXAMPLES), str(tmp_path)], capture_output=True, text=True
    )
    assert done.stdout == "File too large\n", done.stderr
    assert index_files(tmp_path) == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300_000
    with qtsearch.open_index(tmp_path) as index:
        assert index.search("thrombectomy").total > 0


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path):
    """While one process writes, another gets IndexLockedError at once, with the holder's number."""
    held = []

    def second_writer(done: int, total: int) -> None:
        if not held:
            with pytest.raises(qtsearch.IndexLockedError) as caught:
                qtsearch.reindex(EXAMPLES, tmp_path)
            held.append(str(caught.value))

    qtsearch.reindex(EXAMPLES, tmp_path, progress=second_writer)
    assert f"process {os.getpid()} " in held[0]
    assert qtsearch.reindex(EXAMPLES, tmp_path, full=True).generation == 2


def test_litter_of_a_killed_run_is_cleaned_up(tmp_path):
    """Work folders, unpublished segments and unfinished TOCs of killed runs go with the next run."""
    qtsearch.reindex(EXAMPLES, tmp_path)
    (tmp_path / "MAIN_0123456789abcdef.work").mkdir()
    (tmp_path / "MAIN_0123456789abcdef.work" / "0-0.chunk").write_bytes(b"x")
    (tmp_path / "MAIN_0123456789abcdef.arrays").write_bytes(b"x")
    (tmp_path / "_MAIN_2.toc.1700000000.5").write_bytes(b"x")
    (tmp_path / "README.md").write_text("not ours")
    qtsearch.reindex(EXAMPLES, tmp_path, full=True)
    left = index_files(tmp_path)
    assert len(left) == 5
    assert {name.partition(".")[2] for name in left} == {"arrays", "impacts", "sources", "toc", "md"}


def test_a_script_without_a_main_guard(tmp_path):
    """Workers do not run the caller's script again, as multiprocessing would."""
    script = tmp_path / "script.py"
    script.write_text(
        "import qtsearch, qtsearch.reindexing.pool\n"
        "qtsearch.reindexing.pool._BATCH = 20\n"
        f"report = qtsearch.reindex({str(EXAMPLES)!r}, {str(tmp_path / 'index')!r}, processes=2)\n"
        "print('pages', report.pages)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("pages 66\n", "")


def test_in_a_thread_while_another_searches(tmp_path, monkeypatch):
    """Reindexing in a thread, with processes, disturbs neither open indexes nor new ones."""
    monkeypatch.setattr(pool, "_BATCH", 20)
    qtsearch.reindex(EXAMPLES, tmp_path)
    expected = [hit.url for hit in qtsearch.open_index(tmp_path).search("how does blood clot")]
    failures: list[BaseException] = []

    def rebuild() -> None:
        try:
            for _ in range(3):
                qtsearch.reindex(EXAMPLES, tmp_path, processes=2, full=True)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=rebuild)
    thread.start()
    old = qtsearch.open_index(tmp_path)
    opened = 0
    while thread.is_alive():
        assert [hit.url for hit in old.search("how does blood clot")] == expected
        with qtsearch.open_index(tmp_path) as index:
            assert [hit.url for hit in index.search("how does blood clot")] == expected
        opened += 1
    thread.join()
    assert not failures
    assert opened > 3
    assert old.search("thrombectomy")[0].answer


def test_closed_standard_streams(tmp_path):
    """A daemon without stdin, stdout and stderr can reindex, with processes."""
    code = (
        "import os, sys\n"
        "for number in (0, 1, 2): os.close(number)\n"
        "import qtsearch, qtsearch.reindexing.pool\n"
        "qtsearch.reindexing.pool._BATCH = 20\n"
        "qtsearch.reindex(sys.argv[1], sys.argv[2], processes=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(EXAMPLES), str(tmp_path)])
    assert done.returncode == 0
    assert len(qtsearch.open_index(tmp_path)) == 66


def test_bad_arguments(tmp_path):
    """processes below 1 is a ValueError that names the range."""
    with pytest.raises(ValueError, match="1 or more"):
        qtsearch.reindex(EXAMPLES, tmp_path, processes=0)
