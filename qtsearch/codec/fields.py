"""The fields as Whoosh sees them: its ``Schema`` and the analyzers in it.

An index pickles its schema, so the classes here keep their names and places.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterator
from typing import Any

from whoosh import analysis as whoosh_analysis
from whoosh import fields

from qtsearch import analysis
from qtsearch.articles import Article, split_phrases
from qtsearch.schema import FIELD_NAMES, POSITION_GAP, slugify

__all__ = ["ArticleAnalyzer", "DateField", "SubjectAnalyzer", "whoosh_document", "whoosh_schema"]


class ArticleAnalyzer(whoosh_analysis.Analyzer):  # type: ignore[misc]
    """qtsearch's analysis as a Whoosh analyzer: the same terms at the same positions.

    ``phrases``: the text is phrases between commas, each at a distance from the next, and without compounds.
    """

    def __init__(self, phrases: bool = False) -> None:
        self.phrases = phrases

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArticleAnalyzer) and self.phrases == other.phrases

    def __hash__(self) -> int:
        return hash(self.phrases)

    def has_morph(self) -> bool:
        """That terms are not words as written: spelling then has fields of its own."""
        return True

    def __call__(
        self,
        value: str,
        positions: bool = False,
        chars: bool = False,
        keeporiginal: bool = False,
        removestops: bool = True,
        start_pos: int = 0,
        start_char: int = 0,
        mode: str = "",
        no_morph: bool = False,
        nomorph: bool = False,
        **unused: Any,
    ) -> Iterator[whoosh_analysis.Token]:
        """Whoosh's tokens of a text: one object again and again, as Whoosh's own analyzers do.

        ``no_morph`` and ``nomorph``, Whoosh uses both, give surface forms instead of terms.
        """
        token = whoosh_analysis.Token(positions, chars, removestops=removestops, mode=mode)
        if not chars and not value.isascii():
            value = unicodedata.normalize("NFC", value)
        pattern = analysis.token_pattern(value)
        position = start_pos
        compounds: dict[int, str] = {}
        start = 0
        for phrase in split_phrases(value) if self.phrases else (value,):
            first = position
            if not self.phrases and mode != "query":
                compounds = dict(analysis.compounds(phrase))
            for match in pattern.finditer(phrase):
                token.boost = 1.0
                token.stopped = False
                if keeporiginal:
                    token.original = match[0]
                if positions:
                    token.pos = position
                if chars:
                    start = value.index(match[0], start)
                    token.startchar = start_char + start
                    start += len(match[0])
                    token.endchar = start_char + start
                # A compound stands where its second word does.
                for form in filter(None, (analysis.fold(match[0]), compounds.get(position - first - 1))):
                    token.text = form if no_morph or nomorph else analysis.stem(form)
                    yield token
                position += 1
            position += POSITION_GAP


class SubjectAnalyzer(whoosh_analysis.Analyzer):  # type: ignore[misc]
    """A subject as one token, its slug: ``Computer Science`` and ``computer-science`` are the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SubjectAnalyzer)

    def __hash__(self) -> int:
        return hash(SubjectAnalyzer)

    def __call__(
        self,
        value: str,
        positions: bool = False,
        chars: bool = False,
        start_pos: int = 0,
        start_char: int = 0,
        mode: str = "",
        **unused: Any,
    ) -> Iterator[whoosh_analysis.Token]:
        token = whoosh_analysis.Token(positions, chars, mode=mode)
        token.text = slugify(value)
        if not token.text:
            return
        token.boost = 1.0
        token.stopped = False
        if positions:
            token.pos = start_pos
        if chars:
            token.startchar, token.endchar = start_char, start_char + len(value)
        yield token


class DateField(fields.DATETIME):  # type: ignore[misc]
    """Whoosh's DATETIME with one term a value instead of eight."""

    def __init__(self, stored: bool = False, sortable: bool = False) -> None:
        super().__init__(stored=stored, sortable=sortable)
        self.shift_step = 0


def whoosh_schema() -> fields.Schema:
    """The schema of an index, as Whoosh's parser, sorting, facets and highlighting use it."""
    schema = fields.Schema(
        url=fields.ID(stored=True, unique=True, sortable=True),
        id=fields.NUMERIC(int, bits=64, stored=True, sortable=True, shift_step=0),
        subject=fields.ID(stored=True, sortable=True, analyzer=SubjectAnalyzer()),
        date=DateField(stored=True, sortable=True),
    )
    for name in FIELD_NAMES:
        analyzer = ArticleAnalyzer(phrases=name == "page_keywords")
        sortable = name == "question"
        schema.add(name, fields.TEXT(analyzer=analyzer, stored=True, spelling=True, sortable=sortable))
    return schema


def whoosh_document(article: Article) -> dict[str, Any]:
    """An article as the fields of the schema: what Whoosh's ``add_document`` takes."""
    document: dict[str, Any] = {
        "url": article.url,
        "question": article.question,
        "answer": article.answer,
        "page_keywords": ", ".join(article.page_keywords),
    }
    if article.id is not None:
        document["id"] = article.id
    if article.subject:
        document["subject"] = article.subject
    if article.date is not None:
        document["date"] = datetime.datetime.combine(article.date, datetime.time())
    return document
