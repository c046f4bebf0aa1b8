"""Is the process alive, can it serve: for an orchestrator, without authentication or content."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.http.state import server
from fhir_mpi.interactions.rekeying import progress


async def livez(_: Request) -> Response:
    """200 while the event loop turns; asks nothing of the store."""
    return _json({"status": "alive"}, 200)


async def readyz(request: Request) -> Response:
    """200 when the store can serve, else 503 with the reasons; what is re-keyed meanwhile, and how far."""
    services = server(request).services
    problems = await services.store.problems()
    if problems:
        return _json({"status": "unavailable", "problems": list(problems)}, 503)
    moving = await progress(services.keys)
    return _json({"status": "ready", **({"rekeying": moving} if moving else {})}, 200)


def _json(content: dict[str, object], status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
