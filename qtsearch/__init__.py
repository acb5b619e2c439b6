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
    from qtsearch.backups import backup
    from qtsearch.completion import Completion
    from qtsearch.explanation import Explanation
    from qtsearch.index import Index, open_index
    from qtsearch.indexer import reindex
    from qtsearch.parameters import RankingParameters
    from qtsearch.publications import Publication, history, rollback
    from qtsearch.report import ReindexReport
    from qtsearch.results import Copy, Hit, Results
    from qtsearch.snippets import Snippet
    from qtsearch.stats import IndexStats
    from qtsearch.synonyms import Synonyms
    from qtsearch.tuning import set_parameters
    from qtsearch.verification import VerifyReport, verify

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
    "Completion": "completion",
    "Copy": "results",
    "Explanation": "explanation",
    "Hit": "results",
    "Index": "index",
    "IndexStats": "stats",
    "Publication": "publications",
    "RankingParameters": "parameters",
    "ReindexReport": "report",
    "RelatedLink": "articles",
    "Results": "results",
    "Snippet": "snippets",
    "Synonyms": "synonyms",
    "VerifyReport": "verification",
    "backup": "backups",
    "history": "publications",
    "open_index": "index",
    "reindex": "indexer",
    "rollback": "publications",
    "set_parameters": "tuning",
    "verify": "verification",
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
