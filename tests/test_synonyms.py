"""Synonyms: abbreviations that articles define, and groups of a user's, join a query with less weight."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from agreement import all_arrays, open_index_segment
from corpora import queries
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.expansions import MAX_EXPANSIONS, definitions, expansion_arrays
from qtsearch.codec.segment import Segment
from qtsearch.codec.writer import SegmentWriter
from qtsearch.errors import SynonymsError
from qtsearch.search.explanation import explain
from qtsearch.search.facets import Facets
from qtsearch.search.feedback import broadened
from qtsearch.search.searcher import Searcher
from qtsearch.search.selection import Selection
from qtsearch.search.synonyms import SHARE, Expander, Synonyms


def article(number, answer, question="What?", **more):
    return Article(url=f"/{number}", question=question, answer=answer, **more)


PAGES = [
    article(1, "Acute limb ischemia (ALI) is urgent. ALI hurts."),
    article(2, "An acute limb ischemia (**ALI**), once more."),
    article(3, "Ischemia of a limb that is acute: no other name."),
    # AIDS is defined, but aids are mostly something else; so is WHO.
    article(4, "The World Hearing Office (WHO) knows who has hearing aids."),
    article(5, "An acquired infectious disease syndrome (AIDS) is rare; it aids nobody."),
    article(6, "Hearing aids help those who hear badly. Whoever aids them, aids well."),
    # Three expansions of one short form.
    article(7, "Mitral stenosis (MS) is narrow."),
    article(8, "A mitral stenosis (MS) again."),
    article(9, "A mass spectrometer (MS) weighs."),
    article(10, "Stores sell hydroxytryptamine, or 5-hydroxytryptamine (5-HT)."),
    article(11, "A heart attack is a myocardial infarction. An infarct kills muscle."),
    article(12, "Research and development (R&D) costs."),
]


@pytest.fixture(scope="module")
def searcher(build_index):
    return Searcher(open_index_segment(build_index(PAGES).path))


def joined(searcher, query, *groups, **options):
    """How much the words count that join a query, by term."""
    plan = searcher.plan(query)
    expander = Expander(searcher.planner, Synonyms(groups), **options)
    expanded = expander.expand(searcher.planner, plan)
    terms = searcher.segment.terms
    assert expanded.counts == plan.counts
    return {terms[one.word.term].decode(): one.times for one in expanded.expansions}


# -- abbreviations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["ALI", "ali", "Ali", "treating ALI today", "ALIs", "WHAT ABOUT ALI"])
def test_a_short_form_brings_its_long_form(searcher, query):
    """Typed in any case, for it is no other word here; together the words count half as much as one typed."""
    found = joined(searcher, query)
    assert found.keys() == {"acut", "limb", "ischemia"}
    assert sum(found.values()) == pytest.approx(SHARE, abs=3 / 32)


def test_a_page_with_the_long_form_alone_is_found(searcher):
    """After those that have the word typed."""
    plan = searcher.plan("ALI")
    assert searcher.search(plan, None, 10)[0] != []
    urls = [
        [searcher.segment.url_and_question(doc)[0] for doc in searcher.search(some, None, 10)[0]]
        for some in (plan, Expander(searcher.planner).expand(searcher.planner, plan))
    ]
    assert set(urls[0]) == {"/1", "/2"}
    assert set(urls[1]) == {"/1", "/2", "/3"}
    assert urls[1][2] == "/3"


@pytest.mark.parametrize("query", ["aids", "hearing aids", "who", "Who helps", "WHO KNOWS ABOUT AIDS", "it"])
def test_a_short_form_that_is_a_word_must_be_typed_in_capitals(searcher, query):
    """In lower case it is the word; and so it is where all of the query is in capitals."""
    assert joined(searcher, query) == {}


def test_in_capitals_it_is_an_abbreviation(searcher):
    """Soft words, too."""
    assert joined(searcher, "AIDS care").keys() == {"acquir", "infecti", "diseas", "syndrom"}
    assert joined(searcher, "WHO").keys() == {"world", "hear", "offic"}
    assert joined(searcher, "rules of the WHO").keys() == {"world", "hear", "offic"}


def test_forms_not_stems_are_abbreviations(build_index):
    """A word that only has the stem of a short form is another word."""
    pages = [article(1, "Standard test strips (STS) are here."), article(2, "Easy Danish Syntax (EDS) eds.")]
    searcher = Searcher(open_index_segment(build_index(pages).path))
    assert joined(searcher, "ST") == joined(searcher, "ED") == {}
    assert joined(searcher, "STS").keys() == {"standard", "test", "strip"}


def test_an_ambiguous_short_form_brings_each_by_its_share(searcher):
    """Two of three articles that define MS mean one thing: its words count twice as much."""
    found = joined(searcher, "MS")
    assert found.keys() == {"mitral", "stenosi", "mass", "spectromet"}
    assert found["mitral"] == found["stenosi"] > found["mass"] == found["spectromet"] > 0


def test_short_forms_of_several_words(searcher):
    """As many as hyphens and signs make of them, in capitals where they are single letters."""
    assert joined(searcher, "5-HT") == {"hydroxytryptamin": SHARE / 2}
    assert joined(searcher, "cost of R&D").keys() == {"research", "develop"}
    assert joined(searcher, "r d") == joined(searcher, "R or D") == joined(searcher, "HT") == {}


def test_a_long_form_brings_nothing(searcher):
    """Pages that have the short form have the long one, where they define it."""
    assert joined(searcher, "acute limb ischemia") == {}


def test_words_typed_do_not_join(searcher):
    """Words of the long form that stand in the query still count among those that share the weight."""
    found = joined(searcher, "ALI of a limb")
    assert found.keys() == {"acut", "ischemia"}
    assert found == {term: joined(searcher, "ALI")[term] for term in found}


def test_abbreviations_can_be_left_out(searcher):
    """Then the plan is the same object."""
    assert joined(searcher, "ALI", learned=False) == {}
    plan = searcher.plan("nothing to expand")
    assert Expander(searcher.planner).expand(searcher.planner, plan) is plan
    empty = searcher.plan("")
    assert Expander(searcher.planner).expand(searcher.planner, empty) is empty


# -- learning --------------------------------------------------------------------------------------------


def test_expansions_by_hand():
    """Counted by article, the best first, and none of a small share; words that the index lacks drop one."""
    terms = np.array(sorted([b"acut", b"limb", b"ischemia", b"left", b"inlet"]))
    several = [b"ali\tacut limb ischemia"] * 8 + [b"ali\tacut left inlet"] * 2 + [b"ali\tleft limb inlet"]
    arrays = expansion_arrays([*several, b"", b"xy\tx yard\nzz\tleft"], terms)
    assert arrays["abbreviations"].tolist() == [b"ali", b"zz"]
    assert arrays["expansion_starts"].tolist() == [0, 2, 3]
    np.testing.assert_allclose(arrays["expansion_shares"], [8 / 11, 2 / 11, 1])
    words = [
        terms[arrays["expansion_terms"][a:b]].tolist()
        for a, b in pairwise(arrays["expansion_offsets"].tolist())
    ]
    assert words == [[b"acut", b"limb", b"ischemia"], [b"acut", b"left", b"inlet"], [b"left"]]


def test_an_article_counts_once():
    """However often it defines the same, in question and answer, in any form of the words."""
    texts = ("What is a blood clot (BC)?", "Blood clots (BCs) are bad. BC (blood clot). A bad cough (BC).")
    assert definitions(texts) == b"bc\tbad cough\nbc\tblood clot"


def test_few_expansions_are_kept():
    """Of many that are as frequent, the first ones by their words."""
    terms = np.array([b"a%d" % number for number in range(9)])
    lines = [b"ab\ta%d" % number for number in range(6)]
    arrays = expansion_arrays(lines, terms)
    assert arrays["expansion_terms"].tolist() == [0, 1, 2] == list(range(MAX_EXPANSIONS))


LONG_FORMS = [
    "acute limb ischemia (ALI)",
    "all learned ideas (ALI)",
    "ALI (artery lining in)",
    "an aid (AID)",
]
DEFINING = st.lists(st.sampled_from([*LONG_FORMS, "AID aids", "aid", "Ali", "ALI"]), min_size=1, max_size=5)


@settings(max_examples=60)
@given(st.lists(DEFINING.map(", ".join), min_size=1, max_size=8), st.data())
def test_chunks_and_left_out_make_no_difference(tmp_path_factory, answers, data):
    """The same articles in any chunks, with others that are left out, give the same abbreviations."""
    pages = [article(number, answer) for number, answer in enumerate(answers)]
    order = data.draw(st.permutations(range(len(pages))))
    left_out = data.draw(st.sets(st.sampled_from(order), max_size=len(order) - 1))
    cut = data.draw(st.integers(0, len(pages)))
    parts = [part for part in (order[:cut], order[cut:]) if part]
    kept = [page for number, page in enumerate(pages) if number not in left_out]
    folder = tmp_path_factory.mktemp("segments")
    for name, chunks, without in (
        ("a", [[pages[number] for number in part] for part in parts], left_out),
        ("b", [kept], set()),
    ):
        written = frozenset(place for place, number in enumerate(order) if number in without)
        SegmentWriter([chunk_of(chunk) for chunk in chunks], b"").write(str(folder), name, written)
    found, expected = (all_arrays(Segment(str(folder), name)) for name in "ab")
    for name in expected:
        if name.startswith(("abbreviations", "expansion", "form")):
            np.testing.assert_array_equal(found[name], expected[name], name)
    for form, capitals in zip(found["forms"].tolist(), found["form_capitals"].tolist(), strict=True):
        text = " ".join(page.answer + " " + page.question for page in kept)
        tokens = [token for token in analysis.tokenize(text) if analysis.fold(token) == form.decode()]
        assert capitals == sum(token.isupper() and len(token) > 1 for token in tokens)


def chunk_of(pages):
    builder = ChunkBuilder(b"")
    for page in pages:
        builder.add(page)
    return builder.arrays()


# -- groups of a user's ----------------------------------------------------------------------------------

HEART = ("heart attack", "myocardial infarction", "MI")


def test_a_group_works_both_ways(searcher):
    """Each member brings the others; their words share the weight, whatever form they are typed in."""
    assert joined(searcher, "heart attacks", HEART) == {"myocardi": SHARE / 2, "infarct": SHARE / 2}
    assert joined(searcher, "a myocardial infarction", HEART) == {"heart": SHARE / 2, "attack": SHARE / 2}
    assert joined(searcher, "MI", HEART).keys() == {"heart", "attack", "myocardi", "infarct"}
    assert joined(searcher, "mi", HEART).keys() == {"heart", "attack", "myocardi", "infarct"}
    assert joined(searcher, "attack of the heart", HEART) == joined(searcher, "heart", HEART) == {}


def test_a_member_that_no_article_has(searcher):
    """It is known when typed; and brings nothing when it is not."""
    group = ("coronary zebra", "heart attack")
    assert joined(searcher, "coronary zebras", group).keys() == {"heart", "attack"}
    assert joined(searcher, "heart attack", group) == {}


def test_both_sources_join(searcher):
    """A short form may be learnt and given; what both bring counts more, but no more than a synonym."""
    group = ("ALI", "ischemia of a leg", "narrow artery")
    found = joined(searcher, "ALI", group)
    assert found.keys() == {"acut", "limb", "ischemia", "narrow"}
    assert found["ischemia"] > found["limb"]
    many = [("ALI", "narrow")] * 5
    assert joined(searcher, "ALI", *many)["narrow"] == SHARE


def test_a_given_abbreviation_that_is_a_word(searcher):
    """The rule is that of learnt ones."""
    group = ("AIDS", "narrow disease")
    assert joined(searcher, "hearing aids", group, learned=False) == {}
    assert joined(searcher, "AIDS", group, learned=False).keys() == {"narrow", "diseas"}


def test_soft_words_do_not_join(searcher):
    """A member of soft words alone brings nothing."""
    assert joined(searcher, "mitral", ("mitral", "what is it")) == {}


# -- bounds ----------------------------------------------------------------------------------------------


def test_words_that_no_article_has_do_not_count(searcher):
    """A thousand of them beside a short form."""
    assert len(joined(searcher, "ALI " + " ".join(f"nothing{n}" for n in range(1_000)))) == 3


def test_expansion_is_bounded(build_index):
    """Of a thousand words at most 64 join; of a query of more words than that, none."""
    names = [f"{a}{b}q" for a in "bcdfghjk" for b in "bcdfghjk"]
    pages = [
        article(n, f"The {name[0]}ip{n} {name[1]}ap{n} quz{n} ({name.upper()}) is.")
        for n, name in enumerate(names)
    ]
    searcher = Searcher(open_index_segment(build_index(pages).path))
    assert len(searcher.segment.abbreviations) == 64
    assert len(joined(searcher, " ".join(names))) == 64
    assert len(joined(searcher, " ".join(names * 20))) == 64
    more = " ".join([*names, "quz1"])
    plan = searcher.plan(more)
    assert len(plan.counts) == 65
    assert Expander(searcher.planner).expand(searcher.planner, plan) is plan


@settings(max_examples=80)
@given(
    st.lists(st.sampled_from(["ALI", "ali", "MS", "heart attack", "MI", "WHO", "limb"]) | queries, max_size=6)
)
def test_typed_words_count_more(searcher, parts):
    """Words typed count as before, each joined one at most half of one; an explanation adds up to what
    the search gives; so it does once the plan is broadened."""
    query = " ".join(parts)
    plan = searcher.plan(query)
    planner = searcher.planner
    expanded = Expander(planner, Synonyms((HEART,))).expand(planner, plan)
    assert expanded.counts == plan.counts
    for word, _, times, *_ in expanded.expansions:
        assert 0 < times <= SHARE
        assert not word.soft
    for some in (expanded, broadened(searcher, expanded, None)):
        for doc, score in zip(*searcher.search(some, None, 20), strict=True):
            selection = Selection(searcher, Facets(searcher.segment), some)
            explanation = explain(selection, query, doc)
            assert explanation.score == score / (256 * some.unit)
            assert explanation.score == sum(part.score for part in (*explanation.words, *explanation.phrases))
            for part in explanation.words:
                assert part.times >= 1 if part.words else part.times < 16


def test_broadening_takes_an_expanded_plan(searcher):
    """The words typed count as much as they would without synonyms, and the others together half as much."""
    expanded = Expander(searcher.planner).expand(searcher.planner, searcher.plan("ALI"))
    plan = broadened(searcher, expanded, None)
    (typed,) = (word for word in plan.words if word is not None)
    assert 1 <= plan.counts[typed] / plan.unit < 1.5
    assert sum(plan.counts.values()) - sum(expanded.counts.values()) * plan.unit <= plan.unit


def test_boosts_hold_for_words_that_join(build_index):
    """A planner of another weighting is expanded with its own postings."""
    index = build_index(PAGES)
    expander = Expander(Searcher(open_index_segment(index.path)).planner)
    boosted = index._snapshot.boosted({"answer": 0})
    plan = expander.expand(boosted.planner, boosted.plan("ALI"))
    assert len(plan.counts) == 1
    assert not plan.expansions
    assert not boosted.matching(plan).any()
    assert len(expander.expand(index._snapshot.searcher.planner, boosted.plan("ALI")).expansions) == 3


# -- the file --------------------------------------------------------------------------------------------


def test_a_file(tmp_path):
    """A group a line; comments, blank lines, spaces, a byte order mark and any line ends are no matter."""
    path = tmp_path / "synonyms.txt"
    path.write_bytes("\ufeff# ours\n\n heart attack ,myocardial infarction, MI\r\nC#, c sharp\n".encode())
    assert Synonyms.read(path).groups == (HEART, ("C#", "c sharp"))
    path.write_text("")
    assert Synonyms.read(str(path)) == Synonyms()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"lonely", "'lonely' has no synonym: write two or more, with commas between"),
        (b"a, , b", "'' has no word in it: take away the comma, or write one"),
        (b"a, ?!", "'?!' has no word in it"),
        (b"caf\xe9, coffee", "not UTF-8 (byte 0xe9): save it as UTF-8"),
        (b", ".join([b"x"] * 33), "33 synonyms in a group, at most 32: split it"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, reason):
    """With path, line and what to do."""
    path = tmp_path / "synonyms.txt"
    path.write_bytes(b"# comment\na, b\n" + line + b"\nc, d\n")
    with pytest.raises(SynonymsError) as caught:
        Synonyms.read(path)
    assert (caught.value.path, caught.value.line) == (str(path), 3)
    assert caught.value.reason.startswith(reason)


def test_too_many_groups(tmp_path):
    """The first line that is too many is named."""
    path = tmp_path / "synonyms.txt"
    path.write_text("a, b\n" * 10_001)
    with pytest.raises(SynonymsError, match=r"synonyms\.txt:10001: more than 10,000 groups"):
        Synonyms.read(path)


@pytest.mark.parametrize("groups", [((),), (("a",),), (("a", ""),), (("a", "b"),) * 10_001])
def test_bad_groups_are_a_value_error(groups):
    """What is no group, made by a program."""
    with pytest.raises(ValueError, match=r"synonym|no word|groups|empty"):
        Synonyms(groups)


def test_no_such_file(tmp_path):
    """An OSError, as for any file."""
    with pytest.raises(FileNotFoundError):
        Synonyms.read(tmp_path / "nothing")
