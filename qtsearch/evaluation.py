"""How good an index is, by judgments of its pages: nDCG@10, MRR@10 and R@100 of the public search.

Judged queries → hits of :meth:`Index.search` → figures. The files are those of the field: queries as BEIR's
JSON lines or tab separated, judgments ("qrels") as BEIR's TSV or TREC's. The measures come from ir-measures
(MacAvaney, Macdonald, Ounis, "Streamlining Evaluation with ir-measures", ECIR 2022); the gain of nDCG is
linear: a page judged 2 is worth twice one judged 1.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from qtsearch.errors import JudgmentsError, MissingLibraryError
from qtsearch.index import Index

__all__ = ["DEPTH", "Evaluation", "Figures", "Measured", "evaluate", "measure", "read_qrels", "read_queries"]

#: Hits that are looked at, for R@100.
DEPTH: Final = 100

_BEIR_HEADER: Final = ["query-id", "corpus-id", "score"]


class Figures(NamedTuple):
    """The three measures, of one query or as means; each from 0 to 1, 1 is best."""

    ndcg_at_10: float
    mrr_at_10: float
    recall_at_100: float

    def to_dict(self) -> dict[str, float]:
        """The figures under the names of the field."""
        return dict(zip(("nDCG@10", "MRR@10", "R@100"), self, strict=True))


class Measured(NamedTuple):
    """The means over all queries that have a relevant page, and the figures of each of them by its id."""

    mean: Figures
    by_query: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What :func:`evaluate` found.

    ``mean`` and ``by_query`` are over the queries that have both a text and a relevant page. ``unjudged``
    counts queries without a relevant page, ``unasked`` those with one whose text is missing: both are left
    out. ``judged`` counts the ids that are judged; ``missing`` are those that no page of the index has,
    sorted: no hit can be one of them, so they lower nDCG and recall where they are relevant.
    """

    mean: Figures
    by_query: dict[str, Figures]
    unjudged: int
    unasked: int
    judged: int
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``evaluate --json`` prints."""
        return {
            **self.mean.to_dict(),
            "queries": len(self.by_query),
            "unjudged": self.unjudged,
            "unasked": self.unasked,
            "judged": self.judged,
            "missing": list(self.missing),
            "by_query": {query: figures.to_dict() for query, figures in self.by_query.items()},
        }


def evaluate(index: Index, queries: str | os.PathLike[str], qrels: str | os.PathLike[str]) -> Evaluation:
    """Ask an index the queries of one file and measure its hits by the judgments of another.

    A judged id is the ``url`` of a page. See :func:`read_queries` and :func:`read_qrels` for the files.

    Raises:
        JudgmentsError: a line cannot be read, no query has a relevant page, or no judged id is a page's url.
        MissingLibraryError: ir-measures is not installed.
        OSError: a file cannot be read.
    """
    texts = read_queries(queries)
    # As urls are compared: in normal form C.
    judgments = {
        query: {unicodedata.normalize("NFC", url): grade for url, grade in judged.items()}
        for query, judged in read_qrels(qrels).items()
    }
    relevant = _with_relevant(judgments)
    asked = {query: relevant[query] for query in texts if query in relevant}
    if not asked:
        reason = (
            f"no query of {os.fspath(queries)} has a relevant page here: take the two files of one collection"
        )
        raise JudgmentsError(os.fspath(qrels), 0, reason)
    urls = {url for judged in judgments.values() for url in judged}
    missing = tuple(sorted(url for url in urls if index.get(url) is None))
    if len(missing) == len(urls):
        reason = (
            f"none of its {len(urls):,} judged ids is a page of the index: an id must be the url of a page"
        )
        raise JudgmentsError(os.fspath(qrels), 0, reason)
    # Pages are judged one by one, those of one article too.
    run = {
        query: [hit.url for hit in index.search(texts[query], limit=DEPTH, collapse=False)] for query in asked
    }
    mean, by_query = measure(run, asked)
    return Evaluation(
        mean=mean,
        by_query=by_query,
        unjudged=len(texts) - len(asked),
        unasked=len(relevant.keys() - texts.keys()),
        judged=len(urls),
        missing=missing,
    )


def measure(run: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]) -> Measured:
    """Measure hits by judgments.

    Args:
        run: ids of the hits by query, best first, each once. A query that is not here found nothing.
        qrels: grade by id by query. From 1 on an id is relevant; a query without such an id is left out.

    Raises:
        ValueError: no query has a relevant id.
        MissingLibraryError: ir-measures is not installed.
    """
    relevant = _with_relevant(qrels)
    if not relevant:
        raise ValueError("no query has a relevant id, from grade 1 on: there is nothing to take the mean of")
    try:
        import ir_measures
    except ImportError as error:
        raise MissingLibraryError("ir-measures", "evaluate") from error
    # trec_eval sorts by score and breaks ties by id: scores that fall from hit to hit keep our order.
    scored = {
        query: {id_: float(DEPTH - rank) for rank, id_ in enumerate(run[query][:DEPTH])}
        for query in relevant
        if run.get(query)
    }
    measures = (ir_measures.nDCG @ 10, ir_measures.RR @ 10, ir_measures.R @ 100)
    found = {
        (metric.query_id, metric.measure): float(metric.value)
        for metric in ir_measures.iter_calc(measures, relevant, scored)
    }
    by_query = {query: Figures(*(found[query, each] for each in measures)) for query in relevant}
    columns = zip(*by_query.values(), strict=True)
    return Measured(Figures(*(sum(column) / len(by_query) for column in columns)), by_query)


def _with_relevant(qrels: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The relevant ids alone, of the queries that have any: no measure here looks at others."""
    relevant = {
        query: {id_: grade for id_, grade in judged.items() if grade > 0} for query, judged in qrels.items()
    }
    return {query: judged for query, judged in relevant.items() if judged}


# -- files -----------------------------------------------------------------------------------------


def read_queries(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts of queries by id, in the order of the file.

    A file whose first line begins with ``{`` has one JSON object a line, with the keys ``_id`` and ``text``
    and any others; else a line is an id, a tab and the text. Blank lines are passed over.

    Raises:
        JudgmentsError: with the line and the reason; also where an id stands twice.
        OSError: the file cannot be read.
    """
    name = os.fspath(path)
    queries: dict[str, str] = {}
    parse = None
    for number, line in _lines(name):
        parse = parse or (_json_query if line.startswith("{") else _tsv_query)
        try:
            id_, text = parse(line)
        except ValueError as error:
            raise JudgmentsError(name, number, str(error)) from error
        if id_ in queries:
            raise JudgmentsError(name, number, f"query {id_!r} stands here again: give each an id of its own")
        queries[id_] = text
    return queries


def _json_query(line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"broken JSON ({error}): write one object a line") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ValueError('a query must be an object with the text `text`, as {"_id": "1", "text": "…"}')
    id_ = row.get("_id")
    if isinstance(id_, bool) or not isinstance(id_, str | int) or id_ == "":
        raise ValueError('a query must have the key `_id`, as {"_id": "1", "text": "…"}')
    return str(id_), row["text"]


def _tsv_query(line: str) -> tuple[str, str]:
    id_, tab, text = line.partition("\t")
    if not tab or not id_.strip():
        raise ValueError("a query must be an id, a tab and the text, or a JSON object")
    return id_.strip(), text.strip()


def read_qrels(path: str | os.PathLike[str]) -> dict[str, dict[str, int]]:
    """Judgments: the grade of each judged id by query, in the order of the file; relevant from 1 on.

    A file whose first line is ``query-id corpus-id score`` is BEIR's and has these three columns; else a line
    is TREC's, ``query 0 id grade``. Columns are separated by tabs, or by spaces where a line has no tab.
    Blank lines are passed over.

    Raises:
        JudgmentsError: with the line and the reason; also where an id is judged twice, and differently.
        OSError: the file cannot be read.
    """
    name = os.fspath(path)
    qrels: dict[str, dict[str, int]] = {}
    beir = None
    for number, line in _lines(name):
        columns = [column.strip() for column in (line.split("\t") if "\t" in line else line.split())]
        if beir is None:
            beir = columns == _BEIR_HEADER
            if beir:
                continue
        if len(columns) != (3 if beir else 4):
            form = "the columns of its header" if beir else "`query 0 id grade`, or begin with BEIR's header"
            raise JudgmentsError(name, number, f"{len(columns)} columns: a line must have {form}")
        query, id_, grade = columns[0], columns[-2], columns[-1]
        try:
            value = int(grade)
        except ValueError:
            reason = f"the grade must be a whole number, found {grade!r}"
            raise JudgmentsError(name, number, reason) from None
        if qrels.setdefault(query, {}).setdefault(id_, value) != value:
            reason = f"{id_!r} was judged {qrels[query][id_]} for query {query!r} before: keep one of the two"
            raise JudgmentsError(name, number, reason)
    return qrels


def _lines(name: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1, whatever their line ends."""
    with open(name, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                reason = f"not UTF-8 (byte 0x{raw[error.start]:02x}): save it as UTF-8"
                raise JudgmentsError(name, number, reason) from error
            if line.strip():
                yield number, line.rstrip("\r\n")
