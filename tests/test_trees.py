"""Query trees: the same pages as plain Whoosh finds on the same folder, with the scores that words have."""

from __future__ import annotations

import datetime
import fnmatch

import pytest
from corpora import SUBJECTS, WORDS, corpora
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh import query as queries
from whoosh.index import open_dir
from whoosh.query import spans
from whoosh.searching import Searcher

from qtsearch import Index, analysis
from qtsearch.articles import Article
from qtsearch.schema import FIELD_NAMES, slugify

TERMS = sorted({analysis.stem(analysis.fold(token)) for word in WORDS for token in analysis.tokenize(word)})
TERMS += ["zebra", "fill"]


FILLERS = [Article(url=f"/filler/{n}", question="Filler?", answer="Filler.") for n in range(40)]

# -- trees of any shape ------------------------------------------------------------------------------

_field = st.sampled_from(FIELD_NAMES)
_term = st.sampled_from(TERMS)
_boost = st.sampled_from([1.0, 1.0, 1.0, 0.5, 3.0])
_slug = st.sampled_from(["", "b", "biology", "computer-science", "comp", "z", *map(slugify, SUBJECTS)])
_url = st.sampled_from(["", "/", "/1", "/10", "/9", "/filler", "/filler/1", "/z", "x"])
_number = st.none() | st.integers(-1, 6)
_moment = st.none() | st.datetimes(datetime.datetime(2023, 12, 1), datetime.datetime(2026, 1, 31)).map(
    lambda moment: moment.replace(hour=moment.hour // 12 * 12, minute=0, second=0, microsecond=0)
)


def _in_all_fields(term: str, boost: float) -> queries.Query:
    return queries.Or([queries.Term(name, term, boost=boost) for name in FIELD_NAMES])


def _values(field: str, text: st.SearchStrategy[str]) -> st.SearchStrategy[queries.Query]:
    filled = text.filter(bool)
    return (
        st.builds(queries.Term, st.just(field), filled)
        | st.builds(queries.Prefix, st.just(field), filled)
        | st.builds(
            queries.TermRange,
            st.just(field),
            text | st.none(),
            text | st.none(),
            st.booleans(),
            st.booleans(),
        )
    )


_words = (
    st.builds(queries.Term, _field, _term, _boost)
    | st.builds(_in_all_fields, _term, _boost)
    | st.builds(queries.Phrase, _field, st.lists(_term, min_size=2, max_size=3), st.integers(1, 5), _boost)
)
_filters = (
    st.just(queries.Every())
    | _values("subject", _slug)
    | _values("url", _url)
    | st.builds(queries.NumericRange, st.just("id"), _number, _number, st.booleans(), st.booleans())
    | st.builds(queries.DateRange, st.just("date"), _moment, _moment, st.booleans(), st.booleans())
)
#: What is worked out by Whoosh's own matchers, but for the first.
_others = (
    st.just(queries.NullQuery)  # Whoosh's own AndNot stumbles over it
    | st.builds(lambda n: queries.Term("id", n), st.integers(0, 5))
    | st.builds(queries.Every, _field)
    | st.just(queries.Every("date"))
    | st.builds(queries.Regex, _field, st.sampled_from(["c.ll", "vir.*", "x|y"]))
    | st.builds(queries.Variations, _field, st.sampled_from(["cell", "explain", "virus"]))
    | st.builds(
        lambda field, a, b, slop: spans.SpanNear(queries.Term(field, a), queries.Term(field, b), slop),
        _field,
        _term,
        _term,
        st.integers(1, 4),
    )
    | st.builds(lambda a: spans.SpanFirst(queries.Term("answer", a)), _term)
    | st.builds(queries.Term, st.just("nowhere"), _term)
)


def _branches(part: st.SearchStrategy[queries.Query]) -> st.SearchStrategy[queries.Query]:
    some = st.lists(part, min_size=1, max_size=4)  # Whoosh cannot do without any
    pairs = [
        st.builds(kind, part, part)
        for kind in (queries.AndNot, queries.AndMaybe, queries.Require, queries.Otherwise)
    ]
    return st.one_of(
        st.builds(queries.Or, some, _boost),
        st.builds(queries.And, some, _boost),
        st.builds(queries.DisjunctionMax, some, _boost),
        st.builds(queries.Not, part),
        st.builds(queries.ConstantScoreQuery, part, _boost),
        *pairs,
    )


trees = st.recursive(_words | _words | _filters, _branches, max_leaves=8)
any_trees = st.recursive(_words | _filters | _others, _branches, max_leaves=8)


def for_whoosh(tree: queries.Query) -> queries.Query:
    """The tree without what Whoosh 2.7.4 gets wrong.

    Its ``Require`` leaves out what it should require; its ``AndNot`` lets pages through within other queries.
    """
    match tree:
        case queries.Require():
            return queries.And([for_whoosh(tree.a), for_whoosh(tree.b)])
        case queries.AndNot():
            return queries.And([for_whoosh(tree.a), queries.Not(for_whoosh(tree.b))])
        case queries.Not():
            return queries.Not(for_whoosh(tree.query))
    return tree if tree.is_leaf() else tree.apply(for_whoosh)


def pages(searcher: Searcher, tree: queries.Query) -> set[str]:
    """What plain Whoosh finds."""
    return {hit["url"] for hit in searcher.search(tree, limit=None)}


def pages_by_parts(searcher: Searcher, tree: queries.Query) -> set[str]:
    """What plain Whoosh finds for the leaves, put together: not all kinds can stand in its own trees."""
    match tree:
        case queries.And():
            return set.intersection(*(pages_by_parts(searcher, part) for part in tree))
        case queries.Or() | queries.DisjunctionMax():
            return set.union(*(pages_by_parts(searcher, part) for part in tree))
        case queries.Not():
            return pages(searcher, queries.Every()) - pages_by_parts(searcher, tree.query)
        case queries.AndNot():
            return pages_by_parts(searcher, tree.a) - pages_by_parts(searcher, tree.b)
        case queries.AndMaybe():
            return pages_by_parts(searcher, tree.a)
        case queries.Require():
            return pages_by_parts(searcher, tree.a) & pages_by_parts(searcher, tree.b)
        case queries.Otherwise():
            return pages_by_parts(searcher, tree.a) or pages_by_parts(searcher, tree.b)
        case queries.ConstantScoreQuery():
            return pages_by_parts(searcher, tree.child)
        case _:
            return pages(searcher, tree)


def found(index: Index, query: str | queries.Query) -> dict[str, float]:
    """The score of every hit."""
    results = index.search(query, limit=1_000, collapse=False, correct=False)
    assert len(results) == results.total
    return {hit.url: hit.score for hit in results}


@settings(max_examples=50)
@given(articles=corpora(), asked=st.lists(trees, min_size=4, max_size=12))
def test_trees_match_the_pages_that_whoosh_finds(build_index, articles, asked):
    """Every kind of query that is worked out on arrays, in every other."""
    with build_index(articles) as index, open_dir(index.path).searcher() as searcher:
        for tree in asked:
            assert set(found(index, tree)) == pages(searcher, for_whoosh(tree)), repr(tree)


@settings(max_examples=50)
@given(articles=corpora(), asked=st.lists(any_trees, min_size=4, max_size=12))
def test_trees_of_any_kind(build_index, articles, asked):
    """Kinds that are left to Whoosh's matchers stand in trees beside the others."""
    with build_index(articles) as index, open_dir(index.path).searcher() as searcher:
        for tree in asked:
            assert set(found(index, tree)) == pages_by_parts(searcher, tree), repr(tree)


@settings(max_examples=30)
@given(articles=corpora(), asked=st.lists(any_trees, min_size=2, max_size=6))
def test_explanations_add_up_to_the_scores(build_index, articles, asked):
    """Of every hit of every tree; a page that does not match has 0."""
    with build_index(articles) as index:
        for tree in asked:
            scores = found(index, tree)
            for article in articles[:3] + articles[-9:]:
                explanation = index.explain(tree, article.url)
                assert explanation.score == scores.get(article.url, 0)
                parts = [*explanation.words, *explanation.phrases]
                assert sum(part.score for part in parts) == pytest.approx(explanation.score)


# -- patterns ----------------------------------------------------------------------------------------


def forms_of(article: Article, field: str) -> set[str]:
    """The words of a field as written; of running text also those with a hyphen in one word."""
    value = getattr(article, field)
    texts = (value,) if isinstance(value, str) else value
    forms = {analysis.fold(token) for text in texts for token in analysis.tokenize(text)}
    return forms | {form for _, form in analysis.compounds(value)} if isinstance(value, str) else forms


_stems = st.sampled_from(
    sorted({analysis.fold(token) for word in WORDS for token in analysis.tokenize(word)})
)
_cut = st.integers(1, 9)


@st.composite
def _patterns(draw: st.DrawFn) -> tuple[object, object]:
    """A pattern, given its field, and which words match it."""
    word, cut = draw(_stems), draw(_cut)
    part = word[:cut]
    kind = draw(st.sampled_from(["prefix", "wildcard", "range"]))
    if kind == "prefix":
        return lambda field: queries.Prefix(field, part), lambda form: form.startswith(part)
    if kind == "wildcard":
        pattern = draw(st.sampled_from([f"{part}*", f"*{word[-cut:]}", f"{part}?*", f"?{word[1:]}", "*"]))
        return lambda field: queries.Wildcard(field, pattern), lambda form: fnmatch.fnmatchcase(form, pattern)
    low, high = sorted([part.encode(), draw(_stems).encode()])
    return (
        lambda field: queries.TermRange(field, low.decode(), high.decode()),
        lambda form: low <= form.encode() <= high,
    )


@settings(max_examples=50)
@given(articles=corpora(), patterns=st.lists(_patterns(), min_size=3, max_size=8))
def test_patterns_match_words_as_written(build_index, articles, patterns):
    """In a field, all pages of the words that match, in any of their forms; and each scores 1."""
    with build_index(articles) as index:
        for make, matches in patterns:
            for field in FIELD_NAMES:
                forms = {article.url: forms_of(article, field) for article in articles}
                stems = {
                    analysis.stem(form) for of_page in forms.values() for form in of_page if matches(form)
                }
                expected = {url for url, of_page in forms.items() if stems & set(map(analysis.stem, of_page))}
                scores = found(index, make(field))
                assert set(scores) == expected
                assert set(scores.values()) <= {1.0}
            everywhere = found(index, queries.Or([make(field) for field in FIELD_NAMES]))
            assert set(everywhere) == set().union(*(found(index, make(field)) for field in FIELD_NAMES))
            assert set(everywhere.values()) <= {1.0}


def test_fuzzy_words(build_index):
    """Words as written within so many edits, in any or in one field."""
    index = build_index(
        [
            Article(url="/1", question="Embolism?", answer="A clot."),
            Article(url="/2", question="A?", answer="The embolsim is misspelt."),
            Article(url="/3", question="A?", answer="Embolisms and symbolism."),
            Article(url="/4", question="A?", answer="Symbolism."),
        ]
    )
    assert set(found(index, "embolism~0")) == {"/1", "/3"}  # of one stem
    assert set(found(index, "embolism~1")) == {"/1", "/2", "/3"}
    assert set(found(index, "symbolism~2")) == {"/1", "/3", "/4"}
    assert set(found(index, "question:embolism~2")) == {"/1"}
    assert set(found(index, "symbolism~2/1")) == {"/3", "/4"}


# -- scores ------------------------------------------------------------------------------------------

_asked = st.lists(st.sampled_from(TERMS), min_size=1, max_size=5, unique=True)


@settings(max_examples=50)
@given(articles=corpora(), asked=st.lists(_asked, min_size=2, max_size=5))
def test_words_count_what_they_count_without_syntax(build_index, articles, asked):
    """With plus signs, joined by OR or AND, in brackets that say something, beside what is banned."""
    with build_index(articles) as index:
        for words in asked:
            plain = found(index, " ".join(words))
            for query in (
                " OR ".join(words),
                " AND ".join(words),
                " ".join(f"+{word}" for word in words),
                " ".join([*words[:-1], f"+{words[-1]}"]),
                " ".join([f"+({words[0]})", *words[1:]]),
                f"({' '.join(words)}) ANDNOT zebra",
                f"{' '.join(words)} -zebra",
                f"*:* {' '.join(words)}",
            ):
                scores = found(index, query)
                assert all(score == plain.get(url, 0.0) for url, score in scores.items()), query
            # Without syntax a compound's parts are found for it, too.
            assert set(found(index, " OR ".join(words))) <= set(plain)


@settings(max_examples=30)
@given(articles=corpora(), words=_asked)
def test_a_word_of_one_field_counts_as_if_the_others_weighed_nothing(build_index, articles, words):
    """As boosts of 0 have it."""
    with build_index(articles) as index:
        for word in words:
            for field in FIELD_NAMES:
                others = {name: 0.0 for name in FIELD_NAMES if name != field}
                results = index.search(word, boosts=others, limit=1_000, collapse=False, correct=False)
                expected = {hit.url: hit.score for hit in results}
                assert found(index, f"*:* {field}:{word}") == {
                    article.url: expected.get(article.url, 0.0) for article in articles
                }


@settings(max_examples=30)
@given(articles=corpora(), words=_asked, boost=st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.25, 100.0]))
def test_boosts_multiply(build_index, articles, words, boost):
    """A word by itself counts so many times as much, of one field or of all, as does a group of one."""
    with build_index(articles) as index:
        words = [word for word in words if len(word) > 2]  # x^2 is a formula
        for word in words:
            for text in (word, f"answer:{word}"):
                once = found(index, f"+{text}")
                for query in (f"({text})^{boost}", f"(({text}^2)^{boost})^0.5"):
                    many = found(index, query)
                    assert many == {
                        url: pytest.approx(score * boost, abs=1 / 128) for url, score in once.items()
                    }
        if words:
            each = " ".join(f"{word}^2" for word in words)
            assert found(index, each) == found(index, f"({' '.join(words)})^2")


def test_boosts_are_bounded(build_index):
    """Of trees that are given, too; what is no number or negative counts nothing. No sum overflows."""
    index = build_index([Article(url="/1", question="Cell?", answer="Cell."), *FILLERS])
    one = found(index, "+cell")["/1"]
    for boost, times in ((1e300, 100), (float("inf"), 100), (-1, 0), (float("nan"), 0)):
        assert found(index, queries.Or([queries.Term(name, "cell", boost) for name in FIELD_NAMES])) == {
            "/1": pytest.approx(one * times)
        }
    many = " OR ".join(["cell^100"] * 80)
    assert found(index, many)["/1"] == pytest.approx(16 * 100 * one, rel=0.02)


def test_words_of_one_field_are_soft_beside_others(build_index):
    """As words of all fields are."""
    index = build_index([Article(url="/1", question="What is a cell?", answer="What? A cell."), *FILLERS])
    alone, beside = found(index, "question:what"), found(index, "question:what question:cell")
    cell = found(index, "question:cell")
    assert beside["/1"] - cell["/1"] == pytest.approx(alone["/1"] / 4, abs=1 / 256)


def test_phrases_of_one_field_count_only_where_they_stand(build_index):
    """A page with the words apart gets nothing from them; a phrase of all fields is its words."""
    index = build_index(
        [
            Article(url="/1", question="Cell wall?", answer="A."),
            Article(url="/2", question="Wall of a cell?", answer="A."),
            *FILLERS,
        ]
    )
    assert found(index, '*:* question:"cell wall"')["/2"] == 0
    assert found(index, 'question:"cell wall"')["/1"] > 0
    assert found(index, '"cell wall"') == {"/1": found(index, "cell wall")["/1"]}


def test_what_is_banned_counts_nothing(build_index):
    """Nor what is required as a filter; all that is left without words has the score 0."""
    index = build_index(
        [
            Article(url="/1", question="Cell?", answer="A.", subject="Biology"),
            Article(url="/2", question="Wall?", answer="A.", subject="Biology"),
            Article(url="/3", question="Wall?", answer="A."),
        ]
    )
    assert found(index, "-cell") == found(index, "NOT cell") == {"/2": 0.0, "/3": 0.0}
    assert found(index, "-cell -wall") == {}
    assert found(index, "subject:biology") == {"/1": 0.0, "/2": 0.0}
    assert found(index, "wall subject:biology") == {"/2": found(index, "wall")["/2"]}
    assert found(index, "wall REQUIRE subject:biology") == {"/2": found(index, "wall")["/2"]}
    assert found(index, "cell REQUIRE question:cell") == found(index, "cell")


def test_words_keep_the_order_they_were_typed_in(build_index):
    """So that pairs of them count, whichever of them are required."""
    index = build_index([Article(url="/1", question="A?", answer="Deep vein thrombosis."), *FILLERS])
    plain = found(index, "deep vein thrombosis")
    for query in ("deep vein +thrombosis", "deep +vein thrombosis", "+deep vein OR thrombosis"):
        assert found(index, query) == plain


def test_trees_that_are_given_and_are_not_trees(build_index):
    """A query of Whoosh's, or a text: nothing else."""
    index = build_index(FILLERS)
    with pytest.raises(TypeError, match="str or a query of Whoosh's"):
        index.search(42)
    assert found(index, queries.NullQuery) == {}
    assert found(index, queries.Or([])) == found(index, queries.And([])) == {}
