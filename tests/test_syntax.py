"""Query → Whoosh's tree."""

from __future__ import annotations

import datetime

import pytest
from whoosh import query as queries

from qtsearch import analysis
from qtsearch.language.lexer import read_query
from qtsearch.language.syntax import parse
from qtsearch.schema import FIELD_NAMES


def tree(query: str) -> queries.Query:
    lexemes = read_query(query)
    assert lexemes is not None
    return parse(lexemes, lambda token: analysis.stem(analysis.fold(token)))


def written(query: queries.Query) -> str:
    """As Whoosh writes it, but words of all fields once, and with boosts and slops."""
    match query:
        case queries.Or() if len(query) == 3 and [getattr(one, "fieldname", "") for one in query] == list(
            FIELD_NAMES
        ):
            texts = {written(one).partition(":")[2] for one in query}
            assert len(texts) == 1
            return texts.pop()
        case queries.And() | queries.Or() | queries.AndNot() | queries.AndMaybe() | queries.Require():
            text = f"({query.JOINT.join(map(written, query.subqueries))})"
        case queries.Not():
            return f"NOT {written(query.query)}"
        case queries.Phrase():
            text = f'{query.fieldname}:"{" ".join(query.words)}"~{query.slop}'
        case queries.FuzzyTerm():
            text = f"{query.fieldname}:{query.text}~{query.maxdist}/{query.prefixlength}"
        case queries.Term():
            return str(query)
        case _:
            text = str(query)
    return text if query.boost == 1.0 else f"{text}^{query.boost}"


TREES = [
    ("+must -clot", "(must ANDNOT clot)"),
    ("a b -clot", "((a OR b) ANDNOT clot)"),
    ("-clot", "(None:* ANDNOT clot)"),
    ("-a -b", "(None:* ANDNOT (a OR b))"),
    ("NOT clot", "(None:* ANDNOT clot)"),
    ("x NOT clot", "(x ANDNOT clot)"),
    ("*:*", "None:*"),
    ("*:* -clot", "(None:* ANDNOT clot)"),
    ("+a +b c d", "((a AND b) ANDMAYBE (c OR d))"),
    ("c +a", "(a ANDMAYBE c)"),
    ("+a c -d", "((a ANDMAYBE c) ANDNOT d)"),
    ("+(a c) -(d e)", "((a OR c) ANDNOT (d OR e))"),
    ("x AND y OR z", "((x AND y) OR z)"),
    ("x OR y AND z", "(x OR (y AND z))"),
    ("x AND y AND z", "(x AND y AND z)"),
    ("w x AND y", "(w OR (x AND y))"),
    ("x AND NOT y", "(x AND NOT y)"),
    ("x OR NOT y", "(x OR NOT y)"),
    ("x OR y ANDNOT z", "((x OR y) ANDNOT z)"),
    ("x ANDNOT y ANDNOT z", "((x ANDNOT y) ANDNOT z)"),
    ("x ANDMAYBE y", "(x ANDMAYBE y)"),
    ("x REQUIRE y", "(x REQUIRE y)"),
    ("(x OR y) AND (z -w)", "((x OR y) AND (z ANDNOT w))"),
    ("-x AND y", "(NOT x AND y)"),
    ("+x AND y", "(x AND y)"),
    ("(x) AND ((y))", "(x AND y)"),
    # words
    ("T-cell -x", "((t OR cell) ANDNOT x)"),
    ("+T-cell", '"t cell"~1'),
    ('"Heart attacks"~3', '"heart attack"~3'),
    ('"heart"', "heart"),
    ("question:Attacks", "question:attack"),
    ("question:(a answer:b)", "(question:a OR answer:b)"),
    ("question:(a OR b) c", "((question:a OR question:b) OR c)"),
    ("question:T-cell", 'question:"t cell"~1'),
    ('answer:"a b"~3', 'answer:"a b"~3'),
    # patterns
    ("answer:Naïv*", "answer:naiv*"),
    ("answer:Naïv?té", "answer:naiv?te"),
    ("answer:Hé*", "answer:he*"),
    ("answer:β?in*", "answer:beta?in*"),
    ("answer:Fuzzié~", "answer:fuzzie~1/0"),
    ("answer:fuzzy~2/9", "answer:fuzzy~2/5"),
    ("answer:[Vein to é}", "answer:[vein TO e}"),
    ("answer:[vein to]", "answer:[vein TO ]"),
    ("x embol*", "(x OR embol*)"),
    # values
    ("subject:Medicine", "subject:medicine"),
    ('subject:"Computer Science"', "subject:computer-science"),
    ("subject:Comp*", "subject:comp*"),
    ("subject:[A to Computer Science]", "subject:[a TO computer-science]"),
    ("url:/a", "url:/a"),
    ("url:/e\u0301", "url:/é"),
    ("url:/a/*", "url:/a/*"),
    ("id:5", "id:[5 TO 5]"),
    ("id:{1 to]", "id:{1 TO ]"),
    ("x subject:a", "(x AND subject:a)"),
    ("x subject:a subject:b", "(x AND (subject:a OR subject:b))"),
    ("x subject:a OR subject:b", "(x AND (subject:a OR subject:b))"),
    ("x (subject:a subject:b)", "(x AND (subject:a OR subject:b))"),
    ("x subject:a id:5", "(x AND subject:a AND id:[5 TO 5])"),
    ("x subject:a id:5 subject:b", "(x AND (subject:a OR subject:b) AND id:[5 TO 5])"),
    ("subject:a id:5", "(subject:a AND id:[5 TO 5])"),
    ("x -subject:a", "(x ANDNOT subject:a)"),
    ("x OR subject:a", "(x OR subject:a)"),
    ("x y subject:a -z", "(((x OR y) AND subject:a) ANDNOT z)"),
    ("question:(x subject:a)", "(question:x AND subject:a)"),
    # boosts
    ("x heart^2", "(x OR heart^2.0)"),
    ("answer:heart^2", "answer:heart^2.0"),
    ('answer:"a b"^2', 'answer:"a b"~1^2.0'),
    ("answer:embol*^2", "answer:embol*^2.0"),
    ("(x y)^3", "((x OR y))^3.0"),
    ("(x -y)^3", "((x ANDNOT y))^3.0"),
    ("(x AND y)^3 z", "(((x AND y))^3.0 OR z)"),
    ("((x)^2 y)^3", "(((x)^2.0 OR y))^3.0"),
]


@pytest.mark.parametrize(("query", "expected"), TREES)
def test_trees(query, expected):
    """What stands side by side, operators with what binds them, fields, values and boosts."""
    assert written(tree(query)) == expected


def test_a_phrase_is_looked_for_in_each_field():
    """With its slop."""
    found = tree('"Heart attacks"~3')
    assert [(one.fieldname, one.words, one.slop) for one in found] == [
        (name, ["heart", "attack"], 3) for name in FIELD_NAMES
    ]


@pytest.mark.parametrize(
    ("query", "start", "end", "excluded"),
    [
        ("date:2024", (2024, 1, 1), (2024, 12, 31), (False, False)),
        ("date:2024-02", (2024, 2, 1), (2024, 2, 29), (False, False)),
        ("date:2024-02-03", (2024, 2, 3), (2024, 2, 3), (False, False)),
        ("date:[2024-12-01 to 2025-01]", (2024, 12, 1), (2025, 1, 31), (False, False)),
        ("date:{2024 to 2025}", (2024, 12, 31), (2025, 1, 1), (True, True)),
        ("date:[2024 to]", (2024, 1, 1), None, (False, False)),
        ("date:[to 2024}", None, (2024, 1, 1), (False, True)),
    ],
)
def test_dates(query, start, end, excluded):
    """All of a day, month or year; an end that is left out is left out with all its days."""
    found = tree(query)
    days = [None if day is None else datetime.datetime(*day) for day in (start, end)]
    assert [found.startdate, found.enddate] == days
    assert (found.startexcl, found.endexcl) == excluded


@pytest.mark.parametrize("operator", ["ANDNOT", "ANDMAYBE", "REQUIRE"])
def test_long_chains_take_no_longer_than_they_are(operator):
    """Whoosh's own nodes would work the first operand out 2^100 times."""
    found = tree(f" {operator} ".join(["x"] * 100))
    depth = 0
    while hasattr(found, "a"):
        found, depth = found.a, depth + 1
    assert depth == 99


def test_words_know_where_they_were_typed():
    """Whatever the tree makes of their order."""
    found = tree("one +two three")
    assert [leaf.startchar for leaf in found.leaves() if leaf.fieldname == "answer"] == [5, 0, 9]
