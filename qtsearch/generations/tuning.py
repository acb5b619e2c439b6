"""Other ranking parameters for an index, without reading its articles again."""

from __future__ import annotations

import logging
import os

from qtsearch import disk
from qtsearch.codec.container import OLDEST_WITH_METADATA, ArrayFile
from qtsearch.codec.segment import SEGMENT_EXTENSIONS, segment_file
from qtsearch.codec.sources import kept_segments
from qtsearch.codec.writer import write_impacts
from qtsearch.errors import IndexMissingError, QtsearchError
from qtsearch.generations import generation, publishing
from qtsearch.generations.generation import default_path
from qtsearch.parameters import RankingParameters

__all__ = ["published_parameters", "set_parameters"]

_log = logging.getLogger(__name__)


def set_parameters(
    index: str | os.PathLike[str] | None, parameters: RankingParameters, *, wait: float = 0.0
) -> int:
    """Rank by other parameters from now on; returns the number of the new generation.

    They are published as ``reindex`` publishes: whoever has the index open moves to them as to any newer
    generation. Later runs of ``reindex`` keep them. Takes about a second for 30,000 articles.

    Args:
        index: the folder of the index; by default ``$QTSEARCH_INDEX``, else ``index``.
        wait: how many seconds another process that is writing to this index may take to end.

    Raises:
        IndexMissingError, IndexVersionError, IndexDamagedError, ForeignSegmentError: as ``open_index``.
        IndexLockedError: another process is writing to this index.
        OSError: the index cannot be written.
        ValueError: ``wait`` is less than 0.
    """
    folder = os.path.abspath(default_path() if index is None else os.fspath(index))
    generation.latest(folder)  # before a lock is taken where no index is
    with publishing.WriteLock(folder, wait):
        kept = kept_segments(folder)
        publishing.clean(folder, kept)
        _, segment = generation.open_segment(folder)
        segment_id = publishing.new_segment_id()
        try:
            _share(folder, segment.segment_id, segment_id)
            write_impacts(folder, segment_id, ArrayFile(segment.files[0].path), parameters)
            return publishing.publish(folder, segment_id, segment.n_docs, kept)
        except BaseException:
            publishing.discard_segment(folder, segment_id)
            raise


def _share(folder: str, source_id: str, segment_id: str) -> None:
    """Give all files of a segment but the impacts another name; a copy, where there are no hard links."""
    for extension in SEGMENT_EXTENSIONS:
        source = segment_file(folder, source_id, extension)
        target = segment_file(folder, segment_id, extension)
        if extension != ".impacts" and os.path.exists(source):
            try:
                disk.layer.link(source, target)
            except OSError:
                disk.layer.copy(source, target)


def published_parameters(folder: str) -> RankingParameters:
    """Those of the current generation; the defaults for a new index.

    They stand in the table of a small file, so that they outlast damage elsewhere and a change of the format.
    Where they cannot be read or are others, there is a warning in the log, and the defaults.
    """
    try:
        path = segment_file(folder, generation.latest(folder).segment_id, ".impacts")
        return RankingParameters.from_dict(ArrayFile(path, OLDEST_WITH_METADATA).metadata["parameters"])
    except IndexMissingError:
        pass
    except (QtsearchError, OSError, KeyError, TypeError, ValueError) as error:
        _log.warning("ranking by the default parameters, for those of the index cannot be read: %s", error)
    return RankingParameters()
