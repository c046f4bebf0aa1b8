"""Compressed answers, as the client's Accept-Encoding wishes (RFC 9110, section 12.5.3): pure ASGI.

Only whole answers that are worth it are compressed; every answer of ours is one. Large ones are
compressed in a thread: brotli takes some 10 ms for a megabyte, in which other requests go on.
"""

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import anyio.to_thread
import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST: Final = 1024
"""Bytes below which an answer fits one packet anyway."""
LARGE: Final = 64 * 1024
ENCODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "br": lambda body: brotli.compress(body, quality=4),
    "gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
"""The better first, which is taken where a client likes both as much."""


class Compression:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = (
            preferred(Headers(scope=scope).get("accept-encoding", "")) if scope["type"] == "http" else None
        )
        if wanted is None:
            await self._app(scope, receive, send)
            return
        start: Message = {}

        async def compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start:
                message = await _encoded(start, message, wanted)
                await send(start)
                start = {}
            await send(message)

        await self._app(scope, receive, compressed)


@lru_cache(maxsize=256)  # a client says the same at every request
def preferred(accepted: str) -> str | None:
    """The encoding to answer in, None for none.

    >>> preferred("gzip, br"), preferred("br;q=0.5, gzip"), preferred("br;q=0, *;q=0.1")
    ('br', 'gzip', 'gzip')
    """
    wishes = dict(_wish(part) for part in accepted.split(",") if part.strip())
    weights = {name: wishes.get(name, wishes.get("*", 0.0)) for name in ENCODINGS}
    best = max(weights, key=weights.__getitem__)
    return best if weights[best] > 0 else None


def _wish(part: str) -> tuple[str, float]:
    name, _, parameter = part.strip().lower().partition(";")
    _, _, weight = parameter.partition("q=")
    try:
        return name.strip(), float(weight) if weight else 1.0
    except ValueError:
        return name.strip(), 0.0


async def _encoded(start: Message, message: Message, encoding: str) -> Message:
    """The body compressed, with what its headers must say; as it is where that is not worth it."""
    headers, body = MutableHeaders(scope=start), message.get("body", b"")
    headers.add_vary_header("Accept-Encoding")
    if len(body) < LEAST or message.get("more_body") or "content-encoding" in headers:
        return message
    compress = ENCODINGS[encoding]
    small = compress(body) if len(body) < LARGE else await anyio.to_thread.run_sync(compress, body)
    headers["content-encoding"], headers["content-length"] = encoding, str(len(small))
    return {**message, "body": small}
