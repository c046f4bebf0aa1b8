"""Fixtures for every test."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code: no test is timed,
# and none fails for whoever comes next by an example drawn at random.
settings.register_profile(
    "untimed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
