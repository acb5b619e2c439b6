"""What a page of results shows of an article: the passage that answers the query best, its words marked.

When it is indexed, an answer is rendered as text (:mod:`qtsearch.text.rendering`) and cut into sentences
(:mod:`qtsearch.text.sentences`). The best passage is the run of sentences, within a length, in which the most
that was asked for stands, each term counted once in full; a little more, if terms stand near each other or
again. Passages as units of retrieval: Callan, SIGIR 1994.
"""

from __future__ import annotations

import html
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NamedTuple

from qtsearch.analysis import MAX_FORM_BYTES, fold, token_pattern
from qtsearch.text.controls import remove_controls
from qtsearch.text.rendering import plain_text
from qtsearch.text.sentences import LINE_BREAK, sentence_spans

__all__ = ["Snippet", "Weights", "in_sentences", "make_snippet", "mark"]

#: What is looked for: surface form (as :func:`qtsearch.analysis.fold` gives it) → its term, by which forms
#: of one word are known to be the same, and the term's weight, above 0. Made once a query.
Weights = Mapping[str, tuple[Hashable, float]]

_SEPARATOR: Final = "\x1e"  # between a sentence and what leads to the next: no text has it

_REPEATED: Final = 0.1  # of a term's weight, for each of its next occurrences
_MAX_REPEATED: Final = 3
_NEAR: Final = 0.5  # of the lower weight of two terms, divided by the characters between them

_BEGINNING: Final = 4  # letters of a word that are looked for, together with those that begin alike
_MANY_BEGINNINGS: Final = 100

_MARK_ON: Final = "\x1b[1m"
_MARK_OFF: Final = "\x1b[22m"

_LINE_WITHOUT_END: Final = re.compile(r"\n(?<![.!?:;,…。！？]\n)")
_BEFORE_CUT: Final = f" ,;:\n{LINE_BREAK}"
_WORD_END: Final = re.compile(r"\s|\Z")
# ASCII in lower case, a space for all but letters and digits: nearly every word stands between two spaces.
_SHADOW: Final = bytes(ord(chr(c).lower()) if chr(c).isalnum() and c < 128 else 32 for c in range(256))
# Where it may not: letters beyond ASCII (dashes and quotation marks are not), scripts of formulae, numbers
# before units, and signs that may belong to a word.
_ODD: Final = re.compile(
    r"[\x80-\u200f\u2018\u2019\u2070-\U0010ffff_^0-9'.,]"
    r"(?:(?=\w)(?:(?<=\w['.,\u2018\u2019])|(?<=[0-9])(?=[A-Za-z]))|(?<![0-9'.,\u2018\u2019]))"
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to show, and where words of the query stand in it.

    ``marks``: offsets into ``text``, begin and end, of whole words as they are written; ascending, not
    overlapping, a mark for each word. ``str`` gives the text.
    """

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text

    def html(self) -> str:
        """The text escaped, words of the query within ``<mark>``.

        >>> Snippet("stroke < 4.5 h", ((0, 6),)).html()
        '<mark>stroke</mark> &lt; 4.5 h'
        """
        return self._join("<mark>", "</mark>", html.escape)

    def terminal(self) -> str:
        """The text for a terminal, words of the query in bold; without control characters of its own."""
        return self._join(_MARK_ON, _MARK_OFF, remove_controls)

    def to_dict(self) -> dict[str, Any]:
        """What becomes JSON: ``text``, and ``marks`` as pairs of offsets in characters."""
        return {"text": self.text, "marks": [list(mark) for mark in self.marks]}

    def _join(self, on: str, off: str, clean: Any) -> str:
        parts = []
        at = 0
        for start, end in self.marks:
            parts += [clean(self.text[at:start]), on, clean(self.text[start:end]), off]
            at = end
        parts.append(clean(self.text[at:]))
        return "".join(parts)


class _Found(NamedTuple):
    """A word of the query in a text."""

    start: int
    end: int
    term: Hashable
    weight: float


def mark(text: str, weights: Weights) -> Snippet:
    """The whole of a short text that is no Markdown, such as a question, with words of the query marked.

    >>> mark("Why do strokes occur?", {"stroke": ("stroke", 2.0), "strokes": ("stroke", 2.0)}).html()
    'Why do <mark>strokes</mark> occur?'
    """
    return Snippet(text, tuple((word.start, word.end) for word in _find(text, weights)))


def in_sentences(answer: str) -> str:
    r"""The text of an answer in Markdown, cut into sentences: what :func:`make_snippet` takes, made once.

    Cuts are before and behind what stands between two sentences. Lines that end without punctuation are
    joined by a sign that is shown as ``·``.

    >>> in_sentences("A clot is removed. **Strokes** need speed:\n\n- now")
    'A clot is removed.\x1e \x1eStrokes need speed:\x1e\n\x1enow'
    """
    text = _LINE_WITHOUT_END.sub(f" {LINE_BREAK} ", plain_text(answer))
    parts = []
    done = 0
    for start, end in sentence_spans(text):
        parts += [text[done:start], text[start:end]]
        done = end
    return _SEPARATOR.join([*parts[1:], text[done:]] if done < len(text) else parts[1:])


def make_snippet(sentences: str, weights: Weights, *, max_chars: int = 240) -> Snippet:
    """The passage of an answer, as :func:`in_sentences` gives it, that has most of a query; its beginning, if
    it has nothing.

    Whole sentences within ``max_chars`` characters (at least 1). A sentence that is longer is cut at words
    around its densest part; a ``…`` on that side comes on top of ``max_chars``, as it does where the next
    sentence is begun to fill a short passage. The earliest of equally good passages.

    Raises ValueError if ``max_chars`` is less than 1.

    >>> answer = "A clot is removed. **Strokes** need speed: every minute counts. Then rest."
    >>> print(make_snippet(in_sentences(answer), {"strokes": ("stroke", 2.0)}, max_chars=50).html())
    <mark>Strokes</mark> need speed: every minute counts.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}: give at least 1")
    if not sentences:
        return Snippet("")
    parts = sentences.split(_SEPARATOR)
    text = "".join(parts)
    bounds = list(accumulate(map(len, parts), initial=0))
    spans = list(zip(bounds[::2], bounds[1::2], strict=False))  # every other part
    found = _find(text, weights)
    start, end = _best_passage(text, spans, found, max_chars)
    return _show(text, spans, start, end, found)


def _find(text: str, weights: Weights) -> list[_Found]:
    """The words of the query in a text, ascending: not word by word, which would take four times as long."""
    beginnings = {f" {form[:_BEGINNING]}" for form in weights}
    # The longest forms may be longer in the text.
    if len(beginnings) > _MANY_BEGINNINGS or max(map(len, weights), default=0) >= MAX_FORM_BYTES:
        return _tokens(text, 0, len(text), weights)
    spaced = text.replace("\n", " ")
    odd: list[_Found] = []
    parts = []  # without what is between spaces and odd
    done = 0
    for match in _ODD.finditer(text):
        if match.start() >= done:
            begin = max(spaced.rfind(" ", done, match.start()) + 1, done)
            end = spaced.find(" ", match.end())
            end = len(text) if end < 0 else end
            odd += _tokens(text, begin, end, weights)
            parts += [text[done:begin], " " * (end - begin)]
            done = end
    if parts:
        text = "".join([*parts, text[done:]])
    shadow = f" {text.encode('ascii', 'replace').translate(_SHADOW).decode('ascii')} "
    found = []
    for beginning in beginnings:
        at = shadow.find(beginning)
        while at >= 0:
            end = shadow.find(" ", at + 1)
            word = weights.get(shadow[at + 1 : end])
            if word is not None:
                found.append(_Found(at, end - 1, *word))
            at = shadow.find(beginning, end)
    return sorted(found + odd)


def _tokens(text: str, start: int, end: int, weights: Weights) -> list[_Found]:
    """The words of the query in a part of a text, word by word."""
    return [
        _Found(*token.span(), *weights[form])
        for token in token_pattern(text).finditer(text, start, end)
        if (form := fold(token[0])) in weights
    ]


def _best_passage(
    text: str, sentences: list[tuple[int, int]], found: list[_Found], max_chars: int
) -> tuple[int, int]:
    """Where the best passage begins and ends."""
    best = -1.0
    first = last = 0  # sentences of the best passage
    inside: tuple[int, int] | None = None  # the best passage, where it is part of a sentence
    low = 0
    for number, (start, end) in enumerate(sentences):
        while low < len(found) and found[low].start < start:
            low += 1
        if low == len(found):
            break
        if found[low].start >= end:
            continue
        if end - start > max_chars:
            score, span = _densest(found, low, end, max_chars)
            stop = number
        else:
            span = None
            stop = _extend(sentences, number, max_chars)
            high = low
            while high < len(found) and found[high].start < sentences[stop][1]:
                high += 1
            score = _score(found[low:high])
        if score > best:
            best, first, last, inside = score, number, stop, span
    if inside is not None:
        return _around(text, sentences[first], inside, max_chars)
    if best < 0:
        last = _extend(sentences, 0, max_chars)
    while last > first and _is_lead(text, sentences[last], found, sentences[first][0]):
        last -= 1
    start, end = sentences[first][0], sentences[last][1]
    while first and end - sentences[first - 1][0] <= max_chars:
        first -= 1
        start = sentences[first][0]
    if end - start > max_chars or (2 * (end - start) < max_chars and last + 1 < len(sentences)):
        end = _cut(text, start, start + max_chars)
    return start, end


def _extend(sentences: list[tuple[int, int]], first: int, max_chars: int) -> int:
    """The last sentence of the longest passage that begins with ``first``."""
    last = first
    limit = sentences[first][0] + max_chars
    while last + 1 < len(sentences) and sentences[last + 1][1] <= limit:
        last += 1
    return last


def _is_lead(text: str, sentence: tuple[int, int], found: list[_Found], since: int) -> bool:
    """Whether this leads to what follows, as headings do and lines with a colon, and adds no term."""
    start, end = sentence
    if text[end + 1 : end + 2] != LINE_BREAK and text[end - 1 : end + 1] != ":\n":
        return False
    before = {word.term for word in found if since <= word.start < start}
    return all(word.term in before for word in found if start <= word.start < end)


def _score(found: list[_Found]) -> float:
    """The weight of each term once, a little for each that stands there again, and for neighbours."""
    seen: dict[Hashable, int] = {}
    near: dict[tuple[Hashable, Hashable], float] = {}
    total = before = 0.0
    last: Hashable = None
    last_end = 0
    for start, end, term, weight in found:
        times = seen[term] = seen.get(term, -1) + 1
        if times <= _MAX_REPEATED:
            total += weight * _REPEATED if times else weight
        if last is not None and last != term:
            value = min(before, weight) * _NEAR / max(start - last_end, 1)
            near[last, term] = max(value, near.get((last, term), 0.0))
        last, last_end, before = term, end, weight
    return total + sum(near.values())


def _densest(found: list[_Found], low: int, end: int, max_chars: int) -> tuple[float, tuple[int, int]]:
    """The best score of a part of a sentence, and where its first word begins and its last one ends."""
    best, span = -1.0, (0, 0)
    while low < len(found) and found[low].start < end:
        limit = min(end, found[low].start + max_chars)
        high = low + 1
        while high < len(found) and found[high].end <= limit:
            high += 1
        score = _score(found[low:high])
        if score > best:
            best, span = score, (found[low].start, found[high - 1].end)
        low += 1
    return best, span


def _around(text: str, sentence: tuple[int, int], inside: tuple[int, int], max_chars: int) -> tuple[int, int]:
    """At most ``max_chars`` of a sentence around a part of it, whole words where there are any."""
    begin = inside[0] - max(max_chars - (inside[1] - inside[0]), 0) // 2
    begin = max(min(begin, sentence[1] - max_chars), sentence[0])
    if begin > sentence[0] and text[begin - 1] != " ":
        begin = text.find(" ", begin, inside[0]) + 1 or inside[0]
    return begin, min(_cut(text, begin, begin + max_chars), sentence[1])


def _cut(text: str, start: int, limit: int) -> int:
    """Where to stop at ``limit`` or before, at the end of a word, if one ends after ``start``."""
    if limit >= len(text) or text[limit].isspace():
        return min(limit, len(text))
    end = max(text.rfind(" ", start, limit), text.rfind("\n", start, limit))
    return end if end > start else limit


def _show(text: str, sentences: list[tuple[int, int]], start: int, end: int, found: list[_Found]) -> Snippet:
    """The passage as it is shown, with a `…` where it begins or ends within a sentence."""
    ends = {span[1] for span in sentences}
    while end - start > 1 and end not in ends and text[end - 1] in _BEFORE_CUT:
        end -= 1
    before = "" if any(start == span[0] for span in sentences) else "…"
    after = "" if end in ends else "…"
    shift = len(before) - start
    # A word that is cut is no word.
    whole = [word for word in found if word.start >= start and word.end <= end]
    passage = text[start:end].replace("\n", " ").replace(LINE_BREAK, "·")
    return Snippet(
        before + passage + after,
        tuple((word.start + shift, word.end + shift) for word in whole),
    )
