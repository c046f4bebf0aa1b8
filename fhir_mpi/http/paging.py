"""The pages of an operation's answer: a call says where one begins, links say where the next one does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http.cursors import Cursors
from fhir_mpi.http.state import base_url, server

CURSOR: Final = "_cursor"
"""The parameter of an OperationDefinition whose answer has pages."""


@dataclass(frozen=True, slots=True)
class Pages:
    """`asked` is the call without its `cursor`, below the base; `after` is where its page begins."""

    cursors: Cursors
    base: str
    asked: str
    cursor: str | None
    after: str | None

    def linked(self, bundle: Resource, next: str | None) -> Resource:
        """The Bundle with links to itself and to the next page, which is a GET."""
        links = [{"relation": "self", "url": self._url(self.cursor)}]
        if next is not None:
            links.append({"relation": "next", "url": self._url(self.cursors.sign(next, self.asked))})
        return {**bundle, "link": links}

    def _url(self, cursor: str | None) -> str:
        if cursor is None:
            return f"{self.base}/{self.asked}"
        return f"{self.base}/{self.asked}{'&' if '?' in self.asked else '?'}{urlencode({CURSOR: cursor})}"


def pages(request: Request, parameters: Json) -> Pages:
    """The pages of a call with these parameters; InvalidRequest or ExpiredPage for a cursor of no use."""
    own = server(request)
    path = request.url.path.removeprefix(own.base_path).lstrip("/")
    pairs = [(name, text) for name, value in parameters.items() if name != CURSOR for text in _texts(value)]
    asked = f"{path}?{urlencode(pairs)}".removesuffix("?")
    cursor = parameters.get(CURSOR)
    after = None if cursor is None else own.cursors.position(cursor, asked)
    return Pages(own.cursors, base_url(request), asked, cursor, after)


def _texts(value: Any) -> Sequence[str]:
    """What a URL says for the value of a primitive parameter."""
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
