"""Doctests run in a scratch folder that has the examples, so that they write no index into the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _scratch_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        folder = tmp_path_factory.mktemp("doctest")
        (folder / "examples").symlink_to(Path(__file__).parent / "examples")
        monkeypatch.chdir(folder)
