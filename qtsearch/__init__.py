"""Full-text search over question-and-answer articles: a real Whoosh index, searched at native speed.

>>> import qtsearch
>>> report = qtsearch.reindex("examples/articles", "index")
>>> index = qtsearch.open_index("index")
>>> index.search("thrombectomy")[0].question
'What is mechanical thrombectomy and how is it performed?'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from qtsearch.index import Index, open_index
from qtsearch.parameters import RankingParameters
from qtsearch.results import Copy, Hit, Results
from qtsearch.synonyms import Synonyms

if TYPE_CHECKING:
    from qtsearch.articles import Article, RelatedLink
    from qtsearch.backups import backup
    from qtsearch.completion import Completion
    from qtsearch.explanation import Explanation
    from qtsearch.indexer import ReindexReport, reindex
    from qtsearch.publications import Publication, history, rollback
    from qtsearch.snippets import Snippet
    from qtsearch.stats import IndexStats
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


def __getattr__(name: str) -> object:
    """Import what only indexing needs when it is first asked for: it takes longer than many searches."""
    if name in ("ReindexReport", "reindex"):
        import qtsearch.indexer as module
    elif name in ("Publication", "history", "rollback"):
        import qtsearch.publications as module  # type: ignore[no-redef]
    elif name in ("Article", "RelatedLink"):
        import qtsearch.articles as module  # type: ignore[no-redef]
    elif name == "backup":
        import qtsearch.backups as module  # type: ignore[no-redef]
    elif name == "Completion":
        import qtsearch.completion as module  # type: ignore[no-redef]
    elif name == "Explanation":
        import qtsearch.explanation as module  # type: ignore[no-redef]
    elif name == "Snippet":
        import qtsearch.snippets as module  # type: ignore[no-redef]
    elif name == "IndexStats":
        import qtsearch.stats as module  # type: ignore[no-redef]
    elif name == "set_parameters":
        import qtsearch.tuning as module  # type: ignore[no-redef]
    elif name in ("VerifyReport", "verify"):
        import qtsearch.verification as module  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module 'qtsearch' has no attribute {name!r}")
    return getattr(module, name)
