"""Hard pairs that come of dates, numbers, addresses and phones."""

from collections.abc import Iterator

from tests.quality.hard_people import (
    MRN,
    NATIONAL,
    OTHER_MRN,
    SSN,
    alone,
    also,
    but,
    date_digit,
    day_month,
    day_month_swapped,
    elsewhere,
    moved,
    no_address,
    numbered,
    opposite,
    precise_to,
    sibling_name,
    years_later,
)
from tests.quality.hard_scenario import (
    CERTAIN,
    POSSIBLE,
    PROBABLE,
    Scenario,
    called_by,
    category,
    living_at,
    new_family,
    written,
)


def of_dates() -> Iterator[Scenario]:
    yield from category(
        "mistyped birth date",
        ("a digit of the year", "certain", date_digit(3)),
        ("a digit of the day", "certain", date_digit(9)),
        (
            "the first of January of the year",
            "certain",
            lambda known: {"birthDate": known["birthDate"][:4] + "-01-01"},
        ),
        ("nothing else is known", PROBABLE, also(date_digit(3), alone), alone),
        ("the day and the month, at the same home", POSSIBLE, years_later(0)),
    )
    yield from category(
        "day and month exchanged",
        ("all else the same", "certain", day_month_swapped, day_month),
        ("moved, the phone is kept", "certain", also(day_month_swapped, moved), day_month),
        ("nothing else is known", PROBABLE, also(day_month_swapped, alone), also(day_month, alone)),
        ("a twin's date besides", POSSIBLE, also(day_month_swapped, sibling_name), day_month),
    )
    yield from category(
        "partial birth date",
        ("the year alone", "probable", precise_to(4)),
        ("year and month", "probable", precise_to(7)),
        ("none", "probable", but(birthDate=None)),
        ("the year alone, and nothing else", POSSIBLE, also(precise_to(4), alone), alone),
        (
            "the year alone, under one number",
            "certain",
            also(precise_to(4), numbered((NATIONAL, "271828182"))),
            numbered((NATIONAL, "271828182")),
        ),
    )
    yield from category(
        "death",
        (
            "one date on both",
            "certain",
            but(deceasedDateTime="2020-03-04"),
            but(deceasedDateTime="2020-03-04T05:06:07Z"),
        ),
        ("one side has not heard of it", "certain", but(deceasedDateTime="2020-03-04")),
        ("two dates", "probable", but(deceasedDateTime="2020-03-04"), but(deceasedDateTime="2021-11-12")),
        ("one is said to live", "probable", but(deceasedBoolean=False), but(deceasedBoolean=True)),
        (
            "one is said to live, under one number",
            "certain",
            also(but(deceasedBoolean=False), numbered((NATIONAL, "271828182"))),
            also(but(deceasedDateTime="2020-03-04"), numbered((NATIONAL, "271828182"))),
        ),
    )


def of_numbers() -> Iterator[Scenario]:
    yield from category(
        "record number of another hospital",
        (
            "one number in two hospitals, two people",
            "certainly-not",
            also(opposite, new_family, years_later(9), elsewhere, numbered((MRN, "447001"))),
            numbered((OTHER_MRN, "447001")),
        ),
        (
            "given out again in one hospital",
            POSSIBLE,
            also(opposite, new_family, years_later(9), elsewhere, numbered((MRN, "447001"))),
            numbered((MRN, "447001")),
        ),
        (
            "one number in two hospitals, one person",
            "certain",
            numbered((MRN, "447001")),
            numbered((OTHER_MRN, "447001")),
        ),
        (
            "two hospitals, and nothing else is known",
            "probable",
            also(alone, numbered((MRN, "447001"))),
            also(alone, numbered((OTHER_MRN, "881302"))),
        ),
    )
    yield from category(
        "identifier conflict",
        (
            "two national numbers",
            "possible",
            numbered((NATIONAL, "314159265")),
            numbered((NATIONAL, "271828182")),
        ),
        (
            "record numbers agree, national ones don't",
            "probable",
            numbered((MRN, "447001"), (NATIONAL, "314159265")),
            numbered((MRN, "447001"), (NATIONAL, "271828182")),
        ),
        ("two digits exchanged", "certain", numbered((MRN, "4470012")), numbered((MRN, "4740012"))),
        (
            "a number that was never issued",
            "certain",
            numbered((SSN, "666-12-3456")),
            numbered((SSN, "536-90-3399")),
        ),
        (
            "one number, another birth date",
            PROBABLE,
            also(years_later(6), numbered((NATIONAL, "314159265"))),
            numbered((NATIONAL, "314159265")),
        ),
    )
    yield from category(
        "placeholder",
        (
            "a number of zeros is none",
            "certain",
            numbered((SSN, "000-00-0000")),
            numbered((SSN, "536-90-3399")),
        ),
        ("born in 1900, says the form", "probable", but(birthDate="1900-01-01")),
        (
            "two unknown people at one address",
            POSSIBLE,
            also(written("Unknown", "Unknown"), but(birthDate=None)),
            also(written("Unbekannt", "X"), but(birthDate=None)),
        ),
        (
            "a shared phone of nines is none",
            "probable",
            also(no_address, but(phone="999-999-9999")),
            also(no_address, but(phone="999-999-9999")),
        ),
    )
    yield from category(
        "sex",
        ("a wrong letter on a form", "certain", lambda known: {"gender": opposite(known)["gender"]}),
        (
            "changed with the given name, the number kept",
            PROBABLE,
            also(opposite, numbered((NATIONAL, "314159265"))),
            numbered((NATIONAL, "314159265")),
        ),
        ("unknown on one side", "certain", but(gender="unknown")),
        (
            "a wrong letter, and moved",
            "certain",
            also(lambda known: {"gender": opposite(known)["gender"]}, moved),
        ),
    )


def of_places() -> Iterator[Scenario]:
    yield from category(
        "address written otherwise",
        ("abbreviated", "certain", living_at("12 FOXGLOVE RD. #4"), living_at("12 Foxglove Road, Apt 4")),
        ("German, the number last", "certain", living_at("Hauptstraße 5"), living_at("5 Hauptstr.")),
        ("French", "certain", living_at("27, bd Voltaire", None), living_at("27 boulevard Voltaire", None)),
        ("a post box", "certain", living_at("P.O. Box 1234"), living_at("PO BOX 1234")),
        (
            "the house next door: the person moved or mistyped",
            CERTAIN,
            living_at("12 Foxglove Road"),
            living_at("14 Foxglove Road"),
        ),
    )
    yield from category(
        "phone written otherwise",
        (
            "with country code and extension",
            "certain",
            called_by("+1 201 555 0188"),
            called_by("(201) 555-0188 ext. 3"),
        ),
        (
            "German, with and without",
            "certain",
            called_by("+49 30 901820", "DE"),
            called_by("030 / 90 18 20", "DE"),
        ),
        (
            "French, from abroad",
            "certain",
            called_by("0033 6 12 34 56 78"),
            called_by("06 12 34 56 78", "FR"),
        ),
        ("one digit wrong", "certain", called_by("201-555-0188"), called_by("201-555-0189")),
    )
