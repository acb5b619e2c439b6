"""Article ⇄ record: what a segment stores of an article besides its columns, compressed.

Each record is compressed alone, so that one is read without its neighbours, with a dictionary shared by
the whole segment, so that this costs little space. The zlib stream carries an Adler-32 of the text,
which is checked at every read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from qtsearch.forks import late_imports

if TYPE_CHECKING:
    from qtsearch.articles import Article

__all__ = ["make_dictionary", "packer", "unpack"]

_LEVEL: Final = 4  # 5 saves four per cent of space and costs a third more time
_MAX_DICTIONARY: Final = 32_768
_HYPHENS: Final = str.maketrans("- ", " -")


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _spaced(url: str) -> str:
    """A url with spaces for hyphens, and the other way round: so it compresses with the words it is made of.

    >>> _spaced("/learn/why-not"), _spaced(_spaced("a-b c"))
    ('/learn/why not', 'a-b c')
    """
    return url.translate(_HYPHENS)


def _text(article: Article) -> bytes:
    """JSON of all but the answer on one line, then the answer, which JSON would only escape."""
    record = {
        "keywords": article.page_keywords,
        "description": article.description,
        "subject": article.subject,
        "related": [[_spaced(link.url), link.id, link.title, link.subject] for link in article.related],
        "path": _spaced(article.path),
        "no_index": article.no_index,
    }
    return f"{_encode(record)}\n{article.answer}".encode("utf-8", "surrogatepass")


def make_dictionary(articles: Sequence[Article]) -> bytes:
    """A compression dictionary from a sample of the articles: at most 32 KiB."""
    share = _MAX_DICTIONARY // max(len(articles), 1)
    return b"".join(_text(article)[:share] for article in articles)


def packer(dictionary: bytes) -> Callable[[Article], bytes]:
    """A function that makes the record of an article."""
    primed = zlib.compressobj(_LEVEL, zdict=dictionary) if dictionary else zlib.compressobj(_LEVEL)

    with late_imports:
        from qtsearch.text.snippets import in_sentences  # here: who reads records does without it

    def pack(article: Article) -> bytes:
        compressor = primed.copy()
        # The answer in sentences has no NUL, and makes the text little longer, once it is compressed.
        sentences = in_sentences(article.answer).encode("utf-8", "surrogatepass")
        return compressor.compress(_text(article) + b"\0" + sentences) + compressor.flush()

    return pack


def unpack(record: bytes, dictionary: bytes) -> dict[str, Any]:
    """What ``packer`` packed, as a dict; its ``sentences`` are for snippets.

    Raises ValueError if the record is damaged.
    """
    decompressor = zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()
    try:
        text = decompressor.decompress(record)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        raise ValueError("cut short")
    rest, _, texts = text.partition(b"\n")
    answer, _, sentences = texts.rpartition(b"\0")
    values: dict[str, Any] = json.loads(rest)
    values["path"] = _spaced(values["path"])
    for link in values["related"]:
        link[0] = _spaced(link[0])
    values["answer"] = answer.decode("utf-8", "surrogatepass")
    values["sentences"] = sentences.decode("utf-8", "surrogatepass")
    return values
