"""The ranking parameters: their ranges, and the ways to make them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch import RankingParameters
from qtsearch.parameters import Weighting
from qtsearch.schema import FIELD_NAMES, TEXT_FIELDS

TABLE = RankingParameters.table()
NAMES = [name for name, *_ in TABLE]

values = st.fixed_dictionaries({}, optional={name: st.floats(*ends) for name, _, ends, _ in TABLE})


@pytest.mark.parametrize(("name", "default", "ends", "meaning"), TABLE)
def test_both_ends_of_a_range_are_allowed(name, default, ends, meaning):
    """The ends and the default are taken as they are, as floats, and change nothing else."""
    for value in (*ends, default):
        parameters = RankingParameters(**{name: value})
        assert getattr(parameters, name) == value
        assert parameters.to_dict() == RankingParameters().to_dict() | {name: value}
    whole = RankingParameters(**{name: int(ends[1])})
    assert type(getattr(whole, name)) is float


@pytest.mark.parametrize(("name", "default", "ends", "meaning"), TABLE)
def test_what_is_outside_a_range_is_refused(name, default, ends, meaning):
    """The next number outside, and what is no finite number: a ValueError with the name and the range."""
    low, high = ends
    outside = [math.nextafter(low, -math.inf), math.nextafter(high, math.inf), -math.inf, math.inf, math.nan]
    for value in [*outside, 10**400, -(10**400)]:
        with pytest.raises(ValueError, match=f"^{name} must be from {low:g} to {high:g}, not"):
            RankingParameters(**{name: value})
        with pytest.raises(ValueError, match=f"^{name} must be"):
            RankingParameters().replace(**{name: value})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [True, "1", None, [1], 1j])
def test_what_is_no_number_is_refused(name, value):
    """A TypeError with the name and the type."""
    with pytest.raises(TypeError, match=f"^{name} must be a number, not {type(value).__name__}$"):
        RankingParameters(**{name: value})


def test_an_unknown_name_is_refused():
    """A ValueError with the name, and with those there are."""
    for make in (RankingParameters.from_dict, lambda values: RankingParameters().replace(**values)):
        with pytest.raises(ValueError, match=f"'k2'; there are: {', '.join(NAMES)}"):
            make({"k1": 1, "k2": 2})


@given(values)
def test_a_dict_and_back(given_values):
    """``to_dict``, by way of JSON too, and ``from_dict`` give equal parameters, with an equal hash."""
    parameters = RankingParameters(**given_values)
    read = RankingParameters.from_dict(json.loads(json.dumps(parameters.to_dict())))
    assert read == parameters
    assert hash(read) == hash(parameters)
    assert RankingParameters.from_dict(given_values) == parameters


def test_a_dict_may_be_partial():
    """What it does not name has the default."""
    assert RankingParameters.from_dict({}) == RankingParameters()
    assert RankingParameters.from_dict({"k1": 2}) == RankingParameters(k1=2)


def test_replace_changes_a_copy():
    """Only what is named changes, and the original does not."""
    original = RankingParameters(k1=0.9)
    changed = original.replace(question_weight=2)
    assert changed == RankingParameters(k1=0.9, question_weight=2)
    assert original == RankingParameters(k1=0.9)
    assert original.replace() == original


def test_they_cannot_be_changed():
    """They are values: equal ones are one key, and none can be assigned to."""
    with pytest.raises(AttributeError):
        RankingParameters().k1 = 1  # type: ignore[misc]
    assert len({RankingParameters(), RankingParameters(k1=1.5), RankingParameters(k1=1)}) == 2


def test_the_table_has_every_parameter():
    """In the order of ``to_dict``; each default is within its range, and each has a meaning of its own."""
    assert list(RankingParameters().to_dict()) == NAMES
    assert {name: default for name, default, _, _ in TABLE} == RankingParameters().to_dict()
    assert all(low <= default <= high for _, default, (low, high), _ in TABLE)
    assert len({meaning for *_, meaning in TABLE}) == len(TABLE)


def test_fields_have_the_weights_of_the_schema():
    """The defaults are the schema's, in the schema's order."""
    parameters = RankingParameters(answer_weight=7, page_keywords_b=0.25)
    assert RankingParameters().weights == tuple(field.weight for field in TEXT_FIELDS)
    assert RankingParameters().b == tuple(field.b for field in TEXT_FIELDS)
    assert parameters.weights == (3, 7, 2)
    assert parameters.b == (0.5, 0.6, 0.25)


@pytest.mark.parametrize("factor", [0, 0.5, 1, 4])
def test_shares_follow_the_weights(factor):
    """A boost moves what else a field adds in proportion, and nothing of the other fields."""
    parameters = RankingParameters(question_weight=5)
    own = Weighting.of(parameters)
    assert own.shares == (parameters.question_share, 0, parameters.page_keywords_share)
    assert (own.keyword_share, own.pair_share) == (parameters.keyword_share, parameters.pair_share)
    for number, name in enumerate(FIELD_NAMES):
        boosted = Weighting.of(parameters, {name: factor * parameters.weights[number]})
        times = [factor if field == number else 1 for field in range(3)]
        assert boosted.shares == pytest.approx([a * b for a, b in zip(own.shares, times, strict=True)])
        assert boosted.pair_share == pytest.approx(own.pair_share * times[1])
        assert boosted.keyword_share == pytest.approx(own.keyword_share * times[2])
