"""GET /openapi.json and GET /docs: the API described for programs and for people."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.capability import statement
from fhir_mpi.http.openapi.document import document
from fhir_mpi.http.state import server
from fhir_mpi.operations.table import offered

FOLDER: Final = Path(__file__).parent
STYLE: Final = (FOLDER / "page.css").read_text(encoding="utf-8")
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
}
"""The page brings nothing but its own style, and needs nothing from anywhere."""


async def openapi(request: Request) -> Response:
    body = await to_thread.run_sync(lambda: encode(_described(request)))
    return Response(body, media_type="application/json")


async def docs(request: Request) -> Response:
    """The document as a page without scripts."""
    page = await to_thread.run_sync(_page, request)
    return Response(page, media_type="text/html", headers=HEADERS)


def _page(request: Request) -> str:
    found = _described(request)
    return TEMPLATES.get_template("page.html").render(document=found, groups=_groups(found), style=STYLE)


def _described(request: Request) -> Json:
    """Made anew for each client's base URL, in a thread: the metadata of every type takes a while to load."""
    own = server(request)
    definitions, limits = own.services.definitions, own.services.limits
    operations = offered(definitions.operations.values(), limits)
    return document(statement(request), operations, own.base_path)


def _groups(document: Json) -> dict[str, list[Json]]:
    """The operations by tag, each with its method and path, and with what it refers to in place."""
    found: dict[str, list[Json]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            entry = {
                **operation,
                "method": method.upper(),
                "path": path,
                "parameters": list(_resolved(document, operation.get("parameters", ()))),
                "responses": {s: _target(document, r) for s, r in operation["responses"].items()},
            }
            found.setdefault(operation["tags"][0], []).append(entry)
    return found


def _resolved(document: Json, values: Iterable[Json]) -> Iterator[Json]:
    return (_target(document, value) for value in values)


def _target(document: Json, value: Json) -> Json:
    """What a local reference refers to; a value that is none as it is."""
    if "$ref" not in value:
        return value
    found: Any = document
    for step in value["$ref"].split("/")[1:]:
        found = found[step]
    return dict(found)
