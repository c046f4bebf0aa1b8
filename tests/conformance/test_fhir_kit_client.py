"""fhir-kit-client (npm), unchanged, against a server on a real socket; run where node and the package are.

    npm install --no-save fhir-kit-client@2.0.3

in this checkout, or in a folder whose node_modules FHIR_MPI_TEST_NODE_MODULES names.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("fhir_kit_client.mjs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the script, from which node finds the package."""
    modules = Path(os.environ.get("FHIR_MPI_TEST_NODE_MODULES", ROOT / "node_modules"))
    if shutil.which("node") is None or not (modules / "fhir-kit-client").is_dir():
        pytest.skip("FHIR-KIT-CLIENT IS NOT TRIED: it needs node, and npm install fhir-kit-client@2.0.3")
    (tmp_path / "node_modules").symlink_to(modules)
    shutil.copy(SCRIPT, tmp_path)
    return tmp_path


def test_every_method_of_fhir_kit_client_works(base_url: str, folder: Path) -> None:
    done = subprocess.run(
        ["node", SCRIPT.name, base_url],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], "public methods that were not called"
