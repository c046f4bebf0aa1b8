"""What every endpoint needs of the server: services, bounds, signing key."""

from dataclasses import dataclass

from starlette.requests import Request

from fhir_mpi.http.cursors import Cursors
from fhir_mpi.interactions.published import Published
from fhir_mpi.interactions.services import Services


@dataclass(frozen=True, slots=True)
class Server:
    """The running server as endpoints see it: `request.state.server`, put there by the lifespan.

    Sizes are in bytes, `body_timeout` in seconds; `base_url` is None where it follows the request.
    """

    services: Services
    published: Published
    cursors: Cursors
    base_path: str
    base_url: str | None
    max_body: int
    max_match_body: int
    max_bundle_body: int
    body_timeout: float


def server(request: Request) -> Server:
    found: Server = request.state.server
    return found


def base_url(request: Request) -> str:
    """The FHIR base as this client reaches it, without a slash at its end.

    Links are made from the request (clients such as fhirpy want their own base in them), unless the
    operator named the public URL.
    """
    own = server(request)
    if own.base_url is not None:
        return own.base_url.rstrip("/")
    return f"{request.url.scheme}://{request.url.netloc}{own.base_path}"


def below_base(request: Request, url: str) -> str | None:
    """What of an absolute URL follows this server's base; None where it is another server's.

    The base is known by the public URL that the operator named and by the one that this client used.
    """
    reached = f"{request.url.scheme}://{request.url.netloc}{server(request).base_path}"
    for base in (base_url(request), reached):
        rest = url.removeprefix(base)
        if url.startswith(base) and (not rest or rest[0] in "/?"):
            return rest
    return None
