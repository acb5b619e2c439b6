"""Every way in which an article file may be wrong: refused with the line, and with what to do about it."""

from __future__ import annotations

import errno
import os

import pytest

from qtsearch.articles import MAX_FILE_BYTES, parse_article, read_article
from qtsearch.errors import ArticleError


def error_of(text: str | bytes) -> ArticleError:
    with pytest.raises(ArticleError) as caught:
        parse_article(text if isinstance(text, bytes) else text.encode(), "some/file.md")
    assert caught.value.path == "some/file.md"
    assert str(caught.value).startswith("some/file.md")
    return caught.value


# -- no article --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "no front matter"),
        (b"url: /a\n", 1, "no front matter"),
        (b"\n---\nurl: /a\n---\n", 1, "no front matter"),
        (b"----\nurl: /a\n---\n", 1, "no front matter"),
        (b"---", 1, "no front matter"),
        (b"---\n", 1, "not closed"),
        (b"---\nurl: /a\nquestion: q\nanswer: a\n", 1, "not closed"),
        (b"---\nurl: /a\nquestion: q\nanswer: a\n ---\n----\n", 1, "not closed"),
        (b"---\n---\n", 1, "must be `key: value` lines"),
        (b"---\n- a\n- b\n---\n", 1, "must be `key: value` lines"),
        (b"---\nplain text\n---\n", 1, "must be `key: value` lines"),
        (b"---\nurl: /a\nquestion: caf\xe9\n---\n", 3, "not UTF-8 (byte 0xe9)"),
        (b"\xff\xfe-\0-\0-\0", 1, "not UTF-8 (byte 0xff)"),
        (b"---\nurl: /a\n\n# note\nquestion: [q\nanswer: a\n---\n", 6, "broken YAML"),
        (b"---\nurl: /a\nquestion: q: r\nanswer: a\n---\n", 3, "broken YAML"),
        (b"---\nurl: /a\n\tquestion: q\n---\n", 3, "broken YAML"),
        (b"---\nurl: *a\n---\n", 2, "broken YAML"),
        (b'---\nurl: /a\nquestion: "\\ud800"\n---\n', 3, "broken YAML"),
        (b"---\r\nurl: /a\r\nquestion: [q\r\n---\r\n", 4, "broken YAML"),
        (b"---\nurl: /a\n...\nurl: /b\n---\n", 4, "broken YAML"),
        (b"---\nurl: /a\nquestion: a\x01b\n---\n", 0, "broken YAML"),
    ],
)
def test_no_article(data, line, reason):
    """A file that is no article is refused with the line and the reason."""
    error = error_of(data)
    assert reason in error.reason
    assert error.line == line


@pytest.mark.parametrize("key", ["url", "question", "answer"])
@pytest.mark.parametrize("value", [None, "", "  ", "~", "''"])
def test_required_keys(key, value):
    """Each of the three keys must be there, with a text; the error names it, and the line where it stands."""
    keys = {"id": "5", "url": "/a", "question": "q", "answer": "a"} | {key: value}
    error = error_of("---\n" + "".join(f"{k}: {v}\n" for k, v in keys.items() if v is not None) + "---\n")
    assert f"`{key}`" in error.reason
    assert ("missing" if value is None else "empty") in error.reason
    assert error.line == (1 if value is None else list(keys).index(key) + 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("id: abc", "`id` must be an integer, found 'abc'"),
        ("id: 1.5", "`id` must be an integer, found '1.5'"),
        ("id: 1_000", "`id` must be an integer"),
        ("id: 0x1f", "`id` must be an integer"),
        ("id: 9999999999999999999", "`id` must be an integer"),
        ("id: ２", "`id` must be an integer"),
        ("id: [5]", "`id` must be text, found a list"),
        ("date: 2025-13-01", "`date` must be a date like 2025-01-31, found '2025-13-01'"),
        ("date: 2025-02-29", "`date` must be a date"),
        ("date: 31.1.2025", "`date` must be a date"),
        ("date: 0000-01-01", "`date` must be a date"),
        ("date: 2025-01-31x", "`date` must be a date"),
        ("date: {year: 2025}", "`date` must be text, found a mapping"),
        ("no_index: maybe", "`no_index` must be true or false, found 'maybe'"),
        ("no_index: 1", "`no_index` must be true or false"),
        ("subject: [a, b]", "`subject` must be text, found a list"),
        ("seo: text", "`seo` must be a mapping, found 'text'"),
        ("seo: [a]", "`seo` must be a mapping, found a list"),
        ("page_keywords: {a: b}", "`page_keywords` must be phrases between commas, found a mapping"),
        ("seo: {page_keywords: {a: b}}", "`page_keywords` must be phrases"),
        ("page_keywords: [[a]]", "`page_keywords` must be text, found a list"),
        ("seo: {page_description: [a]}", "`page_description` must be text"),
        ("related_article1: /b", "`related_article1` must be a mapping, found '/b'"),
        ("related_article1: {url: /b, id: b}", "`id` must be an integer, found 'b'"),
        ("related_article1: {url: [b]}", "`url` must be text"),
        ("subject: !!python/name:os.system x", "YAML tag 'tag:yaml.org,2002:python/name:os.system'"),
        ("extra: !!binary aGk=", "YAML tag 'tag:yaml.org,2002:binary'"),
        ("extra: [{a: !mine b}]", "YAML tag '!mine'"),
        ("? !mine b\n: c", "YAML tag '!mine'"),
    ],
)
def test_wrong_values(line, reason):
    """A value of the wrong type is refused with its line, and with what was expected and found."""
    error = error_of(f"---\nurl: /a\nquestion: q\nanswer: a\n{line}\n---\n")
    assert reason in error.reason
    assert error.line == 5


@pytest.mark.parametrize("key", ["question", "answer", "url"])
def test_required_keys_must_be_text(key):
    """A list in place of a text is refused, not joined."""
    keys = {"url": "/a", "question": "q", "answer": "a"} | {key: "[a, b]"}
    error = error_of("---\n" + "".join(f"{k}: {v}\n" for k, v in keys.items()) + "---\n")
    assert error.reason == f"`{key}` must be text, found a list"
    assert error.line == list(keys).index(key) + 2


@pytest.mark.parametrize("control", ["\\0", "\\x07", "\\n", "\\x1b", "\\x7f"])
def test_url_holds_no_control_characters(control):
    """A control character in a url is refused: it could not be told apart on a page, or in a log."""
    error = error_of(f'---\nurl: "/a{control}b"\nquestion: q\nanswer: a\n---\n')
    assert "`url` must be text without control characters" in error.reason
    assert error.line == 2


def test_long_values_are_shortened_in_messages():
    """A message shows no more of a wrong value than fits a line."""
    error = error_of(f"---\nurl: /a\nquestion: q\nanswer: a\nid: {'x' * 10_000}\n---\n")
    assert len(error.reason) < 100


# -- no file -----------------------------------------------------------------------------------------


def test_files_that_cannot_be_read(tmp_path):
    """A folder, a missing file, a link to itself and a name too long are ArticleErrors without a line."""
    loop = tmp_path / "loop.md"
    loop.symlink_to(loop)
    for path in (tmp_path, tmp_path / "none.md", loop, tmp_path / ("x" * 5_000), loop / "x.md"):
        with pytest.raises(ArticleError, match="cannot be read") as caught:
            read_article(path)
        assert (caught.value.path, caught.value.line) == (str(path), 0)


def test_unreadable_file(monkeypatch):
    """A file that may not be read is an ArticleError that says so."""

    def refuse(name, mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)  # root may read anything

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ArticleError, match="Permission denied"):
        read_article("a.md")


def test_size_limit(tmp_path, article_text):
    """A file of up to 1 MiB is read, a larger one is refused before it is looked at."""
    path = tmp_path / "a.md"
    text = article_text().encode()
    path.write_bytes(text + b" " * (MAX_FILE_BYTES - len(text)))
    assert read_article(path).question == "Why?"
    path.write_bytes(text + b" " * (MAX_FILE_BYTES - len(text) + 1))
    with pytest.raises(ArticleError, match=f"larger than {MAX_FILE_BYTES}"):
        read_article(path)
    assert error_of(b"\xff" * (MAX_FILE_BYTES + 1)).line == 0
