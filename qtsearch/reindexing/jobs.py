"""What is asked of whoever reads files, and what is answered; between processes as lines of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO, Any, Literal, NamedTuple

__all__ = ["Job", "Outcome", "Reading", "Result", "receive", "send"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read: the compression dictionary, whether to take pages marked no_index, where to write; folder
    and id of the segment that the articles come into, if there is one: the stems of its words are known."""

    dictionary: bytes
    include_no_index: bool
    folder: str
    segment: tuple[str, str] | None = None


class Job(NamedTuple):
    """A file to read: its number, its path, and the digest of what was in it before, in hex, if known."""

    number: int
    path: str
    digest: str = ""


class Result(NamedTuple):
    """What is in a file: an article, one marked ``no_index``, what was there ``before``, or no article.

    ``digest``: BLAKE2b of its bytes, 16 bytes in hex, empty where it cannot be read. ``line`` and ``reason``:
    why it is no article.
    """

    number: int
    state: Literal["article", "no_index", "before", "rejected"]
    digest: str
    line: int = 0
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of files: the chunk files written, and of each file what is in it."""

    chunks: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


def send(stream: IO[str], message: Any) -> None:
    """Write a message, which must be JSON, as a line."""
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def receive(stream: IO[str]) -> Any:
    """The next message. Raises EOFError where there is none."""
    line = stream.readline()
    if not line:
        raise EOFError
    return json.loads(line)
