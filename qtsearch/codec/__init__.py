"""The index on disk: segments of memory-mapped arrays, and the Whoosh codec that reads them.

``container`` is the file format, ``segment`` the names and dtypes of every array, ``writer`` makes a segment.
``plugin``, ``terms``, ``documents``, ``matchers`` and ``fields`` show the same arrays to Whoosh; they alone
import it, so that searching does not.
"""
