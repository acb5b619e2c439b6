"""Indexes built once for a corpus and kept, so that a second run of a benchmark starts at once."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import time
from pathlib import Path

from corpus import Corpus
from peers import OURS, Peer


def index_folder(peer: Peer, corpus: Corpus, *, rebuild: bool = False) -> Path:
    """The index of `peer` over `corpus`, built if there is none of this version and these options.

    qtsearch is asked every time: its reindex is incremental, and finds nothing to do where nothing
    has changed. After a change of its analysis, `rebuild`.
    """
    folder = corpus.cache / "indexes" / f"{peer.name}-{peer.version}-{_configuration(peer)}"
    if rebuild:
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and peer.name != OURS:
        return folder
    started = time.perf_counter()
    engine = peer.create(corpus.folder)
    if peer.name == OURS:
        folder.parent.mkdir(parents=True, exist_ok=True)
        engine.build((), folder)
    else:
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        engine.build(corpus.documents, partial)
        partial.rename(folder)
    print(f"{peer.name}: built in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return folder


def _configuration(peer: Peer) -> str:
    """A digest of the options of an engine and of the module that applies them."""
    spec = importlib.util.find_spec(peer.factory.partition(":")[0])
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no module for {peer.factory}")
    source = Path(spec.origin).read_bytes() if peer.name != OURS else b""
    options = sorted((key, str(value)) for key, value in peer.options.items())
    return hashlib.sha256(source + repr(options).encode()).hexdigest()[:8]
