"""An open index moves to what is published: when asked, or by itself once a second; never by half."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

import qtsearch
from qtsearch.errors import (
    ForeignSegmentError,
    IndexDamagedError,
    IndexMissingError,
    IndexVersionError,
    QtsearchError,
)
from qtsearch.generations import generation
from qtsearch.search.current import Current
from qtsearch.search.snapshot import Snapshot


class Edition:
    """Publishes the pages /0 to /<n - 1> of an edition n to one folder."""

    def __init__(self, parent: Path, write_article) -> None:
        self._parent = parent
        self._write = write_article
        self.folder = parent / "index"

    def publish(self, number: int) -> None:
        source = self._parent / f"edition{number}"
        for page in range(number):
            self._write(
                source / f"{page}.md",
                url=f"/{page}",
                id=page,
                question=f"Edition {number}, page {page}?",
                answer=f"Acute limb ischemia (ALI) of edition{number}.",
                subject=f"Subject {number}",
                date="2025-01-01",
                seo={"page_keywords": f"keyword{number}, blood clot"},
            )
        with mock.patch("os.fsync"):  # it takes most of the time, and nothing here loses power
            qtsearch.reindex(source, self.folder, processes=1, full=True, allow_shrink=True)


@pytest.fixture
def edition(tmp_path, write_article):
    """An index of edition 1, of which others can be published."""
    edition = Edition(tmp_path, write_article)
    edition.publish(1)
    return edition


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves: ``clock.now`` in seconds."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("qtsearch.search.current.monotonic", lambda: Clock.now)
    return Clock


def shown(index) -> int:
    """The edition that an index shows, from all that it can be asked; but for which call is the first."""
    number = len(index)
    assert index.search("edition", collapse=False).total == number
    assert [hit.url for hit in index.search(f"edition{number}")] == [f"/{page}" for page in range(number)]
    assert index.search("edition AND page", collapse=False).total == number
    assert index.get("/0").question == f"Edition {number}, page 0?"
    assert (index.get(f"/{number - 1}") is None, index.get(f"/{number}")) == (False, None)
    assert index.subjects() == {f"Subject {number}": number}
    assert [one.text for one in index.complete("keyw")] == [f"keyword{number}"]
    assert len(index.related("/0")) == min(number - 1, 10)
    assert index.explain(f"edition{number}", "/0").score > 0
    assert index.unknown_subjects([f"Subject {number}"]) == []
    return number


# -- on request ------------------------------------------------------------------------------------------


def test_refresh_moves_to_the_newest(edition):
    """Past generations in between; and says whether there was a newer one."""
    index = qtsearch.open_index(edition.folder, auto_refresh=False)
    assert index.refresh() is False
    edition.publish(2)
    edition.publish(3)
    assert (shown(index), index.generation) == (1, 1)
    assert index.refresh() is True
    assert (shown(index), index.generation) == (3, 3)
    assert index.refresh() is False


def test_refresh_says_so_when_a_look_was_due_as_well(edition, clock):
    """The newer generation is found by ``refresh`` itself, not by a look before it."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    clock.now += 10
    assert index.refresh() is True


def test_hits_keep_their_generation(edition):
    """Results and hits from before can be read in full, and are of the old generation."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    index.refresh()
    edition.publish(4)
    results = index.search("edition", collapse=False)
    hit = results[0]
    assert index.refresh() is True
    assert (results.total, results.subjects, len(list(results))) == (2, {"Subject 2": 2}, 2)
    assert "edition2" in hit.answer
    assert str(hit.snippet())
    assert shown(index) == 4


def test_other_parameters_are_a_generation(edition):
    """What ``set_parameters`` publishes is moved to."""
    index = qtsearch.open_index(edition.folder)
    qtsearch.set_parameters(edition.folder, qtsearch.RankingParameters(k1=0.5))
    assert index.refresh() is True
    assert index.parameters.k1 == 0.5


def test_options_go_on(edition):
    """Synonyms and abbreviations are those that the index was opened with."""
    synonyms = qtsearch.Synonyms([("kangaroo", "clot")])
    with_both = qtsearch.open_index(edition.folder, synonyms=synonyms)
    without = qtsearch.open_index(edition.folder, abbreviations=False)
    edition.publish(2)
    assert with_both.refresh()
    assert without.refresh()
    assert with_both.search("kangaroo", collapse=False).total == 2
    assert without.search("kangaroo", correct=False).total == 0
    assert with_both._snapshot._abbreviations
    assert not without._snapshot._abbreviations


# -- by itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda index: index.search("edition", collapse=False).total,
        len,
        lambda index: index.generation,
        lambda index: 2 if index.get("/1") else 1,
        lambda index: sum(index.subjects().values()),
        lambda index: int(index.complete("keyw")[0].text[-1]),
        lambda index: len(index.related("/0")) + 1,
        lambda index: 2 - len(index.unknown_subjects(["Subject 2"])),
        lambda index: 2 if index.explain("edition2", "/0").score else 1,
    ],
)
def test_the_first_call_after_a_second_shows_it(edition, clock, ask):
    """Whatever is asked: before, the old generation; from then on, the new one."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    clock.now += 0.99
    assert ask(index) == 1
    clock.now += 0.01
    assert ask(index) == 2


def test_without_auto_refresh_what_was_opened_stays(edition, clock):
    """For as long as it is not refreshed."""
    index = qtsearch.open_index(edition.folder, auto_refresh=False)
    edition.publish(2)
    clock.now += 1e9
    assert (shown(index), index.generation) == (1, 1)


def test_a_look_is_one_stat_a_second(edition, clock):
    """However many searches there are; the folder is read again only after its time changed."""
    index = qtsearch.open_index(edition.folder)
    folder = str(edition.folder)
    looks = []
    for _ in range(8):
        clock.now += 1
        with (
            mock.patch("os.stat", wraps=os.stat) as stat,
            mock.patch("os.listdir", wraps=os.listdir) as listdir,
        ):
            for _ in range(20):
                index.search("edition")
        looks.append((stat.mock_calls.count(mock.call(folder)), listdir.call_count))
    # Until the time of the folder has stood for longer than its grain, it is read all the same.
    assert looks == [(1, 1)] * 4 + [(1, 0)] * 4


def test_a_change_within_the_grain_of_the_time_is_seen(edition, clock):
    """A publish that leaves the folder's time as it was is found, if it came within two seconds."""
    os.utime(edition.folder, ns=(0, 0))
    index = qtsearch.open_index(edition.folder)
    clock.now += 1
    assert len(index) == 1  # looked, at this time of the folder
    edition.publish(2)
    os.utime(edition.folder, ns=(0, 0))
    clock.now += 3
    assert len(index) == 2


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_the_clock_of_the_file_system_does_not_matter(edition, clock, step):
    """It may be an hour before or behind ours."""
    index = qtsearch.open_index(edition.folder)
    for number in range(2, 9):
        edition.publish(number)
        status = os.stat(edition.folder)
        os.utime(edition.folder, ns=(status.st_atime_ns, status.st_mtime_ns + int(step * 1e9)))
        clock.now += number
        assert len(index) == number


def test_another_folder_in_its_place_is_seen(edition, clock, tmp_path):
    """With a generation of the same number, and the same time of the folder."""
    index = qtsearch.open_index(edition.folder)
    for _ in range(6):
        clock.now += 1
        assert len(index) == 1
    time = os.stat(edition.folder).st_mtime_ns
    edition.folder.rename(tmp_path / "old")
    edition.publish(2)
    os.utime(edition.folder, ns=(time, time))
    clock.now += 1
    assert (len(index), index.generation) == (2, 1)


# -- what cannot be opened ---------------------------------------------------------------------------------


def damage(folder: Path) -> None:
    """Cut the newest arrays short."""
    path = folder / f"MAIN_{generation.latest(str(folder)).segment_id}.arrays"
    path.write_bytes(path.read_bytes()[:100])


def raise_version(folder: Path) -> None:
    """The newest arrays are of a format to come."""
    path = folder / f"MAIN_{generation.latest(str(folder)).segment_id}.arrays"
    data = bytearray(path.read_bytes())
    data[8] = 200
    path.write_bytes(data)


def make_foreign(folder: Path) -> None:
    """The newest TOC names another class of segment."""
    path = max(folder.glob("*.toc"), key=lambda path: path.stat().st_mtime_ns)
    path.write_bytes(path.read_bytes().replace(b"ArraySegment", b"OtherSegment"))


def remove(folder: Path) -> None:
    """No index any more."""
    shutil.rmtree(folder)


SPOILT = [
    (damage, IndexDamagedError),
    (raise_version, IndexVersionError),
    (make_foreign, ForeignSegmentError),
    (remove, (IndexMissingError, OSError)),
]


@pytest.mark.parametrize(("spoil", "error"), SPOILT)
def test_refresh_raises_and_the_old_generation_stays(edition, spoil, error):
    """As ``open_index`` would; what was shown is shown, and a good generation is moved to."""
    index = qtsearch.open_index(edition.folder, auto_refresh=False)
    edition.publish(2)
    spoil(edition.folder)
    for _ in range(2):
        with pytest.raises(error):
            index.refresh()
        assert (shown(index), index.generation) == (1, 1)
    edition.publish(3)
    assert index.refresh() is True
    assert shown(index) == 3


def told(caplog) -> list[str]:
    """What was logged of looks."""
    return [record.getMessage() for record in caplog.records if record.name == "qtsearch.search.current"]


@pytest.mark.parametrize(("spoil", "error"), SPOILT)
def test_what_cannot_be_opened_is_told_once(edition, clock, caplog, spoil, error):
    """Searching goes on with the old generation; one warning for a cause, another one for the next."""
    caplog.set_level(logging.WARNING)
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    spoil(edition.folder)
    for _ in range(5):
        clock.now += 1
        assert shown(index) == 1
    (first,) = told(caplog)
    assert first.startswith("still showing generation 1: ")
    edition.publish(3)
    damage(edition.folder)
    for _ in range(5):
        clock.now += 1
        assert shown(index) == 1
    assert len(told(caplog)) == 2
    edition.publish(4)
    clock.now += 1
    assert shown(index) == 4
    assert len(told(caplog)) == 2


def test_what_is_put_right_without_a_trace_is_found(edition, clock):
    """A file's bytes or rights, which leave the folder's time as it is; it is not tried all the time."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    path = edition.folder / f"MAIN_{generation.latest(str(edition.folder)).segment_id}.arrays"
    whole = path.read_bytes()
    damage(edition.folder)
    with mock.patch.object(Current, "_open", side_effect=Current._open, autospec=True) as opened:
        for _ in range(95):
            clock.now += 1
            assert len(index) == 1
        assert opened.call_count == 4  # at once, and every half minute
    path.write_bytes(whole)
    clock.now += 30
    assert len(index) == 2


def test_damage_found_while_preparing(edition, clock, caplog):
    """A new generation that turns out damaged then is not shown."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    with mock.patch.object(Snapshot, "prepare", side_effect=IndexDamagedError("arrays", "is damaged")):
        with pytest.raises(IndexDamagedError, match="is damaged"):
            index.refresh()
        clock.now += 1
        assert shown(index) == 1
    assert len(told(caplog)) == 1


# -- closing ---------------------------------------------------------------------------------------------


def test_a_closed_index_stays_closed(edition, clock):
    """Nothing opens it again: not a look, not a refresh; its number can still be asked for."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    index.close()
    clock.now += 10
    with pytest.raises(ValueError, match="closed"):
        index.refresh()
    with pytest.raises(ValueError, match="closed"):
        len(index)
    assert (index.generation, "generation 1" in repr(index)) == (1, True)


def test_closing_while_a_newer_generation_is_opened(edition):
    """Closes it all the same."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    really_open = Current._open

    def open_and_close(current):
        snapshot = really_open(current)
        index.close()
        return snapshot

    with mock.patch.object(Current, "_open", open_and_close), pytest.raises(ValueError, match="closed"):
        index.refresh()
    with pytest.raises(ValueError, match="closed"):
        index.search("edition")


# -- threads ---------------------------------------------------------------------------------------------


def test_nobody_waits_for_the_one_who_opens(edition, clock):
    """While one thread opens a newer generation, others search the old one, and end."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    opening, go_on = threading.Event(), threading.Event()
    really_open = Current._open

    def open_slowly(current):
        opening.set()
        assert go_on.wait(60)
        return really_open(current)

    with mock.patch.object(Current, "_open", open_slowly), ThreadPoolExecutor(5) as pool:
        clock.now += 1
        first = pool.submit(len, index)
        assert opening.wait(60)
        clock.now += 5
        others = [pool.submit(shown, index) for _ in range(4)]
        try:
            assert [other.result(60) for other in others] == [1] * 4
            assert not first.done()
        finally:
            go_on.set()
        assert first.result(60) == 2
    assert shown(index) == 2


def test_a_search_under_way_ends_on_its_generation(edition):
    """One that had begun when another thread moved the index gives what it would have given."""
    index = qtsearch.open_index(edition.folder)
    edition.publish(2)
    import qtsearch.index as module

    really_select = module.select

    def select(*arguments):
        with mock.patch.object(module, "select", really_select):
            index.refresh()
        return really_select(*arguments)

    with mock.patch.object(module, "select", select):
        results = index.search("edition", collapse=False)
    assert (results.total, "edition1" in results[0].answer, len(index)) == (1, True, 2)


def test_refresh_waits_for_the_one_who_opens(edition):
    """Two who ask for it at once both have the newest afterwards."""
    index = qtsearch.open_index(edition.folder)
    for number in range(2, 6):
        edition.publish(number)
        with ThreadPoolExecutor(8) as pool:
            assert any(list(pool.map(lambda _: index.refresh(), range(8))))
        assert shown(index) == number


def test_what_was_prepared_is_prepared_in_the_next(edition):
    """By the one who opens it, before others see it; and nothing that was not."""
    index = qtsearch.open_index(edition.folder)
    for queries, expected in [([], False), (["edition", "editoin", "edit* +page"], True)]:
        for query in queries:
            str(index.search(query).subjects)
        edition.publish(2 + expected)
        assert index.refresh()
        new = index._snapshot
        assert {"expander", "speller", "vocabulary"} <= vars(new).keys() or not expected
        assert ("subjects" in vars(new.facets), "searcher" in vars(new)) == (expected,) * 2
    assert {"_vocabulary"} <= vars(new.speller).keys()
    assert {"_postings"} <= vars(new.vocabulary).keys()


# -- what stays behind -------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files in /proc")
def test_what_was_replaced_is_freed_at_once(edition):
    """Whatever was asked, by whichever thread, no snapshot waits for the garbage collector, nor do files."""
    index = qtsearch.open_index(edition.folder)
    searches = ["edition", "edition AND page", '"blood clot"~2 keyw*', "question:edition~1", "ALI", "editoin"]

    def use():
        for query in searches:
            index.search(query, sort="date", broaden=True, boosts={"answer": 2}).to_dict()
        assert str(index.search("edition", subjects=["Subject 2"]).suggestion)
        return shown(index)

    before = []
    gc.collect()
    gc.disable()
    try:
        with ThreadPoolExecutor(3) as pool:
            assert {future.result() for future in [pool.submit(use) for _ in range(6)]} == {1}
            n_files = len(os.listdir("/proc/self/fd"))
            for number in range(2, 8):
                snapshot = index._snapshot
                before += map(weakref.ref, (snapshot, snapshot.segment, snapshot.searcher.planner))
                before.append(weakref.ref(snapshot.segment.files[0]))
                del snapshot
                edition.publish(number)
                assert index.refresh()
                assert {future.result() for future in [pool.submit(use) for _ in range(6)]} == {number}
                assert [ref() for ref in before] == [None] * len(before)
                assert len(os.listdir("/proc/self/fd")) == n_files
    finally:
        gc.enable()


def test_errors_leave_nothing_behind(edition):
    """Nor does what was opened in part, where the rest could not be."""
    index = qtsearch.open_index(edition.folder)
    gc.collect()
    gc.disable()
    try:
        n_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        edition.publish(2)
        path = edition.folder / f"MAIN_{generation.latest(str(edition.folder)).segment_id}.impacts"
        path.write_bytes(path.read_bytes()[:100])
        for _ in range(5):
            with pytest.raises(QtsearchError):
                index.refresh()
        if n_files:
            assert len(os.listdir("/proc/self/fd")) == n_files
    finally:
        gc.enable()
