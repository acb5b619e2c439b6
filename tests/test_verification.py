"""``verify``: all of an index, every checksum and every invariant; and its command."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from agreement import all_arrays, open_index_segment
from command_line import run

import qtsearch
from qtsearch.codec.container import FORMAT_VERSION, ArrayFile, write_array_file
from qtsearch.codec.invariants import Arrays, broken
from qtsearch.codec.segment import NO_DATE
from qtsearch.generations import verification
from qtsearch.parameters import RankingParameters

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(sample_index, tmp_path) -> Path:
    """A copy of an index of the samples, to be damaged."""
    shutil.copytree(sample_index.path, tmp_path / "index")
    return tmp_path / "index"


def file_of(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*{suffix}")
    return path


def overwrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


# -- sound indexes ---------------------------------------------------------------------------------------


def test_a_sound_index(folder):
    """Nothing is damaged, and all of it was read."""
    report = qtsearch.verify(folder)
    assert (report.ok, report.problems, report.warnings) == (True, (), ())
    assert report.index == str(folder)
    assert report.generation == 1
    assert report.files == 4
    assert report.arrays > len(all_arrays(open_index_segment(folder)))  # and what only reindex reads
    assert report.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True


def test_an_index_with_other_parameters(folder):
    """Impacts are held against the parameters that they were made with."""
    qtsearch.set_parameters(folder, RankingParameters(k1=1.2, pair_k1=0.7))
    report = qtsearch.verify(folder)
    assert report.ok
    assert report.generation == 2


def test_articles_without_words(tmp_path, write_article):
    """An index in which most arrays are empty is sound."""
    write_article(tmp_path / "articles" / "a.md", question="?", answer="!")
    qtsearch.reindex(tmp_path / "articles", tmp_path / "index")
    assert qtsearch.verify(tmp_path / "index").problems == ()


def test_a_question_with_a_nul(tmp_path):
    """YAML can write one: it comes back as it is, and is no damage."""
    source = tmp_path / "articles"
    source.mkdir()
    for url, question in (("/a", "What?"), ("/b", "What is\\0a NUL?"), ("/c", "What is it?")):
        text = f'---\nurl: {url}\nquestion: "{question}"\nanswer: A byte.\n---\n'
        (source / f"{url[1:]}.md").write_text(text)
    qtsearch.reindex(source, tmp_path / "index")
    assert qtsearch.verify(tmp_path / "index").problems == ()
    with qtsearch.open_index(tmp_path / "index") as index:
        assert [hit.question for hit in index.search("nul")] == ["What is\0a NUL?"]


def test_real_articles(real_index):
    """The index of the real articles is sound."""
    assert qtsearch.verify(real_index.path).problems == ()


# -- what cannot be opened -------------------------------------------------------------------------------


def test_no_index(tmp_path):
    """Where there is none, that is an error and no report."""
    with pytest.raises(qtsearch.IndexMissingError):
        qtsearch.verify(tmp_path)


@pytest.mark.parametrize("suffix", [".arrays", ".impacts"])
def test_a_missing_file(folder, suffix):
    """It is named; the other one is read all the same."""
    path = file_of(folder, suffix)
    path.unlink()
    report = qtsearch.verify(folder)
    assert [(problem.path, problem.what) for problem in report.problems] == [(str(path), "is missing")]
    assert "reindex" in report.problems[0].advice
    assert report.files == 3


def test_another_version(folder):
    """A file of another format is told by its number."""
    path = file_of(folder, ".impacts")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 8, FORMAT_VERSION + 1)
    overwrite(path, data)
    (problem,) = qtsearch.verify(folder).problems
    assert problem.what == f"has format {FORMAT_VERSION + 1} instead of {FORMAT_VERSION}"


def test_a_foreign_index(tmp_path):
    """What other writers made is told as such."""
    whoosh_index = pytest.importorskip("whoosh.index")
    fields = pytest.importorskip("whoosh.fields")
    whoosh_index.create_in(tmp_path, fields.Schema())
    (problem,) = qtsearch.verify(tmp_path).problems
    assert "segments" in problem.what


# -- damaged bytes ---------------------------------------------------------------------------------------


def test_every_damaged_array_is_named(folder):
    """Two arrays in two files: both are told, with the bytes that are damaged."""
    expected = []
    for suffix, name in ((".arrays", "records"), (".impacts", "max_impacts")):
        path = file_of(folder, suffix)
        _, _, start, size, _ = ArrayFile(str(path))._entry(name)
        data = bytearray(path.read_bytes())
        data[start] ^= 1
        overwrite(path, data)
        expected.append(
            (str(path), f"is damaged in {name!r}, bytes {start:,} to {start + min(size, 4096):,}")
        )
    assert [(problem.path, problem.what) for problem in qtsearch.verify(folder).problems] == expected


def test_bytes_between_arrays(folder):
    """They are 0, or the file was changed."""
    path = file_of(folder, ".arrays")
    entries = sorted(ArrayFile(str(path))._entries.values(), key=lambda entry: entry.start)
    gap = next(a.start + a.size for a, b in pairwise(entries) if a.start + a.size < b.start)
    data = bytearray(path.read_bytes())
    data[gap] = 1
    overwrite(path, data)
    (problem,) = qtsearch.verify(folder).problems
    assert "between its arrays" in problem.what


def test_every_byte_of_the_table_of_contents(folder, monkeypatch):
    """Whichever byte of it is changed, it is told, those that no reader looks at too."""
    monkeypatch.setattr(verification, "broken", lambda arrays: ())
    path = folder / "_MAIN_1.toc"
    data = path.read_bytes()
    dice = random.Random(5)
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :])
        report = qtsearch.verify(folder)
        assert report.problems or report.warnings, place
        assert report.problems or place == 13  # where it may be the number of another release of Whoosh
    path.write_bytes(data)
    assert qtsearch.verify(folder).ok


def test_another_release_of_whoosh(folder):
    """What another release wrote cannot be compared, which is no damage."""
    path = folder / "_MAIN_1.toc"
    data = bytearray(path.read_bytes())
    assert bytes(data[11:13]) == b"\x02\x07"
    data[13] = 9 - data[13]  # 4 for 5, and 5 for 4
    path.write_bytes(data)
    report = qtsearch.verify(folder)
    assert report.ok
    assert "Whoosh 2.7." in report.warnings[0].what


# -- broken invariants -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(sample_index) -> tuple[dict[str, np.ndarray], tuple]:
    """The arrays of the samples, and what else is needed to look at them."""
    segment = open_index_segment(sample_index.path)
    return all_arrays(segment), (segment.subjects, segment.parameters, segment.average_lengths)


def swapped(array, first=0, second=1):
    array[[first, second]] = array[[second, first]]


def several(array, offsets):
    """Where a piece of several elements begins."""
    return int(offsets[np.diff(offsets).argmax()])


def one_more_rare(a):
    """Another posting among the rare ones, which has a frequency code."""
    a["rare_postings"] = np.append(a["rare_postings"], len(a["docs"]) - 1)
    a["rare_frequencies"] = np.append(a["rare_frequencies"], [[1, 1, 1]], 0).astype(np.uint16)


def assign(name, place, value):
    def change(a):
        a[name][place] = value

    return change


#: What is changed, by the array that is to be blamed.
FORGERIES = [
    ("terms", lambda a: swapped(a["terms"])),
    ("term_soft", lambda a: np.logical_not(a["term_soft"], a["term_soft"])),
    ("field_df", assign("field_df", (0, 0), 60_000)),
    ("offsets", assign("offsets", 1, -1)),
    ("offsets", assign("offsets", -1, 1 << 40)),
    ("docs", assign("docs", 3, 60_000)),
    ("docs", lambda a: swapped(a["docs"], *(several(a["docs"], a["offsets"]) + np.arange(2)))),
    ("frequency_codes", assign("frequency_codes", 0, 254)),
    ("rare_postings", lambda a: one_more_rare(a)),
    ("position_offsets", lambda a: a["position_offsets"].__setitem__(1, a["position_offsets"][2])),
    ("positions", lambda a: np.add(a["positions"], 30_000, a["positions"])),
    ("field_starts", assign("field_starts", (0, 0), 1)),
    ("lengths", assign("lengths", (0, 1), 60_000)),
    ("forms", lambda a: swapped(a["forms"])),
    ("form_terms", lambda a: a["form_terms"].fill(0)),
    ("form_frequencies", lambda a: np.add(a["form_frequencies"], 1, a["form_frequencies"])),
    ("form_capitals", assign("form_capitals", 0, 60_000)),
    ("keyword_postings", lambda a: swapped(a["keyword_postings"])),
    ("key_terms", lambda a: swapped(a["key_terms"][0])),
    ("phrase_keys", lambda a: swapped(a["phrase_keys"])),
    ("phrase_children", assign("phrase_children", 0, 1)),
    ("pair_seconds", assign("pair_seconds", 0, 60_000)),
    ("pair_counts", assign("pair_counts", 0, 0)),
    ("compound_rows", lambda a: a["compound_rows"].__setitem__(0, a["compound_rows"][1])),
    ("expansion_shares", assign("expansion_shares", 0, 2)),
    ("dates", assign("dates", 0, NO_DATE - 1)),
    ("originals", assign("originals", 5, 4)),
    ("question_ranks", lambda a: swapped(a["question_ranks"])),
    ("url_order", lambda a: swapped(a["url_order"])),
    ("url_order", assign("url_order", 0, 1)),
    ("headings", assign("headings", 0, 0xFF)),
    ("headings", assign("headings", 3, 7)),
    ("records", assign("records", 40, 0)),
    ("keyword_suffixes", lambda a: swapped(a["keyword_suffixes"])),
    ("question_suffixes", assign("question_suffixes", 3, 0)),
    ("keyword_starts", lambda a: a["keyword_starts"].__setitem__(1, a["keyword_starts"][-1])),
    ("question_counts", assign("question_counts", -1, 9)),
    ("spellings", assign("spellings", 0, 0xFF)),
    ("impacts", lambda a: np.add(a["impacts"], 1, a["impacts"])),
    ("max_impacts", lambda a: np.add(a["max_impacts"], 1, a["max_impacts"])),
    ("pair_impacts", assign("pair_impacts", 0, 0)),
    ("ids", lambda a: a.update(ids=a["ids"].astype(np.int32))),
    ("lengths", lambda a: a.update(lengths=a["lengths"][1:])),
    ("dictionary", lambda a: a.pop("dictionary")),
]


@pytest.mark.parametrize(("name", "change"), FORGERIES, ids=[name for name, _ in FORGERIES])
def test_a_broken_invariant_is_named(sound, name, change):
    """Arrays that are sound by their checksums and cannot be right: the array is blamed."""
    arrays, rest = sound
    assert list(broken(Arrays(arrays, *rest))) == []
    forged = {name: array.copy() for name, array in arrays.items()}
    change(forged)
    found = list(broken(Arrays(forged, *rest)))
    assert name in [problem.array for problem in found], found


def test_other_subjects(sound):
    """The subjects of the metadata must divide the articles."""
    arrays, (subjects, *rest) = sound
    for other in (
        subjects[1:],
        subjects[:-1],
        subjects[::-1],
        (subjects[0]._replace(name="Other"), *subjects[1:]),
    ):
        assert [problem.array for problem in broken(Arrays(arrays, other, *rest))] != []


def test_a_forged_file_is_told(folder):
    """A file with right checksums and a wrong array: the report names both."""
    path = file_of(folder, ".impacts")
    file = ArrayFile(str(path))
    arrays = {name: file[name].copy() for name in file.names}
    arrays["impacts"][0] += 1
    path.unlink()
    write_array_file(str(path), arrays, file.metadata, sync=False)
    report = qtsearch.verify(folder)
    assert not report.ok
    assert {problem.path for problem in report.problems} == {str(path)}
    assert report.problems[0].what == "'impacts' is not what the formula gives"


@pytest.mark.parametrize("metadata", [{}, {"subjects": 7}, {"subjects": [[1]]}])
def test_other_metadata(folder, metadata):
    """Metadata of another kind are told."""
    path = file_of(folder, ".arrays")
    file = ArrayFile(str(path))
    arrays = {name: file[name].copy() for name in file.names}
    path.unlink()
    write_array_file(str(path), arrays, metadata, sync=False)
    (problem,) = qtsearch.verify(folder).problems
    assert "metadata" in problem.what


# -- other files -----------------------------------------------------------------------------------------


def test_leftovers_are_warned_of(folder):
    """Files of ours that the generation does not need are told, others are not; none is damage."""
    names = ["MAIN_0123456789abcdef.arrays", "MAIN_ff.work", "_MAIN_1.toc.1763.5", "_MAIN_0.toc"]
    for name in [*names, "notes.txt", "_OTHER_1.toc"]:
        (folder / name).write_bytes(b"")
    report = qtsearch.verify(folder)
    assert report.ok
    assert [os.path.basename(warning.path) for warning in report.warnings] == sorted(names)


def test_the_file_of_sources_is_checked(folder):
    """A third container of the segment, where there is one, is read as the others are."""
    path = file_of(folder, ".arrays").with_suffix(".sources")
    assert qtsearch.verify(folder).files == 4
    assert qtsearch.verify(folder).ok
    data = path.read_bytes()
    overwrite(path, data[:3_000] + b"?" + data[3_001:])
    (problem,) = qtsearch.verify(folder).problems
    assert problem.path == str(path)
    assert "'paths'" in problem.what


def test_a_publish_meanwhile(folder, sample_folder):
    """If the generation goes while it is looked at, the newer one is looked at."""
    opened = verification._Run._open_file

    def publish_first(run, current, extension):
        if current.segment_id == before:
            qtsearch.reindex(sample_folder / "nursing", folder, allow_shrink=True)
        return opened(run, current, extension)

    before = open_index_segment(folder).segment_id
    with mock.patch.object(verification._Run, "_open_file", publish_first):
        report = qtsearch.verify(folder)
    assert report.problems == ()
    assert report.generation > 1


# -- the command -----------------------------------------------------------------------------------------


def test_command(folder):
    """One line and 0; for damage a line for each problem, with what to do, and 1."""
    done = run("verify", "--index", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nothing damaged: 4 files, ")
    path = file_of(folder, ".arrays")
    data = path.read_bytes()
    overwrite(path, data[: len(data) // 2] + b"\0" * 9_000 + data[len(data) // 2 + 9_000 :])
    done = run("verify", "--index", folder)
    assert done.returncode == 1
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"damaged {path}: is damaged in ")
    assert first.endswith("qtsearch reindex`")
    assert "problem" in last
    done = run("verify", "--index", folder, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["path"] == str(path)


def test_command_without_an_index(tmp_path):
    """Exit 1 and one line."""
    done = run("verify", "--index", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no index" in done.stderr


def test_random_damages():
    """Of 150 damages each is found by ``verify``, and none gives a wrong answer, another error or a crash."""
    command = [sys.executable, str(ROOT / "benchmarks" / "damage.py"), "--damages", "150", "--seed", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "150  found by verify" in done.stdout
    assert "150 damages, 0 bad" in done.stdout
