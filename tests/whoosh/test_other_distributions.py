"""An index can be read under another distribution of Whoosh: what is pickled in it exists in all of them.

Several distributions share the import name ``whoosh``. CI runs this folder under a second one.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any

import pytest
import whoosh.index
from article_pairs import Pair
from whoosh.filedb.filestore import FileStorage

import qtsearch
from qtsearch.codec.fields import whoosh_schema

#: What the schema is made of: of ours, and of what every distribution has since Whoosh 2.7.4.
SCHEMA_CLASSES = {
    "__builtin__.long",
    "qtsearch.codec.fields.ArticleAnalyzer",
    "qtsearch.codec.fields.DateField",
    "qtsearch.codec.fields.SubjectAnalyzer",
    "whoosh.analysis.tokenizers.IDTokenizer",
    "whoosh.columns.NumericColumn",
    "whoosh.columns.VarBytesColumn",
    "whoosh.fields.ID",
    "whoosh.fields.NUMERIC",
    "whoosh.fields.Schema",
    "whoosh.fields.SpellField",
    "whoosh.fields.TEXT",
    "whoosh.formats.Existence",
    "whoosh.formats.Frequency",
    "whoosh.formats.Positions",
}


class _Recorder(pickle.Unpickler):
    """Unpickles, and notes the names of the classes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add(f"{module}.{name}")
        return super().find_class(module, name)


def _pickles(folder: str) -> tuple[bytes, bytes]:
    """The schema and the list of segments as they stand in the table of contents."""
    stream = FileStorage(folder).open_file(f"_MAIN_{qtsearch.open_index(folder).generation}.toc")
    try:
        for _ in range(3):
            stream.read_varint()
        stream.read_int(), stream.read_int()
        for _ in range(3):
            stream.read_varint()
        schema = stream.read_string()
        stream.read_int(), stream.read_int()
        return schema, stream.read(1 << 20)
    finally:
        stream.close()


def _described(value: Any) -> Any:
    """An object as the names and values in it: Whoosh's columns do not compare."""
    if isinstance(value, struct.Struct):
        return value.format
    if isinstance(value, dict):
        return {key: _described(item) for key, item in value.items()}
    return (type(value), _described(vars(value))) if hasattr(value, "__dict__") else value


def test_names_in_segment_list(examples: Pair) -> None:
    """The list of segments names our segment class and nothing else."""
    _, data = _pickles(examples.ours)
    recorder = _Recorder(data)
    (segment,) = recorder.load()
    assert recorder.names == {"qtsearch.codec.plugin.ArraySegment"}
    assert (segment.indexname, segment.n_docs) == ("MAIN", len(examples.articles))


def test_names_in_schema(examples: Pair) -> None:
    """The schema names classes that every distribution has, and those of our fields."""
    recorder = _Recorder(_pickles(examples.ours)[0])
    assert _described(recorder.load()) == _described(whoosh_schema())
    assert recorder.names <= SCHEMA_CLASSES


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_schema_round_trip(protocol: int) -> None:
    """A pickled schema comes back equal, and analyses as before."""
    schema = whoosh_schema()
    again = pickle.loads(pickle.dumps(schema, protocol))
    assert _described(again) == _described(schema)
    assert again.names() == schema.names()
    for name in schema.names():
        value = 7 if name == "id" else "2025-01-31" if name == "date" else "T-cells, of the West"
        assert again[name].analyzer == schema[name].analyzer
        assert list(again[name].index(value)) == list(schema[name].index(value))
    assert again["date"].shift_step == again["id"].shift_step == 0
    assert again["url"].unique


def test_schema_of_open_index(examples: Pair) -> None:
    """Whoosh opens the index with the schema that articles are indexed with."""
    assert _described(whoosh.index.open_dir(examples.ours).schema) == _described(whoosh_schema())
