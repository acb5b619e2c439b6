"""bm25s with its numba backend: Lucene's BM25 over one field, the scores computed at indexing.

Measured choices: its `Tokenizer` as a stream of ids, in place of `bm25s.tokenize`, takes a third off
a single query; `n_threads=1` is serial, and gives up the GIL. Articles without any word of the query are
taken out of the hits, which bm25s itself does not do. Compilation happens at the first search.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from peers.base import Found, fsync_tree, subject_slug

if TYPE_CHECKING:
    from documents import Document

bm25s: Any = importlib.import_module("bm25s")  # these come without types
tokenization: Any = importlib.import_module("bm25s.tokenization")
stemmers: Any = importlib.import_module("Stemmer")


class Bm25s:
    """An index of bm25s; urls and questions lie in a Python list.

    `full` saves all text as well. `backend` is that of searching: numba compiles for seconds first.
    """

    def __init__(
        self,
        *,
        k1: float = 1.2,
        b: float = 0.75,
        stop_words: str | None = "english",
        full: bool = False,
        backend: str = "numba",
    ) -> None:
        self.k1 = k1
        self.b = b
        self.full = full
        self.backend = backend
        stemmer = stemmers.Stemmer("english")
        self.tokenizer = tokenization.Tokenizer(stopwords=stop_words, stemmer=stemmer)

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        rows: list[tuple[str, str, str]] = []
        texts: list[str] = []
        answers: list[str] = []
        for document in documents:
            rows.append((document.url, document.question, subject_slug(document.subject)))
            texts.append(f"{document.question}\n{document.answer}\n{document.keywords}")
            if self.full:
                answers.append(document.answer)
        tokens = self.tokenizer.tokenize(texts, update_vocab=True, return_as="tuple", show_progress=False)
        # NumPy builds the index as fast as numba does; numba is for searching.
        retriever = bm25s.BM25(k1=self.k1, b=self.b, method="lucene", backend="numpy")
        retriever.index(tokens, show_progress=False)
        retriever.save(folder, show_progress=False)
        self.tokenizer.save_vocab(folder)
        (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        if self.full:
            (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
        fsync_tree(folder)

    def open(self, folder: Path) -> None:
        self.retriever = bm25s.BM25.load(folder, override_params={"backend": self.backend})
        self.tokenizer.load_vocab(folder)
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        self.names: list[Found] = [(url, question) for url, question, _ in rows]
        slugs = np.array([slug for _, _, slug in rows])
        self.masks = {str(slug): (slugs == slug).astype(np.float32) for slug in np.unique(slugs)}
        self.nothing = np.zeros(len(rows), np.float32)

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        mask = None
        if subject is not None:
            mask = self.masks.get(subject_slug(subject), self.nothing)
        tokens = list(self.tokenizer.tokenize([query], update_vocab=False, return_as="stream"))
        indices, scores = self.retriever.retrieve(
            tokens,
            k=min(offset + limit, len(self.names)),
            n_threads=1 if self.backend == "numba" else 0,
            show_progress=False,
            backend_selection=self.backend,
            weight_mask=mask,
        )
        hits = zip(indices[0, offset:].tolist(), scores[0, offset:].tolist(), strict=True)
        return [self.names[row] for row, score in hits if score > 0.0]

    def close(self) -> None:
        del self.retriever
