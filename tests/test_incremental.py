"""Reindexing what has changed gives the index that reading everything gives, and reads what it must."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from corpora import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch import articles
from qtsearch.codec.container import ArrayFile, write_array_file
from qtsearch.codec.sources import sources_path
from qtsearch.generations import generation

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"
NAMES = [f"{folder}{number}.md" for folder in ("", "more/") for number in range(4)]
SUBJECTS = ["Physics", "physics", "Nursing"]

texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """An article file: few urls, ids and dates, so that they meet; some marked no_index, some no article."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([b"no article", b"---\nurl: /a\n---\n", b"\xff\xfe", b""]))
    record = {
        "url": f"/{draw(st.integers(0, 5))}",
        "id": draw(st.integers(0, 2)),
        "question": draw(texts) or "-",
        "answer": draw(texts) or "-",
        "subject": draw(st.sampled_from(SUBJECTS)),
        "date": draw(st.sampled_from(["2024-01-01", "2025-02-03"])),
        "no_index": draw(st.integers(0, 9)) == 0,
        "seo": {"page_keywords": ", ".join(draw(st.lists(texts.filter(bool), max_size=2)))},
        "related_article1": {"url": f"/{draw(st.integers(0, 9))}", "title": "-"},
    }
    return f"---\n{json.dumps(record, ensure_ascii=False)}\n---\n".encode()


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, str, object]]:
    """Changes of files, between reindexes."""
    kinds = ["write", "write", "write", "remove", "move", "touch", "reindex", "reindex"]
    found = []
    for _ in range(draw(st.integers(3, 14))):
        kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(NAMES))
        value: object = draw(files()) if kind == "write" else draw(st.sampled_from(NAMES))
        found.append((kind, name, value))
    return [*found, ("reindex", "", "")]


def everything(index: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], object]:
    """All arrays of an index but for those that tell of times, places and the way that texts are packed."""
    current, segment = generation.open_segment(os.fspath(index))
    files = (*segment.files, ArrayFile(sources_path(os.fspath(index), current.segment_id)))
    apart = {"dictionary", "records", "record_offsets", "mtimes", "paths", "reasons", "reason_files"}
    apart |= {"reason_offsets", "sizes", "digests", "states", "reason_lines", "file_docs"}
    arrays = {
        f"{Path(file.path).suffix} {name}": file[name] for file in files for name in set(file.names) - apart
    }
    return arrays, segment.files[0].metadata


def assert_same(index: Path, fresh: Path) -> None:
    """Two indexes hold the same, to the last byte of every array that is searched."""
    (arrays, metadata), (expected, expected_metadata) = everything(index), everything(fresh)
    assert metadata == expected_metadata
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        assert array.dtype == expected[name].dtype, name
        np.testing.assert_array_equal(array, expected[name], name)
    with qtsearch.open_index(index) as one, qtsearch.open_index(fresh) as other:
        for hit in other.search("*:*", collapse=False, limit=20):
            assert one.get(hit.url) is not None


class Model:
    """What the files are, and of each the last good version, if that is what should be in the index."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.indexed: dict[str, bytes] = {}  # as the last reindex left it

    def reindexed(self, strict: bool) -> None:
        now = {}
        for name, data in self.files.items():
            try:
                articles.parse_article(data)
            except qtsearch.ArticleError:
                if not strict and name in self.indexed:
                    now[name] = self.indexed[name]
            else:
                now[name] = data
        self.indexed = now

    def apply(self, kind: str, name: str, value: object, source: Path) -> None:
        """A change, of the model and of the files."""
        path = source / name
        if kind == "write":
            assert isinstance(value, bytes)
            self.files[name] = value
            path.write_bytes(value)
        elif name not in self.files:
            return
        elif kind == "remove":
            del self.files[name]
            path.unlink()
        elif kind == "move" and value not in self.files:
            self.files[str(value)] = self.files.pop(name)
            path.rename(source / str(value))
        elif kind == "touch":
            os.utime(path)


def taken(indexed: dict[str, bytes]) -> int:
    """How many urls the files give an index."""
    parsed = map(articles.parse_article, indexed.values())
    return len({article.url for article in parsed if not article.no_index})


@settings(max_examples=60)
@given(steps=steps(), strict=st.booleans(), full=st.booleans())
def test_the_way_does_not_matter(tmp_path_factory, steps, strict, full):
    """After any changes of files, the index is the one that is built of their last good versions."""
    folder = tmp_path_factory.mktemp("way")
    source, index, copy, fresh = (folder / name for name in ("source", "index", "copy", "fresh"))
    (source / "more").mkdir(parents=True)
    model = Model()
    for kind, name, value in steps:
        model.apply(kind, name, value, source)
        if kind != "reindex":
            continue
        before = dict(model.indexed)
        model.reindexed(strict)
        if not taken(model.indexed):
            with pytest.raises(qtsearch.SourceError):
                qtsearch.reindex(source, index, strict=strict, allow_shrink=True)
            model.indexed = before
            continue
        report = qtsearch.reindex(source, index, strict=strict, allow_shrink=True, full=full)
        assert report.pages == taken(model.indexed)
        assert report.files == len(model.files)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.rmtree(fresh, ignore_errors=True)
        (copy / "more").mkdir(parents=True)
        for name, data in model.indexed.items():
            (copy / name).write_bytes(data)
        qtsearch.reindex(copy, fresh)
        assert_same(index, fresh)
        assert not qtsearch.reindex(source, index, strict=strict).published


# -- what became of the files ----------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the sample articles."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "articles"))


def paths_of(source: Path) -> list[Path]:
    return sorted(source.rglob("*.md"))


def reworded(path: Path) -> None:
    path.write_text(path.read_text().replace("answer: ", "answer: Reworded. ", 1))


def test_changes_are_told_apart(source, tmp_path):
    """Added, changed, removed and moved files are counted; the others are not read."""
    index = tmp_path / "index"
    qtsearch.reindex(source, index)
    paths = paths_of(source)
    reworded(paths[0])
    paths[1].unlink()
    paths[2].rename(source / "moved.md")
    shutil.copy(paths[3], source / "added.md")
    text = (source / "added.md").read_text().replace("url: ", "url: /added", 1)
    (source / "added.md").write_text(text)
    report = qtsearch.reindex(source, index)
    assert (report.added, report.changed, report.removed, report.moved) == (1, 1, 1, 1)
    assert report.unchanged == report.pages - 3


def test_unchanged_files_are_not_opened(source, tmp_path, monkeypatch):
    """What has size and time as before is not read, unless it is asked for, or the time is too close."""
    index = tmp_path / "index"
    for path in paths_of(source):
        os.utime(path, (1e9, 1e9))
    qtsearch.reindex(source, index)
    opened = []
    read = articles.read_bytes
    monkeypatch.setattr(
        "qtsearch.reindexing.workers.read_bytes", lambda path: opened.append(path) or read(path)
    )
    assert not qtsearch.reindex(source, index).published
    assert opened == []
    assert not qtsearch.reindex(source, index, checksum=True).published
    assert len(opened) == 68
    opened.clear()
    os.utime(paths_of(source)[5])
    assert not qtsearch.reindex(source, index).published
    assert opened == [str(paths_of(source)[5])]


def test_a_change_that_leaves_size_and_time(source, tmp_path):
    """It is found at once if the file was young when it was read, and by checksum otherwise."""
    index = tmp_path / "index"
    young, old = paths_of(source)[:2]
    os.utime(young)
    os.utime(old, (1e9, 1e9))
    before = young.stat()
    qtsearch.reindex(source, index)
    for path in (young, old):
        time = path.stat().st_mtime_ns
        path.write_bytes(path.read_bytes().replace(b"the", b"teh", 1))
        os.utime(path, ns=(time, time))
    assert young.stat().st_mtime_ns == before.st_mtime_ns
    assert qtsearch.reindex(source, index).changed == 1
    assert qtsearch.reindex(source, index).changed == 0
    assert qtsearch.reindex(source, index, checksum=True).changed == 1


def test_the_last_good_version_stays(source, tmp_path):
    """Of a file that goes bad; the report says so every time; with strict it goes."""
    index = tmp_path / "index"
    path = paths_of(source)[0]
    qtsearch.reindex(source, index)
    good = path.read_bytes()
    path.write_text("no article")
    for options in ({}, {}, {"full": True}):
        report = qtsearch.reindex(source, index, **options)
        assert report.pages == 66
        assert [error.path for error in report.rejected] == list(report.kept) == [str(path)]
    strict = qtsearch.reindex(source, index, strict=True)
    assert (strict.pages, strict.kept, len(strict.rejected)) == (65, (), 1)
    path.write_bytes(good)
    assert qtsearch.reindex(source, index).pages == 66


def test_a_page_that_becomes_no_index_leaves(source, tmp_path):
    """And comes back when it is taken in again."""
    index = tmp_path / "index"
    path = paths_of(source)[0]
    qtsearch.reindex(source, index)
    path.write_text(path.read_text().replace("---\n", "---\nno_index: true\n", 1))
    report = qtsearch.reindex(source, index)
    assert (report.removed, report.pages, report.no_index) == (1, 65, 3)
    assert qtsearch.reindex(source, index, include_no_index=True).pages == 68


def test_a_source_that_lost_most_of_its_files_is_refused(source, tmp_path):
    """More than half gone: an error that says what to do, until it is allowed."""
    index = tmp_path / "index"
    qtsearch.reindex(source, index)
    for path in paths_of(source)[:35]:
        path.unlink()
    with pytest.raises(qtsearch.SourceError, match="--allow-shrink"):
        qtsearch.reindex(source, index)
    assert len(qtsearch.open_index(index)) == 66
    assert qtsearch.reindex(source, index, allow_shrink=True).files == 33


def test_of_two_files_with_one_url_the_other_comes_back(source, tmp_path):
    """The one that gave way is taken when the other is gone; both are named."""
    index = tmp_path / "index"
    path = paths_of(source)[0]
    qtsearch.reindex(source, index)
    newer = source / "newer.md"
    text = path.read_text()
    date = next(line for line in text.splitlines() if line.startswith("date:"))
    newer.write_text(text.replace(date, "date: 2026-01-01"))
    report = qtsearch.reindex(source, index)
    assert report.pages == 66
    assert report.rejected[0].path == str(path)
    assert str(newer) in report.rejected[0].reason
    newer.unlink()
    report = qtsearch.reindex(source, index)
    assert (report.pages, report.rejected) == (66, ())
    with qtsearch.open_index(index) as opened:
        assert str(path) in {opened.get(hit.url).path for hit in opened.search("*:*", limit=66)}


def test_a_dry_run_writes_nothing(source, tmp_path):
    """It says what would be done."""
    index = tmp_path / "index"
    assert qtsearch.reindex(source, index, dry_run=True).pages == 66
    assert not index.exists()
    qtsearch.reindex(source, index)
    reworded(paths_of(source)[0])
    before = {path: path.stat().st_mtime_ns for path in index.iterdir()}
    report = qtsearch.reindex(source, index, dry_run=True)
    assert (report.changed, report.published, report.generation) == (1, False, 1)
    assert {path: path.stat().st_mtime_ns for path in index.iterdir()} == before
    assert qtsearch.reindex(source, index).changed == 1


def test_links_that_lead_out_are_not_followed(source, tmp_path):
    """A link to a file elsewhere is passed over; one within the source is a file like any other."""
    outside = tmp_path / "outside.md"
    shutil.copy(paths_of(source)[0], outside)
    (source / "out.md").symlink_to(outside)
    assert qtsearch.reindex(source, tmp_path / "index").files == 68
    (source / "in.md").symlink_to(paths_of(source)[0])
    assert qtsearch.reindex(source, tmp_path / "index").files == 69


def test_warnings(source, tmp_path):
    """Subjects in several spellings, ids of several articles, links to nowhere; also if nothing changed."""
    (source / "aaa").mkdir()
    for number, (subject, link) in enumerate([("Odd Subject", "/nowhere"), ("odd subject", "/odd0")]):
        record = {
            "url": f"/odd{number}",
            "id": 999,
            "question": f"Odd {number}?",
            "answer": "Odd.",
            "subject": subject,
            "related_article1": {"url": link, "title": "-"},
        }
        (source / "aaa" / f"odd{number}.md").write_text(f"---\n{json.dumps(record)}\n---\n")
    for _ in range(2):
        found = " ".join(qtsearch.reindex(source, tmp_path / "index").warnings)
        assert "'Odd Subject', 'odd subject'" in found
        assert "999 say: /odd0, /odd1" in found
        assert "/odd0" in found.partition("lead to no page")[2]


# -- the command -----------------------------------------------------------------------------------------


def test_the_report_as_a_file(source, tmp_path):
    """--report writes JSON with counts, rejected files, warnings, seconds by phase, bytes and generation."""
    report = tmp_path / "report.json"
    (source / "bad.md").write_text("no article")
    done = run("reindex", source, "--index", tmp_path / "index", "--report", report)
    assert done.returncode == 3
    written = json.loads(report.read_text())
    assert (written["pages"], written["added"], written["generation"]) == (66, 66, 1)
    assert written["rejected"] == [
        {"path": str(source / "bad.md"), "line": 1, "reason": "no front matter: the first line must be `---`"}
    ]
    assert written["phases"].keys() == {"scan", "read", "merge", "publish"}
    assert len(done.stdout.splitlines()) == 1
    assert "66 added" in done.stdout
    assert "1 rejected" in done.stdout
    again = run("reindex", source, "--index", tmp_path / "index")
    assert (again.returncode, "nothing to do" in again.stdout) == (3, True)


def test_a_damaged_index_is_built_anew(source, tmp_path, caplog):
    """What is damaged is not gone on with: the log says so, and all files are read."""
    index = tmp_path / "index"
    for number, suffix in enumerate((".arrays", ".sources")):
        qtsearch.reindex(source, index)
        (path,) = index.glob(f"*{suffix}")
        data = bytearray(path.read_bytes())
        for place in range(len(data) // 2, len(data), 10_000):
            data[place] ^= 0xFF
        path.unlink()
        path.write_bytes(data)
        path = paths_of(source)[0]
        path.write_text(path.read_text().replace("answer: ", f"answer: Reworded {number}. ", 1))
        caplog.clear()
        report = qtsearch.reindex(source, index)
        assert (report.published, report.full, report.pages) == (True, True, 66)
        assert "built anew" in caplog.text
        assert qtsearch.verify(index).ok


@pytest.mark.parametrize(
    ("name", "forged"),
    [
        ("states", lambda states: np.full_like(states, 9)),
        ("file_docs", lambda docs: np.full_like(docs, 99)),
        ("sizes", lambda sizes: sizes[:3]),
    ],
)
def test_a_forged_table_of_files(source, tmp_path, caplog, name, forged):
    """A table that was written whole and says what cannot be is not gone on with: the index is built anew."""
    index = tmp_path / "index"
    qtsearch.reindex(source, index)
    path = Path(sources_path(os.fspath(index), generation.latest(os.fspath(index)).segment_id))
    file = ArrayFile(os.fspath(path))
    arrays = {array: file[array] for array in file.names} | {name: forged(file[name])}
    path.unlink()
    write_array_file(os.fspath(path), arrays, file.metadata)
    (source / "new.md").write_text("---\nurl: /new\nquestion: New?\nanswer: Yes.\n---\n")
    report = qtsearch.reindex(source, index)
    assert report.full
    assert "the index is built anew" in caplog.text
