"""Reading all of an index, to say what of it is not what was written: every checksum, every invariant.

A search checks what it uses when it uses it; this looks at the rest, too, the table of contents and what lies
between arrays included, and takes some seconds for 30,000 articles.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from whoosh.filedb.filestore import RamStorage
from whoosh.index import TOC

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.fields import whoosh_schema
from qtsearch.codec.invariants import Arrays, broken
from qtsearch.codec.plugin import ArraySegment
from qtsearch.codec.segment import INDEX_NAME, SubjectSlice, segment_file
from qtsearch.codec.sources import kept_segments
from qtsearch.errors import ForeignSegmentError, IndexDamagedError, IndexVersionError
from qtsearch.generations import generation
from qtsearch.generations.generation import Generation, TableOfContents, default_path
from qtsearch.parameters import RankingParameters

__all__ = ["Problem", "VerifyReport", "verify"]

_REBUILD: Final = "build the index again with `qtsearch reindex`"
_EXTENSIONS: Final = (".arrays", ".impacts")
_OPTIONAL: Final = ".sources"  # what only reindex reads
_MAX_ATTEMPTS: Final = 20

_RELEASE: Final = slice(11, 14)  # of Whoosh, in its TOC: behind three sizes, a mark and a version
_OTHER_RELEASES: Final = {b"\x02\x07\x04", b"\x02\x07\x05"}  # Whoosh, Whoosh-Reloaded

_OURS: Final = re.compile(rf"{INDEX_NAME}_([0-9a-z]+)\.(?:\w+)|_{INDEX_NAME}_([0-9]+)\.toc(\..*)?")


class Problem(NamedTuple):
    """``path``: the file; ``what`` is wrong with it; what to do: ``advice``."""

    path: str
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; {self.advice}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What :func:`verify` found.

    ``index``: absolute path of its folder. ``generation``: 0 if its table of contents cannot be read.
    ``problems``: what is damaged. ``warnings``: what is not, but should be known: files that no generation
    needs. ``files``, ``arrays``, ``size_bytes``: how much was read.
    """

    index: str
    generation: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    files: int
    arrays: int
    size_bytes: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """What ``verify --json`` prints."""
        return {
            "index": self.index,
            "generation": self.generation,
            "ok": self.ok,
            "problems": [problem._asdict() for problem in self.problems],
            "warnings": [warning._asdict() for warning in self.warnings],
            "files": self.files,
            "arrays": self.arrays,
            "size_bytes": self.size_bytes,
            "seconds": self.seconds,
        }


def verify(index: str | os.PathLike[str] | None = None) -> VerifyReport:
    """Read all of the current generation of an index, and say what is damaged.

    Args:
        index: its folder; by default ``$QTSEARCH_INDEX``, else ``index``.

    Raises:
        IndexMissingError: there is no index in the folder.
        OSError: a file cannot be read.

    >>> import qtsearch
    >>> report = qtsearch.reindex("examples/articles", "index")
    >>> found = qtsearch.verify("index")
    >>> found.ok, found.problems, found.files
    (True, (), 4)
    """
    started = time.perf_counter()
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    run = _Run(folder)
    run.look()
    return VerifyReport(
        index=folder,
        generation=run.number,
        problems=tuple(run.problems),
        warnings=tuple(run.warnings),
        files=run.files,
        arrays=run.arrays,
        size_bytes=run.size_bytes,
        seconds=time.perf_counter() - started,
    )


class _Run:
    """One look at a folder, and what it found so far."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.number = 0
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.files = self.arrays = self.size_bytes = 0

    def look(self) -> None:
        """Fill the lists. Raises IndexMissingError, OSError."""
        toc, current, found = self._open()
        self._read(len(toc.data))
        if current is not None:
            self.number = toc.number
            sound = [file for file in found if self._has_sound_bytes(file)]
            main = sound[: len(_EXTENSIONS)]
            if [os.path.splitext(file.path)[1] for file in main] == list(_EXTENSIONS):
                self._look_at_segment(toc, current, *main)
            self._look_for_leftovers(toc, current)

    def _open(self) -> tuple[TableOfContents, Generation | None, list[ArrayFile]]:
        """The TOC, what it says, if that can be read, and the files that it names, if they can be."""
        for _ in range(_MAX_ATTEMPTS):
            toc = generation.read_toc(self._folder)
            before = len(self.problems)
            try:
                current = toc.parse()
            except (IndexDamagedError, ForeignSegmentError) as error:
                self._add(toc.path, str(error).removeprefix(f"{toc.path}: ").partition(";")[0])
                return toc, None, []
            found = [file for name in (*_EXTENSIONS, _OPTIONAL) if (file := self._open_file(current, name))]
            if len(self.problems) == before or generation.read_toc(self._folder).number == toc.number:
                return toc, current, found
            del self.problems[before:]  # a newer generation has come, and the files of this one are gone
        raise IndexDamagedError(self._folder, "changes faster than it can be read")

    def _open_file(self, current: Generation, extension: str) -> ArrayFile | None:
        path = segment_file(self._folder, current.segment_id, extension)
        try:
            return ArrayFile(path)
        except FileNotFoundError:
            if extension != _OPTIONAL:
                self._add(path, "is missing")
        except IndexDamagedError as error:
            self._add(path, error.reason)
        except IndexVersionError as error:
            self._add(path, f"has format {error.found} instead of {error.expected}")
        return None

    def _read(self, size_bytes: int) -> None:
        self.files += 1
        self.size_bytes += size_bytes

    def _add(self, path: str, what: str) -> None:
        self.problems.append(Problem(path, what, _REBUILD))

    # -- bytes -------------------------------------------------------------------------------------

    def _has_sound_bytes(self, file: ArrayFile) -> bool:
        self._read(os.path.getsize(file.path))
        self.arrays += len(file.names)
        before = len(self.problems)
        try:
            for name, start, stop in file.damages():
                where = f"in {name!r}" if name else "between its arrays"
                self._add(file.path, f"is damaged {where}, bytes {start:,} to {stop:,}")
        except IndexDamagedError as error:
            self._add(file.path, error.reason)
        return len(self.problems) == before

    # -- meaning -----------------------------------------------------------------------------------

    def _look_at_segment(
        self, toc: TableOfContents, current: Generation, arrays: ArrayFile, impacts: ArrayFile
    ) -> None:
        try:
            subjects = [SubjectSlice(*row) for row in arrays.metadata["subjects"]]
            parameters = RankingParameters.from_dict(impacts.metadata["parameters"])
            averages = list(map(float, impacts.metadata["average_lengths"]))
            n_docs = arrays.shape("ids")[0]
        except (KeyError, TypeError, ValueError, IndexError, IndexDamagedError) as error:
            self._add(arrays.path, f"has metadata of another kind ({error})")
            return
        everything = {name: file[name] for file in (arrays, impacts) for name in file.names}
        for name, what in broken(Arrays(everything, subjects, parameters, averages)):
            self._add((impacts if name in impacts.names else arrays).path, f"{name!r} {what}")
        self._compare_toc(toc, current, n_docs)

    def _compare_toc(self, toc: TableOfContents, current: Generation, n_docs: int) -> None:
        """Whether a TOC is what is written for its segment, byte for byte."""
        storage = RamStorage()
        segment = ArraySegment(INDEX_NAME, current.segment_id, n_docs)
        TOC(whoosh_schema(), [segment], toc.number).write(storage, INDEX_NAME)
        (expected,) = storage.files.values()
        found = toc.data[_RELEASE]
        if found != expected[_RELEASE] and found in _OTHER_RELEASES:
            release = ".".join(map(str, found))
            self.warnings.append(
                Problem(
                    toc.path,
                    f"was written with Whoosh {release}, so that it cannot be compared",
                    "the next `qtsearch reindex` writes it anew",
                )
            )
        elif toc.data != expected:
            self._add(toc.path, "is not the table of contents that was written")

    # -- leftovers ---------------------------------------------------------------------------------

    def _look_for_leftovers(self, toc: TableOfContents, current: Generation) -> None:
        needed = {current.segment_id, *kept_segments(self._folder)}
        for name in sorted(os.listdir(self._folder)):
            match = _OURS.fullmatch(name)
            if match is None or match[1] in needed:
                continue
            if match[2] is None or match[3] is not None or int(match[2]) != toc.number:
                self.warnings.append(
                    Problem(
                        os.path.join(self._folder, name),
                        "is of no use to the current generation",
                        "the next `qtsearch reindex` removes it",
                    )
                )
