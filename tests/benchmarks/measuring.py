"""Percentiles, memory and a lean HTTP client, for every benchmark."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(seconds: Sequence[float]) -> str:
    """p50, p95 and p99 in milliseconds, for a line of a report."""
    return " ".join(f"p{int(s * 100)} {percentile(seconds, s) * 1000:.2f} ms" for s in (0.5, 0.95, 0.99))


def rss_mib(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


BETWEEN_CLIENTS = 0.02
"""Seconds between the arrivals of two clients."""


class Connection:
    """One keep-alive connection that sends prepared requests and reads whole answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; the body has a Content-Length."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return status, await self._reader.readexactly(length)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def post(path: str, body: bytes) -> bytes:
    """A POST of FHIR JSON, ready to send."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(target: str) -> bytes:
    """A GET, ready to send."""
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def timed(host: str, port: int, requests: Sequence[bytes]) -> list[float]:
    """Seconds of each request on one connection; RuntimeError for an answer that is no success."""
    connection = await Connection.open(host, port)
    seconds = []
    for request in requests:
        started = time.perf_counter()
        status, _ = await connection.send(request)
        seconds.append(time.perf_counter() - started)
        if status not in (200, 201):
            raise RuntimeError(f"the server answered {status}")
    await connection.close()
    return seconds


async def at_once(
    host: str, port: int, requests: Sequence[bytes], connections: int
) -> tuple[float, list[float]]:
    """Requests a second over several connections, opened one after the other, and the seconds of each."""

    async def share(number: int) -> list[float]:
        # Clients don't arrive in the same millisecond: the first worker to wake would accept them all.
        await asyncio.sleep(number * BETWEEN_CLIENTS)
        return await timed(host, port, requests[number::connections])

    started = time.perf_counter()
    found = await asyncio.gather(*(share(number) for number in range(connections)))
    rate = len(requests) / (time.perf_counter() - started)
    return rate, [seconds for part in found for seconds in part]
