"""Days, months and years as people write them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtsearch.language.periods import first_day, last_day

DAY = datetime.timedelta(days=1)


@given(st.dates())
def test_a_day_is_itself(day):
    """Written in full, with or without zeros in front of month and day."""
    for text in (f"{day.year:04}-{day.month:02}-{day.day:02}", f"{day.year:04}-{day.month}-{day.day}"):
        assert first_day(text) == last_day(text) == day


@given(st.integers(1, 9998), st.integers(1, 12))
def test_a_month_goes_from_its_first_to_its_last_day(year, month):
    """The day after the last one is the first of the next month."""
    text = f"{year:04}-{month:02}"
    assert first_day(text) == datetime.date(year, month, 1)
    assert last_day(text) + DAY == datetime.date(year + month // 12, month % 12 + 1, 1)


@given(st.integers(1, 9999))
def test_a_year_goes_from_january_to_december(year):
    """All of it."""
    assert first_day(f"{year:04}") == datetime.date(year, 1, 1)
    assert last_day(f"{year:04}") == datetime.date(year, 12, 31)


def test_spaces_around_do_not_matter():
    """As they are left when a range is taken apart."""
    assert first_day(" 2024-02 ") == datetime.date(2024, 2, 1)


NO_DATES = (
    "|24|2024-|2024-13|2024-00|2024-0|2023-02-29|2024-04-31|2024-01-00|0000|01.02.2024|2024/01/02"
    "|2024-01-02T00:00|yesterday|２０２４|20244|2024-1-1-1"
).split("|")


@pytest.mark.parametrize("text", NO_DATES)
@pytest.mark.parametrize("day_of", [first_day, last_day])
def test_what_is_no_date_says_so(day_of, text):
    """The text and what is wrong with it."""
    with pytest.raises(ValueError, match="no date") as caught:
        day_of(text)
    assert repr(text) in str(caught.value)
