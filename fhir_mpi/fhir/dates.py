"""FHIR dates and times as the intervals they cover, in milliseconds since 1970-01-01T00:00:00Z.

A FHIR date says as much as its writer knew: `1980-02` is a whole month. Everything that compares dates
compares the inclusive interval `(low, high)` that each covers (FHIR R5, Search, date).
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Final

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
DAY: Final = 24 * 60 * MINUTE
_EPOCH: Final = date(1970, 1, 1).toordinal()

_ZONE: Final = r"(?P<zone>Z|(?P<sign>[+-])(?P<zh>0[0-9]|1[0-3]|14(?=:00)):(?P<zm>[0-5][0-9]))"
_CLOCK: Final = r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
_SECONDS: Final = r":(?P<second>[0-5][0-9]|60)(?:\.(?P<fraction>[0-9]{1,9}))?"
_DAY: Final = r"(?P<year>[0-9]{4})(?:-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12][0-9]|3[01])"
_ANY: Final = re.compile(rf"{_DAY}(?:T{_CLOCK}(?:{_SECONDS})?{_ZONE}?)?)?)?", re.ASCII)
_DATE: Final = re.compile(rf"{_DAY})?)?", re.ASCII)
_DATE_TIME: Final = re.compile(rf"{_DAY}(?:T{_CLOCK}{_SECONDS}{_ZONE})?)?)?", re.ASCII)
_TIME: Final = re.compile(rf"{_CLOCK}{_SECONDS}", re.ASCII)


def period(text: str) -> tuple[int, int]:
    """The inclusive interval that a date, dateTime or instant covers; without a zone it is read as UTC.

    A leap second (`:60`) is the first second of the next minute. Minutes without seconds, which FHIR
    allows in searches only, are read too. Raises ValueError for anything else.

    >>> period("1970-01")
    (0, 2678399999)
    >>> period("1970-01-01T01:00:00.5+01:00")
    (500, 599)
    """
    found = _ANY.fullmatch(text)
    if found is None:
        raise ValueError("not a date or dateTime")
    year, month, day = found["year"], found["month"], found["day"]
    if found["hour"] is not None:
        return _clock_period(found)
    first = date(int(year), int(month or 1), int(day or 1))
    if day is not None:
        last = first
    elif month is not None:
        last = first.replace(day=monthrange(first.year, first.month)[1])
    else:
        last = first.replace(month=12, day=31)
    return (first.toordinal() - _EPOCH) * DAY, (last.toordinal() - _EPOCH + 1) * DAY - 1


def _clock_period(found: re.Match[str]) -> tuple[int, int]:
    days = date(int(found["year"]), int(found["month"]), int(found["day"])).toordinal() - _EPOCH
    low = days * DAY + (int(found["hour"]) * 60 + int(found["minute"])) * MINUTE - _offset(found)
    if found["second"] is None:
        return low, low + MINUTE - 1
    low += int(found["second"]) * SECOND
    fraction = found["fraction"]
    if fraction is None:
        return low, low + SECOND - 1
    # .5 covers 500 to 599 ms; digits past the millisecond are inside one millisecond.
    low += int(fraction[:3].ljust(3, "0"))
    return low, low + max(10 ** (3 - len(fraction)), 1) - 1 if len(fraction) < 3 else low


def _offset(found: re.Match[str]) -> int:
    if found["sign"] is None:
        return 0
    minutes = int(found["zh"]) * 60 + int(found["zm"])
    return minutes * MINUTE * (-1 if found["sign"] == "-" else 1)


def has_zone(text: str) -> bool:
    """Whether a date that `period` accepts names its offset from UTC.

    >>> has_zone("2020-01-01"), has_zone("2020-01-01T10:00:00Z")
    (False, True)
    """
    found = _ANY.fullmatch(text)
    return found is not None and found["zone"] is not None


def is_date(text: str) -> bool:
    """A FHIR `date`: a real year, month or day.

    >>> is_date("2024-02-29"), is_date("2023-02-29")
    (True, False)
    """
    found = _DATE.fullmatch(text)
    return found is not None and _is_real_day(found)


def is_date_time(text: str) -> bool:
    """A FHIR `dateTime`: a date, or a time to the second with its zone."""
    found = _DATE_TIME.fullmatch(text)
    return found is not None and _is_real_day(found)


def is_instant(text: str) -> bool:
    """A FHIR `instant`: a time to the second at least, with its zone."""
    found = _DATE_TIME.fullmatch(text)
    return found is not None and found["zone"] is not None and _is_real_day(found)


def is_time(text: str) -> bool:
    """A FHIR `time`: a time of day to the second at least, without a zone."""
    return _TIME.fullmatch(text) is not None


def _is_real_day(found: re.Match[str]) -> bool:
    year, day = found["year"], found["day"]
    if year == "0000":
        return False
    return day is None or day <= "28" or int(day) <= monthrange(int(year), int(found["month"]))[1]


def instant(moment: datetime) -> str:
    """The FHIR instant of an aware datetime, in UTC, cut to milliseconds.

    >>> instant(datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC))
    '2026-01-02T03:04:05.678Z'
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_ms(text: str) -> int:
    """Milliseconds since 1970 of a FHIR instant; ValueError where `text` is none.

    >>> instant_ms("1970-01-01T00:00:01.5Z")
    1500
    """
    if not is_instant(text):
        raise ValueError("not an instant")
    return period(text)[0]


def http_date(moment: datetime) -> str:
    """The `Last-Modified` form (RFC 9110, IMF-fixdate) of an aware datetime.

    >>> http_date(datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC))
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    return format_datetime(moment.astimezone(UTC), usegmt=True)
