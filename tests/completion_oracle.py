"""Completion by a slow look at every phrase, and small segments to complete from."""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import pairwise
from unittest import mock

import numpy as np

from qtsearch.analysis import fold, tokenize
from qtsearch.articles import Article
from qtsearch.codec.chunk import ChunkBuilder
from qtsearch.codec.completions import MAX_PHRASE_WORDS
from qtsearch.codec.segment import Segment
from qtsearch.codec.writer import SegmentWriter
from qtsearch.schema import slugify
from qtsearch.search.completion import Completer, Completion

# -- an oracle -------------------------------------------------------------------------------------------


def words_of(text):
    return tuple(fold(token) for token in tokenize(text))


@cache
def near(word, letters):
    """A word, and it with one letter left out, put in, replaced or swapped with the next."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    return frozenset(
        [word]
        + [before + after[1:] for before, after in cuts]
        + [before + after[1::-1] + after[2:] for before, after in cuts]
        + [before + letter + after for before, after in cuts for letter in letters]
        + [before + letter + after[1:] for before, after in cuts if after for letter in letters]
    )


def begins_nearly(form, prefix, letters):
    """Whether a surface form begins with a text that is one edit at most away from ``prefix``."""
    return any(form[:n] in near(prefix, letters) for n in range(len(prefix) - 1, len(prefix) + 2))


def slow_near_prefix(segment):
    """What `qtsearch.search.completion.NearPrefix` says, by looking at every surface form."""
    forms = [form.decode() for form in segment.forms.tolist()]
    frequencies = segment.form_frequencies.sum(axis=1).tolist()
    letters = "".join(sorted(set("".join(forms))))

    def near_prefix(prefix, limit):
        found = [number for number, form in enumerate(forms) if begins_nearly(form, prefix, letters)]
        found.sort(key=lambda number: -frequencies[number])
        return np.array(found[:limit], np.int64)

    return near_prefix


def all_phrases(articles, kind):
    """Every phrase of a kind by its words: the completion that it is."""
    pages = {}
    for article in sorted(articles, key=lambda article: (slugify(article.subject), article.url)):
        for text in {"keyword": article.page_keywords, "question": [article.question]}[kind]:
            if 1 <= len(words_of(text)) <= MAX_PHRASE_WORDS:
                pages.setdefault(words_of(text), {}).setdefault(text, {})[article.url] = None
    phrases = {}
    for words, spellings in pages.items():
        text = min(spellings, key=lambda text: (-len(spellings[text]), text.encode()))
        url = next(iter(spellings[text])) if kind == "question" else None
        phrases[words] = Completion(text, kind, len(set().union(*spellings.values())), url)
    return phrases


def tier_of(phrase, typed, goes_on):
    """0 to 2: the phrase begins with what was typed, has it further on, has all its words. Or ``None``."""
    *complete, last = typed

    def is_last(word):
        return word.startswith(last) if goes_on else word == last

    places = [
        place
        for place in range(len(phrase) - len(complete))
        if list(phrase[place : place + len(complete)]) == complete and is_last(phrase[place + len(complete)])
    ]
    if places:
        return 0 if places[0] == 0 else 1
    if set(complete) <= set(phrase) and any(map(is_last, phrase)):
        return 2
    return None


def has_nearly(phrase, typed, goes_on, mistyped):
    """Whether a phrase has all the words typed, those of ``mistyped`` (places) but for one edit."""
    letters = "".join(sorted(set("".join(phrase))))

    def matches(place, word):
        wanted, is_prefix = typed[place], goes_on and place == len(typed) - 1
        if place not in mistyped:
            return word.startswith(wanted) if is_prefix else word == wanted
        return begins_nearly(word, wanted, letters) if is_prefix else word in near(wanted, letters)

    return all(any(matches(place, word) for word in phrase) for place in range(len(typed)))


def choices_of(typed, goes_on, phrases):
    """Which places to take for mistyped, in turn."""
    every = {word for phrase in phrases for word in phrase}
    known = [word in every for word in typed]
    if goes_on:
        known[-1] = any(word.startswith(typed[-1]) for word in every)
    unknown = [place for place, is_known in enumerate(known) if not is_known]
    if not unknown:
        return [[place] for place in range(len(typed))][:-4:-1]
    return [unknown] if len(unknown) <= 3 else []


def slow_complete(articles, text, limit, tolerant):
    typed = words_of(text)
    if not typed:
        return []
    goes_on = text[-1].isalnum()  # enough for what is typed here
    phrases = [all_phrases(articles, kind) for kind in ("keyword", "question")]
    found = [
        {words: tier for words in some if (tier := tier_of(words, typed, goes_on)) is not None}
        for some in phrases
    ]
    if tolerant:
        for tier, mistyped in enumerate(choices_of(typed, goes_on, [*phrases[0], *phrases[1]]), 3):
            if min(len(found[0]), limit) + min(len(found[1]), limit) >= limit:
                break
            if min(len(typed[place]) for place in mistyped) >= 4:
                for some, tiers in zip(phrases, found, strict=True):
                    for words in some:
                        if has_nearly(words, typed, goes_on, mistyped):
                            tiers.setdefault(words, tier)

    def ranked(kind):
        shown = [(tier, phrases[kind][words]) for words, tier in found[kind].items()]
        shown.sort(key=lambda row: (row[0], -row[1].count, len(row[1].text), row[1].text.encode()))
        return shown[:limit]

    keywords, questions = ranked(0), ranked(1)
    n_questions = min(len(questions), max(limit // 3, limit - len(keywords)))
    shown = keywords[: limit - n_questions] + questions[:n_questions]
    shown.sort(key=lambda row: row[0])  # stable
    return [completion for _, completion in shown]


# -- segments --------------------------------------------------------------------------------------------


def segment_of(articles, cuts=()):
    """A segment in memory of these articles, spread over chunks at ``cuts``."""
    chunks = []
    for start, stop in pairwise([0, *cuts, len(articles)]):
        builder = ChunkBuilder(b"")
        for article in articles[start:stop]:
            builder.add(article)
        chunks.append(builder.arrays())
    with tempfile.TemporaryDirectory() as folder, mock.patch("os.fsync"):
        SegmentWriter(chunks, b"").write(folder, "0")
        return Segment(folder, "0")  # maps outlive their files


def completer_of(*phrases, tolerant=False, **keys):
    """A completer of one article a tuple of keywords."""
    values = {"question": "Why?", "answer": "-"} | keys
    articles = [Article(url=f"/{n}", page_keywords=some, **values) for n, some in enumerate(phrases)]
    segment = segment_of(articles)
    return Completer(segment, slow_near_prefix(segment) if tolerant else None)


def texts(completions, kind=None):
    return [completion.text for completion in completions if kind in (None, completion.kind)]
