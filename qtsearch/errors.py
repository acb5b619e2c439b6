"""Every exception that qtsearch raises on purpose, under one base.

Each carries its data as attributes and says in its message what is wrong, where, and what to do next.
Bad arguments are plain ``ValueError`` or ``TypeError`` and are not listed here.
"""

from __future__ import annotations

__all__ = [
    "ArticleError",
    "BackupError",
    "ForeignSegmentError",
    "IndexDamagedError",
    "IndexLockedError",
    "IndexMissingError",
    "IndexVersionError",
    "IndexWriteError",
    "InputFileError",
    "JudgmentsError",
    "MissingLibraryError",
    "PageMissingError",
    "QtsearchError",
    "QuerySyntaxError",
    "RollbackError",
    "SourceError",
    "SynonymsError",
    "WorkerError",
]


class QtsearchError(Exception):
    """Base of all errors of this package."""


class InputFileError(QtsearchError):
    """A file that was given cannot be used.

    Attributes: ``path`` (as it was given), ``line`` (counted from 1 in the file, 0 when no line
    can be named) and ``reason``.
    """

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.reason}"


class ArticleError(InputFileError):
    """One article file cannot be used; every other file can."""


class JudgmentsError(InputFileError):
    """A file of queries or of judgments cannot be used."""


class QuerySyntaxError(QtsearchError):
    """A query that was to be read strictly is none.

    Attributes: ``query``, ``position`` (in characters, from 0) and ``reason``.
    """

    def __init__(self, query: str, position: int, reason: str) -> None:
        super().__init__(query, position, reason)
        self.query = query
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        line = self.query.replace("\n", " ")
        start = max(0, self.position - 30)
        return (
            f"at character {self.position + 1} of the query: {self.reason}\n"
            f"    {line[start : self.position + 30]}\n    {' ' * (self.position - start)}^"
        )


class SynonymsError(InputFileError):
    """A file of synonyms cannot be used."""


class SourceError(QtsearchError):
    """What was given to ``reindex`` holds no article that could be indexed; nothing was published."""


class BackupError(QtsearchError):
    """A backup cannot be written where it was to be; nothing there was changed."""


class IndexMissingError(QtsearchError):
    """There is no index in the folder."""


class IndexVersionError(QtsearchError):
    """The index was written in a format that this version does not read."""

    def __init__(self, path: str, found: int, expected: int) -> None:
        super().__init__(path, found, expected)
        self.path = path
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        newer = self.found > self.expected
        todo = "upgrade qtsearch" if newer else "build it again with `qtsearch reindex`"
        return (
            f"{self.path}: index format {self.found}, but this version reads format {self.expected}: {todo}"
        )


class IndexDamagedError(QtsearchError):
    """A file of the index does not hold what was written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; build the index again with `qtsearch reindex`"


class PageMissingError(QtsearchError):
    """No page of the index has this url."""

    def __init__(self, path: str, url: str) -> None:
        super().__init__(path, url)
        self.path = path
        self.url = url

    def __str__(self) -> str:
        return f"{self.path}: no page has the url {self.url!r}; urls are as `qtsearch query` shows them"


class ForeignSegmentError(QtsearchError):
    """The folder holds a Whoosh index, but not one that ``qtsearch reindex`` wrote."""


class IndexLockedError(QtsearchError):
    """Another process, or another thread, is writing to the index.

    Attributes: ``path`` of the lock, and of its holder ``pid``, ``host`` and ``since`` (local time): 0 and
    empty where it is another program than qtsearch.
    """

    def __init__(self, path: str, pid: int, host: str, since: str) -> None:
        super().__init__(path, pid, host, since)
        self.path = path
        self.pid = pid
        self.host = host
        self.since = since

    def __str__(self) -> str:
        holder = f"process {self.pid} on {self.host} since {self.since}" if self.pid else "another program"
        return f"{self.path} is locked by {holder}: try again when it has ended, or wait for it"


class IndexWriteError(QtsearchError):
    """The folder of the index is written by ``qtsearch reindex`` only, not through Whoosh's writers."""


class RollbackError(QtsearchError):
    """There is no generation to go back to."""


class WorkerError(QtsearchError):
    """A worker process of ``reindex`` ended or answered out of turn; nothing was published."""


class MissingLibraryError(QtsearchError):
    """A library is not installed that only one of the extras brings."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(library, extra)
        self.library = library
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.library} is not installed: pip install 'qtsearch[{self.extra}]'"
