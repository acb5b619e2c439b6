"""Indexes that the tests of this folder share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from article_pairs import EXAMPLES, Pair, build_pair, real_articles_folder, sample_across_subjects
from odd_articles import write_odd_articles


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """All sample articles of the repository."""
    return build_pair(sorted(EXAMPLES.glob("*/*.md")), tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Articles that lack what real ones have, and hold what they do not."""
    folder = tmp_path_factory.mktemp("odd")
    return build_pair(write_odd_articles(folder), folder)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """2,000 real articles of all subjects."""
    folder = real_articles_folder()
    if not folder.is_dir():
        pytest.skip(f"no real articles in {folder}: unpack them there, or set QTSEARCH_DATA")
    return build_pair(sample_across_subjects(folder, 2_000, seed=2025), tmp_path_factory.mktemp("real"))


@pytest.fixture
def index_copy(examples: Pair, tmp_path: Path) -> Path:
    """A copy of our index of the sample articles, to be damaged or written to."""
    folder = tmp_path / "index"
    shutil.copytree(examples.ours, folder)
    return folder
