"""Which pages of other origins a browser lets ask this server (the Fetch standard, CORS protocol).

The layer lies around all others, so that a page can read errors too. Credentials of the browser's own,
such as cookies, are never allowed: a client names itself in the request.
"""

from collections.abc import Collection
from typing import Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SENT: Final = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-Modified-Since",
    "If-None-Exist",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
    "traceparent",
)
"""Headers that a page may send, beside those that need no permission."""
SHOWN: Final = (
    "Content-Location",
    "ETag",
    "Last-Modified",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "X-Request-Id",
)
"""Headers of an answer that a page may read, beside those that need no permission."""


def cors(origins: Collection[str]) -> Middleware:
    """The layer for pages of these origins; `*` stands for any."""
    return Middleware(
        CORSMiddleware,
        allow_origins=sorted(origins),
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=SHOWN,
    )
