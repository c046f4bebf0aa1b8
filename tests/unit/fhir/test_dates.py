"""Dates as intervals."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mpi.fhir import dates

HOUR = 3_600_000


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1980", ms(1980, 1, 1), ms(1981, 1, 1) - 1),
        ("1980-02", ms(1980, 2, 1), ms(1980, 3, 1) - 1),
        ("1980-12", ms(1980, 12, 1), ms(1981, 1, 1) - 1),
        ("1980-02-29", ms(1980, 2, 29), ms(1980, 3, 1) - 1),
        ("1980-02-29T10:11", ms(1980, 2, 29, 10, 11), ms(1980, 2, 29, 10, 12) - 1),
        ("1980-02-29T10:11:12", ms(1980, 2, 29, 10, 11, 12), ms(1980, 2, 29, 10, 11, 13) - 1),
        ("1980-02-29T10:11:12Z", ms(1980, 2, 29, 10, 11, 12), ms(1980, 2, 29, 10, 11, 13) - 1),
        ("1980-02-29T10:11:12+02:30", ms(1980, 2, 29, 7, 41, 12), ms(1980, 2, 29, 7, 41, 13) - 1),
        ("1980-02-29T10:11:12-14:00", ms(1980, 3, 1, 0, 11, 12), ms(1980, 3, 1, 0, 11, 13) - 1),
        ("1970-01-01T00:00:00.1Z", 100, 199),
        ("1970-01-01T00:00:00.12Z", 120, 129),
        ("1970-01-01T00:00:00.123Z", 123, 123),
        ("1970-01-01T00:00:00.1239999Z", 123, 123),
        ("1972-06-30T23:59:60Z", ms(1972, 7, 1), ms(1972, 7, 1, 0, 0, 1) - 1),
        ("0001", -62_135_596_800_000, -62_104_060_800_001),
        ("9999-12-31", 253_402_214_400_000, 253_402_300_799_999),
    ],
)
def test_a_date_covers_an_interval(text: str, low: int, high: int) -> None:
    assert dates.period(text) == (low, high)


NONSENSE = [
    "", "1", "198", "19800", "0000", "1980-1", "1980-13", "1980-00", "1980-02-30", "2023-02-29", "1900-02-29",
    "1980-04-31", "1980-1-1", "1980/01/01", "1980-01-01 10:00:00Z", "1980-01-01T24:00:00Z",
    "1980-01-01T24:61:00Z", "1980-01-01T10:60:00Z", "1980-01-01T10:00:61Z", "1980-01-01T10Z",
    "1980-01-01T10:00:00.Z", "1980-01-01T10:00:00+14:30", "1980-01-01T10:00:00+15:00",
    "1980-01-01T10:00:00z", "1980-01-01\n", "١٩٨٠", "yesterday", "1980-01T10:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        dates.period(text)
    assert not dates.is_date(text)
    assert not dates.is_date_time(text)
    assert not dates.is_instant(text)
    assert not dates.has_zone(text)


@pytest.mark.parametrize(
    ("text", "date_", "date_time", "instant"),
    [
        ("1980", True, True, False),
        ("1980-02", True, True, False),
        ("2024-02-29", True, True, False),
        ("1980-02-01T10:00:00Z", False, True, True),
        ("1980-02-01T10:00:60.123456789+14:00", False, True, True),
        ("1980-02-01T10:00:00", False, False, False),
        ("1980-02-01T10:00Z", False, False, False),
        ("2023-02-29T10:00:00Z", False, False, False),
    ],
)
def test_each_type_takes_its_own_precision(text: str, date_: bool, date_time: bool, instant: bool) -> None:
    assert (dates.is_date(text), dates.is_date_time(text), dates.is_instant(text)) == (
        date_,
        date_time,
        instant,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10:00:00", True), ("23:59:60.5", True), ("24:00:00", False), ("10:00", False), ("10:00:00Z", False)],
)
def test_a_time_of_day_has_seconds_and_no_zone(text: str, expected: bool) -> None:
    assert dates.is_time(text) is expected


def test_instants_are_written_in_utc_to_the_millisecond() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert dates.instant(moment) == "2026-01-02T01:04:05.999Z"
    with pytest.raises(ValueError, match="zone"):
        dates.instant(moment.replace(tzinfo=None))
    with pytest.raises(ValueError, match="instant"):
        dates.instant_ms("2026-01-02")


def test_http_dates_are_in_gmt() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert dates.http_date(moment) == "Fri, 02 Jan 2026 01:04:05 GMT"


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_writing_and_reading(moment: datetime) -> None:
    found = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert dates.instant_ms(dates.instant(moment)) == found


@given(st.dates())
def test_a_day_lies_in_its_month_and_the_month_in_its_year(day: date) -> None:
    text = day.isoformat()
    year, month, whole = dates.period(text[:4]), dates.period(text[:7]), dates.period(text)
    assert year[0] <= month[0] <= whole[0] < whole[1] <= month[1] <= year[1]
    assert whole[1] - whole[0] == 24 * HOUR - 1
