"""Words that sound alike are respelled alike, and a vocabulary as its words one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.text.sounds import respell, skeleton

words = st.text("aeiouybcdfghjklmnpqrstvwxz019é", min_size=1, max_size=10)


def respelled(*texts: str) -> list[bytes]:
    flat = "\n".join(["", *texts, ""]).encode()
    return respell(np.frombuffer(flat, np.uint8)).tobytes()[1:-1].split(b"\n")


def consonants(text: str) -> bytes:
    return skeleton(respell(np.frombuffer(f"\n{text}\n".encode(), np.uint8))).tobytes().strip()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("physician", "fisician"),
        ("knee", "nee"),
        ("pneumonia", "neumonia"),
        ("psychology", "sychology"),
        ("wrist", "rist"),
        ("rhythm", "rythm"),
        ("cell", "sell"),
        ("gel", "jel"),
        ("back", "bak"),
        ("match", "mach"),
        ("edge", "ege"),
        ("high", "hi"),
        ("tension", "tention"),
        ("quick", "kuik"),
        ("commit", "comit"),
        ("gene", "gen"),
    ],
)
def test_alike(one, other):
    """Pairs that English spelling does not tell apart by ear."""
    assert respelled(one) == respelled(other)


@pytest.mark.parametrize(("one", "other"), [("cat", "sat"), ("go", "jo"), ("ship", "sip"), ("bad", "bat")])
def test_not_alike(one, other):
    """Pairs that are told apart."""
    assert respelled(one) != respelled(other)


@given(st.lists(words, min_size=1, max_size=6))
def test_a_vocabulary_is_its_words(texts):
    """As many words, each as it is alone; none empty, none longer than it was."""
    together = respelled(*texts)
    assert together == [respelled(text)[0] for text in texts]
    assert all(1 <= len(sound) <= len(text.encode()) for sound, text in zip(together, texts, strict=True))


@pytest.mark.parametrize(
    ("text", "bare"), [("education", b"AdkSn"), ("ideas", b"Ads"), ("knee", b"n"), ("a", b"A")]
)
def test_skeleton(text, bare):
    """Consonants as they sound, and whether a vowel begins the word."""
    assert consonants(text) == bare
