"""Text → tokens → surface forms → terms: one analysis for articles and queries.

A *token* is a piece of text as written. Its *surface form* is folded: lower case, no diacritics, no
possessive ``'s``, Greek letters in formulae and names by their names. The *term*, which has the postings, is
the surface form's Snowball stem. A CJK character is a token of its own.

Hyphens and underscores split. What stands together in spite of other signs is one token: apostrophes in a
word, decimals (``3.5``), thousands (``1,000``), acronyms with points (``U.S.``), subscripts and charges of
formulae (``H_2SO_4``, ``x^2``, ``Ca^{2+}``). A number is split from its unit (``5mg``). Two words with a
hyphen between them are a *compound*, which is indexed in one word, too: ``T-cell``, ``T cell`` and ``Tcell``
find each other.

Works without any NLTK data. NLTK itself takes a third of a second to import, so it is imported
when the first word has to be stemmed: an index keeps a table of its surface forms, and a query
that uses only those never stems.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import compress, count, pairwise
from typing import Final

from qtsearch.forks import late_imports

__all__ = [
    "MAX_FORM_BYTES",
    "SOFT_WORDS",
    "STOP_WORDS",
    "compounds",
    "fold",
    "is_soft",
    "pieces",
    "stem",
    "token_pattern",
    "tokenize",
]

#: A surface form is cut to this many bytes of UTF-8; both sides of a search cut alike.
MAX_FORM_BYTES: Final = 32
_MAX_FOLDED: Final = 256  # characters of a token; few are lost by folding

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
_UNITS: Final = (
    "mg mcg ug kg ml dl cm mm km nm hz khz mhz ghz kcal kj kpa mmhg mmol mol kv mv kw mw ms "
    "ul um umol μg μl μm μmol g l m"
)
_HYPHENS: Final = "-\u2010\u2011"
_APOSTROPHES: Final = "'\u2019"
#: What may stand between the letters of a token, or between the tokens of a piece.
_INNER: Final = rf"{_HYPHENS}{_APOSTROPHES}.,_^{{}}+\\"
_COMMAND: Final = r"\\(?:text|mathrm|rm)\{"


def _token_expression(letter: str) -> str:
    """The expression of one token; ``letter``: the class of letters and digits.

    However a token ends, it takes the same letters if the signs after the last of them are not there: so that
    :func:`pieces` may drop them. Of what may be long nothing is tried twice.
    """
    units = rf"(?i:{'|'.join(_UNITS.split())})[23²³]?"  # and areas, volumes
    number = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]++)(?:\.[0-9]++)*"
    # H_2, Ca^{2+}, and H}_2\text{SO}_4 of \text{H}_2\text{SO}_4
    script = rf"\}}?[_^](?:\{{[0-9]++(?:[+-]?\}})?|[0-9]++)(?:(?:{_COMMAND})?{letter}++)?"
    rest = rf"(?:[{_APOSTROPHES}]{letter}++)*+"
    return "|".join(
        (
            rf"(?:(?![0-9]){letter})(?:\.(?:(?![0-9]){letter}))+(?!{letter})",  # U.S.
            # 1,000 and 3.5, the number of 3.5mg and of 10²
            rf"{number}(?:(?={units}(?!{letter})|[⁰¹²³⁴-⁹₀-₉])|(?!{letter}){rest})",
            rf"{letter}++(?:{script})*+{rest}",
        )
    )


_ASCII_LETTER: Final = "[A-Za-z0-9]"
_LETTER: Final = rf"[^\W_{_CJK}]"
_ASCII_TOKEN: Final = re.compile(_token_expression(_ASCII_LETTER))
_TOKEN: Final = re.compile(rf"[{_CJK}]|{_token_expression(_LETTER)}")
_ASCII_PIECE: Final = re.compile(rf"{_ASCII_LETTER}++(?:[{_INNER}]++{_ASCII_LETTER}++)*+")
_PIECE: Final = re.compile(rf"[{_CJK}]|{_LETTER}++(?:[{_INNER}]++{_LETTER}++)*+")
_LETTERS: Final = str.maketrans(  # letters that Unicode does not decompose
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
)
_MICRO: Final = re.compile("μ(?=(?:[afglmsvw]|mol|sv)$)")
_GREEK: Final = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma "
        "tau upsilon phi chi psi omega".split(),
        strict=True,
    )
)


def token_pattern(text: str) -> re.Pattern[str]:
    """The expression whose matches in ``text`` are its tokens.

    ``text`` is expected in Unicode normal form C, as articles are.
    """
    return _ASCII_TOKEN if text.isascii() else _TOKEN


def tokenize(text: str) -> list[str]:
    """The tokens of ``text`` in order, as written.

    >>> tokenize("Müller's T-cell took 3.5mg of H_2SO_4")
    ["Müller's", 'T', 'cell', 'took', '3.5', 'mg', 'of', 'H_2SO_4']
    """
    if text.isascii():
        return [text] if text.isalpha() else _ASCII_TOKEN.findall(text)  # as most pieces are
    return _TOKEN.findall(unicodedata.normalize("NFC", text))


def pieces(text: str) -> list[str]:
    """``text`` in pieces, much faster than :func:`tokenize`: the tokens of all of them are those of ``text``.

    A token may lack signs at its end that :func:`fold` drops.

    >>> pieces("a T-cell.")
    ['a', 'T-cell']
    """
    if text.isascii():
        return _ASCII_PIECE.findall(text)
    return _PIECE.findall(unicodedata.normalize("NFC", text))


def compounds(text: str) -> list[tuple[int, str]]:
    """Where a hyphen joins two tokens: the number of the first, and both in one word, folded.

    In a chain of more than two, stop words join nothing. ``text`` is expected in normal form C.

    >>> compounds("a T-cell"), compounds("state-of-the-art"), compounds("follow-up-visit")
    ([(1, 'tcell')], [], [(0, 'followup'), (1, 'upvisit')])
    """
    found = []
    n_before = 0
    for piece in pieces(text):
        tokens = list(token_pattern(piece).finditer(piece))
        hyphens = [
            second.start() == first.end() + 1 and piece[first.end()] in _HYPHENS
            for first, second in pairwise(tokens)
        ]
        for number in compress(count(), hyphens):
            first, second = tokens[number][0], tokens[number + 1][0]
            joined = first + second
            in_chain = any(hyphens[max(number - 1, 0) : number]) or any(hyphens[number + 1 : number + 2])
            if (
                joined.isalnum()
                and not joined.isdecimal()
                and tokenize(joined) == [joined]
                and not (in_chain and {first.lower(), second.lower()} & STOP_WORDS)
            ):
                found.append((n_before + number, fold(joined)))
        n_before += len(tokens)
    return found


def fold(token: str) -> str:
    """The surface form of one token: never empty, at most :data:`MAX_FORM_BYTES` long; folds to itself.

    >>> fold("Müller's"), fold("x²"), fold("don't"), fold("U.S."), fold("3.5"), fold("β"), fold("H_2SO_4")
    ('muller', 'x2', 'dont', 'us', '3.5', 'beta', 'h2so4')
    """
    form = token[:_MAX_FOLDED].lower()
    if not form.isascii():
        form = _plain(form) or form
    if not form.isalnum():
        if form[-2:] == "'s":
            form = form[:-2] or form
        point = "." if form[:1].isdecimal() else ""
        if "\\" in form:
            form = re.sub(_COMMAND, "", form)
        form = "".join([c for c in form if c.isalnum() or c == point]).rstrip(".") or form
    if len(form) * 4 > MAX_FORM_BYTES and len(encoded := form.encode()) > MAX_FORM_BYTES:
        form = encoded[:MAX_FORM_BYTES].decode("utf-8", "ignore").rstrip(".")
    return form


def _plain(form: str) -> str:
    """Without diacritics, a Greek letter that is no part of a Greek word by its name."""
    plain = unicodedata.normalize("NFKD", form.replace("\u2019", "'")).lower().translate(_LETTERS)
    kept = "".join([c for c in plain if c.isalnum() or c in _INNER])
    if any(c in _GREEK for c in kept) and (len(kept) == 1 or re.search("[a-z0-9]", kept)):
        kept = "".join([_GREEK.get(c, c) for c in _MICRO.sub("u", kept)])
    return unicodedata.normalize("NFC", kept)


@lru_cache(maxsize=65_536)
def stem(form: str) -> str:
    """The term of a surface form, by NLTK's Snowball stemmer for English.

    >>> stem("embolectomies")
    'embolectomi'
    """
    return _snowball()(form)


@cache
def _snowball() -> Callable[[str], str]:
    with late_imports:
        from nltk.stem.snowball import EnglishStemmer  # here: takes 0.3 s

    stem_word: Callable[[str], str] = EnglishStemmer().stem
    return stem_word


@cache
def _soft_terms() -> frozenset[str]:
    return frozenset(map(stem, SOFT_WORDS))


def is_soft(term: str) -> bool:
    """Whether ``term`` is the stem of a soft word."""
    return term in _soft_terms()
