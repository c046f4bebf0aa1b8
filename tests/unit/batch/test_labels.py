"""Labels, out of what people write."""

from pathlib import Path

import pytest

from fhir_mpi.batch.labels import read_labels
from fhir_mpi.batch.reading import UnreadableInput


def _file(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_pairs_say_yes_or_no_and_nothing_of_others(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, "id_l,id_r,match\nb,a,1\na,c,0\n"))
    assert labels.matches == [("a", "b")]
    assert [labels.same(*pair) for pair in ("ab", "ba", "ca", "bc")] == [True, True, False, None]


def test_pairs_without_a_verdict_are_one_person(tmp_path: Path) -> None:
    assert read_labels(_file(tmp_path, "id_l,id_r\na,b\n")).same("a", "b") is True


def test_people_say_it_of_every_pair_of_known_records(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, "id,person\na,1\nb,1\nc,1\nd,2\n"))
    assert len(labels.matches) == 3
    assert [labels.same(*pair) for pair in ("ac", "ad", "ax")] == [True, False, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one,other\na,b\n", "the first line must name"),
        ("id_l,id_r,match\na,b,perhaps\n", "line 2: not two ids and 1 or 0"),
        ("id_l,id_r,match\na,,1\n", "line 2: not two ids and 1 or 0"),
        ("", "the first line must name"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said):
        read_labels(_file(tmp_path, text))
