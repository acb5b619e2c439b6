"""What in a query is syntax, and what merely looks like it."""

from __future__ import annotations

from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.errors import QuerySyntaxError
from qtsearch.language.lexemes import Kind, Lexeme
from qtsearch.language.lexer import read_query

#: How a lexeme is written below; words as they are, what is syntax so that it differs from a word.
FORMS = {
    Kind.WORD: "{0.text}",
    Kind.PHRASE: '"{0.text}"~{0.number}',
    Kind.PREFIX: "{0.text}...",
    Kind.WILDCARD: "<{0.text}>",
    Kind.FUZZY: "{0.text}~{0.number}/{0.prefix}",
    Kind.RANGE: "[{0.low}|{0.high}]",
    Kind.EVERY: "EVERY",
    Kind.FIELD: "{0.text}::",
    Kind.OPEN: "<(>",
    Kind.CLOSE: "<)>",
    Kind.SIGN: "<{0.text}>",
    Kind.OPERATOR: "<{0.text}>",
    Kind.BOOST: "^{0.number:g}",
}


def written(lexemes: list[Lexeme] | None) -> str | None:
    return None if lexemes is None else " ".join(FORMS[one.kind].format(one) for one in lexemes)


SYNTAX = [
    # phrases
    ('"heart attack"', '"heart attack"~1'),
    ('"heart attack"~3', '"heart attack"~3'),
    ('"heart attack"~0', '"heart attack"~1'),
    ('what is a "heart attack"?', 'what is a "heart attack"~1'),
    ('"heart attack", stroke', '"heart attack"~1 stroke'),
    ('"" heart "attack"', 'heart "attack"~1'),
    ('"!?" "heart"', '"heart"~1'),
    ('"a AND (b"', '"a AND (b"~1'),
    # required, banned
    ("+must -not", "<+> must <-> not"),
    ('-"a b" +(c d)', '<-> "a b"~1 <+> <(> c d <)>'),
    ("(-a b)", "<(> <-> a b <)>"),
    ("+T-cell x", '<+> "T-cell"~1 x'),
    # operators
    ("a AND b OR c", "a <AND> b <OR> c"),
    ("x NOT b", "x <NOT> b"),
    ("NOT x", "<NOT> x"),
    ("x AND NOT y", "x <AND> <NOT> y"),
    ("x OR NOT y", "x <OR> <NOT> y"),
    ("x ANDNOT y ANDMAYBE z REQUIRE w", "x <ANDNOT> y <ANDMAYBE> z <REQUIRE> w"),
    ("(NOT x) AND(y)", "<(> <NOT> x <)> <AND> <(> y <)>"),
    ("a-b AND c", '"a-b"~1 <AND> c'),
    ("c AND a-b", 'c <AND> "a-b"~1'),
    ("a-b c AND d", "a-b c <AND> d"),
    # brackets
    ("(a OR b) AND c", "<(> a <OR> b <)> <AND> c"),
    ("((a OR b) c)", "<(> <(> a <OR> b <)> c <)>"),
    ("() -a", "<-> a"),
    ("(( )) -a", "<-> a"),
    # fields
    ("question:heart", "question:: heart"),
    ("question:a-b", 'question:: "a-b"~1'),
    ("answer:(a b)", "answer:: <(> a b <)>"),
    ('page_keywords:"a b"~2', 'page_keywords:: "a b"~2'),
    ("-question:heart", "<-> question:: heart"),
    ("question:answer:x y", 'question:: "answer:x"~1 y'),
    ("question:NOT x", "question:: NOT x"),
    ("question:-5 x", "question:: -5 x"),
    ("subject:computer-science", "subject:: computer-science"),
    ('subject:"Computer Science"', "subject:: Computer Science"),
    ("subject:comp* x", "subject:: comp... x"),
    ("url:/a/b?c=1", "url:: /a/b?c=1"),
    ('url:"/a (b)"', "url:: /a (b)"),
    ("url:/learn/*", "url:: /learn/..."),
    ("id:-5", "id:: -5"),
    ("date:2024-12 x", "date:: 2024-12 x"),
    ('date:"2024"', "date:: 2024"),
    ("(subject:x)", "<(> subject:: x <)>"),
    # ranges
    ("date:[2024-12-01 to 2025-01-31]", "date:: [2024-12-01|2025-01-31]"),
    ("date:[2024 TO]", "date:: [2024|]"),
    ("date:[ to 2024 ]", "date:: [|2024]"),
    ("date:['2024' to \"2025\"]", "date:: [2024|2025]"),
    ("id:[1 to 5]^2", "id:: [1|5] ^2"),
    ("question:[aorta to vein]", "question:: [aorta|vein]"),
    ("subject:[a to computer science]", "subject:: [a|computer science]"),
    # patterns
    ("embol*", "embol..."),
    ("em*", "em..."),
    ("wild?ard", "<wild?ard>"),
    ("*itis", "<*itis>"),
    ("h*rt", "<h*rt>"),
    ("question:embol*", "question:: embol..."),
    ("fuzzy~", "fuzzy~1/0"),
    ("fuzzy~2", "fuzzy~2/0"),
    ("fuzzy~0", "fuzzy~0/0"),
    ("fuzzy~2/3", "fuzzy~2/3"),
    ("*:*", "EVERY"),
    ("*:* -heart", "EVERY <-> heart"),
    ("(*:*)^3", "<(> EVERY <)> ^3"),
    # boosts
    ("heart^2 attack", "heart ^2 attack"),
    ("heart^0.5", "heart ^0.5"),
    ("heart^0", "heart ^0"),
    ("heart^1000", "heart ^100"),
    ("T-cell^2", '"T-cell"~1 ^2'),
    ('"heart attack"^3', '"heart attack"~1 ^3'),
    ('"heart attack"~2^3', '"heart attack"~2 ^3'),
    ("(heart attack)^3", "<(> heart attack <)> ^3"),
    ("(a (heart^2)^3)^4", "<(> a <(> heart ^2 <)> ^3 <)> ^4"),
    ("embol*^2 fuzzy~1^3", "embol... ^2 fuzzy~1/0 ^3"),
    ("*:*^3", "EVERY"),
]


@pytest.mark.parametrize(("query", "expected"), SYNTAX)
def test_syntax(query, expected):
    """Every operator, where it works on something."""
    assert written(read_query(query)) == expected


WORDS = [
    "heart attack",
    "C++",
    "what's a \"black box",
    '5" pipe',
    'he said "x"y',
    "AND",
    "x AND",
    "OR x",
    "NOT",
    "x AND OR",
    "NOT NOT x",
    "-(x ()",
    "an OR gate",
    "the AND function",
    "which of these is NOT a cell",
    "sand and order, or not",
    "50%",
    "TCP/IP",
    "f(x)=x^2",
    "ax^2 + bx + c",
    "10^6",
    "(x + y)",
    "Virtual Private Networks (VPNs) and how (not) why",
    "(unclosed",
    "unopened)",
    "((()))",
    "()",
    "+",
    "-",
    "- x",
    "x - y",
    "x -5 +3",
    "--x",
    "pre-natal",
    "A* search",
    "e*",
    "*",
    "**",
    "he**",
    "what?",
    "what? why?",
    "??",
    "~",
    "x~",
    "heart~3",
    "ab~1",
    "10:30",
    "std::vector",
    "https://example.org/a",
    "note:this",
    "Question:this",
    "question: this",
    "question:",
    "question:!? x",
    "question:() x",
    "date:yesterday",
    "date:2024-13",
    "date:(2024)",
    "date:[2024-13 to 2025]",
    "date:[2024 2025]",
    "date:[to]",
    "date:[2024 to 2025",
    "id:x",
    "id:9999999999999999999",
    "subject:(x)",
    "[a to b]",
    "question:[a b]",
    "{x}",
    "^",
    "^2",
    "x ^2",
    "a^b^c",
    '""',
    "\0",
    "",
    " ",
    "\ud800 heart",
    "(" * 5_000,
]


@pytest.mark.parametrize("query", WORDS, ids=lambda query: query[:30].encode("ascii", "replace").decode())
def test_what_looks_like_syntax_is_words(query):
    """There is nothing for the sign to do, or it is more likely meant as it stands."""
    assert read_query(query) is None


def test_what_does_nothing_is_left_out_beside_what_does():
    """Idle operators are words; idle signs, fields and brackets are left out, not what stands in them."""
    for query, expected in (
        ("+x AND", "<+> x AND"),
        ("-x (y", "<-> x y"),
        ("-x y) z", "<-> x y z"),
        ('-x 5" z', '<-> x 5" z'),
        ("-x question:() y", "<-> x y"),
        ("-x AND () y", "<-> x AND y"),
        ("x AND OR y", "x AND <OR> y"),
        ("x AND NOT", "x <AND> NOT"),
        ("-x foo:bar date:soon", "<-> x foo:bar date:soon"),
        ("-x heart~9 y^2 10^6", "<-> x heart~9 y^2 10^6"),
        ("(-x)^2^3", '<-> "x)^2^3"~1'),
    ):
        lexemes = read_query(query)
        assert written(lexemes) == expected, query


EXCESS = [
    ("x " * 254 + "-y", None),
    ("(" * 16 + "-x" + ")" * 16, None),
    ('"x y" ' * 5 + '"x" "y"', None),
    ('"' + "x " * 32 + '"', None),
    ("xy* " * 8, None),
    ("*xy question:z", None),
    ("x " * 255 + "-y", "more than 256 words and signs"),
    ("a-b-c-" * 100 + "d -y", "more than 256 words and signs"),
    ("(" * 17 + "-x" + ")" * 17, "more than 16 brackets within brackets"),
    ('"x y" ' * 6, "more than 5 phrases"),
    ('"' + "x " * 33 + '"', "more than 32 words in a phrase"),
    ("xy* " * 9, "more than 8 patterns"),
    ("*xy *yz", "more than 1 range of words or pattern"),
    ("*xy question:[a to b]", "more than 1 range of words or pattern"),
    ("-x " * 1_400, "longer than 4,096 characters"),
]


@pytest.mark.parametrize(("query", "reason"), EXCESS)
def test_limits(query, reason):
    """Up to them a query is a tree; beyond, it is searched as words, and strictly an error says which."""
    assert (read_query(query) is None) == (reason is not None)
    if reason is None:
        assert read_query(query, strict=True)
    else:
        with pytest.raises(QuerySyntaxError, match=reason):
            read_query(query, strict=True)


def test_values_are_no_patterns():
    """Ranges and beginnings of urls, subjects, dates and ids cost little, so that there may be many."""
    assert read_query(" ".join(["date:[2024 to 2025] id:[1 to 2] url:/a* subject:b*"] * 20)) is not None


ERRORS = [
    ("what's a \"black box", 9, "quotation mark"),
    ('5" pipe', 1, "quotation mark"),
    ("(unclosed", 0, "bracket is not closed"),
    ("a ((b)", 2, "bracket is not closed"),
    ("f(x", 1, "bracket is not closed"),
    ("unopened)", 8, "bracket was not opened"),
    ("a)b", 1, "bracket was not opened"),
    ("AND", 0, "AND has nothing to work on"),
    ("x OR", 2, "OR has nothing to work on"),
    ("x AND OR y", 2, "AND has nothing to work on"),
    ("NOT NOT x", 0, "NOT has nothing to work on"),
    ("-()", 0, "- has nothing to work on"),
    ("question:!?", 0, "question has nothing to work on"),
    ("note:this", 0, "no field 'note'; there are: question, answer"),
    ("x -note:this", 3, "no field 'note'"),
    ("date:2024-13", 5, "no date"),
    ("date:[2024 to 2025-02-30]", 5, "no date"),
    ("date:[2024 2025]", 5, "no range"),
    ("date:[2024 to", 5, "no range"),
    ("date:[to]", 5, "no range"),
    ("id:x", 3, "an id is a whole number"),
    ("id:[1 to y]", 3, "an id is a whole number"),
    ("subject:(a b)", 8, "one value or a range"),
    ("heart^101", 5, "a boost is at most 100"),
    ("heart~3", 0, "at most 2 edits"),
]


@pytest.mark.parametrize(("query", "position", "reason"), ERRORS)
def test_strict_errors(query, position, reason):
    """Where it is wrong, and what; the message points at it."""
    with pytest.raises(QuerySyntaxError, match=reason) as caught:
        read_query(query, strict=True)
    error = caught.value
    assert (error.query, error.position) == (query, position)
    message, line, mark = str(error).splitlines()
    assert f"at character {position + 1} " in message
    assert line[mark.index("^") :][: len(query) - position] == query[position:]


@pytest.mark.parametrize(
    "query", ["C++", "f(x)=x^2", "50%", "heart attack", "what? why?", "", "std::vector", "10:30"]
)
def test_strict_takes_words(query):
    """What is not even like syntax is no error."""
    assert read_query(query, strict=True) is None


def test_strict_takes_operators_by_their_letter():
    """What is more likely meant as a word elsewhere is an operator."""
    assert written(read_query("which is NOT x", strict=True)) == "which is <NOT> x"
    assert written(read_query("an OR gate", strict=True)) == "an <OR> gate"


_PARTS = (
    'a the heart T-cell "a b" AND OR NOT ANDNOT + - ( ) " * ? ~ ~2 ^ ^2 [ ] { } to question: subject: date: '
    "2024 id: url: foo: *:* embol* h?rt heart~ \0 \ud800 é 血"
).split()
_soup = st.lists(st.sampled_from([*_PARTS, " ", " "]), max_size=25).map("".join) | st.text(max_size=40)


@given(_soup)
def test_any_text_is_a_query(query):
    """No error; brackets are in pairs, and what works on something stands before it."""
    lexemes = read_query(query) or []
    depth = 0
    for lexeme, after in zip_longest(lexemes, lexemes[1:]):
        depth += (lexeme.kind is Kind.OPEN) - (lexeme.kind is Kind.CLOSE)
        assert depth >= 0
        assert 0 <= lexeme.start < len(query)
        if lexeme.kind in (Kind.FIELD, Kind.SIGN, Kind.OPERATOR, Kind.OPEN):
            assert after is not None
            assert after.kind not in (Kind.CLOSE, Kind.BOOST)
    assert depth == 0


def assert_points_into(error: QuerySyntaxError, query: str) -> None:
    assert 0 <= error.position <= len(query)
    assert error.reason in str(error)


@given(_soup)
def test_strict_reading_differs_only_in_errors(query):
    """What is no error strictly is read as ever, but for operators that are rather words."""
    try:
        strictly = read_query(query, strict=True)
    except QuerySyntaxError as error:
        assert_points_into(error, query)
        return
    operators = {lexeme.text for lexeme in strictly or () if lexeme.kind is Kind.OPERATOR}
    if not operators:
        assert written(read_query(query)) == written(strictly)
