"""The one corpus of all benchmarks: which articles, and which queries are asked of them.

Real articles where `$QTSEARCH_DATA` has them (default `~/.cache/qtsearch-data`, its folder
`learn`); otherwise, or with `--articles N`, N generated ones. Queries are drawn from the articles
themselves, each with a fixed seed: a random article, then one of its keyword phrases, or its
question. So every article is as likely as any other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import generator
from documents import Document, Query, article_files, read_documents

DEFAULT_QUERIES = 1_000
DEFAULT_GENERATED = 30_000
SEED = 20_250


class Corpus:
    """A folder of article files, its plain documents, and queries drawn from them.

    `kind` says what the articles are. `key` changes with it and with the files (names, sizes, times):
    what is derived from the corpus is cached under it, in `cache / key`.
    """

    def __init__(self, folder: Path, cache: Path, *, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.files = article_files(folder)
        if not self.files:
            raise SystemExit(f"no articles in {folder}: unpack them, or use --articles N")
        digest = hashlib.sha256()
        self.size_bytes = 0
        for path in self.files:
            status = path.stat()
            self.size_bytes += status.st_size
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        self.key = f"{kind}-{digest.hexdigest()[:12]}"
        self.cache = cache / self.key
        self.cache.mkdir(parents=True, exist_ok=True)

    def __str__(self) -> str:
        return f"{len(self.files):,} {self.kind} articles, {self.size_bytes / 1e6:.0f} MB"

    @cached_property
    def documents(self) -> list[Document]:
        """All articles that may be searched, in the order of their files; cached."""
        cached = self.cache / "documents.json"
        if cached.exists():
            return [Document(*row) for row in json.loads(cached.read_text(encoding="utf-8"))]
        documents = list(read_documents(self.files, processes=os.cpu_count() or 1))
        partial = cached.with_suffix(".partial")
        partial.write_text(json.dumps(documents), encoding="utf-8")
        partial.replace(cached)
        return documents

    def keyword_phrases(self, n: int = DEFAULT_QUERIES, seed: int = SEED) -> list[Query]:
        """`n` phrases: a random article, then a random one of its keyword phrases."""
        return self._draw("phrases", n, seed, _random_phrase)

    def questions(self, n: int = DEFAULT_QUERIES, seed: int = SEED) -> list[Query]:
        """`n` questions of random articles."""
        return self._draw("questions", n, seed, lambda document, _: document.question)

    def _draw(
        self, kind: str, n: int, seed: int, text: Callable[[Document, random.Random], str]
    ) -> list[Query]:
        """Distinct articles while there are enough of them."""
        source = random.Random(f"{kind} {seed}")
        if n <= len(self.documents):
            drawn = source.sample(self.documents, n)
        else:
            drawn = source.choices(self.documents, k=n)
        return [Query(text(document, source), document.subject) for document in drawn]


def _random_phrase(document: Document, source: random.Random) -> str:
    phrases = [phrase.strip() for phrase in document.keywords.split(",")]
    return source.choice([phrase for phrase in phrases if phrase])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all benchmarks share."""
    parser.add_argument("--articles", type=int, help="generate N articles instead of the real ones")
    parser.add_argument("--rebuild", action="store_true", help="build cached indexes anew")
    add_folder_arguments(parser)


def add_folder_arguments(parser: argparse.ArgumentParser) -> None:
    """What is kept between runs, and where the figures go."""
    parser.add_argument("--cache", type=Path, default=default_cache(), help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")


def from_arguments(options: argparse.Namespace) -> Corpus:
    """The corpus that the options and the environment ask for."""
    cache: Path = options.cache
    if options.articles is None and (data_folder() / "learn").is_dir():
        return Corpus(data_folder() / "learn", cache, kind="real")
    articles = options.articles or DEFAULT_GENERATED
    name = f"articles-{articles}-seed-{SEED}-v{generator.VERSION}"
    generator.generate(cache / name, articles, SEED)
    return Corpus(cache / name, cache, kind="generated")


def data_folder() -> Path:
    """Where the real articles and the judged collections are, if they are."""
    return Path(os.environ.get("QTSEARCH_DATA", Path.home() / ".cache" / "qtsearch-data"))


def default_cache() -> Path:
    """Where generated articles and built indexes are kept between runs."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "qtsearch-bench"
