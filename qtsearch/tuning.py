"""Other ranking parameters for an index, without reading its articles again."""

from __future__ import annotations

import logging
import os
import shutil

from qtsearch import generation, publishing
from qtsearch.codec.container import ArrayFile
from qtsearch.codec.segment import INDEX_NAME, Segment
from qtsearch.codec.writer import write_impacts
from qtsearch.errors import IndexMissingError, QtsearchError
from qtsearch.index import default_path
from qtsearch.parameters import RankingParameters

__all__ = ["published_parameters", "set_parameters"]

_log = logging.getLogger(__name__)


def set_parameters(index: str | os.PathLike[str] | None, parameters: RankingParameters) -> int:
    """Rank by other parameters from now on; returns the number of the new generation.

    They are published as ``reindex`` publishes: whoever has the index open moves to them as to any newer
    generation. Later runs of ``reindex`` keep them. Takes about a second for 30,000 articles.

    Args:
        index: the folder of the index; by default ``$QTSEARCH_INDEX``, else ``index``.

    Raises:
        IndexMissingError, IndexVersionError, IndexDamagedError, ForeignSegmentError: as ``open_index``.
        IndexLockedError: another process is writing to this index.
        OSError: the index cannot be written.
    """
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    generation.latest(folder)  # before a lock is taken where no index is
    with publishing.WriteLock(folder):
        _, segment = generation.open_segment(folder)
        segment_id = publishing.new_segment_id()
        try:
            _share(segment, os.path.join(folder, f"{INDEX_NAME}_{segment_id}.arrays"))
            write_impacts(folder, segment_id, ArrayFile(segment.files[0].path), parameters)
            return publishing.publish(folder, segment_id, segment.n_docs)
        except BaseException:
            publishing.discard_segment(folder, segment_id)
            raise


def _share(segment: Segment, path: str) -> None:
    """Give the arrays of a segment another name; a copy, where the file system has no hard links."""
    source = segment.files[0].path
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
        publishing.sync(path)


def published_parameters(folder: str) -> RankingParameters:
    """Those of the current generation; the defaults for a new index.

    They stand in the header of a small file, so that they outlast damage elsewhere. Where they cannot be read
    or are of another version, there is a warning in the log, and the defaults.
    """
    try:
        segment_id = generation.latest(folder).segment_id
        path = os.path.join(folder, f"{INDEX_NAME}_{segment_id}.impacts")
        return RankingParameters.from_dict(ArrayFile(path).metadata["parameters"])
    except IndexMissingError:
        pass
    except (QtsearchError, OSError, KeyError, TypeError, ValueError) as error:
        _log.warning("ranking by the default parameters, for those of the index cannot be read: %s", error)
    return RankingParameters()
