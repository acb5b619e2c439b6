"""Random Whoosh query trees about given articles.

Words come from the articles, analysed where a query wants terms and as written where it matches patterns,
with a few absent ones among them. The same seed gives the same trees.
"""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Sequence
from typing import Any

from whoosh import query

from qtsearch import analysis
from qtsearch.articles import Article
from qtsearch.schema import FIELD_NAMES, slugify

#: The kinds that :meth:`QueryTrees.tree` makes.
KINDS = (
    "term",
    "and",
    "or",
    "not",
    "and_not",
    "phrase",
    "prefix",
    "wildcard",
    "term_range",
    "numeric_range",
    "date_range",
    "fuzzy",
    "every",
    "nested",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALL_FIELDS = (*FIELD_NAMES, "subject", "url", "id", "date")


def stems(text: str) -> list[str]:
    """The terms of a text, in order."""
    return [analysis.stem(form) for form in forms(text)]


def forms(text: str) -> list[str]:
    """The surface forms of a text, in order."""
    return [analysis.fold(token) for token in analysis.tokenize(text)]


def texts_of(article: Article, field: str) -> tuple[str, ...]:
    """What stands in a text field: one text, or the keywords."""
    return article.page_keywords if field == "page_keywords" else (getattr(article, field),)


class QueryTrees:
    """Makes trees about ``articles``."""

    def __init__(self, articles: Sequence[Article], seed: int | str) -> None:
        self._articles = articles
        self._random = random.Random(seed)
        self._every_field = itertools.cycle((None, *_ALL_FIELDS))

    def tree(self, kind: str) -> query.Query:
        """One tree whose root is of a kind of :data:`KINDS`."""
        tree: query.Query = getattr(self, f"_{kind}")()
        return tree

    # -- words of articles -------------------------------------------------------------------------

    def _article(self) -> Article:
        return self._random.choice(self._articles)

    def _forms(self, field: str) -> list[str]:
        """Surface forms in one field of one article: for ``page_keywords``, of one keyword."""
        texts = texts_of(self._article(), field) or ("",)
        return forms(self._random.choice(texts)) or ["absent"]

    def _form(self, field: str) -> str:
        if self._random.random() < 0.05:
            return "".join(self._random.choices(_LETTERS, k=9))
        return self._random.choice(self._forms(field))

    def _value(self, field: str) -> Any:
        """Something that a term of the field may be: for running text a stem."""
        if field in FIELD_NAMES:
            return analysis.stem(self._form(field))
        article = self._article()
        if field == "subject":
            return slugify(article.subject) or "none"
        if field == "url":
            return article.url if self._random.random() < 0.9 else article.url + "-2"
        if field == "id":
            return (article.id or 0) + (self._random.random() < 0.1)
        return self._datetime()

    def _datetime(self) -> datetime.datetime:
        day = self._article().date or datetime.date(2025, 1, 1)
        return datetime.datetime.combine(day, datetime.time())

    def _text_field(self) -> str:
        return self._random.choice(FIELD_NAMES)

    def _word_field(self) -> str:
        return self._random.choice((*FIELD_NAMES, *FIELD_NAMES, "subject", "url"))

    # -- leaves ------------------------------------------------------------------------------------

    def _term(self) -> query.Query:
        field = self._random.choice((*FIELD_NAMES, *_ALL_FIELDS))
        return query.Term(field, self._value(field))

    def _phrase(self) -> query.Query:
        field = self._text_field()
        terms = [term for text in texts_of(self._article(), field) for term in stems(text)]
        # Words at most `slop` apart; in page_keywords they may belong to two keywords, which must not match.
        slop = self._random.randint(1, 4)
        place = self._random.randrange(max(1, len(terms) - 4))
        words = []
        for _ in range(self._random.randint(2, 4)):
            words += terms[place : place + 1]
            place += self._random.randint(1, slop)
        if self._random.random() < 0.1:
            words.reverse()
        return query.Phrase(field, words or ["absent", "words"], slop=slop)

    def _prefix(self) -> query.Query:
        field = self._word_field()
        word = self._value(field)
        length = self._random.randint(1, 5) if field in FIELD_NAMES else self._random.randint(1, len(word))
        return query.Prefix(field, word[:length])

    def _wildcard(self) -> query.Query:
        field = self._word_field()
        word = list(self._value(field))
        # All answers together have too many words to try each: there the first letter stays.
        first = 1 if field == "answer" and len(word) > 1 else 0
        for _ in range(self._random.randint(1, 3)):
            word[self._random.randrange(first, len(word))] = self._random.choice("?*")
        return query.Wildcard(field, "".join(word))

    def _term_range(self) -> query.Query:
        field = self._word_field()
        start, end = sorted((self._value(field), self._value(field)))
        if field in ("answer", "page_keywords"):  # a few words instead of half of the dictionary
            end = start[:2] + "zz"
        else:
            start, end = self._open(start, end)
        return query.TermRange(field, start, end, *self._exclusive())

    def _numeric_range(self) -> query.Query:
        start, end = sorted((self._value("id"), self._value("id")))
        return query.NumericRange("id", *self._open(start, end), *self._exclusive())

    def _date_range(self) -> query.Query:
        start, end = sorted((self._datetime(), self._datetime()))
        return query.DateRange("date", *self._open(start, end), *self._exclusive())

    def _open(self, start: Any, end: Any) -> tuple[Any, Any]:
        """Now and then without a start or an end."""
        ends = [(start, end)] * 8 + [(None, end), (start, None)]
        return self._random.choice(ends)

    def _exclusive(self) -> tuple[bool, bool]:
        return self._random.random() < 0.3, self._random.random() < 0.3

    def _fuzzy(self) -> query.Query:
        field = self._random.choice((*FIELD_NAMES, *FIELD_NAMES, "subject"))
        word = self._form(field) if field in FIELD_NAMES else self._value(field)
        for _ in range(self._random.randint(0, 2)):
            word = self._misspelt(word)
        prefix_length = self._random.randint(0, min(2, len(word)))
        return query.FuzzyTerm(field, word, maxdist=self._random.randint(1, 2), prefixlength=prefix_length)

    def _misspelt(self, word: str) -> str:
        place = self._random.randrange(len(word))
        before, letter, after = word[:place], word[place], word[place + 1 :]
        other = self._random.choice(_LETTERS)
        edits = [before + other + after, before + other + letter + after]
        if after:
            edits += [before + after, before + after[0] + letter + after[1:]]
        return self._random.choice(edits)

    def _every(self) -> query.Query:
        return query.Every(next(self._every_field))

    # -- branches ----------------------------------------------------------------------------------

    def _terms(self) -> list[query.Query]:
        return [self._term() for _ in range(self._random.randint(2, 6))]

    def _and(self) -> query.Query:
        # Of one article, so that something is found.
        article = self._article()
        clauses = []
        for _ in range(self._random.randint(2, 5)):
            field = self._text_field()
            text = " ".join(texts_of(article, field))
            clauses.append(query.Term(field, self._random.choice(stems(text) or ["absent"])))
        if self._random.random() < 0.2:
            clauses.append(self._term())
        return query.And(clauses)

    def _or(self) -> query.Query:
        return query.Or(self._terms())

    def _not(self) -> query.Query:
        return query.Not(self._term())

    def _and_not(self) -> query.Query:
        return query.AndNot(self._or(), self._random.choice((self._term, self._phrase, self._prefix))())

    def _nested(self) -> query.Query:
        tree = self._branch(self._random.randint(2, 3))
        # Whoosh's parser normalizes what it has parsed: trees come in both states.
        return tree.normalize() if self._random.random() < 0.5 else tree

    def _branch(self, depth: int) -> query.Query:
        if depth == 0:
            kinds = [kind for kind in KINDS if kind not in ("every", "fuzzy", "nested")]
            return self.tree(self._random.choice((*kinds, "term", "term", "phrase")))
        clauses = [self._branch(depth - 1) for _ in range(self._random.randint(2, 3))]
        match self._random.randrange(10):
            case 0:
                return query.Not(clauses[0])
            case 1:
                return query.AndNot(clauses[0], clauses[1])
            case 2:
                return query.AndMaybe(clauses[0], clauses[1])
            case 3:
                return query.Require(clauses[0], clauses[1])
            case 4:
                return query.And([*clauses, query.Every()])
            case 5 | 6:
                return query.And(clauses)
            case _:
                return query.Or(clauses)
