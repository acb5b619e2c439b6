"""Weights of the fields for one query: what raising one does, what leaving one out does, what is kept."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from corpora import corpora, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Compound, compounds_of, joined_by, joins, terms_of

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.schema import FIELD_NAMES
from qtsearch.search import planner

DEFAULTS = {"question": 3.0, "answer": 1.0, "page_keywords": 2.0}

fields = st.sampled_from(FIELD_NAMES)
boosts = st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.0, 3.0, 7.5, 40.0, 100.0]) | st.floats(0, 100, width=32)
some_boosts = st.dictionaries(fields, boosts)


def found(index, query, **options):
    """Url and score of every hit, best first."""
    return [
        (hit.url, hit.score)
        for hit in index.search(query, limit=1_000, collapse=False, correct=False, **options)
    ]


def texts_of(article, field: str) -> list[str]:
    return list(article.page_keywords) if field == "page_keywords" else [getattr(article, field)]


def compounds_in(article, field: str) -> list[Compound]:
    texts = texts_of(article, field) if field != "page_keywords" else ()
    return [compound for text in texts for compound in compounds_of(text)]


def words_of(article, field: str) -> set[str]:
    """The terms of a field of an article, compounds in one word among them."""
    words = {term for text in texts_of(article, field) for term in terms_of(text)}
    return words | {compound.whole for compound in compounds_in(article, field)}


def pairs_in(article) -> set[tuple[str, str]]:
    pairs = pairwise(terms_of(article.answer))
    return {(a, b) for a, b in pairs if a != b and not analysis.is_soft(a) and not analysis.is_soft(b)}


def matching(articles, query: str, field: str) -> set[str]:
    """The urls of the articles that by their text have a word of the query in the field, or one that joins it
    as a compound does."""
    words = [set().union(*(words_of(article, name) for name in FIELD_NAMES)) for article in articles]
    pairs = list(map(pairs_in, articles))
    compounds = [each for article in articles for name in FIELD_NAMES for each in compounds_in(article, name)]
    terms = terms_of(query)
    counted = set().union(*words).intersection(terms)
    found = {article.url for article in articles if counted & words_of(article, field)}
    for joining in joined_by(compounds, terms, counted):
        having = {term: [doc for doc, own in enumerate(words) if term in own] for term in joining.typed}
        beside = {pair: [doc for doc, own in enumerate(pairs) if pair in own] for pair in joining.pairs}
        found |= {
            article.url
            for doc, article in enumerate(articles)
            if joining.term in words_of(article, field) and joins(joining, having, beside, doc)
        }
    return found


# -- raising a weight ------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(st.data())
def test_raising_a_boost_never_turns_matching_pages_down(build_index, data):
    """Whatever the other weights: the pages that match in the field score as before or more, the others as
    before exactly, and none of the first falls behind one of the others that was below it."""
    articles = data.draw(corpora())
    index = build_index(articles)
    for _ in range(4):
        query, field, others = data.draw(queries), data.draw(fields), data.draw(some_boosts)
        low, high = sorted((data.draw(boosts), data.draw(boosts)))
        before = found(index, query, boosts={**others, field: low})
        after = found(index, query, boosts={**others, field: high})
        in_field = matching(articles, query, field)
        scores = dict(after)
        for url, score in before:
            assert scores[url] >= score if url in in_field else scores[url] == score
        place = {url: number for number, (url, _) in enumerate(after)}
        urls = [url for url, _ in before]
        for number, url in enumerate(urls):
            if url in in_field:
                assert all(place[url] < place[below] for below in urls[number + 1 :] if below not in in_field)


def test_a_raised_boost_changes_the_order(build_index):
    """A word in the question beats one in the answer, until the answer counts ten times as much."""
    pages = [
        Article(url="/question", question="A clot", answer="Nothing here."),
        Article(url="/answer", question="A lump", answer="A clot is a clot."),
    ]
    index = build_index(pages)
    assert [url for url, _ in found(index, "clot")] == ["/question", "/answer"]
    assert [url for url, _ in found(index, "clot", boosts={"answer": 10})] == ["/answer", "/question"]


def test_a_field_that_begins_to_count_takes_nothing_away(build_index):
    """A compound in one word stands for two where these are in no field, whether that counts or not."""
    pages = [
        Article(url="/both", question="Tcell", answer="T of the cell."),
        Article(url="/hyphen", question="Why?", answer="A T-cell."),
    ]
    index = build_index(pages)
    scores = [
        dict(found(index, "T cell", boosts={"answer": boost})).get("/both", 0) for boost in (0, 0.001, 1)
    ]
    assert scores == sorted(scores)


# -- leaving a field out ---------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.data())
def test_weight_0_leaves_a_field_out(build_index, data):
    """Found are the pages that match in another field, the total is their number, and no explanation has
    anything that the field contributes."""
    articles = data.draw(corpora())
    index = build_index(articles)
    query = data.draw(queries)
    left_out = data.draw(st.sets(fields, min_size=1))
    weights = dict.fromkeys(left_out, 0)
    expected = set().union(*(matching(articles, query, name) for name in FIELD_NAMES if name not in left_out))
    hits = found(index, query, boosts=weights)
    assert {url for url, _ in hits} == expected
    assert index.search(query, boosts=weights, collapse=False, correct=False).total == len(expected)
    for url, score in hits:
        explanation = index.explain(query, url, boosts=weights)
        assert explanation.score == score > 0
        for word in explanation.words:
            assert not [
                part for part in word.fields if part.field in left_out and (part.counted or part.share)
            ]
            assert "page_keywords" not in left_out or word.keyword == 0
        kinds = {phrase.kind for phrase in explanation.phrases}
        assert "page_keywords" not in left_out or "keyword" not in kinds
        assert "answer" not in left_out or "pair" not in kinds


def test_all_fields_left_out_find_nothing(sample_index):
    """With no field there is no page, and that is no error."""
    nothing = sample_index.search("blood clot", boosts=dict.fromkeys(FIELD_NAMES, 0), correct=False)
    assert (nothing.total, list(nothing)) == (0, [])
    assert (
        sample_index.search(
            "blood clot", boosts=dict.fromkeys(FIELD_NAMES, 0), broaden=True, correct=False
        ).total
        == 0
    )


# -- the defaults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [{}, None, DEFAULTS, {"question": 3}, {"answer": 1, "page_keywords": 2.0}])
def test_the_own_weights_are_no_boosts(sample_index, monkeypatch, same):
    """No boosts, and those that are the index's own weights, change no score and compute nothing."""
    monkeypatch.setattr(planner, "compute_impacts", None)
    for query in ("how is a clot removed", "oxidative phosphorylation", "what is it"):
        plain = found(sample_index, query)
        assert plain
        assert found(sample_index, query, boosts=same) == plain


def test_boosts_hold_for_one_query(sample_index):
    """The next query without boosts scores as if there never were any."""
    plain = found(sample_index, "blood clot")
    assert found(sample_index, "blood clot", boosts={"answer": 20}) != plain
    assert found(sample_index, "blood clot") == plain


# -- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["title", "", "Question", "keywords", "page_keywords "])
def test_an_unknown_field_is_refused(sample_index, name):
    """ValueError with the name, and with those there are."""
    with pytest.raises(ValueError, match=f"{name!r}.*question, answer, page_keywords"):
        sample_index.search("clot", boosts={name: 1})


@pytest.mark.parametrize(
    "value",
    [-1, -1e-9, 100.0001, 101, float("nan"), float("inf"), float("-inf"), pytest.param(10**400, id="huge")],
)
@pytest.mark.parametrize("name", FIELD_NAMES)
def test_a_boost_out_of_range_is_refused(sample_index, name, value):
    """ValueError with the field and the range, by search and by explain."""
    url = sample_index.search("clot")[0].url
    with pytest.raises(ValueError, match=f"boost of {name} must be from 0 to 100"):
        sample_index.search("clot", boosts={name: value})
    with pytest.raises(ValueError, match=f"boost of {name} must be from 0 to 100"):
        sample_index.explain("clot", url, boosts={name: value})


@pytest.mark.parametrize("value", [True, False, "3", None, [1.0], 1j])
def test_a_boost_that_is_no_number_is_refused(sample_index, value):
    """TypeError with the field and the type."""
    with pytest.raises(TypeError, match=f"boost of answer must be a number, not {type(value).__name__}"):
        sample_index.search("clot", boosts={"answer": value})


@pytest.mark.parametrize("value", [0, 0.0, 100, 100.0])
def test_both_ends_are_allowed(sample_index, value):
    """0 and 100 themselves are boosts."""
    assert sample_index.search("clot", boosts={"answer": value}).total > 0


# -- what is kept ----------------------------------------------------------------------------------------


@pytest.fixture
def computed(monkeypatch):
    """The weights of every run of ``compute_impacts``, in order, from now on."""
    runs = []
    compute = planner.compute_impacts

    def counted(*arguments):
        runs.append(arguments[-1].weights)
        return compute(*arguments)

    monkeypatch.setattr(planner, "compute_impacts", counted)
    return runs


@pytest.fixture
def fresh(build_index):
    """A small index of which no boosts were asked for yet."""
    return build_index([Article(url=f"/{n}", question=f"Clot {n}?", answer="A clot.") for n in range(3)])


def test_four_sets_of_boosts_are_kept(fresh, computed):
    """Each set is computed once, a fifth takes the place of the one that was longest not asked for."""

    def ask(weight):
        fresh.search("clot", boosts={"answer": weight})

    for weight in (2, 3, 4, 5, 2, 3, 4, 5, 2):
        ask(weight)
    assert len(computed) == 4
    ask(6)  # in place of 3
    for weight in (2, 4, 5, 6):
        ask(weight)
    assert len(computed) == 5
    ask(3)
    assert len(computed) == 6


def test_equal_weights_are_one_set(fresh, computed):
    """What counts is the weights, not how they are written, and explaining takes the same set."""
    fresh.search("clot", boosts={"answer": 2})
    fresh.search("clot", boosts={"answer": 2.0, "question": 3})
    fresh.explain("clot", "/1", boosts={"question": 3.0, "answer": 2})
    assert computed == [(3.0, 2.0, 2.0)]


def test_threads_that_ask_for_the_same_boosts_compute_once(fresh, computed):
    """Eight threads at once: one pass over the postings, and the same hits for all."""
    barrier = threading.Barrier(8)
    answers = []

    def ask():
        barrier.wait()
        answers.append(found(fresh, "clot", boosts={"answer": 9}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    assert answers == [answers[0]] * 8
    assert len(answers[0]) == 3


# -- keywords --------------------------------------------------------------------------------------------


def test_a_boost_of_page_keywords_raises_the_lift_of_a_keyword(build_index):
    """A page lies ahead of its twin by the keyword that stands whole in the query; the more its keywords
    count, the further, and with weight 0 not at all."""
    fillers = [Article(url=f"/filler/{n}", question="Filler?", answer="The filler.") for n in range(20)]
    pages = [
        Article(url="/apart", question="A?", answer="B.", page_keywords=("deep clot", "vein")),
        Article(url="/whole", question="A?", answer="B.", page_keywords=("deep vein", "clot")),
    ]
    index = build_index(pages + fillers)

    def lift(**weights):
        scores = dict(found(index, "deep vein", boosts=weights))
        return scores.get("/whole", 0) - scores.get("/apart", 0)

    lifts = [lift(page_keywords=weight) for weight in (1, 2, 4, 8)]
    assert lifts[0] > 0
    # ``/apart`` has a keyword of one word, which counts less than the whole.
    assert all(high > 1.5 * low for low, high in pairwise(lifts))
    assert lift() == lifts[1]
    assert lift(page_keywords=0) == 0
    (phrase,) = index.explain("deep vein", "/whole").phrases
    assert (phrase.kind, phrase.words) == ("keyword", ("deep", "vein"))
