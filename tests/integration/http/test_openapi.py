"""/openapi.json and /docs: valid, whole, and true to the routes."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from httpx import AsyncClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import BaseRoute, Route

from fhir_mpi.definitions import load_definitions
from fhir_mpi.http.openapi.pages import TEMPLATES
from fhir_mpi.http.routes import WRITES, OperationRoutes, routes
from fhir_mpi.interactions.published import TYPES
from fhir_mpi.operations.table import OPERATIONS
from tests.integration.http.exchanges import outcome
from tests.integration.http.serving import ROOT, Serve

CONVERTED = re.compile(r":fhir_id\}")


async def described(client: AsyncClient) -> dict[str, Any]:
    response = await client.get(f"{ROOT}/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


async def test_the_document_is_valid(client: AsyncClient) -> None:
    document = await described(client)
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["servers"] == [{"url": ROOT}]
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids)) > 150


def spelled_out(route: Route) -> Iterator[str]:
    """The paths that a route stands for, one for each type."""
    path = CONVERTED.sub("}", route.path)
    for placeholder, types in (
        ("{type:fhir_type}", load_definitions().types),
        ("{type:fhir_published}", TYPES),
    ):
        if placeholder in path:
            yield from (path.replace(placeholder, type) for type in types)
            return
    yield "/fhir/" if path == "/fhir" else path


def flat(given: list[BaseRoute]) -> Iterator[Route]:
    for route in given:
        found = route.routes if isinstance(route, OperationRoutes) else [route]
        yield from (one for one in found if isinstance(one, Route))


async def test_every_route_is_described_and_nothing_else(serve: Serve) -> None:
    async with serve(expunge=True, mdm="match-and-link") as client:
        paths = (await described(client))["paths"]
    described_ones = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    served = {
        (method, path)
        for route in flat(routes("/fhir", load_definitions(), OPERATIONS))
        for path in spelled_out(route)
        for method in (route.methods or set()) - {"HEAD"}
        if "fhir_published" not in route.path or method not in WRITES or path.endswith("/_search")
    }
    assert described_ones == served


async def test_what_a_setting_turns_off_is_not_described(client: AsyncClient) -> None:
    assert not [path for path in (await described(client))["paths"] if "$expunge" in path]


async def test_allow_names_no_method_that_is_always_refused(client: AsyncClient) -> None:
    for url in ("/StructureDefinition", "/StructureDefinition/x"):
        response = await client.request("OPTIONS", url)
        outcome(response, 405, "not-supported")
        assert response.headers["allow"] == "GET, HEAD"


async def test_settings_and_a_public_url_are_followed(serve: Serve) -> None:
    async with serve(base_url="https://mpi.example.org/x/fhir", base_path="/fhir") as client:
        document = await described(client)
        assert document["servers"] == [{"url": "https://mpi.example.org/x"}]


class Page(HTMLParser):
    """What a page brings along, where it points, and its style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.style = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = dict(attrs)
        assert not {name for name in names if name.startswith("on")} | (names.keys() & {"src", "style"})
        self.links += [names["href"] or ""] if "href" in names else []

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and not self.style:
            self.style = data


async def test_the_page_shows_every_operation_and_asks_nobody_else(client: AsyncClient) -> None:
    response = await client.get(f"{ROOT}/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page, policy = Page(response.text), response.headers["content-security-policy"]
    assert page.tags.isdisjoint({"script", "img", "link", "iframe"})
    assert [link for link in page.links if link[0] != "#"] == ["openapi.json"]
    assert policy.startswith("default-src 'none'")
    assert b64encode(sha256(page.style.encode()).digest()).decode() in policy
    for path, methods in (await described(client))["paths"].items():
        assert response.text.count(f"<code>{path}</code>") == len(methods)


def test_what_a_definition_says_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    info = {"title": hostile, "version": "1", "description": hostile}
    page = TEMPLATES.get_template("page.html").render(document={"info": info}, groups={}, style="")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
