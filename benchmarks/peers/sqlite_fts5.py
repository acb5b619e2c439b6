"""SQLite FTS5 as Python ships it: three columns over a content table, an OR of quoted words.

Measured choices: `ORDER BY bm25(...)` is a fifth faster here than the documented short cut
`ORDER BY rank`, and four times with a filter, which then comes before the scores; page size, cache
size and memory mapping change nothing at this size.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from peers.base import Found, subject_slug, words

if TYPE_CHECKING:
    from documents import Document

TABLES = """
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, url TEXT, question TEXT, answer TEXT, keywords TEXT, subject TEXT
);
CREATE VIRTUAL TABLE words USING fts5 (
    question, answer, keywords,
    content='articles', content_rowid='id', tokenize='porter unicode61'
);
"""
INSERT = """
INSERT INTO articles (url, question, answer, keywords, subject) VALUES (?, ?, ?, ?, ?)
"""
FILL = """
INSERT INTO words (rowid, question, answer, keywords)
    SELECT id, question, answer, keywords FROM articles;
"""
SEARCH = """
SELECT url, question FROM (
    SELECT rowid AS id, bm25(words, 3.0, 1.0, 2.0) AS score FROM words
    WHERE words MATCH ? ORDER BY score LIMIT ? OFFSET ?
) JOIN articles USING (id) ORDER BY score
"""
SEARCH_SUBJECT = """
SELECT articles.url, articles.question FROM words JOIN articles ON articles.id = words.rowid
WHERE words MATCH ? AND articles.subject = ?
ORDER BY bm25(words, 3.0, 1.0, 2.0) LIMIT ? OFFSET ?
"""


class Fts5:
    """One database file; its commit is durable (SQLite's default: synchronous=FULL)."""

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        connection = sqlite3.connect(folder / "articles.db")
        connection.executescript(TABLES)
        rows = ((d.url, d.question, d.answer, d.keywords, subject_slug(d.subject)) for d in documents)
        connection.executemany(INSERT, rows)
        connection.execute(FILL)
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        connection.commit()
        connection.close()

    def open(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "articles.db")

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        match = " OR ".join(f'"{word}"' for word in words(query))
        if not match:
            return []
        if subject is None:
            return self.connection.execute(SEARCH, (match, limit, offset)).fetchall()
        values = (match, subject_slug(subject), limit, offset)
        return self.connection.execute(SEARCH_SUBJECT, values).fetchall()

    def close(self) -> None:
        self.connection.close()
