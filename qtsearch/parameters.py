"""What the ranking can be tuned by: every number of the formula, its legal range and its meaning.

The defaults were chosen once for all collections, by taking parts of the formula away in turn and by moving
one number at a time: see ``docs/ranking.md``. An index keeps the parameters that it was published with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qtsearch.schema import FIELD_NAMES, TEXT_FIELDS

__all__ = ["RankingParameters", "Weighting", "check_boosts"]

_MAX_WEIGHT = 100.0


def _number(default: float, low: float, high: float, meaning: str) -> Any:
    metadata = {"default": default, "range": (low, high), "meaning": meaning}
    return dataclasses.field(default=default, metadata=metadata)


def _weight(field: str) -> Any:
    default = TEXT_FIELDS[FIELD_NAMES.index(field)].weight
    return _number(default, 0.0, _MAX_WEIGHT, f"what one occurrence in {field} counts; 0 leaves it out")


def _b(field: str) -> Any:
    default = TEXT_FIELDS[FIELD_NAMES.index(field)].b
    return _number(default, 0.0, 1.0, f"how much the length of {field} matters")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingParameters:
    """The numbers of the ranking formula, all of them dimensionless; :meth:`table` says what each means.

    Raises ValueError for a number that is outside its range, TypeError for what is no number.

    >>> RankingParameters(k1=0.9).replace(question_weight=2).k1
    0.9
    """

    k1: float = _number(1.5, 0.0, 10.0, "saturation of a word's frequency; 0: only presence counts")
    question_weight: float = _weight("question")
    answer_weight: float = _weight("answer")
    page_keywords_weight: float = _weight("page_keywords")
    question_b: float = _b("question")
    answer_b: float = _b("answer")
    page_keywords_b: float = _b("page_keywords")
    question_share: float = _number(0.4, 0.0, 10.0, "how much BM25 of the question alone adds")
    page_keywords_share: float = _number(0.6, 0.0, 10.0, "how much BM25 of page_keywords alone adds")
    share_k1: float = _number(1.2, 0.0, 10.0, "k1 of these two")
    share_b: float = _number(0.75, 0.0, 1.0, "b of these two")
    soft_share: float = _number(0.25, 0.01, 1.0, "what a soft word counts beside others")
    keyword_share: float = _number(
        0.5, 0.0, 10.0, "times the idf of its words: what a keyword adds that stands whole in the query"
    )
    pair_share: float = _number(
        1.0, 0.0, 10.0, "times the idf of both: what two words add that the answer has side by side, too"
    )
    pair_k1: float = _number(1.2, 0.0, 10.0, "saturation of the number of pairs")
    pair_b: float = _number(0.6, 0.0, 1.0, "how much the length of the answer matters to pairs")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{field.name} must be a number, not {type(value).__name__}")
            low, high = field.metadata["range"]
            if not low <= value <= high:
                raise ValueError(f"{field.name} must be from {low:g} to {high:g}, not {value!r}")
            object.__setattr__(self, field.name, float(value))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RankingParameters:
        """From what :meth:`to_dict` gives; what is not named keeps its default. Raises as the class does,
        and ValueError for a name that is none."""
        cls._check_names(values)
        return cls(**values)

    def replace(self, **changes: float) -> RankingParameters:
        """The same with some numbers changed. Raises as the class does."""
        self._check_names(changes)
        return type(self)(**(dataclasses.asdict(self) | changes))

    @classmethod
    def _check_names(cls, values: Mapping[str, Any]) -> None:
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                raise ValueError(f"no ranking parameter {name!r}; there are: {', '.join(names)}")

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return dataclasses.asdict(self)

    @classmethod
    def table(cls) -> list[tuple[str, float, tuple[float, float], str]]:
        """Of every parameter its name, default, legal range (both ends belong to it) and meaning."""
        return [
            (field.name, field.metadata["default"], field.metadata["range"], field.metadata["meaning"])
            for field in dataclasses.fields(cls)
        ]

    @property
    def weights(self) -> tuple[float, ...]:
        """The fields' weights, in the order of the schema."""
        return (self.question_weight, self.answer_weight, self.page_keywords_weight)

    @property
    def b(self) -> tuple[float, ...]:
        """The fields' ``b``, in the order of the schema."""
        return (self.question_b, self.answer_b, self.page_keywords_b)


class Weighting(NamedTuple):
    """The parameters of an index with the field weights of one query.

    A field's share and its keywords follow its weight in proportion, so that raising a weight raises every
    page that matches in the field, and changes no other.
    """

    parameters: RankingParameters
    weights: tuple[float, ...]

    @classmethod
    def of(cls, parameters: RankingParameters, boosts: Mapping[str, float] | None = None) -> Weighting:
        """The parameters' own weights, or those of ``boosts`` for the fields that it names."""
        weights = dict(zip(FIELD_NAMES, parameters.weights, strict=True))
        weights.update(boosts or {})
        return cls(parameters, tuple(weights[name] for name in FIELD_NAMES))

    def _relative(self, field: int) -> float:
        return self.weights[field] / (self.parameters.weights[field] or 1.0)

    @property
    def shares(self) -> tuple[float, ...]:
        """By field: how much its own BM25 adds."""
        return (
            self.parameters.question_share * self._relative(0),
            0.0,
            self.parameters.page_keywords_share * self._relative(2),
        )

    @property
    def keyword_share(self) -> float:
        """How much of the idf of its words a whole keyword adds."""
        return self.parameters.keyword_share * self._relative(2)

    @property
    def pair_share(self) -> float:
        """How much of the idf of its words a pair in the answer adds, at most ``pair_k1`` + 1 times."""
        return self.parameters.pair_share * self._relative(1)


def check_boosts(boosts: Mapping[str, float]) -> dict[str, float]:
    """The boosts as floats by field.

    Raises ValueError for an unknown field or a number outside 0 to 100, TypeError for what is no mapping of
    numbers.
    """
    if not isinstance(boosts, Mapping):
        raise TypeError(f"boosts must be a mapping of fields to numbers, not {type(boosts).__name__}")
    checked: dict[str, float] = {}
    for name, value in boosts.items():
        if name not in FIELD_NAMES:
            raise ValueError(f"boosts: no field {name!r}; there are: {', '.join(FIELD_NAMES)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the boost of {name} must be a number, not {type(value).__name__}")
        if not 0 <= value <= _MAX_WEIGHT:
            raise ValueError(f"the boost of {name} must be from 0 to {_MAX_WEIGHT:g}, not {value!r}")
        checked[name] = float(value)
    return checked
