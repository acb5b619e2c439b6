"""What several modules share: indexes of the samples and of the real articles, and makers of others."""

from __future__ import annotations

import datetime
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

import qtsearch
from qtsearch.articles import Article, read_article
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.writer import SegmentWriter
from qtsearch.generations import publishing

pytest.register_assert_rewrite("agreement")

SAMPLES = Path(__file__).parent.parent / "examples" / "articles"

# The same examples at every run, and no verdict that hangs on how busy the machine is.
settings.register_profile(
    "qtsearch",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("qtsearch")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it for what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


# -- articles and indexes made by a test -------------------------------------------------------------


def _article_text(**keys: Any) -> str:
    values = {"url": "/a", "question": "Why?", "answer": "Because."} | keys
    lines = [f"{key}: {_yaml(value)}\n" for key, value in values.items() if value is not None]
    return f"---\n{''.join(lines)}---\n\n&nbsp;\n"


def _yaml(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)  # which is YAML, too


@pytest.fixture(scope="session")
def article_text() -> Callable[..., str]:
    """The text of an article file from its keys; a key that is ``None`` is left out."""
    return _article_text


@pytest.fixture(scope="session")
def write_article() -> Callable[..., Path]:
    """``write_article(path, **keys)`` writes an article file, and the folders it stands in."""

    def write(path: Path, **keys: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_article_text(**keys), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def build_index(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., qtsearch.Index]:
    """``build_index(articles)`` publishes an index of articles that never were files, and opens it."""
    parent = tmp_path_factory.mktemp("built")

    def build(articles: Sequence[Article]) -> qtsearch.Index:
        folder = tempfile.mkdtemp(dir=parent)
        builder = ChunkBuilder(b"")
        for article in articles:
            builder.add(article)
        segment_id = publishing.new_segment_id()
        with mock.patch("os.fsync"):  # it takes most of the time, and nothing here loses power
            SegmentWriter([builder.arrays()], b"").write(folder, segment_id)
            publishing.publish(folder, segment_id, len(articles))
        return qtsearch.open_index(folder)

    return build


# -- the samples of the repository ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def sample_folder() -> Path:
    """The article files that the repository ships."""
    return SAMPLES


@pytest.fixture(scope="session")
def sample_articles() -> list[Article]:
    """The articles of the repository, those marked ``no_index`` too."""
    return [read_article(path) for path in sorted(SAMPLES.rglob("*.md"))]


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qtsearch.Index]:
    """An open index of the articles of the repository."""
    folder = tmp_path_factory.mktemp("samples")
    qtsearch.reindex(SAMPLES, folder)
    with qtsearch.open_index(folder) as index:
        yield index


# -- the real articles, where they are -----------------------------------------------------------------


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder of the real articles."""
    data = Path(os.environ.get("QTSEARCH_DATA") or "~/.cache/qtsearch-data").expanduser()
    folder = data / "learn"
    if not folder.is_dir():
        pytest.skip(f"the real articles are not in {folder}: unpack them, or set QTSEARCH_DATA")
    return folder


@pytest.fixture(scope="session")
def real_articles(real_folder: Path) -> list[Article]:
    """The real articles, sorted by path, those marked ``no_index`` too."""
    return [read_article(path) for path in sorted(real_folder.rglob("*.md"))]


@pytest.fixture(scope="session")
def real_index(real_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[qtsearch.Index]:
    """An open index of the real articles, to be read only: the workers of pytest-xdist share it.

    The first of them builds it; the others wait for the lock, and find that nothing has changed.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real"
    report = qtsearch.reindex(real_folder, folder, wait=600.0)
    assert not report.rejected
    with qtsearch.open_index(folder) as index:
        yield index
