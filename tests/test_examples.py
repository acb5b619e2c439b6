"""The examples, run as apps use the library: the web app as a callable and on a socket, and the script."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from qtsearch.articles import Article

FOLDER = Path(__file__).parent.parent / "examples"
URL = "/learn/medicine/questions/what-is-mechanical-thrombectomy-and-how-is-it-performed"


def load(name: str) -> Any:
    """The module of an example."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WEB_APP = load("web_app")
READING_LIST = load("reading_list")


class Answer(NamedTuple):
    """What the app answers."""

    status: str
    headers: dict[str, str]
    body: str


def get(app: Any, path: str = "/", query: str = "") -> Answer:
    """Ask the app, checked against the standard of WSGI."""
    environ: dict[str, Any] = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    started: list[Any] = []
    body = validator(app)(environ, lambda status, headers, _=None: started.extend((status, headers)))
    try:
        data = b"".join(body)
    finally:
        body.close()
    headers = dict(started[1])
    assert int(headers["Content-Length"]) == len(data)
    return Answer(started[0], headers, data.decode())


@pytest.fixture(scope="module")
def app(sample_index) -> Any:
    return WEB_APP.App(sample_index)


# -- the web app -------------------------------------------------------------------------------------------


def test_the_first_page_has_a_form(app):
    """A box to type in, and how many pages there are."""
    answer = get(app)
    assert (answer.status, answer.headers["Content-Type"]) == ("200 OK", "text/html; charset=utf-8")
    assert '<input type="search" name="q" value=""' in answer.body
    assert "66 pages" in answer.body


def test_a_search_lists_hits_with_snippets_and_facets(app, sample_index):
    """In the order of the library, the query's words marked, subjects with counts as links."""
    body = get(app, query="q=thrombectomy").body
    found = sample_index.search("thrombectomy")
    assert re.findall(r"/article\?url=([^']+)", body) == [quote(hit.url) for hit in found]
    assert found[0].snippet().html() in body
    assert "<mark>thrombectomy</mark>" in body
    for name, count in found.subjects.items():
        assert f"subject={quote_plus(name)}'>{name} ({count})</a>" in body
    assert 'value="thrombectomy"' in body
    assert "More" not in body


def test_a_facet_narrows_the_search(app, sample_index):
    """Its link leads to the hits of the subject."""
    body = get(app, query="q=clot&subject=Nursing").body
    total = sample_index.search("clot", subjects=["Nursing"]).total
    assert body.count("<li>") == total
    assert f"{total} found" in body


def test_pages_follow_each_other(app, sample_index):
    """ "More" leads on to the last page; together they have every hit once, in order; subjects are kept."""
    query, urls = "q=what+is+a+blood+clot", []
    while query:
        body = get(app, query=query).body
        urls += re.findall(r"/article\?url=([^']+)", body)
        more = re.search(r"<a href='/\?([^']*)'>More</a>", body)
        query = unescape(more[1]) if more else ""
    every = sample_index.search("what is a blood clot", limit=100)
    assert len(every) > 20
    assert urls == [quote(hit.url) for hit in every]
    first = get(app, query="q=what+is+a+blood+clot&subject=Medicine").body
    assert "page=1&amp;subject=Medicine" in first


def test_spelling(app):
    """Without hits the corrected words are searched, and that is said; else they are suggested."""
    corrected = get(app, query="q=trombectomy").body
    assert "Nothing for “trombectomy”, so for “thrombectomy”:" in corrected
    assert URL in corrected
    suggested = get(app, query="q=trombectomy+clot").body
    assert "Did you mean <a href='/?q=thrombectomy+clot'>thrombectomy clot</a>?" in suggested


def test_completion_is_json(app, sample_index):
    """The texts of the completions, best first."""
    answer = get(app, "/complete", "q=throm")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert json.loads(answer.body) == [one.text for one in sample_index.complete("throm")]
    assert json.loads(get(app, "/complete").body) == []


def test_an_article(app, sample_index):
    """Its question, its answer as text, and links to related pages."""
    body = get(app, "/article", f"url={quote(URL)}").body
    assert "<h1>What is mechanical thrombectomy and how is it performed?</h1>" in body
    assert "**" not in body
    assert re.findall(r"/article\?url=([^']+)", body) == [
        quote(hit.url) for hit in sample_index.related(URL, limit=5)
    ]


@pytest.mark.parametrize(("path", "query"), [("/nowhere", ""), ("/article", ""), ("/article", "url=/none")])
def test_what_is_not_there_is_404(app, path, query):
    """Pages and articles."""
    answer = get(app, path, query)
    assert answer.status == "404 Not Found"
    assert "There is no such" in answer.body


HOSTILE = [
    "<script>alert(1)</script>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "'%22%3E%3Cscript%3Ealert(1)",
    "trombectomy'%22%3E%3Cscript%3E",
    "%00",
    "%00clot%1b[31m",
    "%ff%fe",
    "\xff clot",
    "%ED%A0%80",
    "%",
    "%zz",
    "(((((((((((((((",
    "clot+AND+OR+NOT+%22",
    "*",
    "clot" * 10_000,
    "a+b+" * 5_000,
    "%F0%9F%98%80",
    "date:[9999+to+0000]",
    "{0}{title}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20].encode("unicode_escape").decode())
def test_hostile_queries_are_escaped_and_answered(app, text):
    """200 or 404, and no markup of a request in the page."""
    for path, query in [
        ("/", f"q={text}"),
        ("/", f"q=clot&subject={text}"),
        ("/", f"q=clot&page={text}"),
        ("/", f"q={text}&page=1&subject={text}"),
        ("/", text),
        ("/complete", f"q={text}"),
        ("/article", f"url={text}"),
        (f"/{text}", ""),
    ]:
        answer = get(app, path, query)
        assert answer.status in ("200 OK", "404 Not Found")
        if path != "/complete":
            assert answer.body.count("<script") == 1
            assert "alert(1)</script>" not in answer.body
        else:
            assert isinstance(json.loads(answer.body), list)


@pytest.mark.parametrize("page", ["999999", "9" * 400, "-1", "1.5", "²", "%D9%A3", "0x1", ""])
def test_any_number_of_a_page(app, page):
    """Far pages are empty, what is no number is the first page."""
    answer = get(app, query=f"q=clot&page={page}")
    assert answer.status == "200 OK"
    assert "11 found" in answer.body


def test_texts_of_articles_are_escaped(build_index):
    """Markup in a question, an answer, a subject or a url stays text."""
    bad = "<script>alert(1)</script>"
    article = Article(f"/a'{bad}?x&y", f"Why {bad} clot?", f"Clot {bad} `{bad}`", subject=f"S{bad}")
    other = Article("/b", f"Why {bad} clot so?", "Clot.", subject="S")
    with build_index([article, other]) as index:
        hostile = WEB_APP.App(index)
        search = get(hostile, query="q=clot").body
        link = re.search(r"<a href='/article\?(url=/a[^']*)'", search)
        assert link
        assert "<h1>Why &lt;script&gt;" in get(hostile, "/article", unescape(link[1])).body
        for body in (search, get(hostile, "/article", unescape(link[1])).body):
            assert body.count("<script") == 1
            assert "&lt;script&gt;" in body


def test_several_threads_share_one_index(app):
    """The same answers as one after the other, but for the time they took."""
    queries = [f"q={word}" for word in ("clot", "energy", "trombectomy", "what+is", "plague", "cell")] * 5

    def body(query: str) -> str:
        return re.sub(r"[\d.]+ ms", "ms", get(app, query=query).body)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(body, queries)) == [body(query) for query in queries]


class Quiet(WSGIRequestHandler):
    """Without a line on stderr for each request."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_over_a_socket(sample_index):
    """As `main` serves it, from a folder, to a client on the network."""
    application = WEB_APP.make_application(sample_index.path)
    with application.index, make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            with urllib.request.urlopen(f"{address}/?q=thrombectomy", timeout=30) as answer:
                assert answer.status == 200
                assert "<mark>thrombectomy</mark>" in answer.read().decode()
            with urllib.request.urlopen(f"{address}/complete?q=throm", timeout=30) as answer:
                assert "thrombolysis" in json.load(answer)
        finally:
            server.shutdown()
            thread.join()


# -- the reading list --------------------------------------------------------------------------------------


def listed(lines: list[str]) -> list[str]:
    """The urls of a list."""
    return [re.search(r"\]\((.*?)\): ", line)[1] for line in lines if line.startswith("- ")]


def test_a_reading_list_has_no_article_twice(sample_index):
    """A heading for each topic, the best articles that were not listed before, shortened."""
    lines = list(READING_LIST.reading_list(sample_index, ["thrombectomy", "blood clot"], length=3))
    assert [line for line in lines if line.startswith("#")] == ["## thrombectomy\n", "## blood clot\n"]
    urls = listed(lines)
    assert urls[:3] == [hit.url for hit in sample_index.search("thrombectomy", limit=3)]
    assert urls[3:] == [hit.url for hit in sample_index.search("blood clot", exclude=urls[:3], limit=3)]
    assert len(set(urls)) == 6
    assert lines[1].startswith("- [What is mechanical thrombectomy and how is it performed?](/learn/")


def test_a_reading_list_of_a_subject_and_of_nothing(sample_index):
    """Only that subject; a topic without articles says so; a misspelt one is headed as it was searched."""
    lines = list(READING_LIST.reading_list(sample_index, ["clot"], subject="Nursing"))
    assert {sample_index.get(url).subject for url in listed(lines)} == {"Nursing"}
    lines = list(READING_LIST.reading_list(sample_index, ["xyzzyplugh", "trombectomy"], length=1))
    assert lines[:2] == ["## xyzzyplugh\n", "Nothing found.\n"]
    assert lines[2] == "## thrombectomy\n"


def test_the_script_prints_the_list(sample_index, tmp_path):
    """The lines on stdout; what is wrong is one line on stderr, exit 1."""
    script = [sys.executable, FOLDER / "reading_list.py"]
    asked = ["thrombectomy", "energy", "--length", "2"]
    done = subprocess.run([*script, sample_index.path, *asked], capture_output=True, text=True, check=True)
    expected = READING_LIST.reading_list(sample_index, ["thrombectomy", "energy"], length=2)
    assert done.stdout == "".join(f"{line}\n" for line in expected)
    for arguments, named in (
        ([tmp_path / "none", "clot"], "none"),
        ([sample_index.path, "clot", "--length", "-1"], "-1"),
    ):
        done = subprocess.run([*script, *arguments], capture_output=True, text=True)
        assert (done.returncode, done.stdout.count("- ["), done.stderr.count("\n")) == (1, 0, 1)
        assert named in done.stderr
