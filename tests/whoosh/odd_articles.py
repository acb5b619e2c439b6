"""Article files with what real ones rarely have: absent keys, empty fields, odd letters, far dates."""

from __future__ import annotations

from pathlib import Path

_TEMPLATE = """---
url: {url}
question: >-
    {question}
answer: >-
    {answer}
{rest}
---
"""

#: url, question, answer, further lines of the front matter.
ARTICLES = [
    ("/odd/bare", "Nothing but the keys that are required?", "Yes.", ""),
    ("/odd/signs", "?!", "— … ¿?", "subject: Signs\nid: 0"),
    ("/odd/no-subject", "Which subject has this?", "None has.", "id: -7\ndate: 2025-01-01"),
    (
        "/odd/far-past",
        "When was the first day?",
        "In the year one.",
        "date: 0001-01-01\nid: -999999999999999999",
    ),
    ("/odd/far-future", "When is the last day?", "In 9999.", "date: 9999-12-31\nid: 999999999999999999"),
    (
        "/odd/zażółć",
        "Zażółć gęślą jaźń, Müller's naïve façade?",
        "Straße, cœur, Ærø, ﬁne x².",
        "subject: Łódź",
    ),
    ("/odd/漢字", "漢字とは何ですか?", "漢字 are characters; カタカナ too.", "subject: 日本語"),
    (
        "/odd/decomposed",
        "Is cafe\u0301 the same as café?",
        "Cafe\u0301 is composed, always.",
        "subject: Łódź",
    ),
    ("/odd/apostrophes", "Don't dogs' bones o'clock?", "It’s ’tis rock'n'roll, Crohn's.", "subject: X"),
    ("/odd/hyphens", "T-cell x_1 well-being 1,4-dioxane?", "3.14 e.g. A/B C++ #5 a@b.c", "subject: x"),
    ("/odd/repeats", "the the the the", " ".join(["echo"] * 300 + ["the"] * 300), "subject: x y"),
    ("/odd/stop-words", "Is it the?", "To be or not to be.", "subject: x-y"),
    ("/odd/spaces", "Tabs\tand  spaces?", "One\u00a0two\u2003three\\n\\n- four", "subject: '  X   y '"),
    (
        "/odd/keywords",
        "Which keywords?",
        "Odd ones.",
        "subject: X Y\nseo:\n  page_keywords: 'a  b, ,, a b,1,4-dioxane, T-cell,the, c\u0301e, —, b a'",
    ),
    ("/odd/same-as-last", "Which keywords?", "Odd ones.", "seo:\n  page_keywords: 'a b'"),
    ("/odd/" + "x" * 300, "Long " + "y" * 80 + "?", "Z" * 33 + " " + "é" * 40, f"subject: {'s' * 300}"),
]


def write_odd_articles(folder: Path) -> list[Path]:
    """One file for each of :data:`ARTICLES`."""
    files = []
    for number, (url, question, answer, rest) in enumerate(ARTICLES):
        path = folder / f"{number}.md"
        text = _TEMPLATE.format(url=url, question=question, answer=answer, rest=rest)
        path.write_text(text, encoding="utf-8")
        files.append(path)
    return files
