"""Whatever is pasted into the search box: nothing in it is an error, and the work it makes is bounded."""

from __future__ import annotations

import random
import sys

import pytest
from agreement import Sums, scored
from hypothesis import example, given
from hypothesis import strategies as st

from qtsearch.articles import Article

MAX_CHARS = 32_768
MAX_WORDS = 2_048
MAX_TERMS = 1_024
MAX_UNKNOWN = 512
MAX_COUNT = 16


def answer(index, query, **options):
    results = index.search(query, collapse=False, correct=False, **options)
    return results.total, [(hit.url, hit.score) for hit in results]


def calls(function, *arguments):
    """How many functions a call calls: work that does not depend on the machine."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count


NOTHING = ["", " ", "\0", "\t\r\n\v\f", "...", "?!;:", "''''", "-", "_" * 50]
NOTHING += ["\N{BRAIN}", "\ud800", "\u200f\u202e", "\x1b[", "\ufffe"]


@pytest.mark.parametrize("query", NOTHING)
def test_text_without_words_finds_nothing(sample_index, query):
    """A query without a word matches nothing, in any subject."""
    assert answer(sample_index, query) == (0, [])
    assert answer(sample_index, query, subjects=["Medicine"]) == (0, [])


@pytest.mark.parametrize(
    "pasted",
    [
        "clot\0",
        "\0clot\0",
        '"clot',
        "(clot",
        "clot) AND",
        "clot*",
        "clot~9",
        "clot^",
        "[clot TO",
        "question:clot",
        "'clot'",
        "\ud800clot\udfff",
        "\N{BRAIN}clot\N{BRAIN}\N{VARIATION SELECTOR-16}",
        "\u202eclot\u202c",
        "مرحبا clot שלום",
        "<b>clot</b>",
        "clot\r\n",
        "\ufeffclot",
        "\N{FULLWIDTH LATIN SMALL LETTER C}lot",
        r"\clot\\",
        "%s clot {0}",
    ],
)
def test_a_word_is_found_within_anything(sample_index, pasted):
    """Signs of any kind around a word separate it and mean nothing."""
    found = {url for url, _ in answer(sample_index, pasted, limit=100, syntax="plain")[1]}
    clots = {url for url, _ in answer(sample_index, "clot", limit=100)[1]}
    assert clots <= found


@given(query=st.text(st.characters(exclude_categories=())))
@example(query="'" * 1000)
@example(query="a'" * 1000)
@example(query="\N{COMBINING ACUTE ACCENT}" * 1000)
@example(query="\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}")
@example(query="\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 100)
@example(query="x" * 100_000)
@example(query="\U0010ffff")
def test_any_text_is_a_query(sample_index, query):
    """No text raises, as a query, as a subject or as a url."""
    total, hits = answer(sample_index, query, limit=1_000)
    assert total == len(hits) <= len(sample_index)
    assert all(score > 0 for _, score in hits)
    assert sample_index.search("clot", subjects=[query]).total <= total + len(sample_index)
    assert sample_index.get(query) is None


# -- bounds --------------------------------------------------------------------------------------------


def test_words_past_the_longest_query_are_ignored(sample_index):
    """A query is cut after 32,768 characters: what stands after them finds nothing and costs nothing."""
    assert answer(sample_index, " " * (MAX_CHARS - 4) + "clot")[0] > 0
    assert answer(sample_index, " " * MAX_CHARS + "clot") == (0, [])


def test_a_megabyte_costs_no_more_than_the_longest_query(sample_index, sample_articles):
    """The work for a pasted megabyte is that for its first 32,768 characters."""
    text = " ".join(article.answer for article in sample_articles)
    text *= -(-(1 << 20) // len(text))
    assert len(text) >= 1 << 20
    assert answer(sample_index, text) == answer(sample_index, text[:MAX_CHARS])
    # Once a second there is a look for a newer generation.
    most = max(calls(sample_index.search, text[:MAX_CHARS]) for _ in range(3))
    assert min(calls(sample_index.search, text) for _ in range(3)) <= most


def test_words_past_the_longest_list_are_ignored(sample_index):
    """A query is cut after 2,048 words, however short, and whether they are the same or not."""
    assert answer(sample_index, "the " * (MAX_WORDS - 1) + "clot") != answer(sample_index, "the " * MAX_WORDS)
    assert answer(sample_index, "the " * MAX_WORDS + "clot") == answer(sample_index, "the " * MAX_WORDS)


@pytest.fixture(scope="module")
def many_words(build_index):
    """Pages of one word each: 1,100 words."""
    return build_index([Article(url=f"/{n}", question=f"w{n}", answer="-") for n in range(1_100)])


def test_words_past_the_largest_query_are_ignored(many_words):
    """The first 1,024 different words that a page has count, in the order of the query, the others do not."""
    words = [f"w{n}" for n in range(1_100)]
    random.Random(5).shuffle(words)
    unknown = [f"z{n}" for n in range(MAX_UNKNOWN - 1)]
    total, hits = answer(many_words, " ".join([*unknown, *words, *words]), limit=2_000)
    assert total == MAX_TERMS
    assert {url for url, _ in hits} == {f"/{word[1:]}" for word in words[:MAX_TERMS]}
    # A word known by then still counts when it comes again.
    (best, _), *_ = answer(many_words, " ".join([*words, words[0]]))[1]
    assert best == f"/{words[0][1:]}"


def test_nothing_is_read_behind_many_unknown_words(many_words):
    """512 words that no page has end a query, whether they are different or not."""
    for unknown in ([f"z{n}" for n in range(MAX_UNKNOWN)], ["zebra"] * MAX_UNKNOWN):
        assert answer(many_words, " ".join(["w1", *unknown, "w2"]))[0] == 1
        assert answer(many_words, " ".join(["w1", *unknown[1:], "w2"]))[0] == 2


def test_keywords_of_ignored_words_are_ignored(build_index):
    """A keyword whose words are past the largest query neither counts nor finds its page."""
    pages = [Article(url=f"/{n}", question=f"w{n}", answer="-") for n in range(1_100)]
    pages.append(Article(url="/keyword", question="-", answer="-", page_keywords=("blood clot",)))
    index = build_index(pages)
    words = [f"w{n}" for n in range(1_100)]
    found = [answer(index, f"{' '.join(words[:n])} blood clot", limit=2_000) for n in (1_000, 1_024)]
    assert [(total, len(hits)) for total, hits in found] == [(1_001, 1_001), (MAX_TERMS, MAX_TERMS)]
    assert found[0][1][0][0] == "/keyword"


def test_pairs_past_the_largest_query_are_ignored(build_index):
    """The first 32 different pairs count, in the order of the query."""
    words = [f"w{n}" for n in range(34)]
    pages = [Article(url=f"/{n}", question="-", answer=" ".join(words[n : n + 2])) for n in range(33)]
    pages += [Article(url=f"/{n}b", question="-", answer=" ".join(words[n : n + 2][::-1])) for n in range(33)]
    index = build_index(pages)
    query = " ".join(words[:2] * 5 + words[2:])  # w1 w0 is a pair of it, too
    found = dict(answer(index, query, limit=100)[1])
    more = {
        url for url, score in dict(answer(index, query + " the", limit=100)[1]).items() if score < found[url]
    }
    assert more == {f"/{n}" for n in range(31)} | {"/0b"}


def test_five_thousand_different_words(many_words):
    """Thousands of words that no page has leave the few that one has."""
    words = [f"q{n}" for n in range(5_000)]
    words[100] = "w7"
    assert [url for url, _ in answer(many_words, " ".join(words))[1]] == ["/7"]


def test_a_word_counts_at_most_sixteen_times(sample_index):
    """A word repeated counts as often as it stands there, up to 16 times, and soft words likewise."""
    for word, others in (("clot", ""), ("what", " clot"), ("clot", " what")):
        once = dict(answer(sample_index, word + others, limit=1_000)[1])
        rest = dict(answer(sample_index, others, limit=1_000)[1]) if others == " clot" else {}
        for times in (2, 15, MAX_COUNT):
            repeated = dict(answer(sample_index, f"{word} " * times + others, limit=1_000)[1])
            assert repeated.keys() == once.keys()
            if not others:
                assert repeated == {url: times * score for url, score in once.items()}
            for url, score in rest.items():
                assert repeated[url] - score == times * (once[url] - score)
        for times in (MAX_COUNT + 1, 1_000, 10_000):
            assert answer(sample_index, f"{word} " * times) == answer(sample_index, f"{word} " * MAX_COUNT)


def test_forms_of_a_word_count_together(sample_index):
    """Sixteen is the limit for all forms of a word together."""
    sixteen = answer(sample_index, "clot " * MAX_COUNT)
    assert answer(sample_index, "clot clots Clotted clotting " * 10) == sixteen


def test_the_limit_does_not_depend_on_earlier_queries(build_index):
    """However many words were searched before, a query scores as in an index just opened."""
    pages = [Article(url="/1", question="Run", answer="-"), Article(url="/2", question="-", answer="-")]
    index = build_index(pages)
    ((_, once),) = answer(index, "run")[1]
    for start in range(0, 24_000, 2_000):  # beyond any memo of words, and mostly within a query
        between = " ".join(f"q{n}" for n in range(start, start + 2_000))
        query = f"{'run ' * MAX_COUNT}{between}{' running' * MAX_COUNT}"
        assert answer(index, query) == (1, [("/1", MAX_COUNT * once)])


def test_sums_beyond_sixteen_bits(build_index):
    """A score that does not fit 16 bits is exact: it is the sum of what its words score alone, and of what
    their pairs add."""
    rare = [f"r{n}" for n in range(26)]
    text = " ".join(rare)
    pages = [Article(url="/rare", question=text, answer=text, page_keywords=(text,))]
    pages += [Article(url=f"/{n}", question=f"Common {n}", answer="Nothing.") for n in range(2_000)]
    index = build_index(pages)
    alone = [answer(index, word)[1][0][1] for word in rare]
    for times, words in ((1, 2), (1, 26), (8, 1), (8, 2), (8, 3), (16, 26)):
        expected = times * sum(alone[:words])
        query = f"{' '.join(rare[:words])} " * times
        # With a soft word at its end it is a sentence, which has no pairs.
        assert answer(index, query + "the") == (1, [("/rare", expected)])
        total, hits = answer(index, f"the common {query}", limit=3)
        assert (total, hits[0]) == (len(pages), ("/rare", expected))
        assert scored(index.search(query)) == Sums(index, pages).search(query)
        assert (answer(index, query)[1][0][1] > expected) == (words > 1)
    assert 8 * sum(alone[:1]) * 256 < 1 << 16 < 8 * sum(alone[:3]) * 256
