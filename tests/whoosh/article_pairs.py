"""The same articles twice: in an index of ours, and in a stock Whoosh index to compare it with.

Both number the articles alike, by (subject slug, url), so that a test may compare documents by number.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import whoosh.index

import qtsearch
from qtsearch.articles import Article, read_article
from qtsearch.codec.fields import whoosh_document, whoosh_schema
from qtsearch.schema import slugify

EXAMPLES = Path(__file__).parents[2] / "examples" / "articles"


class Pair(NamedTuple):
    """``articles`` by number; ``ours`` and ``stock`` are folders, to be left as they are."""

    articles: list[Article]
    ours: str
    stock: str


def real_articles_folder() -> Path:
    """Where the real articles are, if they are."""
    data = os.environ.get("QTSEARCH_DATA") or Path.home() / ".cache" / "qtsearch-data"
    return Path(data) / "learn"


def sample_across_subjects(folder: Path, n_files: int, seed: int) -> list[Path]:
    """``n_files`` files, one of each subject in turn, so that small subjects are there whole."""
    rng = random.Random(seed)
    shuffled = []
    for subject in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(subject.glob("*.md"))
        rng.shuffle(files)
        shuffled.append(files)
    rounds = max(map(len, shuffled))
    in_turn = [files[turn] for turn in range(rounds) for files in shuffled if turn < len(files)]
    return sorted(in_turn[:n_files])


def build_pair(files: Sequence[Path], folder: Path) -> Pair:
    """Index the articles of ``files``, those marked no_index too, in ``folder/ours`` and ``folder/stock``."""
    ours, stock = folder / "ours", folder / "stock"
    report = qtsearch.reindex(files, ours, include_no_index=True)
    assert not report.rejected
    articles = [read_article(path) for path in files]
    articles.sort(key=lambda article: (slugify(article.subject), article.url.encode()))
    build_stock_index(articles, stock)
    return Pair(articles, str(ours), str(stock))


def build_stock_index(articles: Sequence[Article], folder: Path) -> None:
    """A plain Whoosh index with our schema, in Whoosh's own format."""
    folder.mkdir()
    with whoosh.index.create_in(folder, whoosh_schema()).writer(limitmb=512) as writer:
        for article in articles:
            writer.add_document(**whoosh_document(article))
