"""Completion: the fast path gives what a slow look at every phrase gives, and that is what people expect."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from agreement import open_index_segment
from completion_oracle import all_phrases, completer_of, segment_of, slow_complete, slow_near_prefix, texts
from hypothesis import example, given, settings
from hypothesis import strategies as st

import qtsearch
from qtsearch.articles import Article
from qtsearch.codec.completions import MAX_PHRASE_WORDS
from qtsearch.codec.container import ArrayFile
from qtsearch.search.completion import MAX_TYPED_CHARS, Completer, Completion

# -- the fast path is the slow one -----------------------------------------------------------------------

LETTERS = "abcdé"
WORDS = [
    *("a", "b", "ab", "ba", "abc", "abcd", "bcda", "abdc", "acbd", "abcda", "abcdab", "dcba", "dcbad"),
    *("éa", "ea", "Abcd", "ABCDA", "a's", "abcd-b", "血"),
]
some_texts = st.lists(
    st.sampled_from(WORDS) | st.text(LETTERS, min_size=1, max_size=6), min_size=1, max_size=4
)
spaced = some_texts.map(" ".join)


@st.composite
def pages(draw):
    pool = draw(st.lists(spaced | st.sampled_from(["!?", "--", "a, b"]), min_size=1, max_size=8))
    text = st.sampled_from(pool)
    return [
        Article(
            url=f"/{number}",
            question=draw(text),
            answer="-",
            page_keywords=tuple(draw(st.lists(text, max_size=4))),
            subject=draw(st.sampled_from(["", "B", "A"])),
        )
        for number in range(draw(st.integers(1, 8)))
    ]


@st.composite
def typings(draw):
    """Some letters of some words, sometimes with a space, sometimes with one letter changed."""
    text = draw(spaced)
    text = text[: draw(st.integers(1, len(text)))] + draw(st.sampled_from(["", "", " ", "?"]))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(["", *LETTERS])) + text[place + draw(st.integers(0, 1)) :]
    return text


@given(articles=pages(), typed=st.lists(typings(), min_size=1, max_size=8), limit=st.integers(0, 12))
@example(articles=[Article("/", "ab ab ab a", "-", page_keywords=("a b", "a-b"))], typed=["a"] * 2, limit=1)
@settings(max_examples=300)
def test_oracle(articles, typed, limit):
    """With slips tolerated and without, for any limit, and what is typed with a space or without."""
    segment = segment_of(articles)
    for near_prefix in (None, slow_near_prefix(segment)):
        completer = Completer(segment, near_prefix)
        for text in typed:
            expected = slow_complete(articles, text, limit, near_prefix is not None)
            assert completer.complete(text, limit) == expected, text


@given(articles=pages(), draw=st.data())
def test_order_and_chunks_make_no_difference(articles, draw):
    """However articles are spread over chunks, and in whichever order, the arrays are the same."""
    shuffled = draw.draw(st.permutations(articles))
    cuts = sorted(draw.draw(st.sets(st.integers(1, len(articles) - 1)))) if len(articles) > 1 else []
    found, expected = (segment.files[0] for segment in (segment_of(shuffled, cuts), segment_of(articles)))
    for name in expected.names:
        np.testing.assert_equal(found[name], expected[name], name)


def test_arrays(sample_index, sample_articles):
    """Suffixes ascend by their words, each phrase has each of its words once, and the best come first."""
    segment = open_index_segment(sample_index.path)
    forms = [form.decode() for form in segment.forms.tolist()]
    articles = [article for article in sample_articles if not article.no_index]
    for kind in ("keyword", "question"):
        arrays = segment.phrases(kind)
        words = [forms[number] for number in arrays.words.tolist()]
        phrases = [tuple(words[start:stop]) for start, stop in pairwise(arrays.offsets.tolist())]
        expected = all_phrases(articles, kind)
        assert sorted(phrases) == sorted(expected)
        shown = [expected[phrase] for phrase in phrases]
        assert arrays.counts.tolist() == [completion.count for completion in shown]
        assert shown == sorted(shown, key=lambda shown: (-shown.count, len(shown.text), shown.text.encode()))
        suffixes = list(zip(arrays.suffixes.tolist(), arrays.places.tolist(), strict=True))
        assert sorted(suffixes) == [
            (number, place) for number, phrase in enumerate(phrases) for place in range(len(phrase))
        ]
        spelt = [[word.encode() for word in phrases[number][place:]] for number, place in suffixes]
        assert spelt == sorted(spelt)
        starts = [suffix[0] for suffix in spelt]
        counts = Counter(starts)
        assert np.diff(arrays.starts).tolist() == [counts[form.encode()] for form in forms]


# -- what people expect, of the samples ------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(sample_index):
    segment = open_index_segment(sample_index.path)
    return Completer(segment, slow_near_prefix(segment))


def test_beginning_of_a_keyword(samples):
    """Keywords that begin with what was typed, then those that have it further on, then questions."""
    found = samples.complete("throm")
    assert texts(found, "keyword") == [
        "thrombolysis",
        "thrombectomy devices",
        "thrombectomy procedure",
        "thrombectomy nursing care",
        "arterial thrombosis",
        "deep vein thrombosis",
        "catheter thrombectomy",
    ]
    assert "What is mechanical thrombectomy and how is it performed?" in texts(found, "question")
    assert texts(found) == texts(found, "keyword") + texts(found, "question")


def test_beginning_of_a_later_word(samples):
    assert samples.complete("mechanical thr")[0] == Completion("mechanical thrombectomy", "keyword", 1, None)


def test_commonest_first(samples):
    """By pages that have the keyword, then by length."""
    found = samples.complete("stroke")[:4]
    assert [(completion.text, completion.count) for completion in found] == [
        ("stroke symptoms", 2),
        ("stroke awareness", 2),
        ("stroke risk", 1),
        ("stroke intervention", 1),
    ]


def test_words_of_a_question(samples):
    """A question has all the words typed, the last one begun."""
    (found,) = samples.complete("what is throm")
    assert found.text == "What is mechanical thrombectomy and how is it performed?"
    assert found.kind == "question"
    assert found.url == ("/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed")


def test_question_that_begins_so(samples):
    """A question that begins with exactly what was typed is the first, before keywords that have it later."""
    found = samples.complete("what is e")
    assert found[0].text == "What is entropy?"
    assert samples.complete("how does working m")[0].kind == "question"


def test_same_question_on_two_pages(samples):
    """It is offered once, with the number of its pages and the url of the first."""
    (found,) = samples.complete("what is entropy")
    assert found == Completion("What is entropy?", "question", 2, "/learn/physics/questions/what-is-entropy")


@pytest.mark.parametrize("text", ["t-cell", "T cell", "  t  CELL", "t_cell", "T—cell"])
def test_case_hyphens_and_spaces(samples, text):
    assert texts(samples.complete(text), "keyword")[:2] == ["T cells", "T-cell receptor"]


@pytest.mark.parametrize(
    "text", ["schrodinger eq", "SCHRÖDINGER EQ", "schro\u0308dinger eq", "Schrödinger-eq"]
)
def test_accents(samples, text):
    assert texts(samples.complete(text))[0] == "Schrödinger equation"


def test_trailing_space(samples):
    """A space, or any other sign after a word, says that it is complete."""
    assert texts(samples.complete("t cell"), "keyword")[:2] == ["T cells", "T-cell receptor"]
    assert texts(samples.complete("t cell "), "keyword")[:2] == ["T-cell receptor", "naive T cell"]
    assert samples.complete("t cell ") == samples.complete("t cell.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trombec", "thrombectomy devices"),  # left out
        ("thromnb", "thrombolysis"),  # put in
        ("thromvec", "thrombectomy devices"),  # replaced
        ("hrtombec", "thrombectomy devices"),  # two swaps are too many: not offered
        ("thormbec", "thrombectomy devices"),  # swapped
        ("mechanical trombec", "mechanical thrombectomy"),
        ("mechancal throm", "mechanical thrombectomy"),
        ("mechancal trombectomy ", "mechanical thrombectomy"),
        ("carbon dioxde ", "carbon dioxide"),
    ],
)
def test_typo(samples, text, expected):
    """One slip in a word of four letters or more is tolerated."""
    found = texts(samples.complete(text), "keyword")
    if text.startswith("hrt"):
        assert found == []
    else:
        assert expected in found


def test_short_words_are_taken_as_typed(samples):
    """In three letters a slip would fit anything."""
    assert samples.complete("thx") == []
    assert samples.complete("xqz") == []


# -- what people expect, of others -----------------------------------------------------------------------


def test_once_in_its_commonest_spelling():
    """Spellings of one phrase are one completion, which counts every page once."""
    completer = completer_of(
        ("Self-help", "self help"), ("self-help",), ("self-help",), ("SELF HELP",), ("self-helper",)
    )
    assert completer.complete("self h") == [
        Completion("self-help", "keyword", 4, None),
        Completion("self-helper", "keyword", 1, None),
    ]


def test_typo_comes_after_what_was_typed():
    """Words that were meant as they are go before those that they may stand for."""
    completer = completer_of(("heart failure",), ("heart failure",), ("hart island",), tolerant=True)
    assert texts(completer.complete("hart")) == ["hart island", "heart failure"]
    assert texts(completer.complete("hart", limit=1)) == ["hart island"]
    assert texts(completer.complete("hart fai")) == ["heart failure"]


def test_complete_word_with_a_typo_is_not_a_prefix():
    completer = completer_of(("hearts", "heart", "heartland"), tolerant=True)
    assert texts(completer.complete("haert ")) == ["heart"]
    assert texts(completer.complete("haert")) == ["heart", "hearts", "heartland"]


def test_places_of_the_kinds():
    """Questions get a third of the places, or what keywords leave; and the other way round."""
    completer = completer_of(*[(f"cell {n}",) for n in range(9)], question="Which cell?")
    assert [completion.kind for completion in completer.complete("cell", 3)] == ["keyword"] * 2 + ["question"]
    assert [completion.kind for completion in completer.complete("cell", 10)] == ["keyword"] * 9 + [
        "question"
    ]
    assert [completion.kind for completion in completer.complete("cell", 2)] == ["keyword"] * 2
    assert [completion.kind for completion in completer.complete("which", 2)] == ["question"]


def test_words_in_another_order():
    """Phrases that have the words in turn go first."""
    completer = completer_of(("stroke of the ischaemic kind", "acute ischaemic stroke", "ischaemic stroke"))
    assert texts(completer.complete("ischaemic str")) == [
        "ischaemic stroke",
        "acute ischaemic stroke",
        "stroke of the ischaemic kind",
    ]


# -- edges -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\n", "!?", "-", "'", "\0", "\ud800", "\N{BRAIN}", "___"])
def test_no_words(samples, text):
    """A text without words completes to nothing."""
    assert samples.complete(text) == []


@given(
    text=st.text(max_size=40)
    | st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))
)
def test_garbage(text):
    """Whatever is typed, completions come back."""
    assert isinstance(GARBAGE.complete(text), list)
    assert isinstance(GARBAGE.complete(f"cell {text}"), list)


GARBAGE = completer_of(("cell", "血栓 der Zelle", "naïve β cell", "İstanbul ǅ ﬁ"), ("ss ß",), tolerant=True)


def test_scripts():
    """A sign of a script without spaces is a word of its own."""
    completer = completer_of(("血栓", "β-blocker", "Ωmega"))
    assert texts(completer.complete("血")) == ["血栓"]
    assert texts(completer.complete("血栓")) == ["血栓"]
    assert texts(completer.complete("Β")) == ["β-blocker"]
    assert texts(completer.complete("ωm")) == ["Ωmega"]


def test_long_words():
    """Words are cut as the index cuts them: at 32 bytes, which is a letter more or less of some scripts."""
    long = "a" * 40
    completer = completer_of((long, f"{long} b", "é" * 40))
    for length in (31, 32, 33, 40, 50):
        assert texts(completer.complete("a" * length)) == [long, f"{long} b"]
    assert texts(completer.complete("a" * 32 + " ")) == [long, f"{long} b"]
    assert texts(completer_of(("abc",)).complete("abcdef")) == []


@pytest.mark.parametrize(
    "text", ["cell " * 100_000, "x" * 100_000, "a b c d " * 128, "cell " * 204, "\u0301" * 5000]
)
def test_long_texts(samples, text):
    assert isinstance(samples.complete(text), list)
    assert samples.complete("throm".rjust(MAX_TYPED_CHARS))
    assert samples.complete("throm".rjust(MAX_TYPED_CHARS + 1)) == []


def test_long_phrases():
    """Keywords and questions of very many words are not offered; their neighbours are."""
    longest = " ".join(["cell"] * MAX_PHRASE_WORDS)
    completer = completer_of((longest, f"{longest} more", "cell more"), question=f"{longest} cell?")
    assert texts(completer.complete("cell")) == ["cell more", longest]
    assert texts(completer.complete(longest[:MAX_TYPED_CHARS])) == [longest, "cell more"]


def test_no_keywords():
    """Where no page has keywords, there are questions."""
    (found,) = completer_of((), question="Why not?").complete("no", limit=5)
    assert found == Completion("Why not?", "question", 1, "/0")
    assert completer_of((), question="?").complete("no") == []


def test_left_out_articles(tmp_path, write_article):
    """What only an article has that another takes the place of is not offered."""
    write_article(tmp_path / "a" / "1.md", url="/same", question="Zebra?", page_keywords="zebra, cell")
    write_article(tmp_path / "a" / "0.md", url="/same", question="Cell?", page_keywords="cell, Cell wall")
    report = qtsearch.reindex(tmp_path / "a", tmp_path / "index")
    assert len(report.rejected) == 1
    completer = Completer(open_index_segment(tmp_path / "index"))
    assert completer.complete("z") == []
    assert [(found.text, found.count) for found in completer.complete("c")] == [
        ("cell", 1),
        ("Cell wall", 1),
        ("Cell?", 1),
    ]


def test_limits(samples):
    assert samples.complete("throm", 0) == []
    assert len(samples.complete("throm", 3)) == 3
    every = samples.complete("s", 10**9)
    assert len(every) == len(set(every)) > 90
    with pytest.raises(ValueError, match="0 or more, not -1"):
        samples.complete("throm", -1)
    with pytest.raises(TypeError, match="must be a str, not bytes"):
        samples.complete(b"throm")


def test_threads(samples):
    """Threads that share a completer get what one alone gets."""
    typed = ["what is entropy"[:n] for n in range(1, 16)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(samples.complete, typed))
    assert found == list(map(samples.complete, typed))


@pytest.mark.parametrize("name", ["keyword_suffixes", "question_suffixes", "question_docs", "keyword_words"])
def test_damage(tmp_path, sample_folder, name):
    """Numbers that lead nowhere are a typed error that names the file."""
    qtsearch.reindex(sample_folder, tmp_path)
    (path,) = tmp_path.glob("*.arrays")
    arrays = ArrayFile(str(path))
    _, _, start, size, _ = arrays._entry(name)
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xff" * size
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(qtsearch.IndexDamagedError, match=f"'{name}'.*reindex") as caught:
        Completer(open_index_segment(tmp_path)).complete("what is a stroke")
    assert caught.value.path == str(path)
