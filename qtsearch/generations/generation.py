"""Which segment is current: Whoosh's table of contents, read without running what is in it.

Every publish writes a new TOC, ``_MAIN_<generation>.toc``. Its list of segments is a pickle, which could
name anything; the unpickler here knows one class, and maps it to a plain holder of attributes, and it takes
no operation but those that make a list of such holders. So an index from an untrusted place runs no code when
it is opened, nor takes much memory or time, and Whoosh need not be imported.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import re
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qtsearch.disk import INDEX_NAME, open_regular
from qtsearch.errors import ForeignSegmentError, IndexDamagedError, IndexMissingError
from qtsearch.forks import late_imports

if TYPE_CHECKING:
    from qtsearch.codec.segment import Segment

__all__ = [
    "DEFAULT_INDEX",
    "Generation",
    "TableOfContents",
    "default_path",
    "latest",
    "open_segment",
    "read_toc",
]

#: Where the index lives unless ``$QTSEARCH_INDEX`` or the caller says otherwise.
DEFAULT_INDEX: Final = "index"
_TOC_NAME: Final = re.compile(rf"_{INDEX_NAME}_([0-9]+)\.toc")
_SEGMENT_CLASS: Final = ("qtsearch.codec.plugin", "ArraySegment")
_INT: Final = struct.Struct("!i")
_BYTE_ORDER_MARK: Final = -12345
_TOC_VERSION: Final = -111  # of every Whoosh since 2.4
_MAX_ATTEMPTS: Final = 20
_MAX_TOC_BYTES: Final = 1 << 18  # ours have two thousand
_MAX_VARINT_BITS: Final = 63

#: What the pickles of our lists of segments are made of, by any protocol. No tuples: to hash one that is
#: nested deeply ends the interpreter.
_OPCODES: Final = frozenset(
    "PROTO FRAME STOP MARK GLOBAL STACK_GLOBAL EMPTY_TUPLE NEWOBJ BUILD EMPTY_LIST APPEND APPENDS EMPTY_DICT "
    "SETITEM SETITEMS NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 BINUNICODE SHORT_BINUNICODE BINPUT "
    "LONG_BINPUT MEMOIZE BINGET LONG_BINGET".split()
)


class Generation(NamedTuple):
    """One published state of the index: its number, from 1 on, its only segment, and when it was published.

    ``published_ns``: in nanoseconds since 1970, from the time of its table of contents.
    """

    number: int
    segment_id: str
    published_ns: int


class TableOfContents(NamedTuple):
    """A TOC as it stands in its file."""

    path: str
    number: int
    data: bytes
    published_ns: int

    def parse(self) -> Generation:
        """What it says. Raises ForeignSegmentError, IndexDamagedError."""
        return Generation(self.number, _parse(self.path, self.data, self.number), self.published_ns)


class _SegmentUnpickler(pickle.Unpickler):
    def __init__(self, path: str, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path
        # New each time: a pickle can set attributes of a class that it names.
        self.state_class = type("_SegmentState", (), {"segid": ""})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == _SEGMENT_CLASS:
            return self.state_class
        raise _foreign(self._path, f"{module}.{name}")


def _foreign(path: str, name: str) -> ForeignSegmentError:
    return ForeignSegmentError(
        f"{path}: names a segment of {name}, which `qtsearch reindex` did not write: "
        "something else has written to its folder; build the index again"
    )


def default_path() -> str:
    """``$QTSEARCH_INDEX``, or ``index`` where that is not set."""
    return os.environ.get("QTSEARCH_INDEX") or DEFAULT_INDEX


def latest(folder: str) -> Generation:
    """The current generation.

    Raises:
        IndexMissingError: there is no index in ``folder``.
        ForeignSegmentError: it holds a Whoosh index that is not ours.
        IndexDamagedError: its table of contents is not what was written.
    """
    return read_toc(folder).parse()


def read_toc(folder: str) -> TableOfContents:
    """The TOC of the current generation. Raises IndexMissingError, IndexDamagedError for what is no file."""
    for _ in range(_MAX_ATTEMPTS):
        numbers = [int(match[1]) for name in _names(folder) if (match := _TOC_NAME.fullmatch(name))]
        if not numbers:
            break
        path = os.path.join(folder, f"_{INDEX_NAME}_{max(numbers)}.toc")
        try:
            with open_regular(path) as file:
                data, published_ns = file.read(_MAX_TOC_BYTES + 1), os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            continue  # replaced by a newer one in between
        return TableOfContents(path, max(numbers), data, published_ns)
    raise IndexMissingError(
        f"no index in {folder!r}: build one with `python -m qtsearch reindex SOURCE --index {folder}`"
    )


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _parse(path: str, data: bytes, number: int) -> str:
    """The only segment that a table of contents names. Raises ForeignSegmentError and IndexDamagedError."""
    stream = io.BytesIO(data)
    try:
        if len(data) > _MAX_TOC_BYTES:
            raise ValueError(f"longer than {_MAX_TOC_BYTES:,} bytes")
        for _ in range(3):  # sizes of C types, of no use to us
            _varint(stream)
        mark, version = _int(stream), _int(stream)
        for _ in range(3):  # Whoosh's release
            _varint(stream)
        stream.seek(_varint(stream), os.SEEK_CUR)  # the schema: ours is in the code
        found, _ = _int(stream), _int(stream)
        if (mark, version, found) != (_BYTE_ORDER_MARK, _TOC_VERSION, number):
            raise ValueError("unknown layout")
        pickled = stream.read()
        _check_opcodes(path, pickled)
        unpickler = _SegmentUnpickler(path, pickled)
        segments = unpickler.load()
        if not isinstance(segments, list) or not all(type(s) is unpickler.state_class for s in segments):
            raise ValueError("no list of segments")
        ids = [segment.segid for segment in segments]
        if not all(isinstance(name, str) and re.fullmatch("[0-9a-z]+", name) for name in ids):
            raise ValueError("a segment without a name")
    except ForeignSegmentError:
        raise
    except Exception as error:  # damaged bytes can make the unpickler raise nearly anything
        raise IndexDamagedError(path, f"is not a table of contents ({error})") from error
    if len(ids) != 1:
        raise ForeignSegmentError(
            f"{path}: names {len(ids)} segments instead of one, so `qtsearch reindex` did not write it: "
            "build it again"
        )
    segment_id: str = ids[0]
    return segment_id


def _check_opcodes(path: str, pickled: bytes) -> None:
    """Raises ForeignSegmentError for the first class that is not ours, ValueError for an operation that no
    list of segments has, or if a place is asked for beyond the pickle's length."""
    texts = ["", ""]  # the last two: of a class named by STACK_GLOBAL, where it stands and its name
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name.endswith("BINUNICODE"):
            texts = [texts[1], str(argument)]
        elif opcode.name.endswith("GLOBAL"):
            named = texts if argument is None else str(argument).split(" ")
            if tuple(named) != _SEGMENT_CLASS:
                raise _foreign(path, ".".join(named))
        if opcode.name not in _OPCODES:
            raise ValueError(f"{opcode.name} in the list of segments")
        if opcode.name.endswith("PUT") and int(argument or 0) > len(pickled):
            raise ValueError("no list of segments")


def _int(stream: io.BytesIO) -> int:
    value: int = _INT.unpack(stream.read(_INT.size))[0]
    return value


def _varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
        if shift > _MAX_VARINT_BITS:
            raise ValueError("a number without end")


def open_segment(folder: str) -> tuple[Generation, Segment]:
    """The current generation and its segment, mapped. Raises what :func:`latest` and Segment raise."""
    with late_imports:  # here: which generation is current can be told without NumPy
        from qtsearch.codec.segment import Segment
    generation = latest(folder)
    for _ in range(_MAX_ATTEMPTS):
        try:
            return generation, Segment(folder, generation.segment_id)
        except FileNotFoundError as error:
            # A file that vanished since the TOC was read means a newer generation; otherwise it is lost.
            newer = latest(folder)
            if newer == generation:
                raise IndexDamagedError(str(error.filename), "is missing") from error
            generation = newer
    raise IndexDamagedError(folder, "changes faster than it can be opened")
