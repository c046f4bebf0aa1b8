"""Strict JSON in, exact JSON out.

`decode` refuses what JSON parsers disagree about (duplicate keys, lone surrogates, a byte order mark,
NaN) and what a store could not keep: a number of more than 64 bits, or of more digits than IEEE 754
decimal128 holds, could not be stored in MongoDB and read back the same. Numbers written with a
fraction or an exponent become `Decimal`, so that `1.00` stays `1.00` (FHIR R5, decimal).
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, Never

import orjson

from fhir_mpi.fhir.outcome import FhirError, InvalidResource, InvalidValue, Issue, MalformedBody
from fhir_mpi.fhir.types import Json, Resource

MAX_STRING: Final = 1024 * 1024
MAX_DIGITS: Final = 34  # significant digits of decimal128
MAX_EXPONENT: Final = 308  # past a double, where most receivers would read infinity or zero
MAX_INTEGER_TEXT: Final = 20  # "-9223372036854775808"
LOCATE_UP_TO: Final = 256 * 1024  # looking for a place costs more than the parse: not for large bodies

_CONTAINERS: Final = (dict, list)
_SUSPECT: Final = re.compile(r"\\(?:[bf]|u00[01]|u[dD][89a-fA-F])")
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<lone>u[dD][89a-fA-F]..)"
    r"|(?P<control>[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]))|.)",
    re.DOTALL,
)
_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*+")(?P<key>\s*+:)?|[{}]|-?[0-9][-+.0-9eE]*+', re.DOTALL
)


class _Refused(ValueError):
    """A hook of the decoder refused `token`; hooks do not know where they are."""

    def __init__(self, error: type[FhirError], text: str, token: str, *, twice: bool = False) -> None:
        super().__init__(text)
        self.error, self.text, self.token, self.twice = error, text, token, twice


def decode(body: bytes, *, max_depth: int = 64) -> Resource:
    """The JSON object in `body`, strictly.

    Raises MalformedBody (400 structure) for what is no JSON object as FHIR wants it, InvalidValue
    (400 value) for a number or character that is out of range, InvalidResource (400 too-long) for a
    string of more than 1 MiB. Messages name line and column, never content.

    >>> decode(b'{"value": 1.00}')
    {'value': Decimal('1.00')}
    """
    found = _decoded(body, max_depth)
    if not isinstance(found, dict):
        raise MalformedBody("the body must be a JSON object")
    return found


def decode_array(body: bytes, *, max_depth: int = 64) -> list[Any]:
    """The JSON array in `body`, as strictly as `decode`: a JSON Patch is one.

    >>> decode_array(b'[{"op": "test"}]')
    [{'op': 'test'}]
    """
    found = _decoded(body, max_depth)
    if not isinstance(found, list):
        raise MalformedBody("the body must be a JSON array")
    return found


def encode(value: object) -> bytes:
    """UTF-8 JSON of `value`, key order and decimal digits kept; an `orjson.Fragment` is spliced in as it is.

    >>> encode({"value": Decimal("1.00"), "entry": [orjson.Fragment(b'{"id":"a"}')]})
    b'{"value":1.00,"entry":[{"id":"a"}]}'
    """
    return orjson.dumps(value, default=_fragment)


def indented(body: bytes) -> bytes:
    """JSON of ours as people read it, every digit of a decimal kept.

    >>> print(indented(b'{"value":1.00,"name":[]}').decode())
    {
      "value": 1.00,
      "name": []
    }
    """
    found = json.loads(body, parse_float=Decimal)
    return orjson.dumps(found, default=_fragment, option=orjson.OPT_INDENT_2)


def encode_sorted(value: object) -> bytes:
    """UTF-8 JSON with sorted keys: equal bytes for what says the same, every digit of a decimal compared.

    >>> encode_sorted({"b": Decimal("1.00"), "a": {}})
    b'{"a":{},"b":1.00}'
    """
    return orjson.dumps(value, default=_fragment, option=orjson.OPT_SORT_KEYS)


def _decoded(body: bytes, max_depth: int) -> object:
    if not body:
        raise MalformedBody("No body was supplied in request")  # HAPI's words
    text = _text(body)
    if _SUSPECT.search(text):
        _check_escapes(text)
    found = _parse(text)
    if text.count("{") + text.count("[") > max_depth:
        _check_depth(found, max_depth)
    if len(text) > MAX_STRING:
        _check_lengths(found)
    return found


def _fragment(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(f"cannot write {type(value).__name__} as JSON")
    text = str(value)
    return orjson.Fragment(format(value, "f") if "E-" in text else text)


def _text(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedBody("the body must not begin with a byte order mark")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8 at byte {error.start}") from None


def _parse(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedBody(f"the body is not JSON{_place(text, error.pos)}") from None
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except _Refused as refused:
        raise refused.error(f"{refused.text}{_found_at(text, refused)}") from None


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused(MalformedBody, "a key stands twice in one object", _duplicate(pairs), twice=True)
    # Names of FHIR elements are alphanumeric; only the rest, `_birthDate` say, needs a closer look.
    if "" in found or not "".join(found).isalnum():
        _check_keys(found)
    return found


def _check_keys(found: Json) -> None:
    for key in found:
        if not key or key[0] == "$" or "." in key or "\0" in key or key == "__proto__":
            raise _Refused(MalformedBody, "a key is empty, reserved or has a character it must not have", key)


def _duplicate(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_TEXT or not -(2**63) <= (value := int(text)) < 2**63:
        raise _Refused(InvalidValue, "an integer has more than 64 bits", text)
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    digits = value.as_tuple().digits
    if len(digits) > MAX_DIGITS:
        raise _Refused(InvalidValue, f"a number has more than {MAX_DIGITS} significant digits", text)
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise _Refused(MalformedBody, "the exponent of a number is out of range", text)
    return value


def _constant(text: str) -> Never:
    raise _Refused(MalformedBody, "NaN and Infinity are not JSON", text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def _check_escapes(text: str) -> None:
    for escape in _ESCAPE.finditer(text):
        if escape["lone"]:
            raise MalformedBody(f"half of a surrogate pair stands alone{_place(text, escape.start())}")
        if escape["control"]:
            raise InvalidValue(f"a string has a control character{_place(text, escape.start())}")


def _check_depth(found: object, max_depth: int) -> None:
    level: list[Any] = [found]
    for _ in range(max_depth):
        level = [child for parent in level for child in _children(parent) if isinstance(child, _CONTAINERS)]
        if not level:
            return
    raise MalformedBody(f"the body is nested more than {max_depth} deep")


def _check_lengths(found: object) -> None:
    level: list[Any] = [found]
    while level:
        if any(len(text) > MAX_STRING for parent in level for text in _strings(parent)):
            raise InvalidResource([Issue("too-long", f"a string is longer than {MAX_STRING} characters")])
        level = [child for parent in level for child in _children(parent) if isinstance(child, _CONTAINERS)]


def _children(parent: Any) -> Any:
    return parent.values() if isinstance(parent, dict) else parent


def _strings(parent: Any) -> Iterator[str]:
    if isinstance(parent, dict):
        yield from parent
    yield from (child for child in _children(parent) if isinstance(child, str))


def _place(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f" at line {line}, column {offset - text.rfind(chr(10), 0, offset)}"


def _found_at(text: str, refused: _Refused) -> str:
    if len(text) > LOCATE_UP_TO:
        return ""
    same = _second_time(refused.token) if refused.twice else _the_token(refused.token)
    offset = next((token.start() for token in _TOKEN.finditer(text) if same(token)), None)
    return "" if offset is None else _place(text, offset)


def _the_token(wanted: str) -> Callable[[re.Match[str]], bool]:
    def same(token: re.Match[str]) -> bool:
        return json.loads(token["string"]) == wanted if token["key"] else token[0] == wanted

    return same


def _second_time(wanted: str) -> Callable[[re.Match[str]], bool]:
    open_objects: list[bool] = []  # for each open object: has it the key already?

    def same(token: re.Match[str]) -> bool:
        if token[0] == "{":
            open_objects.append(False)
        elif token[0] == "}":
            open_objects.pop()
        elif token["key"] and json.loads(token["string"]) == wanted:
            if open_objects[-1]:
                return True
            open_objects[-1] = True
        return False

    return same
