"""The values of a record that blocking rules are made of."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from fhir_mpi.linkage.nicknames import nickname_neighbours
from fhir_mpi.linkage.phonetics import phonetic_code, phonetic_codes, written_codes
from fhir_mpi.linkage.record import Record, Values

_FULL_DATE: Final = 10


def _distinct(values: Iterable[str]) -> Values:
    return tuple(dict.fromkeys(values))


def _codes(names: Values) -> Values:
    """The codes each name is stored under."""
    if len(names) == 1:
        return written_codes(names[0])
    return _distinct([code for name in names for code in written_codes(name)])


def _family(record: Record) -> Values:
    return _codes(record.family + record.family_parts)


def _family_variants(record: Record) -> Values:
    """Every code of a family name but the stored one."""
    return _distinct([code for name in record.family for code in phonetic_codes(name)[1:]])


def _given(record: Record) -> Values:
    return _codes(record.given)


def _given_variants(record: Record) -> Values:
    """Codes of the nicknames and other given names, and every second code."""
    others = [phonetic_code(other) for other in record.other_given if len(other) > 1]
    return _distinct([code for name in record.given for code in _variant_codes(name)] + others)


@lru_cache(maxsize=8192)
def _variant_codes(given: str) -> Values:
    nicknames = [phonetic_code(other) for other in sorted(nickname_neighbours(given))]
    return _distinct([*phonetic_codes(given)[1:], *nicknames])


def _full_dates(record: Record) -> Values:
    return record.birth_date if record.birth_date and len(record.birth_date[0]) == _FULL_DATE else ()


def _birth_year(record: Record) -> Values:
    return tuple([date[:4] for date in record.birth_date])


def _birth_month_day(record: Record) -> Values:
    return tuple([date[5:] for date in _full_dates(record)])


def _year_unordered(record: Record) -> Values:
    """Year and the unordered pair of month and day: the same for a day/month swap."""
    return tuple([f"{d[:4]}{min(d[5:7], d[8:])}{max(d[5:7], d[8:])}" for d in _full_dates(record)])


def _place(record: Record) -> Values:
    """Postal codes or, where there is none, cities."""
    return record.postal_code or record.city


def _organization_words(record: Record) -> Values:
    return _distinct(phonetic_code(word) for name in record.organization for word in name.split())


def _organization_sound(record: Record) -> Values:
    """All words of a name as one code, whatever their order."""
    return _distinct("".join(sorted(map(phonetic_code, name.split()))) for name in record.organization)


FEATURES: Final[Mapping[str, Callable[[Record], Values]]] = {
    "identifier": lambda r: r.identifier,
    "phone": lambda r: r.phone,
    "email": lambda r: r.email,
    "family": _family,
    "family-variants": _family_variants,
    "given": _given,
    "given-variants": _given_variants,
    "birth-date": _full_dates,
    "birth-year": _birth_year,
    "birth-month-day": _birth_month_day,
    "birth-year-unordered": _year_unordered,
    "address": lambda r: r.address,
    "postal-code": lambda r: r.postal_code,
    "place": _place,
    "organization-words": _organization_words,
    "organization-sound": _organization_sound,
}
"""Name of a feature in a blocking rule -> its values."""
