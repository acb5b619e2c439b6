"""What a search answers: totals, limits, subjects, and every page by its url."""

from __future__ import annotations

import dataclasses
import math

import pytest

from qtsearch.articles import Article


def urls(results):
    return [hit.url for hit in results]


@pytest.fixture(scope="module")
def small(build_index):
    """Six pages of three subjects, one of them spelt in two ways, and one page without any."""
    pages = [
        Article(
            url="/1", question="What is a clot?", answer="A clot of blood.", subject="Health Studies", id=1
        ),
        Article(
            url="/2", question="What is a clot?", answer="A clot of blood.", subject="Health studies", id=2
        ),
        Article(url="/3", question="What is a heap?", answer="A tree.", subject="Computer Science", id=7),
        Article(url="/4", question="What is a heap?", answer="The tree.", subject="Biology", id=7),
        Article(url="/5", question="Clot?", answer="No.", subject="Biology"),
        Article(url="/6", question="Heap?", answer="No clot."),
    ]
    return build_index(pages)


# -- words ---------------------------------------------------------------------------------------------


def test_any_of_the_words_matches(small):
    """A page matches if it has one of the words; the total counts each matching page once."""
    assert small.search("clot").total == 4
    assert small.search("heap").total == 3
    assert small.search("clot heap").total == len(small) == 6


def test_any_form_of_a_word_matches(small):
    """Case, plural, possessive and diacritics make no difference, in forms that no page has, too."""
    expected = [(hit.url, hit.score) for hit in small.search("clot")]
    for text in ("CLOT", "clots", "clot's", "clötting", "“Clot”,", "clot-", "clotted"):
        assert [(hit.url, hit.score) for hit in small.search(text)] == expected


def test_unknown_words_match_nothing(small):
    """A word that no page has finds nothing alone, and changes nothing beside others."""
    nothing = small.search("zebra", correct=False)
    assert (nothing.total, urls(nothing)) == (0, [])
    alone, beside = small.search("clot"), small.search("zebra clot quagga")
    assert [(hit.url, hit.score) for hit in beside] == [(hit.url, hit.score) for hit in alone]


def test_soft_words_find_pages(small):
    """A query of soft words alone counts them in full; beside another word they count a quarter."""
    alone = {hit.url: hit.score for hit in small.search("what")}
    assert sorted(alone) == ["/1", "/2", "/3", "/4"]
    beside = {hit.url: hit.score for hit in small.search("what tree")}
    tree = {hit.url: hit.score for hit in small.search("tree")}
    assert sorted(beside) == sorted(alone)
    for url, score in beside.items():
        assert alone[url] / 4 <= score - tree.get(url, 0) < alone[url] / 4 + 1 / 256


# -- phrases -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phrases(build_index):
    """Pages of the same words, which stand side by side in some answers and make keywords of some pages."""
    pages = [
        Article(
            url="/apart", question="?", answer="Stent, artery, brain.", page_keywords=("clot", "brain of")
        ),
        Article(
            url="/beside", question="?", answer="Artery stent brain.", page_keywords=("brain clot", "of")
        ),
        Article(
            url="/keyword", question="?", answer="Stent of artery. Brain.", page_keywords=("clot of brain",)
        ),
        Article(
            url="/twice",
            question="?",
            answer="Brain, artery: stents.",
            page_keywords=("Clots of brains",) * 2,
        ),
    ]
    return build_index(pages)


def scores(index, query):
    return {hit.url: hit.score for hit in index.search(query, collapse=False)}


def more(index, query, other):
    """How much more each page scores for a query than for another."""
    found = scores(index, other)
    return {url: score - found[url] for url, score in scores(index, query).items() if score != found[url]}


def test_keyword_that_stands_whole_in_the_query_counts_once_more(phrases):
    """In any form, however often it stands there or the page has it; not in parts, nor in other orders."""
    added = more(phrases, "clot of brain what", "of clot brain what")
    assert sorted(added) == ["/keyword", "/twice"]
    assert len(set(added.values())) == 1
    idf = 256 * math.log(1 + 0.5 / 4.5)  # every page has every word
    assert set(added.values()) == {round(0.5 * (idf + idf / 4 + idf)) / 256}
    assert more(phrases, "the Clot's OF brains", "the of clot brain") == added
    assert more(phrases, "what clot of brain clot of brain", "what clot of of brain brain clot") == added
    assert more(phrases, "what clot of zebra brain", "what of clot brain") == {}


@pytest.mark.parametrize(("length", "counts"), [(2, True), (8, True), (9, False)])
def test_longest_keyword(build_index, length, counts):
    """A keyword of up to eight words counts once more where it stands whole in the query; no longer one."""
    words = [f"w{n}" for n in range(length)]
    index = build_index([Article(url="/1", question="?", answer="-", page_keywords=(" ".join(words),))])
    whole, turned = (" ".join(["the", *some]) for some in (words, words[::-1]))
    assert bool(more(index, whole, turned)) == counts


def test_pairs_of_a_phrase_count_and_those_of_a_sentence_do_not(phrases):
    """A phrase of hard words gets more from the answers that have two side by side in this order."""
    assert more(phrases, "artery stent what", "stent artery what") == {}
    assert more(phrases, "what artery stent", "what stent artery") == {}
    added = more(phrases, "stent artery", "stent artery the")
    assert sorted(added) == ["/apart"]
    added = more(phrases, "artery stent", "artery stent the")
    assert sorted(added) == ["/beside", "/twice"]
    # Words that do not count stand between the two as if they were not there.
    assert more(phrases, "artery zebra stent", "artery zebra stent the") == added
    assert more(phrases, "artery of the stent", "artery of the stent the") == added
    # An unknown word at an end is none that is soft.
    assert more(phrases, "zebra artery stent quagga", "artery stent the") == added


def test_pairs_share_what_they_add(phrases):
    """Several pairs add their mean, those that no answer has too; a pair counts once, of a word with itself
    not at all."""
    (added,) = set(more(phrases, "artery stent", "artery stent the").values())
    two = more(phrases, "artery stent clot", "artery stent clot the")
    assert two.keys() == {"/beside", "/twice"}
    for value in two.values():
        assert abs(value - added / 2) <= 2 / 256
    assert more(phrases, "artery artery stent stent", "artery artery stent stent the") == dict.fromkeys(
        two, added
    )


@pytest.mark.parametrize("word", ["describe", "describes", "describing"])
def test_soft_word_that_no_page_has_begins_a_sentence(phrases, word):
    """Any form of a soft word is soft, whether or not a page has it."""
    assert more(phrases, f"{word} artery stent", "artery stent the") == {}
    assert more(phrases, f"artery stent {word}", "artery stent the") == {}


def test_equal_scores_stand_by_subject_and_url(small):
    """Ties go by the slug of the subject, then by the url, and spelling variants are one subject."""
    assert urls(small.search("heap tree"))[:2] == ["/4", "/3"]
    first, second = small.search("blood")
    assert (first.url, second.url, first.score) == ("/1", "/2", second.score)


# -- limit and offset ----------------------------------------------------------------------------------


def test_limit_and_offset(sample_index):
    """A limit of 0 still counts, an offset past the end is empty, a large limit gives all there is."""
    total = sample_index.search("what").total
    assert 10 < total < 10_000
    assert len(sample_index.search("what")) == 10
    assert len(sample_index.search("what", limit=total - 1)) == total - 1
    everything = sample_index.search("what", limit=10_000)
    assert len(everything) == len(set(urls(everything))) == total
    for nothing in (
        sample_index.search("what", limit=0),
        sample_index.search("what", limit=0, offset=5),
        sample_index.search("what", offset=total),
        sample_index.search("what", offset=10**12),
    ):
        assert (nothing.total, list(nothing)) == (total, [])
    assert urls(sample_index.search("what", limit=10**12, offset=3)) == urls(everything)[3:]


def test_every_limit_begins_the_same_list(sample_index):
    """Whatever the limit, the hits are the beginning of one list, and ranks count from 1."""
    everything = urls(sample_index.search("how is a clot removed", limit=10_000))
    for limit in range(len(everything) + 2):
        hits = list(sample_index.search("how is a clot removed", limit=limit))
        assert urls(hits) == everything[:limit]
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


@pytest.mark.parametrize("options", [{"limit": -1}, {"offset": -1}, {"limit": -(10**12), "offset": 1}])
def test_negative_limits_are_refused(sample_index, options):
    """A negative limit or offset is a ValueError that says what is allowed."""
    with pytest.raises(ValueError, match="0 or more"):
        sample_index.search("clot", **options)


@pytest.mark.parametrize("query", [None, 5, b"clot", ["clot"]])
def test_query_must_be_text(sample_index, query):
    """Anything but a str is a TypeError that names its type."""
    with pytest.raises(TypeError, match=type(query).__name__):
        sample_index.search(query)


# -- subjects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject", ["Health Studies", "Health studies", "health-studies", "HEALTH STUDIES", " health  studies "]
)
def test_subject_by_name_or_slug_in_any_case(small, subject):
    """All spellings of a subject mean the same pages, given alone or in a list."""
    assert urls(small.search("clot", subjects=[subject])) == ["/1", "/2"]
    assert urls(small.search("clot", subjects=subject)) == ["/1", "/2"]
    assert small.unknown_subjects([subject]) == []


def test_several_subjects_are_a_union(small):
    """Pages of any of the subjects match, each once, however often and in what order they are named."""
    assert urls(small.search("clot", subjects=["Biology", "Health Studies"])) == ["/5", "/1", "/2"]
    named = iter(["health-studies", "Health Studies", "biology", "Computer Science"])
    twice = small.search("clot", subjects=named)
    assert (twice.total, urls(twice)) == (3, ["/5", "/1", "/2"])
    # The subject between the two is left out.
    both = small.search("clot heap", subjects=["biology", "health studies"])
    assert sorted(urls(both)) == ["/1", "/2", "/4", "/5"]
    assert small.search("clot", subjects=[], correct=False).total == 0


def test_unknown_subject_matches_nothing(small):
    """A subject that no page has finds nothing, beside a known one adds nothing, and can be asked for."""
    nothing = small.search("clot", subjects=["Alchemy"], correct=False)
    assert (nothing.total, list(nothing)) == (0, [])
    assert urls(small.search("clot", subjects=["Alchemy", "Biology"])) == ["/5"]
    assert small.unknown_subjects(["Alchemy", "Biology", "health-studies"]) == ["Alchemy"]


@pytest.mark.parametrize("subject", ["", "???", "\N{BRAIN}"])
def test_subject_without_letters_matches_nothing(small, subject):
    """A subject of no letters is one that no page has, not a name for the pages without a subject."""
    assert small.search("heap", subjects=[subject], correct=False).total == 0
    assert small.unknown_subjects([subject]) == [subject]


def test_subjects_are_counted(small, sample_index, sample_articles):
    """Subjects are listed by their commonest spelling with their pages, in the order of their slugs."""
    assert small.subjects() == {"Biology": 2, "Computer Science": 1, "Health Studies": 2}
    assert list(small.subjects()) == ["Biology", "Computer Science", "Health Studies"]
    assert sum(sample_index.subjects().values()) == len(sample_index)
    assert set(sample_index.subjects()) <= {page.subject for page in sample_articles}


# -- every page ----------------------------------------------------------------------------------------


def assert_all_found(index, articles):
    pages = [article for article in articles if not article.no_index]
    assert len(index) == len(pages) == len({page.url for page in pages})
    for page in pages:
        assert index.get(page.url) == page
    for page in articles:
        if page.no_index:
            assert index.get(page.url) is None


def test_every_page_is_found_by_its_url(sample_index, sample_articles):
    """Each page that is not marked ``no_index`` is in the index, once, as it was written."""
    assert_all_found(sample_index, sample_articles)


def test_every_real_page_is_found_by_its_url(real_index, real_articles):
    """The same for the real articles, of which many share an id with another page."""
    assert_all_found(real_index, real_articles)
    assert len({article.id for article in real_articles}) < len(real_articles) - 1_000


def test_pages_that_share_an_id_are_all_kept(small):
    """An id names an article, not a page: pages with one id are both found."""
    assert {hit.url: hit.id for hit in small.search("tree")} == {"/3": 7, "/4": 7}
    assert small.get("/3") is not None
    assert small.get("/4") is not None


@pytest.mark.parametrize("url", ["", "/", "/11", "/1/", "/1\0", "\ud800", "/1é", "x" * 100_000])
def test_absent_url_gives_none(small, url):
    """A url that no page has is no error."""
    assert small.get(url) is None


def test_hit_shows_what_was_indexed(sample_index, sample_articles):
    """A hit's properties are the article's."""
    by_url = {page.url: page for page in sample_articles}
    hits = list(sample_index.search("clot blood heart", limit=100, collapse=False))
    assert len(hits) > 10
    for hit in hits:
        page = by_url[hit.url]
        shown = (hit.question, hit.answer, hit.id, hit.date, hit.keywords)
        assert shown == (page.question, page.answer, page.id, page.date, page.page_keywords)
        assert hit.subject.lower() == page.subject.lower()


def test_page_without_extras(build_index):
    """A page of nothing but url, question and answer is found, and what it lacks is empty."""
    page = Article(url="/bare", question="Bare?", answer="Yes.")
    index = build_index([page])
    (hit,) = index.search("bare")
    assert (hit.id, hit.date, hit.subject, hit.keywords, hit.answer) == (None, None, "", (), "Yes.")
    assert index.get("/bare") == dataclasses.replace(page)
    assert index.subjects() == {}


def test_pages_without_a_word(build_index):
    """Pages of punctuation alone make an index in which nothing is found but by url."""
    pages = [Article(url="/1", question="?", answer="!"), Article(url="/2", question="…", answer="–")]
    index = build_index(pages)
    assert index.search("anything", correct=False).total == 0
    assert index.get("/2").answer == "–"


def test_page_without_a_word_beside_others(build_index):
    """A page of punctuation alone does no harm to the pages beside it."""
    pages = [Article(url="/1", question="?", answer="!"), Article(url="/2", question="Why?", answer="–")]
    index = build_index(pages)
    assert urls(index.search("why")) == ["/2"]
    assert index.get("/1").answer == "!"
