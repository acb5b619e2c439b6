"""An article file: every key as it may be written, and every way in which it may be wrong."""

from __future__ import annotations

import datetime
import random
import unicodedata

import pytest
import yaml

from qtsearch.articles import (
    Article,
    RelatedLink,
    parse_article,
    read_article,
    split_phrases,
)

BARE = Article(url="/a", question="Why?", answer="Because.")


@pytest.fixture(scope="module")
def parse(article_text):
    """``parse(**keys)``: the article of a file with these keys."""
    return lambda **keys: parse_article(article_text(**keys).encode())


# -- the file ------------------------------------------------------------------------------------------


def test_url_question_and_answer_are_enough(parse):
    """All other keys may be absent."""
    assert parse() == BARE


@pytest.mark.parametrize("empty", ["", "~", "null", "''", '""', "  "])
def test_other_keys_may_be_empty(empty):
    """A key other than the three may stand there without a value."""
    keys = ("id", "subject", "date", "no_index", "page_keywords", "related_article1")
    if empty in ("''", '""'):
        keys = keys[:-1]  # that one is a mapping or nothing
    seo = f"seo:\n  page_keywords: {empty}\n  page_description: {empty}\n"
    text = "".join(f"{key}: {empty}\n" for key in keys)
    assert parse_article(f"---\nurl: /a\nquestion: Why?\nanswer: Because.\n{text}{seo}---\n".encode()) == BARE
    assert parse_article(f"---\nurl: /a\nquestion: Why?\nanswer: Because.\nseo: \n{text}---".encode()) == BARE


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("---\n", "--- \t\n"),
        lambda text: text.removesuffix("\n\n&nbsp;\n"),
        lambda text: text + "\n---\nThe body may hold `---` lines.\n",
        lambda text: text + "\0\x01",
    ],
)
def test_file_in_other_guises(article_text, change):
    """A byte order mark, CRLF or CR line ends, blanks after the dashes and any body make no difference."""
    assert parse_article(change(article_text(id=3)).encode()).id == 3


def test_text_is_composed(parse):
    """Texts are in Unicode's normal form C, however the file was typed."""
    decomposed = unicodedata.normalize("NFD", "Économie naïve")
    article = parse(question=decomposed, subject=decomposed, url=f"/{decomposed}", page_keywords=[decomposed])
    assert article.question == article.subject == article.url[1:] == "Économie naïve"
    assert article.page_keywords == ("Économie naïve",)


def test_all_keys(parse):
    """Every key that is read, as the real files write it."""
    article = parse(
        id=100_001,
        subject=" Health Studies ",
        date=datetime.date(2025, 1, 31),
        no_index=True,
        seo={"page_keywords": "clot, stroke", "page_description": "On clots.", "title": "Site"},
        related_article2={"url": "/c", "id": 3},
        related_article1={"url": "/b", "id": 2, "title": "B?", "subject": "Medicine"},
        score=-1.0,
        author="someone",
    )
    assert article == Article(
        url="/a",
        question="Why?",
        answer="Because.",
        id=100_001,
        page_keywords=("clot", "stroke"),
        subject="Health Studies",
        date=datetime.date(2025, 1, 31),
        description="On clots.",
        related=(RelatedLink("/b", 2, "B?", "Medicine"), RelatedLink("/c", 3)),
        no_index=True,
    )


def test_read_article(tmp_path, write_article):
    """What is read from a file knows its path, as it was given."""
    path = write_article(tmp_path / "a.md", id=4)
    for given in (path, str(path)):
        article = read_article(given)
        assert (article.id, article.path) == (4, str(path))


# -- values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "value"), [("7", 7), ("-7", -7), ("+7", 7), ("'7'", 7), ("0" * 18, 0)])
def test_integers(written, value):
    """An id is a whole number, quoted or not."""
    assert parse_article(f"---\nurl: /a\nquestion: q\nanswer: a\nid: {written}\n---\n".encode()).id == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("True", True),
        ("yes", True),
        ("on", True),
        ("false", False),
        ("NO", False),
        ("'on'", True),
    ],
)
def test_booleans(written, value):
    """A truth value is any of YAML's words for it, in any case, quoted or not."""
    text = f"---\nurl: /a\nquestion: q\nanswer: a\nno_index: {written}\n---\n"
    assert parse_article(text.encode()).no_index is value


@pytest.mark.parametrize(
    "written", ["2025-01-31", "'2025-01-31'", "2025-01-31 10:20:30", "2025-01-31T10:20Z", "2025-01-31t10:20"]
)
def test_dates(written):
    """A date may have a time of day behind it, which is left out."""
    text = f"---\nurl: /a\nquestion: q\nanswer: a\ndate: {written}\n---\n"
    assert parse_article(text.encode()).date == datetime.date(2025, 1, 31)


def test_other_scalars_are_text():
    """A question that YAML would take for a number, a date or a truth value is the text that stands there."""
    for written in ("2025", "2025-01-31", "true", "1.50", "0x10", "1e3", ".inf", "'~'", '"null"'):
        article = parse_article(f"---\nurl: /a\nquestion: {written}\nanswer: a\n---\n".encode())
        assert article.question == written.strip("'\"")


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", ()),
        (" , ,, ", ()),
        ("blood clot", ("blood clot",)),
        ("blood  clot,\nstroke ,", ("blood clot", "stroke")),
        ("1,4-dioxane, 2,4-D", ("1,4-dioxane", "2,4-D")),
        ("type 1, 2 doses", ("type 1", "2 doses")),
        ("in 1999,war,2 kings", ("in 1999", "war", "2 kings")),
    ],
)
def test_phrases(text, phrases):
    """Commas separate phrases, but for one between two digits; blanks are joined, empty phrases dropped."""
    assert split_phrases(text) == phrases


def test_keywords_as_text_or_list(parse):
    """Keywords may be one text, or a list of texts that may hold commas; they stand in `seo` or beside it."""
    expected = ("blood clot", "1,4-dioxane", "stroke")
    text = ", ".join(expected)
    for value in (text, list(expected), [text], ["blood clot, 1,4-dioxane", "stroke"]):
        assert parse(page_keywords=value).page_keywords == expected
        assert parse(seo={"page_keywords": value}).page_keywords == expected
    assert parse(page_keywords=[2024, ""]).page_keywords == ("2024",)
    assert parse(page_keywords="beside", seo={"page_keywords": "within"}).page_keywords == ("within",)


def test_related_links(parse):
    """Links stand in the order of their numbers; repeated ones, those to the page or to nowhere go."""
    links = {
        "related_article10": {"url": "/ten"},
        "related_article2": {"url": "/two", "title": "The first to name it"},
        "related_article3": {"url": " /two ", "title": "Again"},
        "related_article4": {"url": "/a", "title": "Itself"},
        "related_article5": {"title": "Nowhere"},
        "related_article6": {},
        "related_article": {"url": "/unnumbered"},
        "related_articles1": {"url": "/other"},
    }
    assert parse(**links).related == (RelatedLink("/two", title="The first to name it"), RelatedLink("/ten"))


# -- the real files ------------------------------------------------------------------------------------


def test_real_articles_parse(real_articles, real_folder):
    """Every real file is an article, and no two have the same url."""
    assert len(real_articles) == sum(1 for _ in real_folder.rglob("*.md")) > 30_000
    assert len({article.url for article in real_articles}) == len(real_articles)
    assert all(article.question and article.answer and article.page_keywords for article in real_articles)


def test_real_articles_equal_yaml(real_articles):
    """On a sample of the real files the values are those that PyYAML's own safe loader gives."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for article in random.Random(1500).sample(real_articles, 1_500):
        with open(article.path, encoding="utf-8") as file:
            front_matter = file.read().split("\n---", 1)[0]
        keys = yaml.load(front_matter, loader)
        for key in ("url", "question"):
            assert getattr(article, key) == unicodedata.normalize("NFC", keys[key]).strip()
        assert (article.id, article.date) == (keys["id"], keys["date"])
        assert article.no_index == keys.get("no_index", False)
