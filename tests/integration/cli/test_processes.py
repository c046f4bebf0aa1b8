"""The command as a process of its own: serving, the demo, being killed, being interrupted."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.command import ids, patient, run, versions, written

SECONDS = 60.0
"""How long a process may take to get somewhere before the test gives it up."""


@contextmanager
def started(*arguments: object, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The command in a process group of its own; whatever is left of it is ended with the block."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fhir_mpi", *(str(a) for a in arguments)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            start_new_session=True,
            preexec_fn=_interruptible,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interruptible() -> None:
    """What is started in the background of a shell ignores SIGINT, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def said(folder: Path, text: str, process: "subprocess.Popen[bytes]") -> str:
    """The output, once it has `text` in it."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended = process.poll() is not None
        output = (folder / "output").read_text()
        if text in output:
            return output
        if ended:
            break
        time.sleep(0.05)
    raise AssertionError(f"{text!r} was not said: {output}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        found: int = probe.getsockname()[1]
        return found


def asked(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON body, once somebody answers."""
    end = time.monotonic() + SECONDS
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except ConnectionRefusedError:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.05)
        finally:
            connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_server_serves_what_was_loaded_and_ends_when_asked(tmp_path: Path, workers: int) -> None:
    url = f"sqlite:///{tmp_path / 'index.db'}"
    run("load", written(tmp_path / "people.ndjson", [patient("a")]), "--workers", 1, "--store", url)
    port = free_port()
    with started("serve", "--port", port, "--workers", workers, "--store", url, folder=tmp_path) as process:
        output = said(tmp_path, "listening at", process)
        assert f"listening at http://127.0.0.1:{port}/fhir" in output
        assert f"curl 'http://127.0.0.1:{port}/fhir/metadata'" in output
        assert "WARNING" not in output
        assert asked(port, "/fhir/Patient/a")[1]["name"] == [{"family": "Rivera"}]
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    assert "Traceback" not in (tmp_path / "output").read_text()


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_websocket_that_is_asked_for_leaves_no_name_in_the_log(tmp_path: Path, command: str) -> None:
    url, port = f"sqlite:///{tmp_path / 'index.db'}", free_port()
    opening = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    with started(command, "--port", port, "--store", url, folder=tmp_path) as process:
        said(tmp_path, {"serve": "running on", "demo": "stays up"}[command], process)
        with closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
            connection.request("GET", "/fhir/Patient?family=Canary", headers=opening)
            assert connection.getresponse().status == 200  # an offer that a server may pass over
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    assert "Canary" not in (tmp_path / "output").read_text()


def test_an_address_that_others_reach_is_warned_of(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'index.db'}"
    port = free_port()
    with started("serve", "--host", "0.0.0.0", "--port", port, "--store", url, folder=tmp_path) as process:  # noqa: S104
        assert "NO AUTHENTICATION" in said(tmp_path, "WARNING", process)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", port, "--store", f"sqlite:///{tmp_path / 'index.db'}")
    assert (result.exit_code, f"can't listen on 127.0.0.1, port {port}" in result.output) == (2, True)


def test_the_demo_shows_three_answers_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("demo", "--exit", "--port", port, folder=tmp_path) as process:
            assert process.wait(SECONDS) == 0
    output = (tmp_path / "output").read_text()
    assert "1,000 invented people" in output
    assert output.count(f"curl http://127.0.0.1:{port}/") == 0
    assert output.count("curl ") == 3
    assert "certain" in output
    assert output.count("│ grade") + output.count("┃ grade") == 1, "a search has no grades"
    assert '"resourceType": "Patient"' in output
    store = output.splitlines()[0].rpartition("sqlite:///")[2]
    assert not Path(store).parent.exists()


def test_the_demo_stays_until_it_is_ended(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'demo.db'}"
    with started("demo", "--store", store, "--port", free_port(), folder=tmp_path) as process:
        output = said(tmp_path, "the server stays up at http://127.0.0.1:", process)
        port = int(output.rpartition("http://127.0.0.1:")[2].split("/")[0])
        assert asked(port, "/fhir/Patient?_summary=count&_count=0")[1]["total"] == 1000
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert len(ids(store)) == 1000
    refused = run("demo", "--store", store, "--exit")
    assert (refused.exit_code, "holds data" in refused.output) == (2, True)


def test_a_load_that_is_killed_is_finished_by_running_it_again(tmp_path: Path) -> None:
    people = [patient(f"p{n:04}", f"Family {n}") for n in range(3000)]
    nameless = [patient(None, f"Nameless {n}") for n in range(500)]
    file = written(tmp_path / "people.ndjson", [*people, *nameless])
    url = f"sqlite:///{tmp_path / 'index.db'}"
    run("version", "--store", url)
    load = ("load", file, "--batch", 250, "--workers", 1, "--store", url)
    with started(*load, folder=tmp_path) as process:
        killed_at = _wait_for_some(tmp_path / "index.db", url, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _workers_are_gone(process.pid)
    half = len(versions(url))
    assert killed_at <= half < 3500
    assert half % 250 == 0
    again = run(*load)
    assert again.exit_code == 0
    assert f"3,500 read: {3500 - half:,} created, 0 updated, {half:,} unchanged" in again.output
    assert len(ids(url)) == 3500
    assert {version for _, version in ids(url)} == {1}


def _wait_for_some(file: Path, url: str, process: "subprocess.Popen[bytes]") -> int:
    """How many resources are stored, as soon as there are some."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the load was over before it could be killed"
        if file.exists() and (found := len(versions(url))):
            return found
        time.sleep(0.05)
    raise AssertionError("nothing was loaded")


def _workers_are_gone(group: int) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("worker processes outlive the load")


def test_an_interrupted_load_says_so_in_one_word(tmp_path: Path) -> None:
    file = written(tmp_path / "people.ndjson", (patient(f"p{n}") for n in range(20_000)))
    url = f"sqlite:///{tmp_path / 'index.db'}"
    with started("load", file, "--batch", 250, "--store", url, folder=tmp_path) as process:
        _wait_for_some(tmp_path / "index.db", url, process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 130
        _workers_are_gone(process.pid)
    output = (tmp_path / "output").read_text()
    assert "stopped" in output
    assert "Traceback" not in output
