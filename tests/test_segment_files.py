"""The files of a segment while they are made: in the order they were given, whole, or none."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from faulty_disk import FailingDisk, FaultyDisk, installed

from qtsearch.codec.container import ArrayFile
from qtsearch.codec.files import SegmentFiles
from qtsearch.codec.segment import segment_file


def write(folder):
    """Three files, the first in parts; returns their sizes."""
    with SegmentFiles(str(folder), "0") as files:
        files.add({"ones": np.ones(3)})
        files.sync()
        files.add_file("impacts", {"twos": np.full(5, 2)}, {"about": "impacts"})
        files.add({"parts": [np.arange(4), np.arange(2)]})
        files.add_file("sources", {}, {})
        return files.finish({"about": "arrays"})


def test_what_was_given_is_there(tmp_path):
    """Under the names of the segment, with the sizes that are told."""
    sizes = write(tmp_path)
    paths = {name: segment_file(str(tmp_path), "0", f".{name}") for name in sizes}
    assert sorted(sizes) == ["arrays", "impacts", "sources"]
    assert sizes == {name: os.path.getsize(path) for name, path in paths.items()}
    arrays = ArrayFile(paths["arrays"])
    assert arrays["ones"].tolist() == [1.0, 1.0, 1.0]
    assert arrays["parts"].tolist() == [0, 1, 2, 3, 0, 1]
    assert (arrays.metadata, ArrayFile(paths["impacts"]).metadata) == (
        {"about": "arrays"},
        {"about": "impacts"},
    )


def test_an_error_at_every_step(tmp_path):
    """It is raised in the end, no step is tried after it but those that remove files, and none is left."""
    with installed(steps := FaultyDisk()):
        write(tmp_path / os.curdir)
    for path in tmp_path.iterdir():
        path.unlink()
    for at in range(len(steps.steps)):
        with installed(layer := FailingDisk(at, errno.EIO)), pytest.raises(OSError, match="error"):
            write(tmp_path)
        assert set(layer.steps[at + 1 :]) <= {"unlink"}, steps.steps[at]
        assert list(tmp_path.iterdir()) == []


def test_what_is_left_in_the_middle(tmp_path):
    """An exception of whoever makes the arrays leaves no file, whatever was written by then."""

    def stop():
        with SegmentFiles(str(tmp_path), "0") as files:
            files.add_file("impacts", {"a": np.ones(9)}, {})
            files.add({"b": np.ones(9)})
            raise KeyError

    with pytest.raises(KeyError):
        stop()
    assert list(tmp_path.iterdir()) == []
