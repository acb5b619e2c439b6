"""An open index is shared by threads, undisturbed by a reindex, and outlived by its hits."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import qtsearch

QUERIES = [
    "clot",
    "how is a clot removed",
    "what is the",
    "stent retriever",
    "mechanical thrombectomy of a blood clot",
    "zebra",
    "virology and the stemming of virologists",
    "clot " * 20,
    "blood heart stroke artery " * 16,
    "how does photosynthesis work in plants, and what is a heap",
]


def answer(index, query, **options):
    results = index.search(query, collapse=False, correct=False, **options)
    return results.total, [(hit.url, hit.score, hit.answer) for hit in results]


def everything(index):
    subjects = [None, ["Medicine"], ["Biology", "Physics"]]
    return [answer(index, query, subjects=some, limit=20) for query in QUERIES for some in subjects]


@pytest.fixture
def folder(tmp_path, sample_folder):
    """The folder of an index of the samples that a test may spoil."""
    qtsearch.reindex(sample_folder, tmp_path / "index")
    return tmp_path / "index"


# -- threads -------------------------------------------------------------------------------------------


def test_threads_share_an_index(folder):
    """Eight threads on one index that was just opened all get what one thread gets."""
    expected = everything(qtsearch.open_index(folder))
    index = qtsearch.open_index(folder)

    def work(seed):
        order = list(range(len(QUERIES)))
        random.Random(seed).shuffle(order)
        # Words never seen make the memo of words grow and be emptied under the other threads.
        for n in range(10):
            for number in order:
                assert answer(index, QUERIES[number], limit=20) == expected[3 * number]
            index.search(" ".join(f"q{seed}a{n}a{m}" for m in range(300)), correct=False)
        return everything(index)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [expected] * 8


def test_hundreds_of_threads(folder):
    """Hundreds of threads that begin at once get what one thread gets."""
    expected = answer(qtsearch.open_index(folder), QUERIES[1])
    index = qtsearch.open_index(folder)
    found = []
    start = threading.Barrier(200)

    def work():
        start.wait()
        found.append(answer(index, QUERIES[1]))

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 200


# -- closing -------------------------------------------------------------------------------------------


def test_hits_outlive_the_index(folder):
    """Results can be read in full after the index was closed and its folder is gone."""
    expected = answer(qtsearch.open_index(folder), "clot")
    with qtsearch.open_index(folder) as index:
        results = index.search("clot", collapse=False)
    del index
    shutil.rmtree(folder)
    assert (results.total, [(hit.url, hit.score, hit.answer) for hit in results]) == expected
    assert json.loads(json.dumps(results.to_dict()))["hits"][0]["url"] == results[0].url


def test_closing_twice_is_no_error(folder):
    """``close`` may be called again, and after the ``with`` block that called it."""
    with qtsearch.open_index(folder) as index:
        index.close()
        index.close()
    index.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.search("clot"),
        lambda index: index.search(""),
        lambda index: index.get("/a"),
        lambda index: index.subjects(),
        lambda index: index.unknown_subjects(["Medicine"]),
        len,
    ],
)
def test_closed_index_says_so(folder, use):
    """Whatever is asked of a closed index is a ValueError that says what to do."""
    index = qtsearch.open_index(folder)
    index.close()
    with pytest.raises(ValueError, match="closed: open it again"):
        use(index)


# -- generations ---------------------------------------------------------------------------------------


def test_open_index_is_undisturbed_by_a_reindex(tmp_path, folder, write_article):
    """While newer generations are published, and the files of its own go, an open index shows the same, if it
    is to keep what was opened."""
    index = qtsearch.open_index(folder, auto_refresh=False)
    before, files = everything(index), {path.name for path in folder.glob("MAIN_*.*")}
    pages, generation = len(index), index.generation
    write_article(tmp_path / "new" / "a.md", url="/new", question="Where is the clot?")
    for number in (1, 2):
        report = qtsearch.reindex(tmp_path / "new", folder, full=True, allow_shrink=True)
        assert report.generation == generation + number
    assert files
    assert files.isdisjoint(path.name for path in folder.iterdir())

    assert (everything(index), len(index), index.generation) == (before, pages, generation)
    assert index.get("/new") is None
    with qtsearch.open_index(folder) as newer:
        assert (len(newer), newer.generation) == (1, generation + 2)
        assert [hit.url for hit in newer.search("clot")] == ["/new"]


def test_readers_while_an_index_is_published(tmp_path, write_article):
    """Whoever opens the index while it is published again and again sees one whole generation."""
    for number in range(4):
        for page in range(number + 1):
            path = tmp_path / str(number) / f"{page}.md"
            write_article(path, url=f"/{page}", question=f"Edition {number}?")
    folder = tmp_path / "index"
    qtsearch.reindex(tmp_path / "0", folder)
    stop = threading.Event()

    def read():
        seen = 0
        while not stop.is_set() or not seen:
            with qtsearch.open_index(folder) as index:
                edition = (index.generation - 1) % 4
                assert len(index) == index.search(f"edition {edition}", collapse=False).total == edition + 1
                assert index.search("edition", collapse=False).total == edition + 1
                seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for number in range(1, 24):
                qtsearch.reindex(tmp_path / str(number % 4), folder, full=True, allow_shrink=True)
        finally:
            stop.set()
        assert all(reader.result() for reader in readers)


# -- what a search needs ---------------------------------------------------------------------------------

_SCRIPT = """
import sys
import qtsearch
with qtsearch.open_index(sys.argv[1]) as index:
    results = index.search("how is a clot removed", subjects=["Medicine"])
    shown = [(hit.url, hit.question, hit.answer, hit.date) for hit in results]
    known = sorted({"whoosh", "yaml", "nltk"} & set(sys.modules))
    index.search("zebrawood", correct=False)
    unknown = sorted({"whoosh", "yaml"} & set(sys.modules))
print(len(shown), known, unknown)
"""


def test_searching_known_words_imports_little(sample_index):
    """Searching for words of the index imports neither Whoosh nor PyYAML nor NLTK; other words only NLTK."""
    command = [sys.executable, "-W", "error", "-c", _SCRIPT, sample_index.path]
    root = Path(qtsearch.__file__).parent.parent
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert (run.stdout, run.stderr) == ("10 [] []\n", "")
