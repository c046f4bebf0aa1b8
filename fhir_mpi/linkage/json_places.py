"""Where in the text of a JSON document a JSON path is: the line, and the rule that it lies in."""

import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from typing import Any, Final

import orjson

_STEP: Final = re.compile(r"\.([^.\[\]:]+)|\[(\d+)\]|\['([^']+)'\]")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r"[^\s,\]}]+")
_string: Final = JSONDecoder().raw_decode
_NAMES: Final = ("guard", "name", "label")

_Path = tuple[str | int, ...]


def placed(problems: Sequence[str], text: str) -> list[str]:
    """The problems of a document (`path: sentence`), each with its line and the names on its way there.

    >>> placed(["$.caps[0].atMost: no grade"], '{"caps": [\\n {"guard": "twins",\\n  "atMost": "x"}]}')
    ['line 3 (twins): $.caps[0].atMost: no grade']
    """
    starts, document = dict(_walk(text, _space(text, 0), ())[0]), orjson.loads(text)
    return [_placed(problem, text, starts, document) for problem in problems]


def _placed(problem: str, text: str, starts: dict[_Path, int], document: Any) -> str:
    path = _path(problem.split(": ", 1)[0])
    while path not in starts:
        path = path[:-1]
    line = text.count("\n", 0, starts[path]) + 1
    names = "/".join(_names(document, path))
    return f"line {line} ({names}): {problem}" if names else f"line {line}: {problem}"


def _path(json_path: str) -> _Path:
    """As jsonschema writes it: `$.caps[0].when` or `$['odd name']`."""
    steps = _STEP.findall(json_path)
    return tuple(int(index) if index else key or quoted for key, index, quoted in steps)


def _names(value: Any, path: _Path) -> Iterator[str]:
    """What the objects on the way down call themselves; the document's own name goes without saying."""
    for step in path:
        value = value[step]
        if isinstance(value, dict):
            yield from [value[name] for name in _NAMES if isinstance(value.get(name), str)][:1]


def _walk(text: str, at: int, path: _Path) -> tuple[list[tuple[_Path, int]], int]:
    """The places within one value of valid JSON, and where it ends."""
    found: list[tuple[_Path, int]] = [(path, at)]
    if text[at] == '"':
        return found, _string(text, at)[1]
    if text[at] not in "{[":
        scalar = _SCALAR.match(text, at)
        return found, scalar.end() if scalar else at + 1
    close, keyed, count = ("}", True, 0) if text[at] == "{" else ("]", False, 0)
    at = _space(text, at + 1)
    while text[at] != close:
        step: str | int = count
        begins = at
        if keyed:
            step, at = _string(text, at)
            at = _space(text, _space(text, at) + 1)
        inner, at = _walk(text, at, (*path, step))
        found += [((*path, step), begins), *inner[1:]]
        count, at = count + 1, _space(text, at)
        at = _space(text, at + 1) if text[at] == "," else at
    return found, at + 1


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
