"""What the arrays of a segment say is what the articles say: derived again, word by word, from their text."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from operator import itemgetter

import numpy as np
import pytest
from agreement import all_arrays, open_index_segment
from oracle import compounds_of, hyphenated, terms_of

from qtsearch import analysis
from qtsearch.codec import segment as segment_module
from qtsearch.codec.segment import MAX_PHRASE_TERMS, NO_DATE, NO_ID
from qtsearch.schema import POSITION_GAP, slugify


@pytest.fixture(scope="module")
def segment(sample_index):
    return open_index_segment(sample_index.path)


@pytest.fixture(scope="module")
def pages(sample_articles):
    """The pages of the segment in its order."""
    kept = [page for page in sample_articles if not page.no_index]
    return sorted(kept, key=lambda page: (slugify(page.subject), page.url))


def placed(page):
    """The tokens of an article: field, position and surface form of each; and where its fields start."""
    starts = []
    tokens = []
    position = 0
    for field, texts in enumerate(([page.question], [page.answer], page.page_keywords)):
        starts.append(position)
        for text in texts:
            for token in analysis.tokenize(text):
                tokens.append((field, position, analysis.fold(token)))
                position += 1
            position += POSITION_GAP
    return tokens, starts


def with_compounds(page):
    """The same, with the compounds of question and answer in one word, each where its second word stands."""
    tokens, starts = placed(page)
    for field, text in enumerate((page.question, page.answer)):
        for number, first, second in hyphenated(text):
            tokens.append((field, starts[field] + number + 1, analysis.fold(first + second)))
    return sorted(tokens, key=itemgetter(1))


def test_terms_and_forms(segment, pages):
    """Terms and surface forms ascend, each form leads to its stem, and is counted by field."""
    counts = {}
    for page in pages:
        for field, _, form in with_compounds(page):
            counts.setdefault(form, [0, 0, 0])[field] += 1
    forms = [form.decode() for form in segment.forms.tolist()]
    terms = [term.decode() for term in segment.terms.tolist()]
    assert forms == sorted(counts, key=str.encode)
    assert terms == sorted(set(map(analysis.stem, forms)), key=str.encode)
    assert [terms[number] for number in segment.form_terms.tolist()] == list(map(analysis.stem, forms))
    assert segment.form_frequencies.tolist() == [counts[form] for form in forms]
    assert segment.term_soft.tolist() == list(map(analysis.is_soft, terms))


def test_postings(segment, pages):
    """A term's postings are the articles that have it, ascending, with frequencies and positions in each."""
    expected = {}
    for doc, page in enumerate(pages):
        for field, position, form in with_compounds(page):
            posting = expected.setdefault(analysis.stem(form), {}).setdefault(doc, ([0, 0, 0], []))
            posting[0][field] += 1
            posting[1].append(position)
    for number, term in enumerate(segment.terms.tolist()):
        postings = slice(segment.offsets[number], segment.offsets[number + 1])
        positions = slice(segment.position_offsets[number], segment.position_offsets[number + 1])
        found = expected.pop(term.decode())
        assert segment.docs[postings].tolist() == list(found)
        counts, places = zip(*found.values(), strict=True)
        assert segment.frequencies[postings].tolist() == list(counts)
        assert segment.positions[positions].tolist() == [place for some in places for place in some]
        assert segment.field_df[number].tolist() == np.count_nonzero(counts, axis=0).tolist()
        assert segment.max_impacts[number] == segment.impacts[postings].max()
    assert not expected


def keywords_of(page):
    """The keywords of a page, as terms."""
    return [
        tuple(analysis.stem(analysis.fold(token)) for token in analysis.tokenize(text))
        for text in page.page_keywords
    ]


def test_keywords(segment, pages):
    """A term that alone is a keyword marks its posting; longer ones are found by their terms in turn."""
    carried = {}
    for doc, page in enumerate(pages):
        for keyword in keywords_of(page):
            carried.setdefault(keyword, set()).add(doc)
    terms = [term.decode() for term in segment.terms.tolist()]
    posting_terms = np.repeat(np.arange(len(terms)), np.diff(segment.offsets))
    marked = segment.keyword_postings
    assert (np.diff(marked) > 0).all()
    found = zip(posting_terms[marked].tolist(), segment.docs[:][marked].tolist(), strict=True)
    expected = [(keyword[0], doc) for keyword, docs in carried.items() if len(keyword) == 1 for doc in docs]
    assert sorted((terms[number], doc) for number, doc in found) == sorted(expected)

    # Every beginning of two terms or more of a keyword has a node, and no others have.
    long = {keyword: docs for keyword, docs in carried.items() if 2 <= len(keyword) <= MAX_PHRASE_TERMS}
    beginnings = {keyword[:length] for keyword in long for length in range(2, len(keyword) + 1)}
    assert (np.diff(segment.phrase_keys) > 0).all()
    spelt = []
    for node, key in enumerate(segment.phrase_keys.tolist()):
        parent, last = divmod(key, len(terms))
        if parent < len(terms):
            assert segment.phrase_children[parent] <= node < segment.phrase_children[parent + 1]
        spelt.append(
            (*((terms[parent],) if parent < len(terms) else spelt[parent - len(terms)]), terms[last])
        )
        docs = segment.phrase_docs[segment.phrase_offsets[node] : segment.phrase_offsets[node + 1]]
        assert docs.tolist() == sorted(long.get(spelt[-1], ()))
    assert len(spelt) == len(beginnings)
    assert set(spelt) == beginnings
    assert max(map(len, spelt)) > 2
    assert segment.phrase_offsets[-1] == len(segment.phrase_docs)
    assert segment.phrase_children[-1] == sum(len(some) == 2 for some in spelt)


def test_pairs(segment, pages):
    """Of two different hard terms side by side in answers the articles, and how often each has them."""
    expected = {}
    for doc, page in enumerate(pages):
        answer = [analysis.stem(form) for field, _, form in placed(page)[0] if field == 1]
        for first, second in pairwise(answer):
            if first != second and not analysis.is_soft(first) and not analysis.is_soft(second):
                expected.setdefault((first, second), []).append(doc)
    terms = [term.decode() for term in segment.terms.tolist()]
    found = []
    seconds, offsets = segment.pair_seconds[:], segment.pair_offsets[:]
    for number, first in enumerate(terms):
        for node in range(segment.pair_children[number], segment.pair_children[number + 1]):
            second = terms[seconds[node]]
            part = slice(offsets[node], offsets[node + 1])
            counts = dict(
                zip(segment.pair_docs[part].tolist(), segment.pair_counts[part].tolist(), strict=True)
            )
            assert list(counts) == sorted(counts)
            assert counts == Counter(expected[first, second])
            found.append((first, second))
    assert found == sorted(expected, key=lambda pair: [term.encode() for term in pair])
    assert offsets[-1] == len(segment.pair_docs) == len(segment.pair_impacts)
    assert any(len(docs) > len(set(docs)) for docs in expected.values())


def test_compounds(segment, pages):
    """Each compound of a question or an answer once: the terms of its words, and of both in one word; none of
    keywords. With each the pages that have it; those that have the one word without the two; and those that
    have the two side by side without the one. None of the last two if the one word is soft."""
    terms = [term.decode() for term in segment.terms.tolist()]
    firsts = np.repeat(np.arange(len(terms)), np.diff(segment.compound_children)).tolist()
    rows = zip(firsts, segment.compound_seconds.tolist(), segment.compound_wholes.tolist(), strict=True)
    found = [tuple(terms[number] for number in row) for row in rows]
    in_page = [{row for text in (page.question, page.answer) for row in compounds_of(text)} for page in pages]
    assert found == sorted(set().union(*in_page), key=lambda row: [term.encode() for term in row])
    assert len(found) > 10
    words = [{analysis.stem(form) for _, _, form in with_compounds(page)} for page in pages]
    beside = [set(pairwise(terms_of(page.answer))) for page in pages]
    arrays = all_arrays(segment)
    alone = apart = 0
    for number, (first, second, whole) in enumerate(found):
        hyphens = slice(*arrays["hyphen_offsets"][number : number + 2])
        expected = [doc for doc, own in enumerate(in_page) if (first, second, whole) in own]
        assert arrays["hyphen_docs"][hyphens].tolist() == expected
        hard = not analysis.is_soft(whole)
        postings = segment.alone_postings[slice(*segment.alone_offsets[number : number + 2])].tolist()
        assert np.searchsorted(segment.offsets, postings, "right").tolist() == [
            terms.index(whole) + 1 for _ in postings
        ]
        assert segment.docs[:][postings].tolist() == [
            doc for doc, own in enumerate(words) if hard and whole in own and not {first, second} <= own
        ]
        pair = first != second and not analysis.is_soft(first) and not analysis.is_soft(second)
        docs = segment.apart_docs[slice(*segment.apart_offsets[number : number + 2])].tolist()
        assert docs == [
            doc
            for doc, own in enumerate(words)
            if hard and pair and (first, second) in beside[doc] and whole not in own
        ]
        alone += len(postings)
        apart += len(docs)
    assert alone == len(segment.alone_postings)
    assert apart == len(segment.apart_docs)
    for number, term in enumerate(terms):
        part = slice(segment.compound_children[number], segment.compound_children[number + 1])
        assert found[part] == [row for row in found if row[0] == term]
        own = slice(segment.compound_offsets[number], segment.compound_offsets[number + 1])
        assert segment.compound_rows[own].tolist() == [at for at, row in enumerate(found) if row[2] == term]


def test_lengths_and_starts(segment, pages):
    """Lengths leave out stop words; fields start where the one before them ends, and a gap further."""
    lengths = []
    starts = []
    for page in pages:
        tokens, field_starts = placed(page)
        counted = [field for field, _, form in tokens if form not in analysis.STOP_WORDS]
        lengths.append([counted.count(field) for field in range(3)])
        starts.append(field_starts)
    assert segment.lengths.tolist() == lengths
    assert segment.field_starts.tolist() == starts


def test_columns(segment, pages):
    """Ids, dates and subjects stand in the order of (subject slug, url); `url_order` sorts by url alone."""
    assert segment.n_docs == len(pages)
    assert segment.ids.tolist() == [NO_ID if page.id is None else page.id for page in pages]
    assert segment.dates.tolist() == [page.date.toordinal() if page.date else NO_DATE for page in pages]
    assert segment.url_order.tolist() == sorted(range(len(pages)), key=lambda doc: pages[doc].url)
    for doc, page in enumerate(pages):
        subject = segment.subject_of(doc)
        assert subject.slug == slugify(page.subject)
        assert subject.start <= doc < subject.stop
        assert segment.find_url(page.url) == doc


def test_documentation(segment):
    """The module's table names every array with its type and size, and each blob beside its offsets."""
    text = segment_module.__doc__
    lines = text.splitlines()
    _, top, bottom = (number for number, line in enumerate(lines) if line.startswith("=="))
    rows = [
        re.fullmatch(r"(\w+) +([\w ]*\w)(?:<width>)?(?: \[1])? +\(([^,)]*).*", line)
        for line in lines[top + 1 : bottom]
    ]
    documented = {row[1]: row for row in rows}
    arrays = all_arrays(segment)
    assert documented.keys() <= arrays.keys()
    sizes = {"N": "ids", "T": "terms", "S": "forms", "P": "docs", "M": "positions"}
    sizes |= {
        "H": "compound_seconds",
        "K": "phrase_keys",
        "Q": "pair_seconds",
        "R": "pair_docs",
        "F": "rare_postings",
    }
    sizes |= {"A": "abbreviations", "E": "expansion_shares"}
    sizes |= {"C": "keyword_counts", "W": "keyword_words", "D": "question_counts", "V": "question_words"}
    for name, array in arrays.items():
        if name not in documented:
            assert f"into ``{name}``" in text
            assert array.dtype == np.uint8
            continue
        _, dtype, size = documented[name].groups()
        if dtype == "S":
            assert array.dtype.kind == "S"
        else:
            assert array.dtype == (arrays["docs"].dtype if dtype == "as docs" else dtype)
        at_most, letter = size.startswith("≤"), size.lstrip("≤ ")
        if letter[0] in sizes:
            most = len(arrays[sizes[letter[0]]]) + size.endswith("+ 1")
            assert len(array) <= most if at_most else len(array) == most
        else:
            assert at_most or size == "≥ 0"
            assert letter == "≥ 0" or len(array) <= int(letter)
