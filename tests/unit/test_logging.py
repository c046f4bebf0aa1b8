"""Log lines: JSON, one a line, with the kind of an exception and never its text."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from fhir_mpi.logging import SILENCED, configure_logging

CANARY = "Zzyzxcanary"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging("info")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_our_own_records_are_json_lines(written: io.StringIO) -> None:
    structlog.get_logger("fhir_mpi.test").info("happened", number=3, other=object)
    (line,) = lines(written)
    assert (line["event"], line["level"], line["logger"], line["number"]) == (
        "happened",
        "info",
        "fhir_mpi.test",
        3,
    )
    assert line["ts"].endswith("Z")
    assert "object" in line["other"]


def test_records_of_libraries_are_json_lines_too(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("it %s", "broke")
    (line,) = lines(written)
    assert (line["event"], line["level"], line["logger"]) == ("it broke", "warning", "some.library")


def test_an_exception_is_logged_by_its_kind_alone(written: io.StringIO) -> None:
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        structlog.get_logger("fhir_mpi.test").error("failed", exc_info=error)
        logging.getLogger("some.library").exception("failed too")
    logging.getLogger("some.library").warning("no exception", exc_info=None)
    assert CANARY not in written.getvalue()
    assert [line.get("error") for line in lines(written)] == ["KeyError", "KeyError", None]


def test_below_the_level_nothing_is_written(written: io.StringIO) -> None:
    structlog.get_logger("fhir_mpi.test").debug("quiet")
    assert written.getvalue() == ""


def test_loggers_that_know_too_much_stay_silent_even_while_debugging(written: io.StringIO) -> None:
    configure_logging("debug")
    for name in SILENCED:
        logging.getLogger(name).info(CANARY)
        logging.getLogger(f"{name}.command").debug(CANARY)
    assert CANARY not in written.getvalue()
