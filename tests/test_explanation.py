"""Why a page has its score: the parts of every explanation add up to what a search gives, exactly."""

from __future__ import annotations

import json
import math
import random

import pytest
from corpora import SUBJECTS, corpora, queries, zipf_articles
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch import PageMissingError
from qtsearch.articles import Article
from qtsearch.schema import FIELD_NAMES

IMPACT = 256
LARGEST = 65_535
TINY = 1e-6  # of float arithmetic

options = st.fixed_dictionaries(
    {},
    optional={
        "subjects": st.lists(st.sampled_from([*SUBJECTS, "Alchemy"]), max_size=2),
        "boosts": st.dictionaries(st.sampled_from(FIELD_NAMES), st.sampled_from([0, 0.5, 1, 9, 100])),
        "broaden": st.booleans(),
    },
)


def assert_explains(index, query, hit, **asked):
    """The explanation has the hit's score, which is the sum of its parts; each part is what it says."""
    explanation = index.explain(query, hit.url, **asked)
    assert (explanation.query, explanation.url) == (query, hit.url)
    parts = [*explanation.words, *explanation.phrases]
    assert explanation.score == hit.score == sum(part.score for part in parts)
    for word in explanation.words:
        assert_word_adds_up(word)
    return explanation


def assert_word_adds_up(word):
    """A word's impact is its idf times the sum of its parts, its score what it counts of that."""
    shares = sum(field.share for field in word.fields)
    exact = IMPACT * word.idf * (word.saturated + shares + word.keyword)
    impact = IMPACT * word.impact
    assert impact == round(impact)
    assert abs(impact - min(max(exact, 1), LARGEST)) <= 0.5 + TINY
    assert not (word.words and word.stands_for)
    if not word.words and word.times < 1:  # that of a synonym is rounded up
        exact = word.times * word.impact
        assert word.score in (exact, math.ceil(exact * IMPACT) / IMPACT)
    elif not word.soft:
        assert word.score == word.times * word.impact
    else:  # a quarter, rounded up
        assert word.score == word.times * -(-impact // 4) / IMPACT


# -- every part ------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.data())
def test_every_hit_is_explained_exactly(build_index, data):
    """Whatever is asked: parts add up to the score, and a page that does not match scores 0."""
    articles = data.draw(corpora())
    index = build_index(articles)
    query, asked = data.draw(queries), data.draw(options)
    results = index.search(query, limit=1_000, collapse=False, correct=False, **asked)
    assert len(results) == results.total
    for hit in results:
        assert assert_explains(index, query, hit, **asked).score > 0
    if "subjects" not in asked:
        for url in {article.url for article in articles} - {hit.url for hit in results}:
            nothing = index.explain(query, url, **asked)
            assert (nothing.score, nothing.words, nothing.phrases) == (0, (), ())


@pytest.mark.parametrize("asked", [{}, {"broaden": True}, {"boosts": {"answer": 3}, "subjects": "Beta"}])
def test_every_hit_among_many_pages_is_explained_exactly(build_index, asked):
    """The same where frequent words are summed as rows and rare ones as lists."""
    articles = zipf_articles(400, seed=5)
    index = build_index(articles)
    explained = 0
    for article in articles[::20]:
        query = f"{article.question} {' '.join(article.page_keywords)}"
        results = index.search(query, limit=400, collapse=False, correct=False, **asked)
        assert len(results) == results.total
        for hit in list(results)[:5] + list(results)[-5:]:
            assert_explains(index, query, hit, **asked)
            explained += 1
    assert explained > 100


def test_fields_are_those_of_the_article(build_index):
    """Frequencies and lengths are counted in the article's text, averages over the articles."""
    pages = [
        Article(
            url="/1",
            question="What is a clot?",
            answer="Clots of the blood are clotting, clot by clot.",
            page_keywords=("blood clot", "clot"),
        ),
        Article(url="/2", question="What are veins for?", answer="Blood."),
    ]
    index = build_index(pages)
    (word,) = index.explain("clots", "/1").words
    assert (word.words, word.term, word.times, word.soft, word.df) == (("clots",), "clot", 1, False, 1)
    assert [(field.field, field.frequency) for field in word.fields] == [
        ("question", 1),
        ("answer", 4),
        ("page_keywords", 2),
    ]
    # Stop words have no length: "what clot", "clots blood clotting clot clot"; "what veins", "blood".
    assert [(field.length, field.average_length) for field in word.fields] == [(2, 2), (5, 3), (3, 3)]
    assert [field.weight for field in word.fields] == [3, 1, 2]
    assert word.keyword == index.parameters.keyword_share
    assert [field.share > 0 for field in word.fields] == [True, False, True]


def test_boosts_stand_in_the_explanation(sample_index):
    """The weights shown are those of the query, and what a field counts follows them."""
    url = sample_index.search("thrombectomy")[0].url
    (plain,) = sample_index.explain("thrombectomy", url).words
    (raised,) = sample_index.explain("thrombectomy", url, boosts={"question": 6}).words
    assert (plain.fields[0].weight, raised.fields[0].weight) == (3, 6)
    assert raised.fields[0].counted == pytest.approx(2 * plain.fields[0].counted)
    assert raised.fields[0].share == pytest.approx(2 * plain.fields[0].share)
    assert raised.fields[1:] == plain.fields[1:]


def test_phrases_are_told_apart(build_index):
    """A whole keyword and a pair of the answer are parts of their own, each with the words as typed."""
    pages = [
        Article(url="/1", question="Why?", answer="A deep vein.", page_keywords=("deep vein",)),
        Article(url="/2", question="Why?", answer="A vein so deep.", page_keywords=("deep", "vein")),
    ]
    index = build_index(pages)
    phrases = index.explain("deep veins", "/1").phrases
    assert [(phrase.kind, phrase.words) for phrase in phrases] == [
        ("keyword", ("deep", "veins")),
        ("pair", ("deep", "veins")),
    ]
    assert all(phrase.score > 0 for phrase in phrases)
    assert index.explain("deep veins", "/2").phrases == ()


def test_compounds_stand_for_the_words_that_brought_them_in(build_index):
    """A compound in one word stands for the two that were typed, each of the two for the one."""
    pages = [
        Article(url="/hyphen", question="Why?", answer="The T-cell."),
        Article(url="/one", question="Why?", answer="A Tcell."),
        Article(url="/two", question="Why?", answer="T cells."),
    ]
    index = build_index(pages)
    shown = {
        (query, url): {word.term: word.words or word.stands_for for word in index.explain(query, url).words}
        for query in ("T cells", "Tcells", "cells T")
        for url in ("/hyphen", "/one", "/two")
    }
    typed = {"t": ("T",), "cell": ("cells",)}
    assert shown == {
        ("T cells", "/hyphen"): typed,
        ("T cells", "/one"): {"tcell": ("T", "cells")},
        ("T cells", "/two"): typed,
        ("Tcells", "/hyphen"): {"tcell": ("Tcells",)},
        ("Tcells", "/one"): {"tcell": ("Tcells",)},
        ("Tcells", "/two"): {"t": ("Tcells",), "cell": ("Tcells",)},
        ("cells T", "/hyphen"): typed,
        ("cells T", "/one"): {},
        ("cells T", "/two"): typed,
    }
    assert "tcell (for 'T cells'): impact" in str(index.explain("T cells", "/one"))


# -- words -----------------------------------------------------------------------------------------------


def test_missing_words_are_named(sample_index):
    """Words that no page has, and those that this page has not, as typed and each once."""
    url = "/learn/medicine/questions/what-causes-deep-vein-thrombosis"
    explanation = sample_index.explain("zebra Python's thrombosis zebra veins", url)
    assert explanation.missing == ("zebra", "Python's")
    assert sorted(word.words for word in explanation.words) == [("thrombosis",), ("veins",)]
    assert sample_index.explain("thrombosis", url).missing == ()


def test_a_word_typed_in_several_forms_is_one_part(sample_index):
    """Forms of one stem count together: as often as they are typed, at most 16 times."""
    url = "/learn/medicine/questions/what-causes-deep-vein-thrombosis"
    (word,) = sample_index.explain("vein Veins vein's vein", url).words
    assert (word.words, word.times) == (("vein", "Veins", "vein's"), 4)
    (many,) = sample_index.explain("vein " * 40, url).words
    assert (many.words, many.times) == (("vein",), 16)


def test_soft_words_count_softly_beside_others_only(sample_index):
    """A soft word is marked where another one stands beside it, and counts a quarter then."""
    url = "/learn/medicine/questions/what-causes-deep-vein-thrombosis"
    (alone,) = sample_index.explain("what", url).words
    beside = {word.term: word for word in sample_index.explain("what thrombosis", url).words}
    assert (alone.soft, alone.score) == (False, alone.impact)
    assert (beside["what"].soft, beside["thrombosi"].soft) == (True, False)
    assert beside["what"].impact == alone.impact
    assert alone.score / 4 <= beside["what"].score < alone.score / 4 + 1 / IMPACT


def test_a_page_that_does_not_match_scores_0(sample_index):
    """No parts, all words missing; an empty query has nothing to explain."""
    url = "/learn/medicine/questions/what-causes-deep-vein-thrombosis"
    nothing = sample_index.explain("python generators", url)
    assert (nothing.score, nothing.words, nothing.phrases) == (0, (), ())
    assert nothing.missing == ("python", "generators")
    assert sample_index.explain("", url).to_dict() == {
        "query": "",
        "url": url,
        "score": 0,
        "words": (),
        "phrases": (),
        "missing": (),
    }


# -- as text and as JSON ---------------------------------------------------------------------------------


def test_to_dict_is_json(sample_index):
    """JSON and back gives the same names and numbers."""
    hit = sample_index.search("how is a blood clot removed")[0]
    explanation = sample_index.explain("how is a blood clot removed", hit.url)
    read = json.loads(json.dumps(explanation.to_dict()))
    assert list(read) == ["query", "url", "score", "words", "phrases", "missing"]
    assert read["score"] == hit.score == sum(part["score"] for part in read["words"] + read["phrases"])
    assert [tuple(word["words"]) for word in read["words"]] == [word.words for word in explanation.words]
    assert {field["field"] for word in read["words"] for field in word["fields"]} <= set(FIELD_NAMES)


def test_text_names_every_part(sample_index):
    """The text has the page and its score first, every word with its score and fields, every phrase, and
    what is missing."""
    query = "mechanical thrombectomy of a zebra, mechanical thrombectomy"
    hit = sample_index.search(query)[0]
    explanation = sample_index.explain(query, hit.url)
    text = str(explanation)
    assert text.splitlines()[0] == f"{hit.score:.4f}  {hit.url}"
    assert len(explanation.words) >= 3
    assert explanation.phrases
    for word in explanation.words:
        assert f"{word.score:.4f}  {', '.join(word.words)}: impact {word.impact:.4f}" in text
        for field in word.fields:
            assert f"{field.field} {field.frequency} in {field.length} words" in text
    for phrase in explanation.phrases:
        assert f'{phrase.score:.4f}  "{" ".join(phrase.words)}"' in text
    assert text.splitlines()[-1].strip() == "not in the page: zebra"


def test_text_names_words_that_broadening_brought_in(sample_index):
    """They stand there by their stem, and it is said where they come from."""
    hit = sample_index.search("thrombectomy", broaden=True)[0]
    explanation = sample_index.explain("thrombectomy", hit.url, broaden=True)
    joined = [word for word in explanation.words if not word.words]
    assert joined
    for word in joined:
        assert f"{word.term} (joined the query)" in str(explanation)


# -- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "/", "/nowhere", "\ud800"])
def test_an_unknown_url_is_an_error(sample_index, url):
    """PageMissingError, which names the url and the index."""
    with pytest.raises(PageMissingError) as caught:
        sample_index.explain("clot", url)
    assert repr(url) in str(caught.value)
    assert sample_index.path in str(caught.value)


def test_arguments_of_a_wrong_type_are_refused(sample_index):
    """A TypeError for what is no text."""
    with pytest.raises(TypeError, match="query must be a str"):
        sample_index.explain(b"clot", "/learn/physics/questions/what-is-entropy")
    with pytest.raises(TypeError, match="url must be a str, not int"):
        sample_index.explain("clot", 5)


# -- the real articles -----------------------------------------------------------------------------------


def test_real_hits_are_explained_exactly(real_index, real_articles):
    """Ten hits each of 250 keyword phrases and 250 questions, drawn with a fixed seed."""
    rng = random.Random(20)
    phrases = sorted({phrase for article in real_articles for phrase in article.page_keywords})
    asked = rng.sample(phrases, 250) + [article.question for article in rng.sample(real_articles, 250)]
    explained = 0
    for query in asked:
        for hit in real_index.search(query):
            assert_explains(real_index, query, hit)
            explained += 1
    assert explained > 4_500
