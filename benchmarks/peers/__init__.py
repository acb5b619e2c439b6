"""The engines that are compared, by name: what each is, what it needs, and how it is made.

Nothing of an engine is imported before it is asked for: a child process that measures memory or
start-up loads only its own engine. Each peer stands in the fastest configuration its documentation
offers; `about` says which.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from peers.base import Engine

OURS = "qtsearch"


@dataclass(frozen=True)
class Peer:
    """How one engine is found and made.

    `needs` are import names, `distribution` the package whose version counts. `slow` engines are
    asked only a part of the queries; `shared` ones may be searched by several threads at once.
    """

    name: str
    about: str
    distribution: str
    needs: tuple[str, ...]
    factory: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    slow: bool = False
    shared: bool = False

    def missing(self) -> str | None:
        """Why the engine cannot run here, or None."""
        for module in self.needs:
            if importlib.util.find_spec(module) is None:
                return f"{self.name}: left out, no module {module} (pip install -e '.[bench]')"
        return None

    @property
    def version(self) -> str:
        if not self.distribution:
            return str(importlib.import_module("sqlite3").sqlite_version)
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            return "0"

    def create(self, source: Path) -> Engine:
        """A closed engine. `source` is the folder of article files, which only qtsearch reads."""
        module, _, name = self.factory.partition(":")
        factory: Callable[..., Engine] = getattr(importlib.import_module(module), name)
        return factory(source, **self.options) if self.name == OURS else factory(**self.options)


def _tantivy(name: str, about: str, shared: bool = True, **options: Any) -> Peer:
    return Peer(name, about, "tantivy", ("tantivy",), "peers.tantivy_py:Tantivy", options, shared=shared)


def _bm25s(name: str, about: str, **options: Any) -> Peer:
    needs = ("bm25s", "numba", "Stemmer")
    return Peer(name, about, "bm25s", needs, "peers.bm25s_numba:Bm25s", options, shared=True)


THREE_FIELDS = MappingProxyType({"question": 3.0, "answer": 1.0, "keywords": 2.0})

QUERY_PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, "the public API", "qtsearch", ("qtsearch",), "peers.ours:Qtsearch", shared=True),
        _bm25s("bm25s", "numba, English stop words dropped, Snowball stemmer"),
        _bm25s("bm25s-all", "the same, every word kept", stop_words=None),
        _tantivy("tantivy-1", "one field, en_stem, no positions, hits read from its store"),
        _tantivy(
            "tantivy-1-min",
            "one field, stop words dropped, hits named by a fast field from a Python list",
            drop_stop_words=True,
            from_memory=True,
        ),
        _tantivy("tantivy-3", "three fields, boosts 3, 1, 2", fields=THREE_FIELDS),
        Peer(
            "fts5",
            "porter unicode61, ORDER BY bm25(3, 1, 2)",
            "",
            ("sqlite3",),
            "peers.sqlite_fts5:Fts5",
            slow=True,
        ),
        Peer(
            "whoosh",
            "StemmingAnalyzer, MultifieldParser, OrGroup, boosts 3, 1, 2",
            "Whoosh",
            ("whoosh",),
            "peers.plain_whoosh:PlainWhoosh",
            slow=True,
        ),
    )
}

# For relevance: three settings of k1 and b that are in use, and the engines that have three fields.
JUDGED_PEERS = {
    peer.name: peer
    for peer in (
        QUERY_PEERS[OURS],
        _bm25s("bm25s-1.2-.75", "k1 1.2, b .75: Lucene's", k1=1.2, b=0.75),
        _bm25s("bm25s-1.5-.75", "k1 1.5, b .75: its own default", k1=1.5, b=0.75),
        _bm25s("bm25s-.9-.4", "k1 .9, b .4: Anserini's", k1=0.9, b=0.4),
        QUERY_PEERS["tantivy-3"],
        QUERY_PEERS["whoosh"],
    )
}

# For the build: positions and all text stored, as in the index of qtsearch.
BUILD_PEERS = {
    peer.name: peer
    for peer in (
        QUERY_PEERS[OURS],
        _tantivy(
            "tantivy-3",
            "three fields with positions, all text stored",
            fields=THREE_FIELDS,
            full=True,
        ),
        _bm25s("bm25s", "one field without positions, all text saved", full=True, backend="numpy"),
        Peer(
            "fts5",
            "three columns with positions, all text stored",
            "",
            ("sqlite3",),
            "peers.sqlite_fts5:Fts5",
        ),
        Peer(
            "whoosh",
            "three fields with positions, all text stored",
            "Whoosh",
            ("whoosh",),
            "peers.plain_whoosh:PlainWhoosh",
            MappingProxyType({"full": True}),
            slow=True,
        ),
    )
}


def choose(registry: Mapping[str, Peer], names: str | None) -> tuple[list[Peer], list[str]]:
    """The engines of a comma separated list (all, if None) that can run, and why others cannot."""
    wanted = list(registry) if names is None else names.split(",")
    unknown = sorted(set(wanted) - set(registry))
    if unknown:
        raise SystemExit(f"no engine {', '.join(unknown)}; there are: {', '.join(registry)}")
    reasons = {name: registry[name].missing() for name in wanted}
    chosen = [registry[name] for name in wanted if reasons[name] is None]
    return chosen, [reason for reason in reasons.values() if reason]
