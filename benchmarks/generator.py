"""Seeded articles in the real schema, in any number, for machines without the real ones.

The text means nothing, but what an engine's speed hangs on follows the real articles: their length
(14-618 words, mean about 345), the frequencies of words (English function words first, then
pseudo-words by Zipf's law as Mandelbrot corrected it, 1/(rank + 350)^1.7, fitted to 31,408
articles), keyword phrases shared within a subject and repeated in the answer, inflected forms for
a stemmer to bring together, line breaks written as two characters, Markdown, and a few pages marked
`no_index`.

The same (articles, seed) gives the same files.
"""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VERSION = 1  # raise when the same arguments give other text
CHUNK = 500
FUNCTION_TEXT = (
    "the and of to in a for is can that this as are their with by on which or it these be such "
    "from how understanding more they may also not often an between what its into various where "
    "have while through has one when other at will both each but if than within however many them "
    "was over about using used all some there up been so most his only we any"
)
FUNCTION_WORDS = FUNCTION_TEXT.split()
SUBJECT_TEXT = (
    "Medicine,Psychology,Sociology,Physics,Chemistry,Mathematics,Biology,Engineering,Nursing,"
    "Computer Science,Computer science,Health Studies,Health studies,Education Studies,Mythology,"
    "Education studies,Digital Media,History of the World,Business and Management,Biotechnology,"
    "Art History and Literature,American Studies,Architecture,Environmental Studies,Philosophy"
)
SUBJECTS = SUBJECT_TEXT.split(",")
FRAMES = (
    "What is {}?",
    "How does {} affect {}?",
    "Explain the role of {} in {}.",
    "Why is {} important for {} and {}?",
    "What are the key differences between {} and {}?",
    "Describe how {} is used in the study of {}.",
    "How can {} and {} be compared when {} is considered?",
)
CONSONANTS = "bdfghklmnprstvz"
VOWELS = "aeiou"
SUFFIXES = ("", "s", "ing", "ed")


def pseudo_word(rank: int) -> str:
    """A pronounceable word for a frequency rank: two syllables while they last, then three."""
    syllables = len(CONSONANTS) * len(VOWELS)
    count, start = (2, 0) if rank < 5000 else (3, 5000)
    # A multiplier without a common factor scatters neighbours without letting two of them meet.
    number = ((rank - start) * 2_654_435_761 + 12_345) % syllables**count
    word = ""
    for _ in range(count):
        number, syllable = divmod(number, syllables)
        word += CONSONANTS[syllable // len(VOWELS)] + VOWELS[syllable % len(VOWELS)]
    return word + "nrtlm"[rank % 5]


class Vocabulary:
    """The words of a corpus, the chance of each, and each subject's pool of keyword phrases."""

    def __init__(self, articles: int, seed: int) -> None:
        size = min(400_000, max(2_000, int(60_000 * (articles / 30_000) ** 0.5)))
        self.words = [pseudo_word(rank) for rank in range(size)]
        weights = (np.arange(size) + 350.0) ** -1.7
        self.cumulative: NDArray[np.float64] = np.cumsum(weights / weights.sum())
        function = 1.0 / (np.arange(len(FUNCTION_WORDS)) + 1.5)
        self.function_cumulative: NDArray[np.float64] = np.cumsum(function / function.sum())
        random = np.random.Generator(np.random.PCG64([seed, 1]))
        pool = max(60, articles // 8)
        self.phrases = [self._phrases(random, subject, pool) for subject in range(len(SUBJECTS))]

    def _phrases(self, random: np.random.Generator, subject: int, pool: int) -> list[str]:
        """Phrases of one to three words; a subject leans to words of its own (a residue class)."""
        lengths = 1 + np.searchsorted([0.33, 0.83], random.random(pool))
        ranks = self.ranks(random, int(lengths.sum())) // len(SUBJECTS) * len(SUBJECTS) + subject
        words = iter([self.words[rank % len(self.words)] for rank in ranks.tolist()])
        return [" ".join(next(words) for _ in range(length)) for length in lengths.tolist()]

    def ranks(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        drawn = np.searchsorted(self.cumulative, random.random(count))
        return np.minimum(drawn, len(self.words) - 1).astype(np.int64)

    def text(self, random: np.random.Generator, count: int) -> list[str]:
        """`count` words of running text, two in five of them function words."""
        kind = random.random(count)
        function = np.searchsorted(self.function_cumulative, random.random(count)).tolist()
        forms = np.searchsorted([0.75, 0.88, 0.94], random.random(count)).tolist()
        ranks = self.ranks(random, count).tolist()
        return [
            FUNCTION_WORDS[min(f, len(FUNCTION_WORDS) - 1)] if k < 0.4 else self.words[r] + SUFFIXES[s]
            for k, f, r, s in zip(kind.tolist(), function, ranks, forms, strict=True)
        ]


def answer_text(random: np.random.Generator, words: list[str], phrases: list[str]) -> str:
    """Sentences and paragraphs of `words`, with keyword phrases set among them."""
    paragraphs: list[str] = []
    sentences: list[str] = []
    start = 0
    while start < len(words):
        length, phrase, at = random.integers([12, 0, 1], [23, len(phrases), 10]).tolist()
        sentence = words[start : start + length]
        sentence.insert(at, phrases[phrase])
        sentences.append(" ".join(sentence).capitalize() + ".")
        start += length
        if len(sentences) == 4 or start >= len(words):
            number = len(paragraphs)
            title = phrases[number % len(phrases)].title()
            lead = ("", f"{number}. **{title}**: ", f"### {title}\\n")[
                0 if not number else 1 + (phrase % 4 == 0)
            ]
            paragraphs.append(lead + " ".join(sentences))
            sentences = []
    return "\\n\\n".join(paragraphs)


def article_text(
    random: np.random.Generator,
    vocabulary: Vocabulary,
    number: int,
    used: set[str],
    links: list[str],
) -> tuple[str, str]:
    """The path below the corpus folder and the text of one article file."""
    subject_at = min(int(len(SUBJECTS) * random.random() ** 1.5), len(SUBJECTS) - 1)
    subject = SUBJECTS[subject_at]
    pool = vocabulary.phrases[subject_at]
    count = int(random.integers(8, 20))
    drawn = (random.random(count) ** 2 * len(pool)).astype(int).tolist()
    phrases = list(dict.fromkeys(pool[at] for at in drawn))
    frame = FRAMES[int(random.integers(len(FRAMES)))]
    question = frame.format(*(phrases * 3)[: frame.count("{}")])
    length = int(np.clip(random.normal(310, 75), 14, 560))
    answer = answer_text(random, vocabulary.text(random, length), phrases)
    slug = "".join(c if c.isalnum() else "-" for c in question.lower()).strip("-")
    folder = subject.lower().replace(" ", "-")
    if f"{folder}/{slug}" in used:
        slug = f"{slug}-{number}"
    used.add(f"{folder}/{slug}")
    url = f"/learn/{folder}/questions/{slug}"
    date = datetime.date(2024, 11, 21) + datetime.timedelta(days=int(random.integers(120)))
    lines = ["---", "_schema: default", f"id: {100_000 + number}", f"date: {date}"]
    for key in ("title", "article_title"):
        lines += [f"{key}: >-", f"    {question}"]
    lines += ["seo:", f"  title: Generated | {subject}", "  page_description: >-"]
    lines += [f"    This article discusses {phrases[0]}.", "  page_keywords: >-"]
    lines += [f"    {', '.join(phrases)}", "question: >-", f"    {question}"]
    lines += ["answer: >-", f"    {answer}", f"subject: {subject}", f"url: {url}", "score: -1.0"]
    if random.random() < 0.002:
        lines.append("no_index: true")
    for at, link in enumerate(links[-3:], start=1):
        lines += [f"related_article{at}:", f"    id: {99_999 + number - at}"]
        lines += ["    title: >-", "        Related", f"    subject: {subject}", f"    url: {link}"]
    links.append(url)
    return f"{folder}/{slug}.md", "\n".join([*lines, "---", "", "&nbsp;", ""])


def generate(folder: Path, articles: int, seed: int) -> None:
    """Write `articles` files below `folder`, once: a marker says that they are complete."""
    marker = folder.with_suffix(".complete.json")
    if marker.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    vocabulary = Vocabulary(articles, seed)
    used: set[str] = set()
    links: list[str] = []
    for chunk in range(0, articles, CHUNK):
        random = np.random.Generator(np.random.PCG64([seed, 2, chunk]))
        for number in range(chunk, min(chunk + CHUNK, articles)):
            name, text = article_text(random, vocabulary, number, used, links)
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    marker.write_text(json.dumps({"articles": articles, "seed": seed, "version": VERSION}))
