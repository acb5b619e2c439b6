"""Phrases, against the lists of terms of each field, looked through word by word."""

from __future__ import annotations

from corpora import corpora
from hypothesis import given, settings
from hypothesis import strategies as st

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.codec.fields import whoosh_schema
from qtsearch.schema import FIELD_NAMES, POSITION_GAP
from qtsearch.search.proximity import phrase_docs

_phrase = st.lists(
    st.sampled_from("the of cell virus virolog clot clot x x1 naiv beta dont 血".split()), min_size=1
)
_slop = st.sampled_from([1, 1, 2, 3, 9, POSITION_GAP - 1, POSITION_GAP, POSITION_GAP + 5, 5_000, 10**9])


def places(article: Article) -> list[dict[str, list[int]]]:
    """Of each field the positions of every term, as Whoosh's analyzers have them."""
    schema = whoosh_schema()
    found = []
    for name in FIELD_NAMES:
        value = getattr(article, name)
        text = value if isinstance(value, str) else ", ".join(value)
        positions: dict[str, list[int]] = {}
        for token in schema[name].analyzer(text, positions=True, mode="index"):
            positions.setdefault(token.text, []).append(token.pos)
        found.append(positions)
    return found


def stands(phrase: list[str], positions: dict[str, list[int]], slop: int) -> bool:
    """Whether a field has the terms in order, each at most ``slop`` behind the one before it."""
    ends = positions.get(phrase[0], [])
    for term in phrase[1:]:
        here = positions.get(term, [])
        ends = [place for place in here if any(1 <= place - end <= slop for end in ends)]
    return bool(ends)


@settings(max_examples=60)
@given(articles=corpora(), phrases=st.lists(st.tuples(_phrase, _slop), min_size=5, max_size=10))
def test_phrases_are_where_the_words_are(build_index, articles, phrases):
    """In one field or in any, next to each other or near, but never across fields or keywords."""
    with build_index(articles) as index:
        segment = index._snapshot.segment
        articles = {article.url: article for article in articles}
        fields = [places(articles[segment.url_and_question(doc)[0]]) for doc in range(segment.n_docs)]
        for phrase, slop in phrases:
            terms = [segment.find_term(analysis.stem(word).encode()) for word in phrase]
            if min(terms) < 0:
                continue
            phrase = [analysis.stem(word) for word in phrase]
            for field in (None, 0, 1, 2):
                numbers = range(3) if field is None else [field]
                expected = [
                    doc
                    for doc, positions in enumerate(fields)
                    if any(stands(phrase, positions[number], slop) for number in numbers)
                ]
                found = phrase_docs(segment, terms, slop, field)
                assert found.tolist() == expected, (phrase, slop, field)


def test_fields_do_not_run_into_each_other(build_index):
    """The last word of the question and the first of the answer are no phrase, however large the slop."""
    index = build_index(
        [
            Article(url="/1", question="One two?", answer="Three four.", page_keywords=("five", "six seven")),
            Article(url="/2", question="A?", answer="Two three. One two five."),
        ]
    )
    segment = index._snapshot.segment

    def found(words: str, slop: int, field: int | None = None) -> list[int]:
        terms = [segment.find_term(analysis.stem(word).encode()) for word in words.split()]
        return phrase_docs(segment, terms, slop, field).tolist()

    assert found("one two", 1) == [0, 1]
    assert found("one two", 1, 0) == [0]
    for slop in (1, 10, 63, 64, 65, 1_000, 2**40):
        assert found("two three", slop) == [1]
        assert found("four five", slop) == []
    assert found("five six", 63) == []  # one keyword and the next
    assert found("two one", 10) == [1]
    assert found("two two", 5) == [1]
    assert found("two two", 2) == []


def test_two_words_of_three_stand_where_the_third_does_not(build_index):
    """A page that has the first two side by side, and not the third, is none; nor does it lead astray."""
    texts = ["artery clot vessel"] * 3 + ["vessel"] * 10 + ["artery clot"] * 2
    articles = [Article(url=f"/{n:02}", question="-", answer=text) for n, text in enumerate(texts)]
    segment = build_index(articles)._snapshot.segment
    terms = [segment.find_term(analysis.stem(word).encode()) for word in ("artery", "clot", "vessel")]
    assert phrase_docs(segment, terms).tolist() == [0, 1, 2]
