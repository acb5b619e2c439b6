"""tantivy-py: one text field or three, one segment, queries built from objects.

Measured choices: objects are as fast as `parse_query` and need no escaping; one flat OR of boosted
terms is faster than one OR a field; positions are indexed only where asked for, `count=False`
leaves the total out, and neither changes the time of a query. A smaller limit does not either:
tantivy-py does not prune. Reading ten documents from its store costs about 0.08 ms.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.base import Found, subject_slug

if TYPE_CHECKING:
    from documents import Document

tantivy: Any = importlib.import_module("tantivy")  # its stubs leave most calls untyped

HEAP_BYTES = 2_000_000_000  # one thread and a large heap: everything is flushed as one segment


class Tantivy:
    """An index of tantivy-py.

    `fields` are boosts by field; None stands for one field holding all text. `from_memory` reads
    only a number from the index, by a fast field, and finds url and question in a Python list.
    `full` adds positions and stores all text.
    """

    def __init__(
        self,
        *,
        fields: Mapping[str, float] | None = None,
        drop_stop_words: bool = False,
        from_memory: bool = False,
        full: bool = False,
    ) -> None:
        self.fields = dict(fields or {"text": 1.0})
        self.from_memory = from_memory
        self.full = full
        filters = tantivy.Filter
        builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        builder = builder.filter(filters.remove_long(40)).filter(filters.lowercase())
        if drop_stop_words:
            builder = builder.filter(filters.stopword("english"))
        self.analyzer = builder.filter(filters.stemmer("english")).build()

    def _schema(self) -> Any:
        builder = tantivy.SchemaBuilder()
        for name in self.fields:
            builder.add_text_field(
                name,
                stored=self.full or (name == "question" and not self.from_memory),
                tokenizer_name="stemmed",
                index_option="position" if self.full else "freq",
            )
        for name in ("url", "question"):
            if name not in self.fields:
                stored = not self.from_memory
                builder.add_text_field(name, stored=stored, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("subject", stored=self.full, tokenizer_name="raw", index_option="basic")
        builder.add_integer_field("row", fast=True)
        return builder.build()

    def build(self, documents: Iterable[Document], folder: Path) -> None:
        index = tantivy.Index(self._schema(), str(folder))
        index.register_tokenizer("stemmed", self.analyzer)
        writer = index.writer(HEAP_BYTES, 1)
        names: list[Found] = []
        for row, document in enumerate(documents):
            values: dict[str, Any] = {
                "url": document.url,
                "question": document.question,
                "subject": subject_slug(document.subject),
                "row": row,
            }
            if "text" in self.fields:
                values["text"] = f"{document.question}\n{document.answer}\n{document.keywords}"
            else:
                values |= {"answer": document.answer, "keywords": document.keywords}
            writer.add_document(tantivy.Document(**values))
            if self.from_memory:
                names.append((document.url, document.question))
        writer.commit()
        writer.wait_merging_threads()
        if self.from_memory:
            (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")

    def open(self, folder: Path) -> None:
        self.index = tantivy.Index.open(str(folder))
        self.index.register_tokenizer("stemmed", self.analyzer)
        self.schema = self.index.schema
        self.searcher = self.index.searcher()
        self.names: list[Found] = []
        if self.from_memory:
            text = (folder / "names.json").read_text(encoding="utf-8")
            self.names = [(url, question) for url, question in json.loads(text)]

    def search(self, query: str, limit: int, offset: int, subject: str | None) -> list[Found]:
        parsed = self._query(query, subject)
        found = self.searcher.search(parsed, limit, count=False, offset=offset)
        addresses = [address for _, address in found.hits]
        if self.from_memory:
            rows = self.searcher.fast_field_values("row", addresses)
            return [self.names[row] for row in rows]
        documents = [self.searcher.doc(address) for address in addresses]
        return [(document["url"][0], document["question"][0]) for document in documents]

    def _query(self, text: str, subject: str | None) -> Any:
        query, occur, schema = tantivy.Query, tantivy.Occur, self.schema
        clauses = []
        for term in self.analyzer.analyze(text):
            for name, boost in self.fields.items():
                clause = query.term_query(schema, name, term, "freq")
                if boost != 1.0:
                    clause = query.boost_query(clause, boost)
                clauses.append((occur.Should, clause))
        union = query.boolean_query(clauses)
        if subject is None:
            return union
        kept = query.term_query(schema, "subject", subject_slug(subject), "basic")
        kept = query.const_score_query(kept, 0.0)
        return query.boolean_query([(occur.Must, union), (occur.Must, kept)])

    def close(self) -> None:
        del self.searcher, self.index
