"""A small web app over an index: search page with facets and snippets, completion as one types, articles.

Command: python examples/web_app.py [INDEX] [--port 8000]

Only the standard library beside qtsearch. It is a WSGI app: a server for many users runs it as it stands,
`gunicorn --preload "examples.web_app:make_application('index')"`. The index is opened once, and shared by all
threads and, preloaded, by all workers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from html import escape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode
from wsgiref.simple_server import make_server

import qtsearch
from qtsearch.text.rendering import plain_text

PAGE = 10
Start = Callable[[str, list[tuple[str, str]]], object]

HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }}
  input[type=search] {{ font: inherit; width: 100%; padding: .4em; box-sizing: border-box; }}
  ol {{ padding-left: 1.5em; }} li {{ margin: 1em 0; }}
  small {{ color: #666; }} mark {{ background: #ffe79a; }}
  pre {{ white-space: pre-wrap; font: inherit; }}
</style>
<form action="/"><input type="search" name="q" value="{query}" list="found" autofocus autocomplete="off"
  aria-label="Search"><datalist id="found"></datalist></form>
<script>
  const box = document.querySelector("input"), list = document.querySelector("datalist");
  box.addEventListener("input", async () => {{
    const found = await (await fetch("/complete?q=" + encodeURIComponent(box.value))).json();
    list.replaceChildren(...found.map(text => new Option(text, text)));
  }});
</script>
"""


class App:
    """The WSGI application."""

    def __init__(self, index: qtsearch.Index) -> None:
        self.index = index

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        path = environ.get("PATH_INFO", "/")
        if path == "/complete":
            found = [completion.text for completion in self.index.complete(asked.get("q", ""))]
            return _answer(start, "200 OK", json.dumps(found), "application/json")
        if path == "/article":
            return self._article(asked.get("url", ""), start)
        if path == "/":
            return self._search(asked, start)
        return _answer(start, "404 Not Found", _page("Not found", "", "<p>There is no such page.</p>"))

    def _search(self, asked: dict[str, str], start: Start) -> Iterable[bytes]:
        query, subject = asked.get("q", ""), asked.get("subject")
        number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 7 else 0
        if not query:
            return _answer(start, "200 OK", _page("Search", "", f"<p>{len(self.index):,} pages.</p>"))
        results = self.index.search(
            query, subjects=None if subject is None else [subject], limit=PAGE, offset=PAGE * number
        )
        parts = [f"<p><small>{results.total:,} found in {results.elapsed_ms:.1f} ms</small></p>"]
        if results.corrected:
            parts.append(f"<p>Nothing for “{escape(query)}”, so for “{escape(results.corrected)}”:</p>")
        elif results.suggestion:
            parts.append(f"<p>Did you mean {_link(results.suggestion, q=results.suggestion)}?</p>")
        subjects = [_link(f"{name} ({n})", q=query, subject=name) for name, n in results.subjects.items()]
        parts.append(f"<p><small>{' · '.join(subjects[:8])}</small></p><ol start='{PAGE * number + 1}'>")
        for hit in results:
            parts.append(
                f"<li><a href='/article?url={quote(hit.url)}'>{hit.marked_question().html()}</a>"
                f"<br>{hit.snippet().html()}<br><small>{escape(hit.subject)} · {hit.date or ''}</small></li>"
            )
        parts.append("</ol>")
        if results.total > PAGE * (number + 1):
            more = {"q": query, "page": str(number + 1)} | ({"subject": subject} if subject else {})
            parts.append(f"<p>{_link('More', **more)}</p>")
        return _answer(start, "200 OK", _page(query, query, "\n".join(parts)))

    def _article(self, url: str, start: Start) -> Iterable[bytes]:
        article = self.index.get(url)
        if article is None:
            return _answer(start, "404 Not Found", _page("Not found", "", "<p>There is no such article.</p>"))
        related = "".join(
            f"<li><a href='/article?url={quote(hit.url)}'>{escape(hit.question)}</a></li>"
            for hit in self.index.related(url, limit=5)
        )
        body = (
            f"<h1>{escape(article.question)}</h1><pre>{escape(plain_text(article.answer))}</pre>"
            f"<h2>Related</h2><ul>{related}</ul>"
        )
        return _answer(start, "200 OK", _page(article.question, "", body))


def _page(title: str, query: str, body: str) -> str:
    return HEAD.format(title=escape(title), query=escape(query)) + body


def _link(text: str, **asked: str) -> str:
    return f"<a href='/?{escape(urlencode(asked))}'>{escape(text)}</a>"


def _answer(start: Start, status: str, body: str, kind: str = "text/html") -> Iterable[bytes]:
    data = body.encode("utf-8", "replace")
    start(status, [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(data)))])
    return [data]


def make_application(index: str | None = None) -> App:
    """The app over the index in a folder."""
    return App(qtsearch.open_index(index))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Search an index in a browser.")
    parser.add_argument("index", nargs="?", help="folder of the index (default: $QTSEARCH_INDEX, else index)")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    with make_server("127.0.0.1", arguments.port, make_application(arguments.index)) as server:
        print(f"http://127.0.0.1:{arguments.port}/  (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
