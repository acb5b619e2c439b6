"""NLTK's stemmer without the rest of NLTK: for a worker process, which needs nothing else of it.

The packages that the stemmer lies in import all of NLTK when they are imported, and SciPy where there is one:
that takes ten times as long, as long as a worker takes to read two hundred articles.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

__all__ = ["import_stemmer"]


def import_stemmer() -> None:
    """Import ``nltk.stem.snowball``: with empty packages around it, if this NLTK can do with them.

    Of NLTK nothing else can be imported in this process then.
    """
    try:
        for name in ("nltk", "nltk.stem"):
            spec = find_spec(name)
            package = ModuleType(name)
            package.__path__ = list(spec.submodule_search_locations or ()) if spec else []
            sys.modules[name] = package
        words = sys.modules["nltk.corpus"] = ModuleType("nltk.corpus")
        words.stopwords = None  # type: ignore[attr-defined]  # lists that the stemmer is never asked for
        import_module("nltk.stem.snowball").EnglishStemmer()
    except (ImportError, AttributeError):  # the stemmer of this version needs more
        for name in [name for name in sys.modules if name.partition(".")[0] == "nltk"]:
            del sys.modules[name]
        import_module("nltk.stem.snowball")
