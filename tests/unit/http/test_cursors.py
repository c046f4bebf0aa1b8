"""Signed paging links."""

import pytest

from fhir_mpi.fhir.outcome import ExpiredPage, InvalidRequest
from fhir_mpi.http.cursors import Cursors

CURSORS = Cursors("secret", lifetime=60)


def test_a_position_comes_back_for_its_own_search() -> None:
    cursor = CURSORS.sign('[7,"ä"]', "Patient?name=x")
    assert CURSORS.position(cursor, "Patient?name=x") == '[7,"ä"]'
    assert "Patient" not in cursor


@pytest.mark.parametrize("search", ["Patient?name=y", "Person?name=x", ""])
def test_another_search_is_refused(search: str) -> None:
    with pytest.raises(InvalidRequest, match="another search"):
        CURSORS.position(CURSORS.sign("7", "Patient?name=x"), search)


@pytest.mark.parametrize("cursor", ["", "x", "a.b.c", "ü", "." * 3, "W10.x.y"])
def test_what_was_never_signed_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="not a paging link"):
        CURSORS.position(cursor, "Patient")


def test_another_key_is_refused() -> None:
    cursor = Cursors("other", lifetime=60).sign("7", "Patient")
    with pytest.raises(InvalidRequest, match="not a paging link"):
        CURSORS.position(cursor, "Patient")


def test_an_old_link_is_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1_000)
    cursor = CURSORS.sign("7", "Patient")
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1_060)
    assert CURSORS.position(cursor, "Patient") == "7"
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1_061)
    with pytest.raises(ExpiredPage):
        CURSORS.position(cursor, "Patient")
