"""A worker's own services: opened when they are first asked for, in the process that asks."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.services import Services

Answer = TypeVar("Answer")


class Bench:
    """Services for one thread, and a loop of its own that they run in."""

    def __init__(self, intake: Intake, opening: Callable[[], AbstractAsyncContextManager[Services]]) -> None:
        self.intake = intake
        self._opened = opening()
        self._runner = asyncio.Runner()
        self._services: Services | None = None

    def run(self, ask: Callable[[Services], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `ask` answers, asked of these services."""
        return self._runner.run(self._ask(ask))

    def close(self) -> None:
        """Closes what was opened."""
        if self._services is not None:
            self._runner.run(self._close())
        self._runner.close()

    async def _ask(self, ask: Callable[[Services], Coroutine[Any, Any, Answer]]) -> Answer:
        if self._services is None:
            self._services = await self._opened.__aenter__()
        return await ask(self._services)

    async def _close(self) -> None:
        await self._opened.__aexit__(None, None, None)
