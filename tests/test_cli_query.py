"""``query``: every option, what is printed, and what is JSON."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import asked, run

import qtsearch
from qtsearch.articles import Article


@pytest.fixture(scope="module")
def index(sample_index) -> Path:
    return Path(sample_index.path)


def scored(answer: dict) -> list[tuple[str, float]]:
    return [(hit["url"], hit["score"]) for hit in answer["hits"]]


def test_boosts_by_field(index):
    """--boost may be repeated, is what ``boosts`` is in Python, and 0 leaves a field out."""
    boosted = asked(index, "blood clot", "--boost", "question=0", "--boost", "answer=2.5")
    with qtsearch.open_index(index) as opened:
        same = opened.search("blood clot", boosts={"question": 0, "answer": 2.5})
        assert [(hit["url"], hit["score"]) for hit in boosted["hits"]] == [
            (hit.url, hit.score) for hit in same
        ]
        assert boosted["total"] == same.total
    assert boosted["hits"] != asked(index, "blood clot")["hits"]


@pytest.mark.parametrize(
    ("boost", "message"),
    [
        ("title=1", "there are: question, answer, page_keywords"),
        ("answer=101", "from 0 to 100"),
        ("answer=-1", "from 0 to 100"),
        ("answer=nan", "from 0 to 100"),
        ("answer=much", "'much' is no number"),
        ("answer", "NAME=NUMBER"),
        ("answer=", "is no number"),
        ("=1", "no field"),
        ("", "NAME=NUMBER"),
    ],
)
def test_a_bad_boost_is_wrong_usage(index, boost, message):
    """Exit code 2, and the line says what a boost is."""
    done = run("query", "clot", "--index", index, f"--boost={boost}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--boost" in done.stderr
    assert message in done.stderr


def test_broaden_finds_more(index):
    """--broaden is what ``broaden`` is in Python."""
    broadened = asked(index, "thrombectomy", "--broaden", "--limit", "30")
    with qtsearch.open_index(index) as opened:
        same = opened.search("thrombectomy", broaden=True, limit=30)
        assert scored(broadened) == [(hit.url, hit.score) for hit in same]
    assert broadened["total"] > asked(index, "thrombectomy")["total"]


def test_explain_as_text(index):
    """Under each hit what its score is made of, and nothing without --explain."""
    query = ["query", "mechanical thrombectomy", "--index", index, "--limit", "2"]
    plain, done = run(*query), run(*query, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("thrombectomy: impact") == 2
    assert done.stdout.count("mechanical: impact") == 1
    assert done.stdout.count("not in the page: mechanical") == 1
    assert '"mechanical thrombectomy": a whole keyword of the page' in done.stdout
    assert "impact" not in plain.stdout
    # What was printed without is still there, in order, but for the time it took.
    lines = iter(done.stdout.splitlines())
    assert all(line in lines for line in plain.stdout.splitlines()[1:] if line)


def test_explain_as_json(index):
    """Each hit has its explanation, with its own score, by the same boosts and broadening."""
    options = ["how is a clot removed", "--boost", "answer=3", "--broaden", "--subject", "Medicine"]
    explained = asked(index, *options, "--explain")
    for hit in explained["hits"]:
        explanation = hit.pop("explanation")
        assert (explanation["url"], explanation["score"]) == (hit["url"], hit["score"])
        assert sum(part["score"] for part in explanation["words"] + explanation["phrases"]) == hit["score"]
    assert len(explained["hits"]) > 3
    assert explained["hits"] == asked(index, *options)["hits"]
    assert asked(index, "xyzzyplugh", "--explain")["hits"] == []


# -- what is JSON, and what narrows and orders the hits ------------------------------------------------


def test_query_prints_one_json_object(index):
    """--json has exactly these keys."""
    found = asked(index, "how is a clot removed", "--limit", "2", "--offset", "1")
    assert list(found) == [
        *("query", "corrected", "suggestion", "total"),
        *("elapsed_ms", "subjects", "months", "hits"),
    ]
    keys = ["rank", "score", "url", "id", "question", "subject", "date", "keywords", "copies", "snippet"]
    assert [list(hit) for hit in found["hits"]] == [keys, keys]
    assert [hit["rank"] for hit in found["hits"]] == [2, 3]
    assert (found["query"], found["corrected"]) == ("how is a clot removed", None)
    assert all(list(hit["snippet"]) == ["text", "marks"] for hit in found["hits"])
    more = asked(index, "clot", "--limit", "1", "--explain", "--related")["hits"][0]
    assert list(more) == [*keys, "explanation", "related"]


def test_subject_may_be_repeated_and_named_in_any_case(index):
    """--subject takes names and slugs, and several add up."""
    both = asked(
        index, "what is it", "--limit", "50", "--subject", "NURSING", "--subject", "computer-science"
    )
    assert {hit["subject"] for hit in both["hits"]} == {"Nursing", "Computer Science"}


def test_since_and_until_take_days_months_and_years(index):
    """Both ends belong to the period."""
    months = asked(index, "clot")["months"]
    within = asked(index, "clot", "--since", "2024-12", "--until", "2025-01")
    assert within["months"] == {month: months[month] for month in ("2024-12", "2025-01")}
    assert asked(index, "clot", "--since", "2025", "--until", "2025")["total"] == sum(
        count for month, count in months.items() if month.startswith("2025")
    )
    day = within["hits"][0]["date"]
    assert {hit["date"] for hit in asked(index, "clot", "--since", day, "--until", day)["hits"]} == {day}
    assert asked(index, "clot", "--since", "2025", "--until", "2024")["total"] == 0


def test_keyword_keeps_pages_with_one_of_them(index):
    """--keyword may be repeated, and several add up."""
    one = asked(index, "clot", "--keyword", "ischaemic stroke")
    assert 0 < one["total"] < asked(index, "clot")["total"]
    assert all("ischaemic stroke" in hit["keywords"] for hit in one["hits"])
    both = asked(index, "clot", "--keyword", "D-dimer", "--keyword", "ischaemic stroke")
    assert all({"D-dimer", "ischaemic stroke"} & set(hit["keywords"]) for hit in both["hits"])
    assert one["total"] < both["total"] < asked(index, "clot")["total"]


def test_exclude_leaves_pages_out(index):
    """--exclude may be repeated."""
    hits = asked(index, "clot")["hits"]
    options = [part for hit in hits[:2] for part in ("--exclude", hit["url"])]
    rest = asked(index, "clot", *options)
    assert [hit["url"] for hit in rest["hits"]][:8] == [hit["url"] for hit in hits[2:]]


@pytest.mark.parametrize(
    ("sort", "key", "reverse"),
    [("score", "score", True), ("date", "date", True), ("oldest", "date", False)],
)
def test_sort_orders_the_hits(index, sort, key, reverse):
    """By score, or by day from either end; the same hits."""
    hits = asked(index, "clot", "--sort", sort, "--limit", "50")["hits"]
    assert [hit[key] for hit in hits] == sorted((hit[key] for hit in hits), reverse=reverse)
    assert {hit["url"] for hit in hits} == {
        hit["url"] for hit in asked(index, "clot", "--limit", "50")["hits"]
    }


def test_sort_by_question(index):
    """In the order of the alphabet."""
    questions = [hit["question"] for hit in asked(index, "clot", "--sort", "question")["hits"]]
    assert questions == sorted(questions, key=str.casefold)


def test_all_pages_lists_every_page_of_an_article(build_index):
    """Pages of one id are one hit that names the others, unless --all-pages."""
    pages = [Article(url, "Why do strokes occur?", "A clot.", id=7, subject="S") for url in ("/a", "/b")]
    with build_index(pages) as opened:
        folder = opened.path
    assert re.search(r"also S +/[ab]", run("query", "stroke", "--index", folder).stdout)
    assert len(asked(folder, "stroke")["hits"]) == 1
    assert len(asked(folder, "stroke", "--all-pages")["hits"]) == 2


def test_facets_count_subjects_and_months(index):
    """A line each, with the counts that --json has, the rest of a long one counted."""
    done, found = run("query", "clot", "--index", index, "--facets"), asked(index, "clot")
    subjects = ", ".join(f"{name} {count}" for name, count in found["subjects"].items())
    months = ", ".join(f"{name} {count}" for name, count in found["months"].items())
    assert f"\nsubjects: {subjects}\nmonths: {months}\n" in done.stdout
    many = run("query", "what is", "--index", index, "--facets").stdout
    assert re.search(r"^subjects: (\D+\d+, ){10}… \(\d more with --json\)$", many, re.MULTILINE)
    assert "subjects:" not in run("query", "clot", "--index", index).stdout


def test_related_lists_three_pages_under_each_hit(index):
    """The same pages in the text and in JSON."""
    done = run("query", "clot", "--index", index, "--related", "--limit", "2")
    hits = asked(index, "clot", "--related", "--limit", "2")["hits"]
    related = re.findall(r"^ +related: .*  (\S+)$", done.stdout, re.MULTILINE)
    assert related == [url for hit in hits for url in hit["related"]]
    assert len(related) == 6


def test_no_snippets_leaves_a_line_for_each_hit_and_its_place(index):
    """Rank and question, subject, date and url."""
    done = run("query", "clot", "--index", index, "--no-snippets", "--limit", "3")
    assert [len(part.splitlines()) for part in done.stdout.split("\n\n")] == [1, 2, 2, 2]
    assert "showing 1-3" in done.stdout


def test_a_page_of_results_without_hits(index):
    """Past the last hit, and with --limit 0, the count is told."""
    for options in (["--limit", "0"], ["--offset", "1000"]):
        assert run("query", "clot", "--index", index, *options).stdout.endswith(" ms, showing none\n")


# -- spelling, synonyms, syntax ----------------------------------------------------------------------------


def test_what_has_no_hit_is_corrected_and_that_is_said(index):
    """The first line says what was searched instead; in JSON ``corrected`` does."""
    done = run("query", "trombectomy", "--index", index)
    assert done.stdout.startswith("no page matches 'trombectomy'; these match 'thrombectomy'\n8 pages in ")
    assert "did you mean" not in done.stdout
    found = asked(index, "trombectomy")
    assert (found["query"], found["corrected"]) == ("trombectomy", "thrombectomy")
    assert found["hits"] == asked(index, "thrombectomy")["hits"]


def test_no_correct_asks_only(index):
    """Without hits, what was probably meant is a question."""
    done = run("query", "trombectomy", "--index", index, "--no-correct")
    assert done.stdout == "no page matches 'trombectomy'\ndid you mean 'thrombectomy'?\n"
    found = asked(index, "trombectomy", "--no-correct")
    assert (found["corrected"], found["suggestion"], found["hits"]) == (None, "thrombectomy", [])


def test_did_you_mean(index):
    """Where some words have hits, a misspelt one is asked for."""
    done = run("query", "trombectomy clot", "--index", index)
    assert done.stdout.splitlines()[1] == "did you mean 'thrombectomy clot'?"


def test_synonyms_of_a_file(index, tmp_path):
    """A word of a group finds what the others do."""
    (tmp_path / "synonyms.txt").write_text("# ours\nplughing, thrombectomy\n")
    found = asked(index, "plughing", "--no-correct", "--synonyms", str(tmp_path / "synonyms.txt"))
    assert found["total"] == asked(index, "thrombectomy")["total"]
    assert asked(index, "plughing", "--no-correct")["total"] == 0


def test_a_broken_file_of_synonyms_is_one_clear_line(index, tmp_path):
    """Exit 1, with path, line and reason; a missing one with its name."""
    path = tmp_path / "synonyms.txt"
    for written in ("# ours\nalone\n", None):
        if written is None:
            path.unlink()
        else:
            path.write_text(written)
        done = run("query", "clot", "--index", index, "--synonyms", path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith(f"qtsearch: {path}:2: 'alone'" if written else f"qtsearch: {path}: No")


def test_syntax(index):
    """plain: signs are no operators; auto: they are, where they make a query; strict: or it is an error."""
    query = "clot -stroke"
    assert asked(index, query)["total"] < asked(index, query, "--syntax", "plain")["total"]
    assert asked(index, query)["total"] == asked(index, query, "--syntax", "strict")["total"]
    assert asked(index, '"clot (')["total"] == asked(index, "clot")["total"]


def test_a_strict_query_shows_where_it_is_wrong(index):
    """Exit 1: character and reason, and a mark below the query."""
    done = run("query", 'clot AND "stroke', "--index", index, "--syntax", "strict")
    assert (done.returncode, done.stdout) == (1, "")
    first, query, mark = done.stderr.splitlines()
    assert first.startswith("qtsearch: at character 10 of the query: ")
    assert query[mark.index("^") :] == '"stroke'


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--limit", "-1", "-1 is not from 0"),
        ("--limit", "ten", "'ten' is no whole number"),
        ("--limit", "1" + "0" * 30, "0000 is not from 0 to"),
        ("--offset", "1.5", "'1.5' is no whole number"),
        ("--since", "2024-13", "'2024-13'"),
        ("--until", "", "''"),
        ("--sort", "rank", "'rank'"),
        ("--syntax", "loose", "'loose'"),
    ],
)
def test_a_bad_value_is_wrong_usage(index, option, value, message):
    """Exit code 2; the last line names option and value."""
    done = run("query", "clot", "--index", index, f"{option}={value}")
    assert (done.returncode, done.stdout) == (2, "")
    assert option in done.stderr.splitlines()[-1]
    assert message in done.stderr.splitlines()[-1]
