"""One Markdown file with YAML front matter → :class:`Article`, or an :class:`ArticleError`.

First step of the flow: nothing here knows of the index. The front matter is composed into YAML
nodes and never constructed into objects, so no tag can build anything, an alias costs nothing, and
each value's line is at hand for the error message.
"""

from __future__ import annotations

import datetime
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from qtsearch.errors import ArticleError
from qtsearch.text.breaks import restore_line_breaks

__all__ = [
    "MAX_FILE_BYTES",
    "Article",
    "RelatedLink",
    "parse_article",
    "read_article",
    "read_bytes",
    "split_phrases",
]

#: A larger file is rejected: 1 MiB, over a hundred times the longest real article.
MAX_FILE_BYTES: Final = 1 << 20

# PyYAML composes by recursion in C: tens of thousands of levels overflow the stack. Each level takes
# an opening character, so only a file with very many of them needs its depth looked at.
_SUSPECT_OPENINGS: Final = 2_000
_MAX_YAML_DEPTH: Final = 100
_TOO_DEEP: Final = f"YAML nested deeper than {_MAX_YAML_DEPTH} levels"
#: What libyaml says, which has a limit of its own in newer versions and reads ahead.
_TOO_DEEP_FOR_LIBYAML: Final = "exceeded maximum nesting depth"


@dataclass(frozen=True, slots=True)
class RelatedLink:
    """A link from one article to another page: its ``url`` and what the linking file says of it."""

    url: str
    id: int | None = None
    title: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """One page: a question, its answer, and what is known of them.

    ``url`` is the key of the page. ``id`` names the article, which may stand on several pages.
    Texts are Unicode in normal form C; ``answer`` is Markdown with real line breaks.
    ``page_keywords`` are phrases in the order of the file. ``path`` is the file it was read from.
    """

    url: str
    question: str
    answer: str
    id: int | None = None
    page_keywords: tuple[str, ...] = ()
    subject: str = ""
    date: datetime.date | None = None
    description: str = ""
    related: tuple[RelatedLink, ...] = ()
    no_index: bool = False
    path: str = ""


def read_article(path: str | os.PathLike[str]) -> Article:
    """Read one file.

    Raises:
        ArticleError: it cannot be opened, is larger than :data:`MAX_FILE_BYTES`, is not UTF-8, or
            is no article (see :func:`parse_article`).
    """
    name = os.fspath(path)
    return parse_article(read_bytes(name), name)


def read_bytes(path: str) -> bytes:
    """The bytes of a file, of one that is too large a part. Raises ArticleError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ArticleError(path, 0, f"cannot be read: {error.strerror or error}") from error


def parse_article(data: bytes, path: str = "") -> Article:
    """Make an article of the bytes of a file; ``path`` is only for messages and ``Article.path``.

    Required keys are ``url``, ``question`` and ``answer``; ``id``, ``subject``, ``date``,
    ``no_index``, ``seo.page_keywords``, ``seo.page_description`` and ``related_article1`` … may be
    absent or empty. A byte order mark and CRLF line ends are accepted.

    Raises:
        ArticleError: with the line and the reason.

    >>> text = b"---\\nurl: /a\\nquestion: Why?\\nanswer: Because.\\nid: 7\\n---\\n"
    >>> parse_article(text).id
    7
    """
    if len(data) > MAX_FILE_BYTES:
        raise ArticleError(path, 0, f"larger than {MAX_FILE_BYTES} bytes: split it or leave it out")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ArticleError(
            path, line, f"not UTF-8 (byte 0x{data[error.start]:02x}): save it as UTF-8"
        ) from error
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _FrontMatter(_front_matter(text, path), path).article()


_OPENING: Final = re.compile(r"---[ \t]*\n")
_CLOSING: Final = re.compile(r"\n---[ \t]*(?:\n|$)")


def _front_matter(text: str, path: str) -> str:
    opening = _OPENING.match(text)
    if not opening:
        raise ArticleError(path, 1, "no front matter: the first line must be `---`")
    closing = _CLOSING.search(text, opening.end() - 1)
    if not closing:
        raise ArticleError(path, 1, "the front matter is not closed: no second line `---`")
    # From the first line's end on, so that YAML's line numbers are the file's.
    return text[opening.end() - 1 : closing.start() + 1]


# -- YAML ------------------------------------------------------------------------------------------

_PLAIN: Final = "tag:yaml.org,2002:plain"  # what our resolver calls every node without a tag
_CORE_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "plain")
)
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")  # what an int64 holds
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS: Final = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}


class _Unresolved:
    """A resolver that resolves nothing: half the time of a load goes into guessing types."""

    def resolve(self, kind: type, value: object, implicit: object) -> str:
        return _PLAIN

    def check_resolver_prefix(
        self, depth: int, path: object, kind: type, node: object, index: object
    ) -> bool:
        return False

    def descend_resolver(self, current_node: object, current_index: object) -> None: ...

    def ascend_resolver(self) -> None: ...


if yaml.__with_libyaml__:
    _EventParser: Any = yaml.cyaml.CParser  # type: ignore[attr-defined]

    class _Composer(_Unresolved, _EventParser):  # type: ignore[misc]
        pass

else:  # pragma: no cover - PyYAML without its C extension: ten times slower, same nodes

    class _EventParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)

    class _Composer(_Unresolved, _EventParser, yaml.composer.Composer):  # type: ignore[no-redef, misc]
        def __init__(self, stream: str) -> None:
            _EventParser.__init__(self, stream)
            yaml.composer.Composer.__init__(self)


def _compose(text: str, path: str) -> yaml.Node | None:
    """The root node of the front matter, its depth bounded and its tags harmless."""
    try:
        if sum(map(text.count, "[{-?:")) > _SUSPECT_OPENINGS:
            _check_depth(text, path)
        root: yaml.Node | None = _Composer(text).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        line = mark.line + 1 if mark else 0
        reason = _TOO_DEEP if problem == _TOO_DEEP_FOR_LIBYAML else f"broken YAML: {problem}"
        raise ArticleError(path, line, reason) from error
    if "!" in text:
        for node in _nodes(root):
            if node.tag not in _CORE_TAGS:
                raise ArticleError(path, _line(node), f"YAML tag {node.tag!r} is not allowed")
    return root


def _check_depth(text: str, path: str) -> None:
    depth = 0
    parser = _EventParser(text)
    while event := parser.get_event():
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_YAML_DEPTH:
                raise ArticleError(path, _line(event), _TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.StreamEndEvent):
            return


def _nodes(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """Every node once, however often aliases repeat it."""
    seen: set[int] = set()
    waiting = [root] if root else []
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            for pair in node.value:
                waiting.extend(pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _line(place: Any) -> int:
    """The line of a node or an event, from 1."""
    line: int = place.start_mark.line
    return line + 1


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


class _FrontMatter:
    """The keys of one mapping, each read as the type it must have."""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.unread = MAX_FILE_BYTES
        root = _compose(text, path)
        if not isinstance(root, yaml.MappingNode):
            raise ArticleError(path, 1, "the front matter must be `key: value` lines")
        self.keys = self.mapping(root)

    def article(self) -> Article:
        keys = self.keys
        seo = self.nested("seo")
        url = self.url()
        return Article(
            url=url,
            question=self.required("question").strip(),
            answer=restore_line_breaks(self.required("answer")).strip(),
            id=self.integer(keys, "id"),
            page_keywords=self.phrases(seo.get("page_keywords") or keys.get("page_keywords")),
            subject=self.text(keys, "subject").strip(),
            date=self.date(keys, "date"),
            description=self.text(seo, "page_description").strip(),
            related=self.related(url),
            no_index=self.boolean(keys, "no_index"),
            path=self.path,
        )

    def error(self, node: yaml.Node, key: str, expected: str) -> ArticleError:
        if isinstance(node, yaml.ScalarNode):
            found = _shown(node.value)
        else:
            found = "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
        return ArticleError(self.path, _line(node), f"`{key}` must be {expected}, found {found}")

    def mapping(self, node: yaml.MappingNode) -> dict[str, yaml.Node]:
        return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}

    def nested(self, key: str) -> dict[str, yaml.Node]:
        node = self.keys.get(key)
        if node is None or self.is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, key, "a mapping")
        return self.mapping(node)

    def is_null(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULLS

    def text(self, keys: dict[str, Any], key: str) -> str:
        node = keys.get(key)
        if node is None or self.is_null(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node, key, "text")
        return self.value(node)

    def value(self, node: yaml.ScalarNode) -> str:
        """The text of a node. Aliases may repeat text, but not to more than a file may hold."""
        value: str = node.value
        self.unread -= len(value)
        if self.unread < 0:
            raise ArticleError(self.path, _line(node), f"aliases make more than {MAX_FILE_BYTES} bytes of it")
        return value

    def required(self, key: str) -> str:
        value = self.text(self.keys, key)
        if not value.strip():
            node = self.keys.get(key)
            problem = "is missing" if node is None else "is empty"
            raise ArticleError(self.path, _line(node) if node else 1, f"the key `{key}` {problem}")
        return value

    def url(self) -> str:
        url = self.required("url").strip()
        if not url.isprintable():
            raise self.error(self.keys["url"], "url", "text without control characters")
        return url

    def integer(self, keys: dict[str, Any], key: str) -> int | None:
        value = self.text(keys, key).strip()
        if not value:
            return None
        if _INTEGER.fullmatch(value) is None:
            raise self.error(keys[key], key, "an integer")
        return int(value)

    def boolean(self, keys: dict[str, Any], key: str) -> bool:
        value = self.text(keys, key).strip().lower()
        if not value:
            return False
        if value not in _BOOLS:
            raise self.error(keys[key], key, "true or false")
        return _BOOLS[value]

    def date(self, keys: dict[str, Any], key: str) -> datetime.date | None:
        value = self.text(keys, key).strip()
        if not value:
            return None
        match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})([Tt ].*)?", value, re.ASCII)
        try:
            if match:
                return datetime.date.fromisoformat(match[1])
        except ValueError:  # a thirteenth month: reported below like any other text
            pass
        raise self.error(keys[key], key, "a date like 2025-01-31")

    def phrases(self, node: yaml.Node | None) -> tuple[str, ...]:
        if node is None or self.is_null(node):
            return ()
        if isinstance(node, yaml.ScalarNode):
            return split_phrases(self.value(node))
        if isinstance(node, yaml.SequenceNode):
            if bad := next((n for n in node.value if not isinstance(n, yaml.ScalarNode)), None):
                raise self.error(bad, "page_keywords", "text")
            return tuple(phrase for item in node.value for phrase in split_phrases(self.value(item)))
        raise self.error(node, "page_keywords", "phrases between commas")

    def related(self, page_url: str) -> tuple[RelatedLink, ...]:
        """The related pages by their number; a target named twice, or the page itself, only adds noise."""
        numbered = []
        for key in self.keys:
            number = key.removeprefix("related_article")
            if number != key and number.isdecimal() and len(number) <= 3:
                numbered.append((int(number), key))
        links: dict[str, RelatedLink] = {}
        for _, key in sorted(numbered):
            keys = self.nested(key)
            url = self.text(keys, "url").strip()
            if url and url != page_url:
                links.setdefault(
                    url,
                    RelatedLink(
                        url=url,
                        id=self.integer(keys, "id"),
                        title=self.text(keys, "title").strip(),
                        subject=self.text(keys, "subject").strip(),
                    ),
                )
        return tuple(links.values())


# -- values ----------------------------------------------------------------------------------------

_PHRASE_COMMA: Final = re.compile(r",(?!\d)|(?<!\d),")  # the comma of `1,4-dioxane` joins


def split_phrases(text: str) -> tuple[str, ...]:
    """Comma separated phrases, stripped, empty ones dropped.

    >>> split_phrases("blood clot, 1,4-dioxane,,stroke")
    ('blood clot', '1,4-dioxane', 'stroke')
    """
    phrases = (" ".join(part.split()) for part in _PHRASE_COMMA.split(text))
    return tuple(phrase for phrase in phrases if phrase)
