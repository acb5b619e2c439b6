"""Keywords that stand whole in a query lift their pages, and pairs of words that answers have do."""

from __future__ import annotations

import pytest

import qtsearch
from qtsearch.articles import Article

FILLERS = [
    Article(url=f"/filler/{n}", question="Filler?", answer="Filler filler.", page_keywords=("filler",))
    for n in range(40)
]
NUMBERS = "one two three four five six seven eight nine".split()


@pytest.fixture(scope="module")
def of_keywords(build_index):
    """``of_keywords(*keywords)``: an index of a page with these keywords, and others."""

    def build(*keywords: str) -> qtsearch.Index:
        return build_index(
            [Article(url="/page", question="A?", answer="B.", page_keywords=keywords), *FILLERS]
        )

    return build


@pytest.fixture(scope="module")
def of_answers(build_index):
    """``of_answers(*answers)``: an index of a page for each, ``/0`` and so on, and others."""

    def build(*answers: str, question: str = "A?", keywords: tuple[str, ...] = ()) -> qtsearch.Index:
        pages = [
            Article(url=f"/{n}", question=question, answer=answer, page_keywords=keywords)
            for n, answer in enumerate(answers)
        ]
        return build_index(pages + FILLERS)

    return build


def phrases(index, query, url, kind):
    return [phrase for phrase in index.explain(query, url).phrases if phrase.kind == kind]


def lifted(index, query, url="/page"):
    """The words of the keywords that lift a page, in order of the query; checked against the scores."""
    explanation = index.explain(query, url)
    hits = {hit.url: hit.score for hit in index.search(query, limit=100, collapse=False)}
    assert explanation.score == hits.get(url, 0)
    found = phrases(index, query, url, "keyword")
    for phrase in found:
        # Half the idf of its words, in whole 1/256.
        assert abs(phrase.score - 0.5 * phrase.idf) <= 1 / 512 + 1e-9
        assert phrase.score > 0
    return [" ".join(phrase.words) for phrase in found]


def paired(index, query, url="/0"):
    """What each pair of the query adds to a page."""
    return {" ".join(phrase.words): phrase.score for phrase in phrases(index, query, url, "pair")}


# -- keywords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 3, 7, 8])
def test_a_keyword_lifts_its_page_where_the_query_has_it_whole(of_keywords, length):
    """Alone, within other words, twice; not in another order, interrupted by any word, or in part."""
    words = NUMBERS[:length]
    keyword = " ".join(words)
    index = of_keywords(keyword)
    for query in (
        keyword,
        f"what is {keyword}?",
        f"filler {keyword} filler",
        f"{keyword} {keyword}",
        keyword.title(),
        "-".join(words),
    ):
        assert [found.lower() for found in lifted(index, query)] == [keyword]
    for query in (
        " ".join(reversed(words)),
        f"{words[0]} filler {' '.join(words[1:])}",
        f"{words[0]} of {' '.join(words[1:])}",
        f"{words[0]} zebra {' '.join(words[1:])}",
        " ".join([*words[:-1], "zebra", words[-1]]),
        " ".join(words[:-1]),
        " ".join(words[1:]),
    ):
        assert lifted(index, query) == []


def test_a_keyword_of_one_word_is_part_of_the_words_impact(of_keywords):
    """It needs no phrase: the word itself counts more than on a page that has it in a longer keyword."""
    index = of_keywords("one", "two three")
    one, two = index.explain("one two", "/page").words
    assert (one.keyword, two.keyword) == (0.5, 0)
    assert one.score > two.score
    assert index.explain("one two", "/page").phrases == ()


def test_a_keyword_of_nine_words_is_found_by_its_words(of_keywords):
    """It lifts nothing, nor do its parts; the keywords beside it do."""
    index = of_keywords(" ".join(NUMBERS), "two three")
    assert lifted(index, " ".join(NUMBERS)) == ["two three"]
    assert index.search("nine")[0].url == "/page"


def test_keywords_that_begin_alike(of_keywords):
    """Each that stands whole lifts, the shorter and the longer; what only begins like one does not."""
    index = of_keywords("one two", "one two three four", "two three", "four")
    assert lifted(index, "one two") == ["one two"]
    assert lifted(index, "one two three") == ["one two", "two three"]
    assert lifted(index, "one two three four") == ["one two", "one two three four", "two three"]
    assert lifted(index, "three four") == []


def test_keywords_of_different_pages_do_not_mix(build_index):
    """A page is lifted by its own keywords; two keywords side by side are none."""
    index = build_index(
        [
            Article(url="/1", question="A?", answer="B.", page_keywords=("one two", "three")),
            Article(url="/2", question="A?", answer="B.", page_keywords=("one", "two three")),
            Article(url="/3", question="One two?", answer="One two three."),
            *FILLERS,
        ]
    )
    assert lifted(index, "one two", "/1") == ["one two"]
    assert lifted(index, "two three", "/1") == []
    assert lifted(index, "one two", "/2") == []
    assert lifted(index, "two three", "/2") == ["two three"]
    assert lifted(index, "one two three", "/3") == []
    # The question and the first keyword are no phrase, either.
    assert lifted(index, "b one two", "/1") == ["one two"]


def test_a_keyword_that_a_page_has_twice_counts_once(of_keywords):
    """As does one that the query has twice."""
    once, twice = of_keywords("one two"), of_keywords("one two", "one two")
    (expected,) = phrases(once, "one two", "/page", "keyword")
    for index, query in ((twice, "one two"), (once, "one two and one two"), (twice, "one two one two")):
        (phrase,) = phrases(index, query, "/page", "keyword")
        assert phrase.score == expected.score


def test_keywords_that_are_equal_after_stemming(of_keywords):
    """They are one keyword, in any form; a word that repeats within a keyword is kept apart from itself."""
    index = of_keywords("Blood Clots", "blood clot", "clot clot")
    assert lifted(index, "the blood clotting") == ["blood clotting"]
    assert lifted(index, "clots") == []
    assert lifted(index, "clot clots") == ["clot clot"]


def test_keywords_with_soft_words(of_keywords):
    """They lift as others do, but a soft word counts a quarter of its idf."""
    index = of_keywords("how to", "theory of mind")
    (soft,) = phrases(index, "how to", "/page", "keyword")
    (mixed,) = phrases(index, "a theory of mind", "/page", "keyword")
    assert lifted(index, "how to") == ["how to"]
    assert lifted(index, "theory mind") == []
    idf = {word.term: word.idf for word in index.explain("how to theory of mind", "/page").words}
    assert soft.idf == pytest.approx((idf["how"] + idf["to"]) / 4)
    assert mixed.idf == pytest.approx(idf["theori"] + idf["of"] / 4 + idf["mind"])


def test_every_page_with_the_keyword_is_lifted_alike(build_index):
    """However many they are, the keyword adds the same to each."""
    pages = [Article(url=f"/{n}", question="A?", answer="B.", page_keywords=("one two",)) for n in range(9)]
    index = build_index(pages + FILLERS)
    scores = {phrases(index, "one two", page.url, "keyword")[0].score for page in pages}
    assert len(scores) == 1


# -- pairs -----------------------------------------------------------------------------------------------


def test_a_pair_side_by_side_in_the_answer(of_answers):
    """It counts in this order and with nothing between, and the more often, the more, but ever less so."""
    index = of_answers(
        "deep vein",
        "vein deep",
        "deep blue vein",
        "deep in vein",
        "deep vein, a deep vein",
        "deep vein, a deep vein, a deep vein",
    )
    scores = [paired(index, "deep vein", f"/{n}").get("deep vein", 0) for n in range(6)]
    assert scores[0] > 0
    assert scores[1:4] == [0, 0, 0]
    assert 2 * scores[0] > scores[4] > scores[0]
    assert scores[5] > scores[4]
    assert scores[5] - scores[4] < scores[4] - scores[0]


def test_any_form_makes_a_pair(of_answers):
    """Words are compared by their stems."""
    index = of_answers("deep veins", "the deep vein's")
    for url in ("/0", "/1"):
        assert list(paired(index, "Deep VEIN", url)) == ["Deep VEIN"]
        assert list(paired(index, "deep veined", url)) == ["deep veined"]


def test_sentences_of_an_answer_are_one_text(of_answers):
    """A full stop or a line's end does not part a pair."""
    index = of_answers("It is deep. Vein it is.", "It is deep\n\nVein it is.")
    assert list(paired(index, "deep vein", "/0")) == ["deep vein"]
    assert list(paired(index, "deep vein", "/1")) == ["deep vein"]


def test_other_fields_have_no_pairs(of_answers):
    """Neither the question nor the keywords, nor what ends one field and begins the next."""
    index = of_answers("Vein of a deep", question="Deep vein? So deep", keywords=("vein", "deep vein"))
    assert paired(index, "deep vein") == {}


def test_no_pair_spans_two_pages(build_index):
    """The last word of an answer and the first of the next are strangers."""
    pages = [
        Article(url="/a", question="deep", answer="so deep"),
        Article(url="/b", question="vein", answer="vein so"),
    ]
    index = build_index(pages + FILLERS)
    for url in ("/a", "/b"):
        assert paired(index, "deep vein", url) == {}
        assert paired(index, "deep filler", url) == {}


def test_a_sentence_has_no_pairs(of_answers):
    """A query that begins or ends with a soft word is a sentence; one with soft words inside is a phrase."""
    index = of_answers("deep vein")
    for query in ("what deep vein", "deep vein of", "the deep vein", "what is a deep vein"):
        assert paired(index, query) == {}
    for query in ("deep vein", "zebra deep vein", "deep of the vein", "deep zebra vein"):
        assert list(paired(index, query)) == ["deep vein"]


def test_a_pair_counts_once_and_pairs_share(of_answers):
    """Repeated in the query it counts the same; what pairs add is their mean, so others make it less."""
    index = of_answers("deep vein", "deep vein clot")
    alone = paired(index, "deep vein")["deep vein"]
    assert paired(index, "deep vein filler")["deep vein"] == pytest.approx(alone / 2, abs=1 / 128)
    assert paired(index, "deep vein deep vein")["deep vein"] == pytest.approx(alone / 2, abs=1 / 128)
    both = paired(index, "deep vein clot", "/1")
    assert list(both) == ["deep vein", "vein clot"]


def test_a_word_makes_no_pair_with_itself(of_answers):
    """Nor with another form of it."""
    index = of_answers("vein veins vein")
    assert paired(index, "vein veins") == {}
    assert paired(index, "vein vein") == {}


def test_many_pages_with_many_pairs(build_index):
    """Each page's pairs are counted apart from the others', also where all pages have them."""
    pages = [
        Article(url=f"/{n}", question="A?", answer=" of ".join(["deep vein"] * (n + 1) + ["wall"] * (9 - n)))
        for n in range(9)
    ]
    index = build_index(pages + FILLERS)
    scores = [paired(index, "deep vein", page.url)["deep vein"] for page in pages]
    assert scores == sorted(set(scores))
    hits = {hit.url: hit.score for hit in index.search("deep vein", limit=50)}
    assert hits == {page.url: index.explain("deep vein", page.url).score for page in pages}
