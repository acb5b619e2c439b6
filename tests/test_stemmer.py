"""NLTK's stemmer in a worker: the same stems, and without the rest of NLTK where that can be had."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from qtsearch import analysis

WORDS = "embolectomies running skies generously dying succeed arsenal naturally q2 naïve".split()

PROGRAM = """
import json, sys
from qtsearch import analysis
from qtsearch.reindexing import stemmer
{before}
stemmer.import_stemmer()
print(json.dumps([list(map(analysis.stem, sys.argv[1:])), "nltk.tokenize" in sys.modules]))
"""

#: As if a version of NLTK asked for more of it than is there.
FIRST_FAILS = """
whole, asked = stemmer.import_module, []
def import_module(name):
    asked.append(name)
    if len(asked) == 1:
        raise ImportError(name)
    return whole(name)
stemmer.import_module = import_module
"""


@pytest.mark.parametrize(("before", "all_of_nltk"), [("", False), (FIRST_FAILS, True)])
def test_the_stemmer_alone(before, all_of_nltk):
    """It stems as the whole NLTK does, of which nothing else is imported; all of it is, where it must be."""
    command = [sys.executable, "-c", PROGRAM.format(before=before), *WORDS]
    answer = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    assert json.loads(answer.stdout) == [list(map(analysis.stem, WORDS)), all_of_nltk]
