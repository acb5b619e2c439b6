"""Strategies for small corpora and queries: few words, so that articles share them, tie and differ."""

from __future__ import annotations

import datetime
import random

from hypothesis import strategies as st

from qtsearch.analysis import SOFT_WORDS
from qtsearch.articles import Article

#: Stop words, soft words, forms of one stem, letters that fold, signs, compounds, also in one word.
WORDS = (
    "the of in is are what how explain describe cell cells celled virus virology clot-clots x_1 "
    "naïve Naive β don't 血栓 T-cell Tcells T well-being-of-virology wellbeing in-to into x-1"
).split()
#: Keywords: of one term, of several, some beginning or ending like others, of one stem, soft, too long.
KEYWORDS = [
    "cell",
    "viruses",
    "of",
    "virus cell",
    "virus cells x_1",
    "virus cell x_1 naïve",
    "cell virus",
    "cell x",
    "cell cell",
    "what is the",
    "clots of virology",
    "clot of virology cell",
    "β don't 血栓 the cell virus x",  # eight terms
    "β don't 血栓 the cell virus x cell",  # nine: found by its words only
    "zebra cell",
    "!?",
]
UNKNOWN_WORDS = ["zebra", "quark", "!?", "\N{BRAIN}"]
SUBJECTS = ["", "Biology", "Computer Science", "Computer science", "Économie"]
MANY = 300  # more than fits a byte
MAX_PAGES = 9

_words = st.sampled_from(WORDS)
_texts = st.lists(_words | st.sampled_from(KEYWORDS), min_size=1, max_size=8).map(" ".join)
_pools = st.lists(_texts, min_size=1, max_size=4)
_numbers = st.lists(st.integers(0, 19), min_size=1, max_size=MAX_PAGES, unique=True)
_repeats = st.sampled_from([1, 1, 1, 2, 7, MANY])
_phrases = st.lists(_words | st.sampled_from(KEYWORDS), max_size=5).map(tuple)
_subjects = st.sampled_from(SUBJECTS)
# A word in one of sixteen pages is summed in another way than a frequent one: for some, pages that have none.
_fillers = [Article(url=f"/filler/{n}", question="Filler?", answer="The filler.") for n in range(90)]
_filler_counts = st.sampled_from([0, 30, 90])
_dates = st.none() | st.dates(datetime.date(2024, 1, 1), datetime.date(2025, 12, 31))


@st.composite
def corpora(draw: st.DrawFn) -> list[Article]:
    """Articles in any order, each url once; texts come from a small pool, so that some are the same."""
    text = st.sampled_from(draw(_pools))
    fillers = _fillers[: draw(_filler_counts)]
    return fillers + [
        Article(
            url=f"/{number}",
            question=draw(text),
            answer=" ".join([draw(text)] * draw(_repeats)),
            id=number % 5 or None,
            page_keywords=draw(_phrases),
            subject=draw(_subjects),
            date=draw(_dates),
            path=f"{number}.md",
        )
        for number in draw(_numbers)
    ]


def _repeated(pairs: list[tuple[str, int]]) -> str:
    return " ".join(" ".join([word] * times) for word, times in pairs)


#: Words and keywords of the corpora and other words, some of them many times.
queries = st.lists(
    st.tuples(
        st.sampled_from(WORDS * 3 + KEYWORDS * 2 + UNKNOWN_WORDS),
        st.sampled_from([1, 1, 1, 1, 2, 15, 16, 17]),
    ),
    max_size=8,
).map(_repeated)


#: Words that are compounds of each other, hard ones, soft ones, one of both, one word that is two compounds.
FAMILIES = [
    "T-cell Tcells T cells clot".split(),
    "in-to into in to clot".split(),
    "cell-in cellin cell in clot".split(),
    "vi-rus vir-us virus vi rus vir us".split(),
    "clot-clots clotclot clots the".split(),
]


@st.composite
def families(draw: st.DrawFn) -> tuple[list[Article], str]:
    """Articles of the words of a family, most with few of them, and a query of them and of unknown ones."""
    word = st.sampled_from(draw(st.sampled_from(FAMILIES)))
    text = st.lists(word, min_size=1, max_size=2).map(" ".join)
    texts = draw(st.lists(st.tuples(text, word | st.just("-"), text), min_size=2, max_size=8))
    pages = [
        Article(url=f"/{number}", question=question, answer=answer, page_keywords=(keyword,))
        for number, (question, answer, keyword) in enumerate(texts)
    ]
    return pages, " ".join(draw(st.lists(word | word | st.just("zebra"), min_size=1, max_size=4)))


def zipf_articles(count: int, seed: int) -> list[Article]:
    """Articles of random words: soft words in most of them, others in ever fewer, some in one alone.

    Often a word is followed by the same other word, at times with a hyphen between them, or as one word.
    Keywords have one to nine words, and pages share them.
    """
    rng = random.Random(seed)
    soft = sorted(SOFT_WORDS)[::5]
    rare = [f"w{n}" for n in range(2_000)]

    def text(length: int) -> str:
        words: list[str] = []
        rank = 0
        for _ in range(length):
            if words and words[-1] == rare[rank] and rng.random() < 0.4:
                rank = (rank * 7 + 1) % 2_000
                words.append(rare[rank])
                if rng.random() < 0.1:
                    words[-2:] = [rng.choice(["-", "-", ""]).join(words[-2:])]
            elif rng.random() < 0.4:
                words.append(rng.choice(soft))
            else:
                rank = (
                    int(rng.paretovariate(0.7)) - 1 if rng.random() < 0.7 else rng.randrange(2_000)
                ) % 2_000
                words.append(rare[rank])
        return " ".join(words)

    keywords = [text(rng.choice([1, 1, 2, 2, 2, 3, 4, 9])) for _ in range(max(4, count // 20))]
    keywords += [f"{keyword} {text(1)}" for keyword in keywords]
    return [
        Article(
            url=f"/{number}",
            question=text(rng.randint(1, 12)),
            answer=text(rng.randint(1, 60)),
            page_keywords=tuple(rng.choices(keywords, k=rng.randint(0, 3))),
            subject=rng.choice(["Alpha", "Beta", "Gamma", ""]),
        )
        for number in range(count)
    ]
