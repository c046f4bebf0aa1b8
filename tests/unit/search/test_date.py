"""date search (the table of R5 search.html#prefix)."""

from typing import Any

import pytest

from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.search.filters import Within
from tests.unit.search.served import NOW, custom, finds, observation_finds, patient, request

MARCH = patient(birthDate="2013-03")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2013", True),
        ("2013-03", True),
        ("2013-03-14", False),
        ("eq2013-03", True),
        ("ne2013-03", False),
        ("ne2013-03-14", True),
        ("ne2012", True),
        ("gt2013-03-14", True),
        ("gt2013-03", False),
        ("gt2013-02", True),
        ("lt2013-03-14", True),
        ("lt2013-03", False),
        ("lt2013-04", True),
        ("ge2013-03", True),
        ("ge2013-03-31", False),
        ("ge2013-04", False),
        ("ge2013-02", True),
        ("le2013-03", True),
        ("le2013-02", False),
        ("le2013-04", True),
        ("sa2013-02", True),
        ("sa2013-03", False),
        ("sa2013-03-01", False),
        ("eb2013-04", True),
        ("eb2013-03", False),
        ("ap2013-03", True),
        ("ap2014-01", True),
        ("ap1990", False),
        ("2012,2013", True),
        ("2013-03-01T00:00:00Z", False),
    ],
)
def test_a_month_is_found_by(value: str, found: bool) -> None:
    assert finds(MARCH, "birthdate", value) is found


@pytest.mark.parametrize(
    "value", ["", "2013-13", "13", "gt", "ge2013-02-30", "today", "xx2013", "2013;", "0000"]
)
def test_what_is_no_date_is_refused(value: str) -> None:
    if value:
        with pytest.raises(InvalidValue) as refused:
            request([("birthdate", value)])
        assert refused.value.issues[0].expression == "http.birthdate"
        assert value not in str(refused.value)


def test_last_updated_is_asked_of_its_column() -> None:
    low, high = period("2026-01-02T03:04:05Z")
    found = request([("_lastUpdated", "gt2026-01-02T03:04:05Z")])
    assert found.filter == Within("_lastUpdated", high_from=high + 1)
    assert high - low == 999


def test_approximately_is_a_tenth_of_the_time_since() -> None:
    day = period("2026-01-01")
    margin = (NOW - day[0]) // 10
    assert request([("birthdate", "ap2026-01-01")]).filter == Within(
        "birthdate", low_to=day[1] + margin, high_from=day[0] - margin
    )


@pytest.mark.parametrize(
    ("timing", "value", "found"),
    [
        ({"start": "2013-01-05", "end": "2013-01-09"}, "2013-01", True),
        ({"start": "2013-01-05", "end": "2013-01-09"}, "2013-01-05", False),
        ({"start": "2013-01-05"}, "gt2090", True),
        ({"start": "2013-01-05"}, "2013", False),
        ({"end": "2013-01-05"}, "lt1900", True),
        ({"end": "2013-01-05"}, "gt2013-01-05", False),
        ({"event": ["2013-01-01", None, "2014-01-01"]}, "2014", True),
        ({"repeat": {"boundsPeriod": {"start": "2013-01-01", "end": "2013-01-02"}}}, "2013-01", True),
        ({"code": {"text": "BID"}}, "2013-01", False),
        (7, "2013", False),
    ],
)
def test_periods_and_timings_are_found(timing: Any, value: str, found: bool) -> None:
    definition = custom("date", "Observation.when")
    assert observation_finds(definition, {"when": timing}, "x", value) is found


SPANS = ("2012", "2013", "2014", "2013-02", "2013-03", "2013-04", "2013-03-01", "2013-03-14", "2013-03-31")
MOMENTS = ("2013-03-14T10:00:00Z", "2013-03-14T10:00:00.500Z", "2013-03-14T12:30:00+02:00")


def by_the_text_of_r5(prefix: str, asked: str, held: str) -> bool:
    """The table of R5 search.html#prefix, word by word: ranges that contain, overlap, or come after."""
    (low, high), (first, last) = period(asked), period(held)
    contains = low <= first and last <= high
    above, below = last > high, first < low
    return {
        "": contains,
        "eq": contains,
        "ne": not contains,
        "gt": above,
        "lt": below,
        "ge": above or contains,
        "le": below or contains,
        "sa": first > high,
        "eb": last < low,
    }[prefix]


@pytest.mark.parametrize("prefix", ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
@pytest.mark.parametrize("held", SPANS + MOMENTS)
def test_every_prefix_means_what_r5_says_at_every_precision(prefix: str, held: str) -> None:
    resource = patient(deceasedDateTime=held)
    for asked in SPANS + MOMENTS:
        expected = by_the_text_of_r5(prefix, asked, held)
        assert finds(resource, "death-date", prefix + asked) is expected, asked
