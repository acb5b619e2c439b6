"""Text → tokens → surface forms → terms: one analysis for articles and queries.

A *token* is a piece of text as written. Its *surface form* is folded: lower case, no diacritics, no
possessive ``'s``. The *term*, which has the postings, is the surface form's Snowball stem. Hyphens
and underscores split; apostrophes within a word do not. A CJK character is a token of its own.

Works without any NLTK data. NLTK itself takes a third of a second to import, so it is imported
when the first word has to be stemmed: an index keeps a table of its surface forms, and a query
that uses only those never stems.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

__all__ = [
    "MAX_FORM_BYTES",
    "SOFT_WORDS",
    "STOP_WORDS",
    "fold",
    "is_soft",
    "stem",
    "token_pattern",
    "tokenize",
]

#: A surface form is cut to this many bytes of UTF-8; both sides of a search cut alike.
MAX_FORM_BYTES: Final = 32

#: Lucene's classic English stop words. They are indexed, for phrases, but not counted in lengths.
STOP_WORDS: Final = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with".split()
)

#: Words that carry grammar or frame a question. A query counts them a quarter.
SOFT_WORDS: Final = STOP_WORDS | frozenset(
    # grammar
    "about above across after again against all almost along also although always am among another any "
    "anyone anything around away because been before being below between both came can cannot come could "
    "did do does doing done down during each either else enough etc ever every few from further get gets "
    "getting got had has have having he her here hers herself him himself his i ie eg its itself just let "
    "like many may me might mine more most much must my myself need needs neither nor now off often once "
    "only other others otherwise our ours ourselves out over own per perhaps please quite rather same "
    "shall she should since so some something than them themselves though through thus together too "
    "toward towards under until up upon us very via want was we were while whether without within would "
    "yet you your yours yourself "
    # question frames
    "what whats how why when where who whom whose which explain describe define discuss identify list "
    "name give given state mention outline provide tell show illustrate summarize elaborate briefly "
    "mean means meant meaning called refer refers referred know known considered example examples "
    "following different difference differences various".split()
)

_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ASCII_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
_TOKEN: Final = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['\u2019][^\W_{_CJK}]+)*")
_LETTERS: Final = str.maketrans(  # letters that Unicode does not decompose
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
)


def token_pattern(text: str) -> re.Pattern[str]:
    """The expression whose matches in ``text`` are its tokens.

    ``text`` is expected in Unicode normal form C, as articles are.
    """
    return _ASCII_TOKEN if text.isascii() else _TOKEN


def tokenize(text: str) -> list[str]:
    """The tokens of ``text`` in order, as written.

    >>> tokenize("Müller's T-cell x_1")
    ["Müller's", 'T', 'cell', 'x', '1']
    """
    if text.isascii():
        return _ASCII_TOKEN.findall(text)
    return _TOKEN.findall(unicodedata.normalize("NFC", text))


def fold(token: str) -> str:
    """The surface form of one token: never empty, at most :data:`MAX_FORM_BYTES` long.

    >>> fold("Müller's"), fold("x²"), fold("don't")
    ('muller', 'x2', 'dont')
    """
    form = token.lower()
    if not form.isascii():
        plain = unicodedata.normalize("NFKD", form.replace("\u2019", "'").translate(_LETTERS))
        kept = "".join(c for c in plain if c.isalnum() or c == "'")
        form = unicodedata.normalize("NFC", kept).lower() or form
    if "'" in form:
        form = form.removesuffix("'s").replace("'", "") or form
    if len(form) * 4 > MAX_FORM_BYTES:
        form = form.encode()[:MAX_FORM_BYTES].decode("utf-8", "ignore")
    return form


@lru_cache(maxsize=65_536)
def stem(form: str) -> str:
    """The term of a surface form, by NLTK's Snowball stemmer for English.

    >>> stem("embolectomies")
    'embolectomi'
    """
    return _snowball()(form)


@cache
def _snowball() -> Callable[[str], str]:
    from nltk.stem.snowball import EnglishStemmer  # here: takes 0.3 s

    stem_word: Callable[[str], str] = EnglishStemmer().stem
    return stem_word


@cache
def _soft_terms() -> frozenset[str]:
    return frozenset(map(stem, SOFT_WORDS))


def is_soft(term: str) -> bool:
    """Whether ``term`` is the stem of a soft word."""
    return term in _soft_terms()
