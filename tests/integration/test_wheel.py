"""The wheel holds everything: installed alone in an empty environment, it serves from any folder."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


def test_the_wheel_shows_its_demo_serves_from_another_folder_and_ends_when_told(tmp_path: Path) -> None:
    command = _installed(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shown = _run(command, "demo", "--exit", "--port", "0", folder=elsewhere)
    assert "certain" in shown
    assert list(elsewhere.iterdir()) == []
    with _serving(command, elsewhere) as (server, url):
        statement = _get(f"{url}/fhir/metadata")
        assert "/fhir/Patient/$match" in _get(f"{url}/openapi.json")["paths"]
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    assert "Application shutdown complete." in (elsewhere / "server.log").read_text()
    patient = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    assert "match" in {operation["name"] for operation in patient["operation"]}
    assert "birthdate" in {parameter["name"] for parameter in patient["searchParam"]}
    assert (elsewhere / "index.db").is_file()


def test_the_image_is_made_from_what_the_wheel_is_made_from() -> None:
    """What the Dockerfile copies in is all that the build reads, and .dockerignore lets it through."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    passed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert passed == {
        *("pyproject.toml", "README.md", "LICENSE", "fhir_mpi", "profiles", "capability", "search_params")
    }
    copied = [line for line in dockerfile.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert {name for line in copied for name in line.split()[1:-1]} == passed


def _installed(folder: Path) -> Path:
    """The command `fhir-mpi` of an environment that holds the wheel and what it asks for, nothing else."""
    wheels, environment = folder / "dist", folder / "environment"
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT)
    _run(sys.executable, "-m", "venv", environment)
    [wheel] = wheels.glob("fhir_mpi-*.whl")
    _run(environment / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    return environment / "bin" / "fhir-mpi"


def _run(*command: str | Path, folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@contextmanager
def _serving(command: Path, folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {"PATH": "/usr/bin:/bin", "FHIR_MPI_STORE": "sqlite:///index.db"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [command, "serve", "--port", str(port)], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(server, url, folder / "server.log")
        yield server, url
    finally:
        server.kill()
        server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            _get(f"{url}/readyz")
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server did not start: {log.read_text()[-3000:]}")


def _get(url: str) -> Any:
    return httpx.get(url, timeout=10).raise_for_status().json()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
