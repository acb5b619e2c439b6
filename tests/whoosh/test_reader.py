"""Whoosh's readers show the same of our index as of Whoosh's own: terms, postings, lengths, stored fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import whoosh.index
from article_pairs import Pair, build_pair
from query_trees import forms, texts_of
from whoosh import query, sorting
from whoosh.searching import Searcher

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.codec.fields import whoosh_document
from qtsearch.schema import FIELD_NAMES

INDEXED = ["answer", "date", "id", "page_keywords", "question"]
INDEXED += ["spell_answer", "spell_page_keywords", "spell_question", "subject", "url"]


class Both(NamedTuple):
    """Searchers of both indexes of the same articles."""

    articles: list[Article]
    ours: Searcher
    stock: Searcher


@pytest.fixture(scope="module", params=["examples", "odd"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """Of the sample articles, and of odd ones."""
    pair: Pair = request.getfixturevalue(request.param)
    with (
        whoosh.index.open_dir(pair.ours).searcher() as ours,
        whoosh.index.open_dir(pair.stock).searcher() as stock,
    ):
        yield Both(pair.articles, ours, stock)


def test_stored_fields(both: Both) -> None:
    """The stored fields of a page are the fields it was indexed with, under the same document number."""
    assert [both.ours.stored_fields(n) for n in range(len(both.articles))] == [
        whoosh_document(article) for article in both.articles
    ]
    assert list(both.ours.reader().all_stored_fields()) == list(both.stock.reader().all_stored_fields())


def test_doc_counts(both: Both) -> None:
    """Every page counts once, and none is deleted."""
    reader = both.ours.reader()
    assert reader.doc_count() == reader.doc_count_all() == both.ours.doc_count() == len(both.articles)
    assert list(reader.all_doc_ids()) == list(range(len(both.articles)))
    assert not reader.has_deletions()
    assert not reader.is_deleted(0)


@pytest.mark.parametrize("field", FIELD_NAMES)
def test_field_lengths(both: Both, field: str) -> None:
    """The length of a field is the number of its words that are no stop words."""
    lengths = [
        sum(form not in analysis.STOP_WORDS for part in texts_of(article, field) for form in forms(part))
        for article in both.articles
    ]
    reader = both.ours.reader()
    assert [reader.doc_field_length(number, field) for number in range(len(lengths))] == lengths
    assert reader.field_length(field) == sum(lengths)
    assert both.ours.avg_field_length(field) == sum(lengths) / len(lengths)
    assert (reader.min_field_length(field), reader.max_field_length(field)) == (min(lengths), max(lengths))


def test_terms(both: Both) -> None:
    """Every field has the same terms, in the same order."""
    ours, stock = both.ours.reader(), both.stock.reader()
    assert sorted(ours.indexed_field_names()) == INDEXED
    assert list(ours.all_terms()) == list(stock.all_terms())
    for field in INDEXED:
        assert list(ours.lexicon(field)) == list(stock.lexicon(field))


def _postings(searcher: Searcher) -> list[tuple[Any, ...]]:
    """All but those of the spelling fields, whose words lead nowhere."""
    return [
        (field, text, number, weight, value or b"")
        for field, text, number, weight, value in searcher.reader().iter_postings()
        if not field.startswith("spell_")
    ]


def test_postings(both: Both) -> None:
    """Every term has the same postings: documents, weights and encoded positions."""
    assert _postings(both.ours) == _postings(both.stock)


def test_spelling_postings(both: Both) -> None:
    """The words of the spelling fields lead to the first document, as in stock Whoosh, once each."""
    rows = [row for row in both.ours.reader().iter_postings() if row[0].startswith("spell_")]
    words = [term for term in both.stock.reader().all_terms() if term[0].startswith("spell_")]
    assert [row[:2] for row in rows] == words
    assert {row[2] for row in rows} == {0}


def test_term_statistics(both: Both) -> None:
    """Every term has the same frequencies, heaviest posting, and first and last document."""
    ours, stock = both.ours.reader(), both.stock.reader()
    for field, text in stock.all_terms():
        if field.startswith("spell_"):
            continue
        assert (field, text) in ours
        assert ours.frequency(field, text) == stock.frequency(field, text)
        assert ours.doc_frequency(field, text) == stock.doc_frequency(field, text)
        one, other = ours.term_info(field, text), stock.term_info(field, text)
        for statistic in ("weight", "doc_frequency", "max_weight", "min_id", "max_id"):
            assert getattr(one, statistic)() == getattr(other, statistic)(), (statistic, field, text)
        lengths = [ours.doc_field_length(number, field) for number in ours.postings(field, text).all_ids()]
        assert (one.min_length(), one.max_length()) == (min(lengths), max(lengths)), (field, text)
        assert ours.first_id(field, text) == stock.first_id(field, text)


def test_absent_terms(both: Both) -> None:
    """A term that no page has counts 0 and has no postings; a field that does not exist has no terms."""
    reader = both.ours.reader()
    for field in ("answer", "subject", "url", "spell_answer"):
        assert (field, b"qqqq") not in reader
        assert reader.frequency(field, b"qqqq") == reader.doc_frequency(field, b"qqqq") == 0
        with pytest.raises(whoosh.reading.TermNotFound):
            reader.term_info(field, b"qqqq")
    assert ("body", b"qqqq") not in reader
    with pytest.raises(whoosh.reading.TermNotFound):
        reader.postings("body", b"qqqq")


@pytest.mark.parametrize("prefix", ["", "t", "th", "thro", "zzz", "é", "漢"])
def test_expand_prefix(both: Both, prefix: str) -> None:
    """Prefixes expand to the same terms."""
    for field in INDEXED:
        if field not in ("date", "id"):
            expected = list(both.stock.reader().expand_prefix(field, prefix))
            assert list(both.ours.reader().expand_prefix(field, prefix)) == expected


@pytest.mark.parametrize("word", ["stroke", "thromectomy", "cafe", "dioxan", "漢字", "zazolc", "xy"])
def test_terms_within(both: Both, word: str) -> None:
    """The same words are within an edit distance."""
    for field in ("question", "answer", "page_keywords", "subject"):
        for distance, prefix in ((1, 0), (2, 0), (2, 1), (3, 2)):
            expected = list(both.stock.reader().terms_within(field, word, distance, prefix))
            assert list(both.ours.reader().terms_within(field, word, distance, prefix)) == expected


@pytest.mark.parametrize("field", ["url", "id", "date", "question"])
def test_columns(both: Both, field: str) -> None:
    """The columns that sorting reads hold the same values, those of absent ones included."""
    ours, stock = (searcher.reader().column_reader(field, translate=False) for searcher in both[1:])
    assert [ours[n] for n in range(len(both.articles))] == [stock[n] for n in range(len(both.articles))]
    for reverse in (False, True):
        facet = sorting.FieldFacet(field, reverse=reverse)
        one, other = (
            [hit.docnum for hit in searcher.search(query.Every(), limit=None, sortedby=facet)]
            for searcher in both[1:]
        )
        assert one == other


def test_single_documents(both: Both) -> None:
    """A page is found by its url, its number and its subject."""
    for number, article in enumerate(both.articles):
        assert both.ours.document_number(url=article.url) == number
        assert both.ours.document(url=article.url)["question"] == article.question
        if article.id is not None:
            urls = {fields["url"] for fields in both.ours.documents(id=article.id)}
            assert urls == {other.url for other in both.articles if other.id == article.id}


def test_subject_without_letters(tmp_path: Path) -> None:
    """A subject of signs alone has no slug, and so no term, in either index."""
    (tmp_path / "1.md").write_text("---\nurl: /1\nquestion: Which?\nanswer: This.\nsubject: '?!'\n---\n")
    pair = build_pair([tmp_path / "1.md"], tmp_path)
    for folder in (pair.ours, pair.stock):
        reader = whoosh.index.open_dir(folder).reader()
        assert list(reader.lexicon("subject")) == [], folder
        assert reader.stored_fields(0)["subject"] == "?!"
