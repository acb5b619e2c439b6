"""What plain Whoosh offers besides finding pages works on our index: sorting, facets, spelling, highlights …

Expectations are computed from the articles, or are what stock Whoosh says of the same articles.
"""

from __future__ import annotations

import datetime
import html
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
import whoosh.index
from article_pairs import Pair
from query_trees import forms, stems, texts_of
from whoosh import highlight, query, scoring, sorting
from whoosh.qparser import MultifieldParser, QueryParser
from whoosh.searching import Results, Searcher

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.schema import FIELD_NAMES, slugify

THROMBECTOMY = "/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed"
ALL = query.Every()


@pytest.fixture(scope="module")
def ours(examples: Pair) -> Iterator[Searcher]:
    """A searcher of our index of the sample articles."""
    with whoosh.index.open_dir(examples.ours).searcher() as searcher:
        yield searcher


@pytest.fixture(scope="module")
def stock(examples: Pair) -> Iterator[Searcher]:
    """A searcher of Whoosh's index of the same articles, which numbers them alike."""
    with whoosh.index.open_dir(examples.stock).searcher() as searcher:
        yield searcher


def _numbers(results: Results) -> list[int]:
    return [results.docnum(rank) for rank in range(results.scored_length())]


# -- sorting ---------------------------------------------------------------------------------------


def _subject_name(articles: list[Article]) -> Callable[[Article], str]:
    """The commonest spelling of an article's subject."""
    spellings: dict[str, Counter[str]] = {}
    for article in articles:
        spellings.setdefault(slugify(article.subject), Counter())[article.subject] += 1
    return lambda article: spellings[slugify(article.subject)].most_common(1)[0][0]


def _sort_key(field: str, articles: list[Article]) -> Callable[[int], Any]:
    name = _subject_name(articles)
    keys: dict[str, Callable[[Article], Any]] = {
        "date": lambda article: article.date or datetime.date.max,  # Whoosh puts those without one last
        "id": lambda article: article.id,
        "url": lambda article: article.url.encode(),
        "question": lambda article: article.question.encode(),
        "subject": lambda article: name(article).encode(),
    }
    return lambda number: keys[field](articles[number])


@pytest.mark.parametrize("field", ["date", "url", "id", "subject", "question"])
def test_sorting(examples: Pair, ours: Searcher, field: str) -> None:
    """Results sort by a field in both directions, equals by their number."""
    key = _sort_key(field, examples.articles)
    ascending = sorted(range(len(examples.articles)), key=key)
    descending = sorted(range(len(examples.articles)), key=key, reverse=True)
    backwards = sorting.FieldFacet(field, reverse=True)
    assert _numbers(ours.search(ALL, limit=None, sortedby=field)) == ascending
    assert _numbers(ours.search(ALL, limit=None, sortedby=backwards)) == descending
    assert [key(n) for n in _numbers(ours.search(ALL, limit=None, sortedby=field, reverse=True))] == [
        key(n) for n in descending
    ]
    assert _numbers(ours.search(ALL, limit=7, sortedby=field)) == ascending[:7]


def test_sorting_by_two_fields(examples: Pair, ours: Searcher) -> None:
    """Results sort by subject, and within it from new to old."""
    name = _subject_name(examples.articles)
    facets = [sorting.FieldFacet("subject"), sorting.FieldFacet("date", reverse=True)]
    numbers = _numbers(ours.search(ALL, limit=None, sortedby=facets))
    found = [(name(examples.articles[n]), examples.articles[n].date) for n in numbers]
    last = datetime.date.max
    assert found == sorted(found, key=lambda row: (row[0], -(row[1] or last).toordinal()))


# -- facets ----------------------------------------------------------------------------------------


def test_facet_of_subjects(examples: Pair, ours: Searcher) -> None:
    """Groups by subject join the spellings of a subject under its commonest one."""
    expected: dict[str, list[int]] = {}
    name = _subject_name(examples.articles)
    for number, article in enumerate(examples.articles):
        expected.setdefault(name(article), []).append(number)
    groups = ours.search(ALL, limit=None, groupedby="subject").groups("subject")
    assert {subject: sorted(numbers) for subject, numbers in groups.items()} == expected
    assert "Computer science" in {article.subject for article in examples.articles}
    assert "Computer science" not in groups


def test_facet_of_dates(examples: Pair, ours: Searcher) -> None:
    """Groups by date are named by datetimes, of dated pages: stock Whoosh has no name for the others."""
    dated = query.DateRange("date", datetime.datetime.min + datetime.timedelta(1), None)
    groups = ours.search(dated, limit=None, groupedby="date").groups("date")
    counts = Counter(article.date for article in examples.articles if article.date)
    assert {when.date(): len(numbers) for when, numbers in groups.items()} == counts


def test_facet_of_date_ranges(ours: Searcher, stock: Searcher) -> None:
    """Months and ranges of numbers make the same groups as in stock Whoosh."""
    start, end = datetime.datetime(2024, 11, 1), datetime.datetime(2025, 4, 1)
    facets = {
        "month": sorting.DateRangeFacet("date", start, end, datetime.timedelta(days=30)),
        "id": sorting.RangeFacet("id", 100_000, 100_060, 7),
    }
    for name in facets:
        expected = stock.search(ALL, limit=None, groupedby=facets).groups(name)
        assert ours.search(ALL, limit=None, groupedby=facets).groups(name) == expected


def test_collapse(examples: Pair, ours: Searcher) -> None:
    """Collapsing by subject leaves the newest page of each."""
    newest = sorting.FieldFacet("date", reverse=True)
    dated = query.DateRange("date", datetime.datetime.min + datetime.timedelta(1), None)
    results = ours.search(dated, limit=None, collapse="subject", collapse_order=newest)
    expected: dict[str, datetime.date] = {}
    for article in examples.articles:
        if article.date:
            slug = slugify(article.subject)
            expected[slug] = max(article.date, expected.get(slug, article.date))
    found = [examples.articles[number] for number in _numbers(results)]
    assert {slugify(article.subject): article.date for article in found} == expected
    assert len(found) == len(expected)


# -- scores ----------------------------------------------------------------------------------------


def _unions(article: Article) -> Iterator[query.Query]:
    """Queries by an article's question. In most of the last two, stock Whoosh has a wrong top ten."""
    words = stems(article.question)
    fields = [query.Or([query.Term(field, word) for field in FIELD_NAMES]) for word in words]
    yield query.Or([query.Term("answer", word) for word in words])
    yield query.Or(fields)
    yield query.And(fields[:2])
    yield query.Or(fields[-2:])
    yield query.AndMaybe(query.Or(fields[-2:]), query.Or(fields[:2]))


def _assert_top_is_right(pair: Pair, weighting: Any, n_articles: int) -> None:
    articles = random.Random(7).sample(pair.articles, n_articles)
    with whoosh.index.open_dir(pair.ours).searcher(weighting=weighting) as searcher:
        for tree in chain.from_iterable(map(_unions, articles)):
            everything = searcher.search(tree, limit=None)
            top = searcher.search(tree, limit=10)
            assert top.top_n == everything.top_n[:10], repr(tree)
            assert len(top) == len(everything)


@pytest.mark.parametrize(
    "weighting", [scoring.BM25F(B=0.5, answer_B=0.9), scoring.TF_IDF(), scoring.Frequency()]
)
def test_top_ten_of_sample_articles(examples: Pair, weighting: Any) -> None:
    """The ten best are the first ten of all, whatever the weighting, and their total is right."""
    _assert_top_is_right(examples, weighting, 40)


def test_top_ten_of_real_articles(real: Pair) -> None:
    """The ten best of 2,000 articles, where stock Whoosh loses some, are the first ten of all."""
    _assert_top_is_right(real, scoring.BM25F(), 15)


def test_filter_mask_and_matched_terms(examples: Pair, ours: Searcher, stock: Searcher) -> None:
    """Filters, masks and matched terms are those of stock Whoosh."""
    tree = query.Or(
        [query.Term("answer", "stroke"), query.Term("answer", "blood"), query.Term("question", "is")]
    )
    medicine = query.Term("subject", "medicine")
    for options in ({"filter": medicine}, {"mask": medicine}, {"terms": True}):
        one, other = (searcher.search(tree, limit=None, **options) for searcher in (ours, stock))
        assert set(_numbers(one)) == set(_numbers(other)) != set()
        if "terms" in options:
            assert one.matched_terms() == other.matched_terms()
            assert {hit.docnum: set(hit.matched_terms()) for hit in one} == {
                hit.docnum: set(hit.matched_terms()) for hit in other
            }


# -- spelling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["question", "answer", "page_keywords"])
def test_suggestions(examples: Pair, ours: Searcher, stock: Searcher, field: str) -> None:
    """Suggestions are words as they stand in the field, not stems, and the same as in stock Whoosh."""
    assert ours.suggest(field, "thromectomy") == ["thrombectomy"]
    assert ours.corrector(field).suggest("thrombectmy", limit=3, maxdist=1) == ["thrombectomy"]
    written = {
        form for article in examples.articles for text in texts_of(article, field) for form in forms(text)
    }
    for word in ("strok", "recieve", "energie", "embolusm", "clasical", "unknwon", "prevntion", "oxidatif"):
        suggestions = ours.suggest(field, word)
        assert set(suggestions) <= written
        assert suggestions == stock.suggest(field, word)


@pytest.mark.parametrize("field", ["question", "answer"])
def test_corrected_query(ours: Searcher, field: str) -> None:
    """A query is corrected to a word as written, in the tree and in the text; known words stay."""
    text = "stroke thromectomy"
    tree = QueryParser(field, ours.schema).parse(text)
    correction = ours.correct_query(tree, text)
    assert correction.string == "stroke thrombectomy"
    assert correction.query == query.And([query.Term(field, "stroke"), query.Term(field, "thrombectomy")])


# -- highlights ------------------------------------------------------------------------------------

_MARKED = re.compile(r'<b class="match term\d+">(.*?)</b>', re.DOTALL)


@pytest.mark.parametrize("field", ["question", "answer", "page_keywords"])
@pytest.mark.parametrize("word", ["thrombectomies", "stroke", "cells", "equations", "being"])
def test_highlights(ours: Searcher, field: str, word: str) -> None:
    """What is marked in a snippet is a whole word of the stored text, a form of the word searched for."""
    results = ours.search(QueryParser(field, ours.schema).parse(word), limit=None)
    for hit in results:
        marked = [html.unescape(text) for text in _MARKED.findall(hit.highlights(field))]
        assert marked
        assert set(marked) <= set(analysis.tokenize(hit[field]))
        assert {analysis.stem(form) for text in marked for form in forms(text)} == {analysis.stem(word)}


def test_highlights_leave_the_text_alone(ours: Searcher) -> None:
    """With the marks taken out, a highlighted answer is the stored answer."""
    results = ours.search(query.Term("answer", "energi"), limit=None)
    results.fragmenter = highlight.WholeFragmenter()
    assert len(results) > 3
    for hit in results:
        marked = hit.highlights("answer")
        assert _MARKED.search(marked)
        assert html.unescape(_MARKED.sub(r"\1", marked)) == hit["answer"]


# -- more like this --------------------------------------------------------------------------------


def test_key_terms(ours: Searcher, stock: Searcher) -> None:
    """The key terms of a page are those of stock Whoosh."""
    for number in range(0, ours.doc_count(), 5):
        for field in ("question", "answer", "page_keywords"):
            assert ours.key_terms([number], field) == stock.key_terms([number], field)


def test_more_like_this(ours: Searcher, stock: Searcher) -> None:
    """Pages like a page are other pages, the same as in stock Whoosh."""
    for number in range(0, ours.doc_count(), 5):
        url = ours.stored_fields(number)["url"]
        one, other = (searcher.search(query.Term("url", url))[0] for searcher in (ours, stock))
        similar = set(_numbers(one.more_like_this("answer", top=100)))
        assert similar == set(_numbers(other.more_like_this("answer", top=100)))
        assert number not in similar
    hit = ours.search(query.Term("url", THROMBECTOMY))[0]
    assert "embolectomy" in hit.more_like_this("answer", top=3)[0]["question"]  # also removes a clot


# -- the query parser ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("date:[20250101 to 20250201]", lambda a: a.date and "2025-01-01" <= str(a.date) <= "2025-02-01"),
        ("date:[2025-01-05 to 2025-01-31]", lambda a: a.date and "2025-01-05" <= str(a.date) < "2025-02-01"),
        ("date:[20250301 to]", lambda a: a.date and str(a.date) >= "2025-03-01"),
        ("date:202502", lambda a: str(a.date).startswith("2025-02")),
        ('subject:"Computer Science"', lambda a: a.subject.lower() == "computer science"),
        ("subject:computer-science", lambda a: a.subject.lower() == "computer science"),
        ("subject:Medicine NOT subject:medicine", lambda a: False),
        ("id:100001", lambda a: a.id == 100_001),
        ("id:[100001 to 100005}", lambda a: 100_001 <= (a.id or 0) < 100_005),
        (f"url:{THROMBECTOMY}", lambda a: a.url == THROMBECTOMY),
        ("url:/learn/physics/*", lambda a: a.url.startswith("/learn/physics/")),
        ('"mechanical thrombectomy"', lambda a: "mechanical thrombectomy" in (a.question + a.answer).lower()),
        ('page_keywords:"ATP synthase"', lambda a: "ATP synthase" in a.page_keywords),
        ("question:why subject:physics", lambda a: "Why" in a.question and a.subject == "Physics"),
        ("*:*", lambda a: True),
    ],
)
def test_query_parser(
    examples: Pair, ours: Searcher, text: str, matches: Callable[[Article], object]
) -> None:
    """Whoosh's parser understands every field of the schema."""
    tree = MultifieldParser(["question", "answer"], ours.schema).parse(text)
    found = {ours.stored_fields(number)["url"] for number in _numbers(ours.search(tree, limit=None))}
    assert found == {article.url for article in examples.articles if matches(article)}


def test_query_parser_composes_letters(ours: Searcher) -> None:
    """A letter and its accent, typed as two characters, are the word that articles have."""
    parser = QueryParser("question", ours.schema)
    assert parser.parse("nai\u0308ve") == parser.parse("na\u00efve") == query.Term("question", "naiv")
