"""The fresh process of build.py: read or be fed article files, publish an index, ask it once.

Command: python benchmarks/build_child.py ENGINE SOURCE FOLDER PROCESSES EVERY QUESTION

PROCESSES read for an engine that does not read files itself, and it gets every EVERY-th of them.
Prints the peak resident bytes of the largest process.
"""

from __future__ import annotations

import sys
from pathlib import Path

from documents import article_files, read_documents
from memory import peak_bytes
from peers import BUILD_PEERS, OURS


def main() -> None:
    name, source, folder, processes, every, question = sys.argv[1:]
    engine = BUILD_PEERS[name].create(Path(source))
    files = [] if name == OURS else article_files(Path(source))[:: int(every)]
    engine.build(read_documents(files, int(processes)), Path(folder))
    engine.open(Path(folder))
    if not engine.search(question, 10, 0, None):
        raise SystemExit(f"{name}: the new index finds nothing for a question it holds")
    engine.close()
    print(peak_bytes())


if __name__ == "__main__":
    main()
