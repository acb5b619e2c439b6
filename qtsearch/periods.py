"""Days, months and years as people write them, as the days they span."""

from __future__ import annotations

import calendar
import datetime
import re
from typing import Final

__all__ = ["first_day", "last_day"]

_PERIOD: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def _parts(text: str) -> tuple[int, int | None, int | None]:
    match = _PERIOD.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no date: write YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = (None if part is None else int(part) for part in match.groups())
    return year or 0, month, day


def first_day(text: str) -> datetime.date:
    """The first day of a day, month or year. Raises ValueError for what is none.

    >>> first_day("2024-12")
    datetime.date(2024, 12, 1)
    """
    year, month, day = _parts(text)
    return _date(text, year, 1 if month is None else month, 1 if day is None else day)


def last_day(text: str) -> datetime.date:
    """The last day of a day, month or year. Raises ValueError for what is none.

    >>> last_day("2024-02"), last_day("2024")
    (datetime.date(2024, 2, 29), datetime.date(2024, 12, 31))
    """
    year, month, day = _parts(text)
    month = 12 if month is None else month
    if day is None:
        first = _date(text, year, month, 1)
        day = calendar.monthrange(first.year, first.month)[1]
    return _date(text, year, month, day)


def _date(text: str, year: int, month: int, day: int) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date: {error}") from error
