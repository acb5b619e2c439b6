"""Queries that nobody would type: mutated real ones, soups of operators, noise, and far too much of it."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

OPERATORS = (
    'AND OR NOT ANDNOT ANDMAYBE REQUIRE + - ( ) (( )) " "" * ? ** ~ ~1 ~2 ~2/3 ^ ^2 ^0 ^0.5 ^1e9 [ ] { } TO '
    "to *:* : :: question: answer: page_keywords: subject: date: id: url: foo: date:2024 date:[2024 id:[1 "
    "date:[2024-01 to] 2025-02-30] date:2024-13-45 id:-5 id:99999999999999999999 subject:bio* "
    'url:/learn/* subject:medicine subject:[a answer:{a z} "~3 "~9999 \\ / // \' ` | & && || ! '
    "@ # $ % = < > , ; . ... -- ++ +- -+ x^2 f(x) C++ 50% TCP/IP A* *a a* re* *in* ?e?? wild?ard hear~ -( "
    '+( "( )" )^3 "^2 _ __ x_1 H_2SO_4 1,000 3.5mg \\frac{a}{b} \\(x\\)'
).split()
RANGES = ("question:[a to c]", "answer:[in to of]", "date:[2024 to 2025-06]", "id:[ to 50]", "url:[/a to /l]")
NOISE = [
    *"\0 \x01 \x1f \x7f \x85 \xa0 \xad \u200b \u2028 \ufeff \ufffe \uffff \ud800 \udfff \U0001f9e0".split(
        " "
    ),
    *"é e\u0301 ß İ ı ﬁ ² ½ β 血 ア ع א ก “ ” ’ （ ＋ \u2011 Ａ \u0300\u0300\u0300 \U0010ffff".split(" "),
    *"\t\n\r\x0b",
]
STOP_WORDS = "the of in and a is to what how are for does with by an".split()
NUMBERS = ["0", "-1", "1e400", "9" * 30, "9" * 400, "0.000001", "1.2.3", "2024", "2024-12", "٣", "²"]


class QueryMaker:
    """Endless queries, the same for the same seed. ``texts``: what real ones look like."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self.texts = texts
        self.words = sorted({word for text in texts for word in text.split()})
        self.random = random.Random(seed)
        self.kinds: list[tuple[Callable[[], str], int]] = [
            (self.mutated, 45),
            (self.soup, 25),
            (self.decorated, 15),
            (self.ascii, 5),
            (self.unicode, 5),
            (self.nested, 2),
            (self.repeated, 2),
            (self.long, 1),
        ]

    def make(self) -> str:
        """The next query."""
        kinds, weights = zip(*self.kinds, strict=True)
        query = self.random.choices(kinds, weights)[0]()
        return self.mutate(query) if self.random.random() < 0.1 else query

    def word(self) -> str:
        pool = self.random.choice((self.words, self.words, STOP_WORDS))
        return self.random.choice(pool)

    def mutated(self) -> str:
        """A real text after some edits."""
        text = self.random.choice(self.texts)
        for _ in range(self.random.choice((1, 1, 2, 3, 5, 8))):
            text = self.mutate(text)
        return text

    def mutate(self, text: str) -> str:
        """One edit: a sign or operator more, a letter less, a stretch wrapped, twice, elsewhere or gone."""
        rng = self.random
        place, other = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        before, stretch, after = text[:place], text[place:other], text[other:]
        edits: list[Callable[[], str]] = [
            lambda: before + rng.choice(string.punctuation) + stretch + after,
            lambda: before + rng.choice(OPERATORS) + stretch + after,
            lambda: f"{before} {rng.choice(OPERATORS)} {stretch}{after}",
            lambda: f"{before} {rng.choice(OPERATORS)}{stretch.lstrip()}{after}",
            lambda: before + rng.choice(NOISE) + stretch + after,
            lambda: text[:place] + text[place + 1 :],
            lambda: before + stretch + stretch + after,
            lambda: before + after,
            lambda: f'{before}"{stretch}"{rng.choice(["", "", "~2", "~9", "~99", "^3"])}{after}',
            lambda: f"{before}({stretch}){rng.choice(['', '', '^2'])}{after}",
            lambda: before + stretch.upper() + after,
            lambda: " ".join(rng.sample(words, len(words))) if (words := text.split()) else text,
        ]
        return rng.choice(edits)()

    def soup(self) -> str:
        """Operators and words in any order."""
        parts = [
            self.random.choice(OPERATORS) if self.random.random() < 0.5 else self.word()
            for _ in range(self.random.choice((2, 3, 5, 8, 13, 40)))
        ]
        return self.random.choice((" ", " ", " ", "")).join(parts)

    def decorated(self) -> str:
        """Words, most of them as somebody would write who knows the syntax."""
        return " ".join(self.decorate(self.word()) for _ in range(self.random.choice((1, 2, 3, 5, 10, 30))))

    def decorate(self, word: str) -> str:
        rng = self.random
        form = rng.choice(
            (
                "{0}", "{0}", "+{0}", "-{0}", "{0}*", "{0}~", "{0}~2", "{0}^3", "question:{0}", "answer:{0}",
                "NOT {0}", "AND {0}", "OR {0}", "({0} {1})", '"{0} {1}"', '"{0} {1} {2}"~3', "+({0} -{1})",
                "{0} AND ({1} OR {2})", "page_keywords:{0}*", 'question:"{0} {1}"', "*{0}", "subject:{0}",
                "ANDMAYBE {0}", "REQUIRE {0}", "ANDNOT {0}", "date:[{3} to {3}]", "id:{3}", *RANGES,
            )
        )  # fmt: skip
        cut = rng.randint(1, max(len(word), 1))
        return form.format(word[:cut] if "*" in form else word, self.word(), self.word(), rng.choice(NUMBERS))

    def ascii(self) -> str:
        """Any signs of ASCII."""
        return "".join(chr(self.random.randrange(128)) for _ in range(self.random.choice((1, 3, 10, 60))))

    def unicode(self) -> str:
        """Any signs at all, surrogates too, and words."""
        rng = self.random
        parts = [
            rng.choice((rng.choice(NOISE), chr(rng.randrange(0x110000)), self.word(), rng.choice(OPERATORS)))
            for _ in range(rng.choice((1, 3, 10, 60)))
        ]
        return "".join(parts)

    def nested(self) -> str:
        """Brackets in brackets, closed or not."""
        depth = self.random.choice((3, 10, 15, 16, 17, 100, 2_000))
        inner = self.soup()
        opening = self.random.choice(("(", "(", "-(", "+(", "NOT (", "a AND (", "(x ", "question:("))
        closing = ")" * self.random.choice((depth, depth, depth // 2, depth + 1, 0))
        return opening * depth + inner + closing

    def repeated(self) -> str:
        """One part again and again."""
        part = self.random.choice(
            (
                self.random.choice(OPERATORS),
                self.decorate(self.word()),
                self.word(),
                self.random.choice(NUMBERS),
            )
        )
        times = self.random.choice((10, 60, 100, 1_000, 5_000))
        return self.random.choice((" ", "", " AND ", " ANDNOT ", " NOT ", "^2")).join([part] * times)

    def long(self) -> str:
        """Far more than anybody types."""
        n_words = self.random.choice((100, 250, 260, 1_000, 8_000))
        kind = self.random.choice((self.word, lambda: self.decorate(self.word()), self.made_up))
        return " ".join(kind() for _ in range(n_words))

    def made_up(self) -> str:
        """A word that no article has."""
        return "".join(self.random.choices(string.ascii_lowercase, k=self.random.randint(3, 12)))
