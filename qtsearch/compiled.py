"""What is compiled where there was a compiler at installation: kernels in C, each beside NumPy that does the
same, slower."""

from __future__ import annotations

import importlib
import os
from typing import Any

__all__ = ["compiled"]


def compiled(module: str, name: str) -> Any:
    """A function of a compiled module; ``None`` if there is none, or the environment has
    QTSEARCH_PURE_PYTHON.

    >>> compiled("qtsearch.missing", "best") is None
    True
    """
    if os.environ.get("QTSEARCH_PURE_PYTHON"):
        return None
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:  # it was installed without a compiler
        return None
