"""Blocking: stored keys are few and stable, and a probe reaches them across common errors."""

import pytest

from fhir_mpi.linkage.blocking import probe_keys, stored_keys
from fhir_mpi.linkage.model import default_model
from fhir_mpi.linkage.record import Record

MODEL = default_model("Patient")
JANE = Record(
    "jane",
    family=("thompson",),
    given=("william",),
    birth_date=("1980-02-03",),
    address=("12 n main st",),
    postal_code=("18503",),
    phone=("3448455689",),
    email=("jane@example.org",),
    identifier=("urn:mrn|42",),
)


def test_a_record_has_one_key_per_rule() -> None:
    assert len(stored_keys(MODEL, JANE)) == len(MODEL.blocking_rules) == 12


def test_keys_are_signed_64_bit_and_the_same_in_every_process() -> None:
    only_phone = stored_keys(MODEL, Record("x", phone=("3448455689",)))
    assert only_phone == frozenset({-5950838941786325913})
    assert all(-(2**63) <= key < 2**63 for key in stored_keys(MODEL, JANE))


def test_a_probe_looks_under_every_stored_key_of_its_own() -> None:
    stored, probed = stored_keys(MODEL, JANE), probe_keys(MODEL, JANE)
    assert probed > stored - _names_alone(JANE)


def _names_alone(record: Record) -> frozenset[int]:
    return stored_keys(MODEL, Record("x", family=record.family, given=record.given))


def test_a_name_alone_is_the_last_resort() -> None:
    assert len(_names_alone(JANE)) == 1
    assert not probe_keys(MODEL, JANE) & _names_alone(JANE)
    assert probe_keys(MODEL, Record("p", family=("tompson",), given=("william",))) >= _names_alone(JANE)
    assert probe_keys(MODEL, Record("p", family=("william",), given=("thompson",))) >= _names_alone(JANE)


@pytest.mark.parametrize(
    "probe",
    [
        Record("p", identifier=("urn:mrn|42",)),
        Record("p", phone=("3448455689",)),
        Record("p", email=("jane@example.org",)),
        Record("p", family=("tompson",), birth_date=("1980-02-03",)),
        Record("p", given=("bill",), birth_date=("1980-02-03",)),
        Record("p", family=("william",), given=("thompson",), birth_date=("1980-09-09",)),
        Record("p", family=("thompson",), given=("bill",), birth_date=("1980-09-09",)),
        Record("p", family=("thompson",), given=("bill",), birth_date=("1990-02-03",)),
        Record("p", family=("thompson",), given=("will",), postal_code=("18503",)),
        Record("p", birth_date=("1980-02-03",), postal_code=("18503",)),
        Record("p", address=("12 n main st",), postal_code=("18503",)),
        Record("p", family=("thompson",), birth_date=("1980-03-02",)),
    ],
)
def test_a_probe_with_errors_meets_the_record(probe: Record) -> None:
    assert probe_keys(MODEL, probe) & stored_keys(MODEL, JANE)


def test_different_people_share_no_key() -> None:
    other = Record("o", family=("doe",), given=("john",), birth_date=("1955-11-30",), phone=("2015550188",))
    assert not probe_keys(MODEL, other) & stored_keys(MODEL, JANE)


@pytest.mark.parametrize(
    "record", [Record("x"), Record("x", family=("doe",)), Record("x", birth_date=("1980",))]
)
def test_too_little_yields_no_key(record: Record) -> None:
    assert probe_keys(MODEL, record) == frozenset()


def test_a_city_stands_in_for_a_missing_postal_code() -> None:
    at_home = Record("a", address=("12 n main st",), city=("ashton",))
    assert stored_keys(MODEL, at_home) & probe_keys(MODEL, at_home)


def test_chinese_names_have_keys() -> None:
    wang = Record("w", family=("王",), given=("小明",), birth_date=("1980-02-03",))
    assert len(stored_keys(MODEL, wang)) == 18  # by the characters, and by their sound in Latin letters
    assert not stored_keys(MODEL, wang) & stored_keys(MODEL, wang._replace(family=("李",), given=("小红",)))


def test_an_organization_is_found_by_its_words_in_any_order() -> None:
    model = default_model("Organization")
    stored = stored_keys(
        model, Record("o", organization=("ashton general hospital",), postal_code=("18503",))
    )
    assert stored & probe_keys(model, Record("p", organization=("hospital general ashton",)))
    assert stored & probe_keys(model, Record("p", organization=("ashton clinic",), postal_code=("18503",)))


def test_other_given_names_lead_to_the_record() -> None:
    mary = Record("m", family=("doe",), given=("ann",), birth_date=("1980-02-03",))
    probe = Record(
        "p", family=("roe",), given=("mary",), other_given=("ann", "q"), birth_date=("1980-02-03",)
    )
    assert probe_keys(MODEL, probe) & stored_keys(MODEL, mary)
