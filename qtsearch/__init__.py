"""Full-text search over question-and-answer articles: a real Whoosh index, searched at native speed.

>>> import qtsearch
>>> report = qtsearch.reindex("examples/articles", "index")
>>> index = qtsearch.open_index("index")
>>> index.search("thrombectomy")[0].question
'What is mechanical thrombectomy and how is it performed?'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from qtsearch._version import __version__
from qtsearch.errors import (
    ArticleError,
    BackupError,
    ForeignSegmentError,
    IndexDamagedError,
    IndexLockedError,
    IndexMissingError,
    IndexVersionError,
    IndexWriteError,
    InputFileError,
    JudgmentsError,
    MissingLibraryError,
    PageMissingError,
    QtsearchError,
    QuerySyntaxError,
    RollbackError,
    SourceError,
    SynonymsError,
    WorkerError,
)
from qtsearch.forks import late_imports

if TYPE_CHECKING:
    from qtsearch.articles import Article, RelatedLink
    from qtsearch.generations.backups import backup
    from qtsearch.generations.publications import Publication, history, rollback
    from qtsearch.generations.stats import IndexStats
    from qtsearch.generations.tuning import set_parameters
    from qtsearch.generations.verification import VerifyReport, verify
    from qtsearch.index import Index, open_index
    from qtsearch.parameters import RankingParameters
    from qtsearch.reindexing.indexer import reindex
    from qtsearch.reindexing.report import ReindexReport
    from qtsearch.results import Copy, Hit, Results
    from qtsearch.search.completion import Completion
    from qtsearch.search.explanation import Explanation
    from qtsearch.search.synonyms import Synonyms
    from qtsearch.text.snippets import Snippet

__all__ = [
    "Article",
    "ArticleError",
    "BackupError",
    "Completion",
    "Copy",
    "Explanation",
    "ForeignSegmentError",
    "Hit",
    "Index",
    "IndexDamagedError",
    "IndexLockedError",
    "IndexMissingError",
    "IndexStats",
    "IndexVersionError",
    "IndexWriteError",
    "InputFileError",
    "JudgmentsError",
    "MissingLibraryError",
    "PageMissingError",
    "Publication",
    "QtsearchError",
    "QuerySyntaxError",
    "RankingParameters",
    "ReindexReport",
    "RelatedLink",
    "Results",
    "RollbackError",
    "Snippet",
    "SourceError",
    "Synonyms",
    "SynonymsError",
    "VerifyReport",
    "WorkerError",
    "__version__",
    "backup",
    "history",
    "open_index",
    "reindex",
    "rollback",
    "set_parameters",
    "verify",
]


_HOMES: Final = {
    "Article": "articles",
    "Completion": "search.completion",
    "Copy": "results",
    "Explanation": "search.explanation",
    "Hit": "results",
    "Index": "index",
    "IndexStats": "generations.stats",
    "Publication": "generations.publications",
    "RankingParameters": "parameters",
    "ReindexReport": "reindexing.report",
    "RelatedLink": "articles",
    "Results": "results",
    "Snippet": "text.snippets",
    "Synonyms": "search.synonyms",
    "VerifyReport": "generations.verification",
    "backup": "generations.backups",
    "history": "generations.publications",
    "open_index": "index",
    "reindex": "reindexing.indexer",
    "rollback": "generations.publications",
    "set_parameters": "generations.tuning",
    "verify": "generations.verification",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is: all of it takes longer than many searches, or a reindex."""
    if name not in _HOMES:
        raise AttributeError(f"module 'qtsearch' has no attribute {name!r}")
    with late_imports:
        found = getattr(import_module(f"qtsearch.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
