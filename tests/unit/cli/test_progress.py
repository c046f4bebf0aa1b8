"""How far a long command is."""

from io import StringIO

import pytest
from rich.console import Console

from fhir_mpi.cli import progress


def test_elsewhere_than_on_a_terminal_a_plain_line_is_written_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("fhir_mpi.cli.progress.time.monotonic", lambda: now)
    with progress.progress("resources") as show:
        show(10)
        now += 4.0
        show(8000)
        now += 1.0
        show(10_000)
    assert capsys.readouterr().err == "10,000 resources, 2,000/s\n"


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    terminal = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda **_: terminal)
    with progress.progress("resources", total=100) as show:
        show(50)
    assert "50 resources" in screen.getvalue()
