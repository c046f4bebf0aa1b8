"""Request bodies: bounded in size and time, decoded strictly."""

import asyncio
import zlib
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import MalformedBody, TooLong
from fhir_mpi.fhir.types import Resource
from fhir_mpi.http.negotiation import check_body_type, is_compressed

GZIP: Final = 16 + zlib.MAX_WBITS


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body, decompressed where it came as gzip.

    TooLong beyond `limit` bytes, declared, sent or unpacked; MalformedBody for a broken gzip stream;
    408 after `seconds`.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_long(limit)
    try:
        async with asyncio.timeout(seconds):
            return await (_unpacked if is_compressed(request) else _bounded)(request, limit)
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {seconds:g} seconds") from error


async def received(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body as it came; TooLong beyond `limit` bytes, 408 after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await _bounded(request, limit)
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {seconds:g} seconds") from error


async def read_resource(request: Request, *, limit: int, seconds: float) -> Resource:
    """The body as a FHIR JSON object; raises the FhirError that fits."""
    check_body_type(request)
    return decode(await read_body(request, limit=limit, seconds=seconds))


async def _bounded(request: Request, limit: int) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > limit:
            raise _too_long(limit)
    return bytes(found)


async def _unpacked(request: Request, limit: int) -> bytes:
    """Never more of it in memory than `limit` and one chunk."""
    unpacking, found = zlib.decompressobj(GZIP), bytearray()
    async for chunk in request.stream():
        try:
            found += unpacking.decompress(chunk, limit - len(found) + 1)
        except zlib.error as error:
            raise MalformedBody("the body is no gzip stream") from error
        if len(found) > limit:
            raise _too_long(limit)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedBody("the gzip stream of the body is not whole")
    return bytes(found)


def _too_long(limit: int) -> TooLong:
    return TooLong(f"the body is longer than {limit} bytes")
