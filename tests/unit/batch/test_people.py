"""Records out of tables and FHIR files."""

from pathlib import Path

import pytest

from fhir_mpi.batch.people import filed_records
from fhir_mpi.batch.reading import UnreadableInput
from fhir_mpi.batch.training.extra import extra
from fhir_mpi.linkage.record import Record

FOUND = extra()
HEAD = "id,family,given,birth_date,gender,phone,email,address_line,city,postal_code,identifier\n"


def _read(path: Path, text: str, type: str = "Patient") -> list[Record]:
    path.write_text(text)
    return list(filed_records(FOUND, str(path), type))


def test_a_table_is_normalised_as_everything_else_is(tmp_path: Path) -> None:
    row = "7,Müller,Ana,1980-02-29,F,555-201-7788,A@b.org,12 Quay Street,Port Alder,01984,urn:x|84-713\n"
    [record] = _read(tmp_path / "people.csv", HEAD + row.replace(",F,", ",Female,"))
    assert record.id == "7"
    assert (record.given, record.birth_date, record.gender) == (("ana",), ("1980-02-29",), ("female",))
    assert (record.postal_code, record.phone) == (("01984",), ("5552017788",))
    assert record.identifier
    assert record.family


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    [csv] = _read(tmp_path / "people.csv", "id,family,postal_code\n7,Doe,01984\n")
    path = tmp_path / "people.parquet"
    FOUND.duckdb.sql("SELECT '7' AS id, 'Doe' AS family, '01984' AS postal_code").write_parquet(str(path))
    assert list(filed_records(FOUND, str(path), "Patient")) == [csv]


def test_bundles_and_lines_are_read_and_other_types_left_out(tmp_path: Path) -> None:
    bundle = '{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": %s}, {}]}'
    patient = '{"resourceType": "Patient", "id": "a"}'
    assert [r.id for r in _read(tmp_path / "one.json", bundle % patient)] == ["a"]
    assert _read(tmp_path / "other.ndjson", patient, "Organization") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,surname\n1,Doe\n", "unknown column surname"),
        ("id,family\n1,Doe\n1,Doe\n", "the id '1' stands there twice"),
        ("family\nDoe\n", "somebody has no id"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said):
        _read(tmp_path / "people.csv", text)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match=r"people\.parquet: "):
        _read(tmp_path / "people.parquet", "no parquet")
