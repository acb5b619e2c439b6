"""The engine against two oracles: the formula in floats from the articles' text, and sums of what is stored.

:mod:`oracle` is the one; :mod:`agreement` has the other, and says how far rounding may take the engine.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from agreement import Sums, assert_agrees, replace_impacts, scored
from corpora import SUBJECTS, corpora, families, queries, zipf_articles
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Oracle, query_terms

from qtsearch import Index, open_index
from qtsearch.analysis import SOFT_WORDS
from qtsearch.articles import Article
from qtsearch.schema import slugify
from qtsearch.scoring import MAX_IMPACT
from qtsearch.search import compounds, planner, plans, searcher, synonyms
from qtsearch.search.searcher import Searcher

# -- random corpora ------------------------------------------------------------------------------------

_names = st.sampled_from([*SUBJECTS[1:], "biology", "computer-science", "no such"])
subject_lists = st.none() | st.lists(_names)


limits = st.sampled_from([1, 2, 3, 5, 1_000])


@given(articles=corpora(), query=queries, subjects=subject_lists, limit=limits)
@settings(max_examples=150)
def test_engine_ranks_like_the_formula(build_index, articles, query, subjects, limit):
    """On any small corpus totals are the oracle's, and scores and order are its within the quantum."""
    index = build_index(articles)
    assert_agrees(index, Oracle(articles), query, limit=limit, subjects=subjects)


@given(articles=corpora(), query=queries, subjects=subject_lists, limit=limits)
@settings(max_examples=150)
def test_engine_equals_sums_of_what_is_stored(build_index, articles, query, subjects, limit):
    """Hits, scores, ties and total are exactly those of adding up what is stored, one by one."""
    index = build_index(articles)
    expected = Sums(index, articles).search(query, subjects)
    results = index.search(query, subjects=subjects, limit=limit, collapse=False, correct=False)
    assert scored(results) == expected[:limit]
    assert results.total == len(expected)


@given(family=families())
@settings(max_examples=100)
def test_compounds_count_as_the_oracles_say(build_index, family):
    """Where all words are compounds of each other or parts of them, the engine still equals both oracles."""
    articles, query = family
    index = build_index(articles)
    assert_agrees(index, Oracle(articles), query, limit=10)
    results = index.search(query, collapse=False, correct=False)
    assert scored(results) == Sums(index, articles).search(query)


@given(articles=corpora(), query=queries, subjects=st.lists(st.sampled_from(SUBJECTS[1:]), min_size=1))
@settings(max_examples=100)
def test_subject_filter_keeps_scores(build_index, articles, query, subjects):
    """Filtering by subject leaves out pages and changes neither the score nor the order of the others."""
    index = build_index(articles)
    slugs = {slugify(subject) for subject in subjects}
    everywhere = index.search(query, limit=len(articles), collapse=False, correct=False)
    expected = [(hit.url, hit.score) for hit in everywhere if slugify(hit.subject) in slugs]
    results = index.search(query, subjects=subjects, limit=len(articles), collapse=False, correct=False)
    assert [(hit.url, hit.score) for hit in results] == expected
    assert results.total == len(expected)


@given(articles=corpora(), query=queries, size=st.integers(1, 5))
@settings(max_examples=100)
def test_pages_of_results_make_up_the_list(build_index, articles, query, size):
    """Pages of any size never overlap, and one after the other they are the full list, ranks included."""
    index = build_index(articles)
    full = [
        (hit.rank, hit.url, hit.score)
        for hit in index.search(query, limit=len(articles), collapse=False, correct=False)
    ]
    pages = [
        index.search(query, limit=size, offset=start, collapse=False, correct=False)
        for start in range(0, len(articles) + size, size)
    ]
    assert [(hit.rank, hit.url, hit.score) for page in pages for hit in page] == full
    assert {page.total for page in pages} == {len(full)}


# -- a few thousand articles -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousands() -> list[Article]:
    return zipf_articles(5_000, seed=11)


def random_query(articles: list[Article], rng: random.Random) -> str:
    """Words of the articles, as they stand there or not, some with keywords, some asked for many times."""
    answer = rng.choice(articles).answer.split()
    start = rng.randrange(len(answer))
    pieces = rng.choice(
        [
            rng.choices(" ".join(page.answer for page in rng.sample(articles, 2)).split(), k=150),
            answer[start:],
            [keyword for page in rng.sample(articles, 4) for keyword in page.page_keywords] + answer[:2],
            rng.choices(answer, k=2) * 16 + ["the of is what why how in"],
            [*sorted(SOFT_WORDS)[:30:5], *[word for word in answer if word.startswith("w")][:2] * 16],
            [rng.choice(answer), *"the of is what why how in".split()],
        ]
    )
    return " ".join(pieces[: rng.choice([1, 2, 4, 8, 17, 150])])


def assert_equals_sums(index: Index, articles: list[Article], seed: int, searches: int) -> None:
    """The engine gives what the slow sums give, for queries of a few to many words of the articles."""
    sums = Sums(index, articles)
    rng = random.Random(seed)
    for number in range(searches):
        query = random_query(articles, rng)
        subjects = rng.choice([None, None, ["alpha"], ["beta"], ["Alpha", "Gamma"], ["Gamma", "Beta"]])
        expected = sums.search(query, subjects)
        for limit in (1, 10, 100, 128, 129, 5_000) if number % 5 == 0 else (1, 10, 100):
            results = index.search(query, subjects=subjects, limit=limit, collapse=False, correct=False)
            assert scored(results) == expected[:limit]
            assert results.total == len(expected)


@pytest.fixture
def ways(monkeypatch) -> Counter[str]:
    """How often each way to search was taken, without the kernel."""
    taken: Counter[str] = Counter()
    search, among, reaching = Searcher.search, Searcher._among, Searcher._reaching

    def searching(self, plan, ranges, k, allowed=None):
        taken["in subjects" if ranges else "everywhere"] += 1
        taken["many wanted"] += k > 128
        taken["no rare word"] += not plan.n_rare and bool(plan.rows)
        taken["rows"] += bool(plan.rows)
        taken["words many times"] += any(row.times > 1 for row in plan.rows)
        taken["keywords"] += any(not phrase.is_pair for phrase in plan.phrases)
        taken["compounds"] += bool(plan.expansions)
        taken["pairs"] += any(phrase.is_pair for phrase in plan.phrases)
        taken[plan.dtype.__name__] += 1
        return search(self, plan, ranges, k, allowed)

    def looking_in_lists(self, plan, *rest):
        found = among(self, plan, *rest)
        taken["best in the lists"] += found is not None
        taken["best in the lists, rows looked up"] += found is not None and bool(plan.rows)
        return found

    def looking_in_scores(self, scores, k, slack):
        found = reaching(self, scores, k, slack)
        taken["small rows looked up"] += bool(slack) and found is not None
        taken["all rows added up"] += found is None
        return found

    monkeypatch.setattr(searcher, "kernel", None)
    monkeypatch.setattr(Searcher, "search", searching)
    monkeypatch.setattr(Searcher, "_among", looking_in_lists)
    monkeypatch.setattr(Searcher, "_reaching", looking_in_scores)
    return taken


def test_thousands_of_articles_equal_sums_of_what_is_stored(build_index, thousands, ways):
    """Among thousands of pages, too, queries of any kind give at any limit what the slow sums give: whichever
    way they are searched, and every way is taken."""
    assert_equals_sums(build_index(thousands), thousands, seed=12, searches=200)
    assert len(ways) == 15, ways
    assert all(ways.values()), ways


@pytest.mark.parametrize(
    ("module", "name", "bound"),
    [
        (plans, "_ROWS_BYTES", 0),
        (plans, "_ROWS_BYTES", 30_000),
        (planner, "_WORDS_KEPT", 3),
        (planner, "_KEYWORDS_KEPT", 2),
        (compounds, "_KEPT", 2),
        (synonyms, "_PLAIN_KEPT", 2),
    ],
)
def test_nothing_rests_on_what_is_kept(build_index, thousands, monkeypatch, module, name, bound):
    """With room for but one row or two, or for a few words or keywords, everything adds up as well."""
    monkeypatch.setattr(module, name, bound)
    assert_equals_sums(build_index(thousands), thousands, seed=14, searches=60)


def test_rows_outlive_the_words_kept(build_index, thousands, monkeypatch):
    """A frequent word is laid out once, however often the words that are kept are replaced."""
    monkeypatch.setattr(planner, "_WORDS_KEPT", 1)
    index = build_index(thousands)
    rows = index._current.get().searcher.planner._rows
    query = f"the of what {thousands[0].answer[:100]}"
    first = scored(index.search(query, limit=20))
    filled = rows.added.any(axis=1)
    assert filled.sum() >= 3
    for _ in range(3):
        assert scored(index.search(query, limit=20)) == first
        assert (rows.added.any(axis=1) == filled).all()


@pytest.mark.parametrize("largest", [1, 5, 40, 3_000, MAX_IMPACT])
def test_any_impacts_are_added_up(build_index, thousands, largest):
    """Nothing rests on how impacts are spread: random ones, with ties and narrow bounds, add up as well."""
    articles = thousands[:1_200]
    index = build_index(articles)
    replace_impacts(index, largest)
    with open_index(index.path) as replaced:
        assert_equals_sums(replaced, articles, seed=largest, searches=100)


def assert_queries_agree(index: Index, articles: list[Article], seed: int, searches: int) -> None:
    """The engine ranks like the formula within the quantum; most queries have keywords or pairs."""
    oracle = Oracle(articles)
    rng = random.Random(seed)
    phrases = 0
    for number in range(searches):
        query = random_query(articles, rng)
        ranking = oracle.search(query)
        phrases += bool(ranking.keywords or any(ranking.pairs))
        assert_agrees(index, oracle, query, limit=100)
        assert_agrees(index, oracle, query, limit=10, subjects=["Beta"] if number % 2 else ["alpha", "Gamma"])
    assert phrases > searches / 3


def test_thousands_of_articles_rank_like_the_formula(build_index, thousands):
    """And in floats, from their text, within the quantum."""
    assert_queries_agree(build_index(thousands), thousands, seed=13, searches=80)


# -- real articles and queries ---------------------------------------------------------------------------

QUESTIONS = KEYWORD_PHRASES = 130


@pytest.fixture(scope="module")
def real_pages(real_articles: list[Article]) -> list[Article]:
    return [article for article in real_articles if not article.no_index]


@pytest.fixture(scope="module")
def real_queries(real_pages: list[Article]) -> list[str]:
    """Half questions, half keyword phrases, in turn."""
    rng = random.Random(20250131)
    questions = [page.question for page in rng.sample(real_pages, QUESTIONS)]
    phrases = [rng.choice(page.page_keywords) for page in rng.sample(real_pages, KEYWORD_PHRASES)]
    return [query for pair in zip(questions, phrases, strict=True) for query in pair]


@pytest.fixture(scope="module")
def plain_index(real_index):
    """The real articles, where no abbreviation lets words join that the oracles do not know of."""
    with open_index(real_index.path, abbreviations=False) as index:
        yield index


def test_real_queries_rank_like_the_formula(plain_index, real_pages, real_queries):
    """For 260 real questions and keyword phrases the hundred best are the oracle's, within the quantum."""
    only = frozenset(term for query in real_queries for term in query_terms(query))
    oracle = Oracle(real_pages, only)
    subjects = list(plain_index.subjects())
    for number, query in enumerate(real_queries):
        assert_agrees(plain_index, oracle, query, limit=100)
        if number % 10 == 0:
            assert_agrees(plain_index, oracle, query, limit=100, subjects=subjects[number % 7 :: 7])


def test_real_queries_equal_sums_of_what_is_stored(plain_index, real_pages, real_queries):
    """For real queries, too, any number of hits is what adding up what is stored, one by one, gives."""
    sums = Sums(plain_index, real_pages)
    subjects = list(plain_index.subjects())
    for number, query in enumerate(real_queries[::4] + real_queries[1::4]):
        filters = subjects[number % 5 :: 5] if number % 4 == 0 else None
        expected = sums.search(query, filters)
        for limit in (1, 10, 127, 128, 129, 1_000, len(plain_index)) if number % 10 == 0 else (10, 100, 500):
            results = plain_index.search(query, subjects=filters, limit=limit, collapse=False, correct=False)
            assert scored(results) == expected[:limit]
            assert results.total == len(expected)


def test_real_pages_of_results_make_up_the_list(real_index, real_queries):
    """On the real index, too, pages of results follow on each other without gap or overlap."""
    for query in real_queries[:40]:
        full = scored(real_index.search(query, limit=600, collapse=False, correct=False))
        pages = [
            real_index.search(query, limit=50, offset=start, collapse=False, correct=False)
            for start in range(0, 600, 50)
        ]
        assert [pair for page in pages for pair in scored(page)] == full
        for above, below in pairwise(full):
            assert above[1] >= below[1]
