"""Files made to do harm, and random ones: an article or an ArticleError comes of them, within bounds."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtsearch.articles import MAX_FILE_BYTES, Article, RelatedLink, parse_article
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.errors import ArticleError

PATH = "x.md"
HEAD = "---\nurl: /a\nquestion: q\nanswer: a\n"


def parsed(data: bytes) -> Article | ArticleError:
    """What comes of a file: what can be parsed can be indexed, or is refused then."""
    try:
        article = parse_article(data, PATH)
        ChunkBuilder(b"").add(article)
    except ArticleError as error:
        return error
    return article


def size_of(article: Article) -> int:
    """The characters of all texts of an article."""
    links = [link.url + link.title + link.subject for link in article.related]
    texts = [article.question, article.answer, article.url, article.subject, article.description]
    return sum(map(len, [*texts, *article.page_keywords, *links]))


# -- aliases -------------------------------------------------------------------------------------------


def test_nested_aliases_cost_nothing():
    """The classic bomb, lists of aliases of lists of aliases, is passed over like any unknown key."""
    lines = ["a0: &a0 [x, x]\n"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60)]
    assert parse_article(f"{HEAD}{''.join(lines)}---\n".encode()).url == "/a"
    # The same with a tag, for which every node is looked at.
    with pytest.raises(ArticleError, match="YAML tag"):
        parse_article(f"{HEAD}{''.join(lines)}z: !mine x\n---\n".encode())


def test_alias_of_itself():
    """A node that holds itself is passed over, or refused where a text must be."""
    assert parse_article(f"{HEAD}x: &x [*x, &y {{a: *y}}]\n---\n".encode()).url == "/a"
    with pytest.raises(ArticleError, match="page_keywords"):
        parse_article(f"{HEAD}page_keywords: &x [*x]\n---\n".encode())


def test_aliases_are_values():
    """An alias stands for what it names."""
    article = parse_article(b"---\nurl: /a\nquestion: &q Why?\nanswer: *q\nsubject: *q\n---\n")
    assert article.answer == article.subject == "Why?"


def test_aliases_of_keywords_stay_small():
    """Repeated aliases cannot make an article hold more text than its file may."""
    text = f"{HEAD}x: &x '{'ab,' * 5_000}'\npage_keywords: [{','.join(['*x'] * 200)}]\n---\n"
    with contextlib.suppress(ArticleError):
        assert size_of(parse_article(text.encode())) <= MAX_FILE_BYTES


def test_aliases_of_titles_stay_small():
    """Nor can aliases in the related links, of which there may be hundreds."""
    links = "".join(f"related_article{n}: {{url: /{n}, title: *x}}\n" for n in range(1, 100))
    text = f"{HEAD}x: &x '{'ab' * 10_000}'\n{links}---\n"
    with contextlib.suppress(ArticleError):
        assert size_of(parse_article(text.encode())) <= MAX_FILE_BYTES


# -- depth ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["[", "{a: ", "[{a: ", "- ", "? "])
@pytest.mark.parametrize("levels", [101, 1_999, 2_001, 30_000, 200_000])
def test_deep_nesting(opening, levels):
    """However deep a file is nested, it is read or refused, and the stack holds."""
    levels = min(levels, (MAX_FILE_BYTES - 1_000) // len(opening))
    found = parsed(f"{HEAD}x:\n  {opening * levels}\n---\n".encode())
    if isinstance(found, ArticleError):
        assert "nested deeper" in found.reason or "broken YAML" in found.reason
    else:
        assert levels <= 2_000


def test_deep_nesting_that_is_closed():
    """Well-formed nesting is refused from some depth on, with its line."""
    with pytest.raises(ArticleError, match="nested deeper than 100 levels") as caught:
        parse_article(f"{HEAD}x: {'[' * 50_000}{']' * 50_000}\n---\n".encode())
    assert caught.value.line == 5
    assert parse_article(f"{HEAD}x: {'[' * 90}{']' * 90}\n---\n".encode()).url == "/a"


def test_deep_nesting_by_indentation():
    """Nesting by indentation is as deep as by brackets."""
    lines = "".join(f"{' ' * n}a:\n" for n in range(1_300))
    found = parsed(f"{HEAD}{lines}---\n".encode())
    assert isinstance(found, Article) or "nested deeper" in found.reason


def test_many_keys_are_no_nesting():
    """A long flat file with thousands of brackets and colons is not mistaken for a deep one."""
    lines = "".join(f"key{n}: [a, {{b: c}}]\n" for n in range(5_000))
    assert parse_article(f"{HEAD}{lines}---\n".encode()).url == "/a"


# -- random files --------------------------------------------------------------------------------------


def assert_article_or_error(data: bytes) -> None:
    """What is made of a file has what an article, or an error, must have."""
    found = parsed(data)
    if isinstance(found, ArticleError):
        assert found.path == PATH
        assert found.reason
        assert 0 <= found.line <= len(data.decode(errors="replace").splitlines()) + 1
    else:
        assert found.url
        assert found.question
        assert found.answer


@given(st.binary(max_size=200))
@example(b"---\n\xff\n---\n")
@example(b"\xef\xbb\xbf---\n---")
def test_any_bytes(data):
    """Arbitrary bytes are no article, and nothing worse than an ArticleError."""
    assert_article_or_error(data)
    assert_article_or_error(b"---\n" + data + b"\n---\n")
    assert_article_or_error(HEAD.encode() + data + b"\n---\n")


_YAML = [
    *"-?:,[]{}#&*!|>'\"%@`~<=\\ \n\t",
    *("\nid: ", "\nurl: ", "\nquestion: ", "\nanswer: >-\n  ", "\nseo:\n  page_keywords: ", "\ndate: "),
    *("\nrelated_article1: {url: ", "\nno_index: ", "\n- ", "---", "...", "? ", "<<: "),
    *("&a ", "*a", "!!str ", "!!int ", "! "),
    *("a", "é", "\u0301", "\u2028", "\x85", "\ufeff", "\0", "\x7f", "2025-01-31", "7", "null", "\\n", "血"),
]


@given(st.lists(st.sampled_from(_YAML), max_size=40).map("".join))
@example("\nquestion: !!int x")
@example("\nid: !!str 7")
@example("\n? [a]\n: b")
@example("\n<<: {id: 7}")
@example("\n%TAG ! x\n--- a")
def test_any_yaml(text):
    """Nor does any heap of YAML's signs give anything else."""
    assert_article_or_error(f"---\n{text}\n---\n".encode())
    assert_article_or_error(f"{HEAD}{text}\n---\n".encode())


@given(data=st.data())
def test_damaged_file(article_text, data):
    """A good file with bytes changed, lost or doubled is an article or an ArticleError."""
    text = article_text(id=7, date=datetime.date(2025, 1, 31), seo={"page_keywords": "naïve, b"}).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(start + 4, len(text))))
        text = text[:start] + data.draw(st.binary(max_size=3)) + text[stop:]
    assert_article_or_error(text)


# -- round trip ----------------------------------------------------------------------------------------

_text = st.text().map(str.strip)
_some_text = _text.filter(bool)
_urls = st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(str.strip).filter(bool)
_links = st.builds(RelatedLink, _some_text, st.none() | st.integers(-(10**18) + 1, 10**18 - 1), _text, _text)


@given(
    articles=st.lists(
        st.builds(
            Article,
            url=_urls,
            question=_some_text,
            answer=_some_text,
            id=st.none() | st.integers(-(10**18) + 1, 10**18 - 1),
            page_keywords=st.lists(_some_text, max_size=3).map(tuple),
            subject=_text,
            date=st.none() | st.dates(),
            description=_text,
            related=st.lists(_links, max_size=2).map(tuple),
            no_index=st.booleans(),
            path=_text,
        ),
        max_size=4,
        unique_by=lambda article: article.url,
    )
)
@example([])
def test_articles_come_back(build_index, articles):
    """What was indexed is given back whole: every field of every article, whatever text it holds."""
    articles = [*articles, Article(url="the one with a word", question="Why?", answer="Because.")]
    index = build_index(articles)
    for article in articles:
        assert index.get(article.url) == article
    assert len(index) == len(articles)


def test_article_at_a_path_that_is_not_utf8(build_index):
    """An article can be read whatever bytes its file is called by."""
    article = Article(url="/a", question="Why?", answer="Because.", path="caf\udce9.md")
    index = build_index([article])
    assert index.search("why")[0].answer == "Because."
    assert index.get("/a") == article
