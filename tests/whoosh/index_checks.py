"""What every error about an index must tell, and that ``reindex`` mends the index."""

from __future__ import annotations

from pathlib import Path

from article_pairs import EXAMPLES

import qtsearch


def assert_helpful(error: BaseException, path: Path) -> None:
    """The message names the path and the command that helps."""
    assert str(path) in str(error)
    assert "qtsearch reindex" in str(error) or "upgrade qtsearch" in str(error)


def assert_reindex_recovers(folder: Path) -> None:
    report = qtsearch.reindex(EXAMPLES / "nursing", folder, allow_shrink=True)
    assert len(qtsearch.open_index(folder)) == report.pages > 0
