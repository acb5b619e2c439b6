"""Days, months and years as people write them, as the days they span."""

from __future__ import annotations

import calendar
import datetime
import re
from typing import Final

__all__ = ["first_day", "last_day"]

#: Also as Whoosh's users write them: 20250131.
_PERIOD: Final = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?|([0-9]{4})([0-9]{2})([0-9]{2})?")


def first_day(text: str) -> datetime.date:
    """The first day of a day, month or year. Raises ValueError for what is none.

    >>> first_day("2024-12"), first_day("20241205")
    (datetime.date(2024, 12, 1), datetime.date(2024, 12, 5))
    """
    return _days(text)[0]


def last_day(text: str) -> datetime.date:
    """The last day of a day, month or year. Raises ValueError for what is none.

    >>> last_day("2024-02"), last_day("2024")
    (datetime.date(2024, 2, 29), datetime.date(2024, 12, 31))
    """
    return _days(text)[1]


def _days(text: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day."""
    match = _PERIOD.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no date: write YYYY, YYYY-MM or YYYY-MM-DD")
    parts = match.groups()[:3] if match[1] else match.groups()[3:]
    year, month, day = (None if part is None else int(part) for part in parts)
    try:
        first = datetime.date(year or 0, 1 if month is None else month, 1 if day is None else day)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date: {error}") from error
    if day is not None:
        return first, first
    last = first.replace(month=12) if month is None else first
    return first, last.replace(day=calendar.monthrange(last.year, last.month)[1])
