"""Judged collections as articles: every engine gets the same text, and the same queries are asked of it.

A collection is a folder in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`. Each of its
documents is written as one article file in the real schema: its title is the question, its text the answer;
where it has `focus` and `synonyms`, they are the keywords, and its `semantic_group` the subject. Other
engines are fed what qtsearch's own reader makes of these files. No other key and no other file is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import yaml
from corpus import Corpus, data_folder
from documents import Document, article_files
from peers.base import Engine

from qtsearch.articles import Article, read_article
from qtsearch.evaluation import DEPTH, read_qrels, read_queries

VERSION = 1  # raise when the same collection is written otherwise
FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")
EMPTY = "-"  # an article's question and answer must not be empty; this has no word

Chosen = TypeVar("Chosen")
Qrels = Mapping[str, Mapping[str, int]]


class Judged(Corpus):
    """Articles, queries by id, and grades by url by query; only queries that have a relevant page.

    `ignored` are urls by query that are no fair hits, taken out of every engine's. With `keywords` off,
    engines other than qtsearch are not given them; `boosts` then tells qtsearch.
    """

    def __init__(
        self,
        folder: Path,
        cache: Path,
        *,
        kind: str,
        queries: Mapping[str, str],
        qrels: Qrels,
        ignored: Mapping[str, frozenset[str]] | None = None,
        keywords: bool = True,
        boosts: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(folder, cache, kind=kind)
        self.queries = {query: text for query, text in queries.items() if relevant(qrels.get(query, {}))}
        self.qrels = {query: qrels[query] for query in self.queries}
        self.ignored = ignored or {}
        self.keywords = keywords
        self.boosts = boosts

    @cached_property
    def documents(self) -> list[Document]:
        """All articles that may be searched, in the order of their files."""
        return [
            Document(
                url=article.url,
                question=article.question,
                answer=article.answer,
                keywords=", ".join(article.page_keywords) if self.keywords else "",
                subject=article.subject,
            )
            for article in read_articles(self.folder)
        ]

    def run(self, engine: Engine, queries: Iterable[str], depth: int = DEPTH) -> dict[str, list[str]]:
        """The urls of the best hits of each query, best first."""
        found = {}
        for query in queries:
            ignored = self.ignored.get(query, frozenset())
            hits = engine.search(self.queries[query], depth + len(ignored), 0, None)
            found[query] = [url for url, _ in hits if url not in ignored][:depth]
        return found


def relevant(judged: Mapping[str, int]) -> list[str]:
    """The ids of grade 1 or more."""
    return [id_ for id_, grade in judged.items() if grade > 0]


@lru_cache(maxsize=1)
def read_articles(folder: Path) -> Sequence[Article]:
    """All articles below a folder that may be searched, in the order of their files."""
    return [article for article in map(read_article, article_files(folder)) if not article.no_index]


# -- collections -----------------------------------------------------------------------------------


def find_collections(folder: Path) -> dict[str, Path]:
    """Every collection in a folder by its name."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.name: path for path in found if all((path / name).is_file() for name in FILES)}


def chosen(found: Mapping[str, Chosen], names: str | None) -> dict[str, Chosen]:
    """Those of a comma separated list, or all."""
    if not found:
        raise SystemExit(f"no judged collections in {data_folder()}: unpack them, or set QTSEARCH_DATA")
    wanted = list(found) if names is None else names.split(",")
    if unknown := sorted(set(wanted) - set(found)):
        raise SystemExit(f"no collection {', '.join(unknown)}; there are: {', '.join(found)}")
    return {name: found[name] for name in wanted}


def read_collection(source: Path, cache: Path) -> Judged:
    """The collection in a folder, its documents written as article files once."""
    kind = f"judged-{source.name}"
    qrels = {
        query: {url_of(id_): grade for id_, grade in judged.items()}
        for query, judged in read_qrels(source / "qrels.tsv").items()
    }
    queries = read_queries(source / "queries.jsonl")
    return Judged(_rendered(source, cache, kind), cache, kind=kind, queries=queries, qrels=qrels)


def url_of(id_: str) -> str:
    """The url of the page that a document becomes; `unquote(url[1:])` is the id again."""
    return f"/{quote(id_, safe='')}"


def _rendered(source: Path, cache: Path, kind: str) -> Path:
    """The folder of the article files of a collection, written if these documents have none."""
    corpus = source / "corpus.jsonl"
    digest = hashlib.sha256(corpus.read_bytes()).hexdigest()[:8]
    folder = cache / f"{kind}-articles-v{VERSION}-{digest}"
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for number, row in enumerate(_rows(corpus), 1):
            (partial / f"{number:07}.md").write_text(article_text(number, row), encoding="utf-8")
        partial.rename(folder)
    return folder


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, filter(str.strip, file))


def article_text(number: int, row: Mapping[str, Any]) -> str:
    """The article file of one document."""
    front = {
        "url": url_of(str(row["_id"])),
        "id": number,
        "question": _text(row.get("question") or row.get("title")) or EMPTY,
        "answer": _text(row.get("answer") or row.get("text")) or EMPTY,
        "subject": ", ".join(row.get("semantic_group") or []),
        "seo": {"page_keywords": ", ".join(_keywords(row))},
    }
    text = yaml.dump(front, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=1 << 30)
    return f"---\n{text}---\n\n&nbsp;\n"


def _text(value: str | None) -> str:
    return (value or "").strip()


def _keywords(row: Mapping[str, Any]) -> list[str]:
    """Focus and synonyms, each once. A comma within one would end it: it becomes a space."""
    phrases = [row.get("focus") or "", *(row.get("synonyms") or [])]
    return list(dict.fromkeys(re.sub(r",(?!\d)|(?<!\d),", " ", phrase) for phrase in phrases if phrase))
