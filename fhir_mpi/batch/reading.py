"""Input files as chunks of documents, read in bounded memory: NDJSON, JSON, gzip, folders, standard input.

A document is one line of an NDJSON file, or a whole JSON file. Nothing is parsed here beyond what tells
one from the other, so that the process that reads can keep several that parse busy.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import orjson

STDIN: Final = "-"
NDJSON: Final = (".ndjson", ".jsonl")
JSON: Final = (*NDJSON, ".json")
REJECTS: Final = ".rejects.ndjson"
GZIP_MAGIC: Final = b"\x1f\x8b"
CHUNK_LINES: Final = 250
CHUNK_BYTES: Final = 512 * 1024


class UnreadableInput(Exception):
    """An input can't be read, or not to its end; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Documents of one source, each with the number of its first line."""

    source: str
    documents: tuple[tuple[int, bytes], ...]


def inputs(path: str) -> list[str]:
    """The files that `path` names: itself, or every JSON and NDJSON file below a folder, in order.

    Rejects files are left out. UnreadableInput where nothing is there.
    """
    if path == STDIN:
        return [path]
    place = Path(path)
    if not place.exists():
        raise UnreadableInput(f"{path}: no such file or folder")
    if not place.is_dir():
        return [path]
    found = sorted(str(file) for file in place.rglob("*") if file.is_file() and _is_input(file))
    if not found:
        raise UnreadableInput(
            f"{path}: no .ndjson, .jsonl or .json file (nor one of them as .gz) in this folder"
        )
    return found


def chunks(sources: Iterable[str]) -> Iterator[Chunk]:
    """Every document of these files, in order. UnreadableInput where one breaks off."""
    for source in sources:
        name = "standard input" if source == STDIN else source
        with _opened(source, name) as stream:
            yield from _chunked(name, _documents(source, stream))


def _is_input(file: Path) -> bool:
    name = file.name.removesuffix(".gz")
    return name.endswith(JSON) and not name.endswith(REJECTS)


@contextmanager
def _opened(source: str, name: str) -> Iterator[Iterable[bytes]]:
    """The lines of a source, unpacked where they are gzip, whatever the name says."""
    try:
        with open(source, "rb") if source != STDIN else _stdin() as raw:
            packed = raw.peek(2)[:2] == GZIP_MAGIC
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableInput(f"{name}: the gzip data is damaged or breaks off") from error
    except OSError as error:
        raise UnreadableInput(f"{name}: {error.strerror or 'cannot be read'}") from error


def _stdin() -> io.BufferedReader:
    """Standard input with a `peek`, which not everything that stands in for it has."""
    return io.BufferedReader(sys.stdin.buffer)  # type: ignore[arg-type]  # any binary stream will do


def _documents(source: str, stream: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    lines = ((number, line) for number, line in enumerate(stream, start=1) if not line.isspace())
    first = next(lines, None)
    if first is None:
        return iter(())
    if source.removesuffix(".gz").endswith(NDJSON) or _is_whole(first[1]):
        return chain([first], lines)
    return iter([(first[0], b"".join([first[1], *(line for _, line in lines)]))])


def _is_whole(line: bytes) -> bool:
    """Whether the line is a JSON document by itself: what begins so is read line by line."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _chunked(name: str, documents: Iterable[tuple[int, bytes]]) -> Iterator[Chunk]:
    held: list[tuple[int, bytes]] = []
    size = 0
    for number, document in documents:
        held.append((number, document))
        size += len(document)
        if len(held) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield Chunk(name, tuple(held))
            held, size = [], 0
    if held:
        yield Chunk(name, tuple(held))
