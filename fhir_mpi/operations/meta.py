"""$meta, $meta-add, $meta-delete (https://hl7.org/fhir/R5/resource-operation-meta.html and beside it).

The specification lets these change a version in place, even one of the past. Here a version never
changes: what is added or taken away makes a new one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import TooCostly
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.patching import Change, apply
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import Written, persistently
from fhir_mpi.operations.call import Call

LISTS: Final[Mapping[str, str]] = {"profile": "_profile", "security": "_security", "tag": "_tag"}
"""The lists of Meta that these operations are about, and the search parameter that indexes each."""
MOST: Final = 1000
"""Different values of a list that a type may have for them to be told."""


async def meta(services: Services, call: Call) -> Resource:
    """The meta of a resource, or what the index knows of a type or of all: displays aren't kept there.

    TooCostly where a type has more than 1,000 different profiles, tags or labels.
    """
    if call.type is not None and call.id is not None:
        return _answer(decode((await read(services, call.type, call.id)).json)["meta"])
    types = services.definitions.types if call.type is None else (call.type,)
    found = {name: await _in_use(services, types, name) for name in LISTS}
    return _answer({name: values for name, values in found.items() if values})


async def meta_add(services: Services, call: Call) -> Resource:
    return await _changed(services, call, added)


async def meta_delete(services: Services, call: Call) -> Resource:
    return await _changed(services, call, removed)


def added(meta: Json, given: Json) -> Json:
    """`meta` with those profiles, tags and labels of `given` that it lacks.

    >>> added({"tag": [{"code": "a", "display": "A"}]}, {"tag": [{"code": "a"}, {"code": "b"}]})
    {'tag': [{'code': 'a', 'display': 'A'}, {'code': 'b'}]}
    """
    found = dict(meta)
    for name in LISTS.keys() & given.keys():
        own = meta.get(name, [])
        known = {_same(value) for value in own}
        found[name] = [*own, *{_same(v): v for v in given[name] if _same(v) not in known}.values()]
    return found


def removed(meta: Json, given: Json) -> Json:
    """`meta` without the profiles, tags and labels of `given`; versions and displays aren't compared.

    >>> removed({"versionId": "1", "tag": [{"code": "a", "display": "A"}]}, {"tag": [{"code": "a"}]})
    {'versionId': '1'}
    """
    found = dict(meta)
    for name in LISTS.keys() & given.keys() & meta.keys():
        gone = {_same(value) for value in given[name]}
        found[name] = [value for value in meta[name] if _same(value) not in gone]
        if not found[name]:
            del found[name]
    return found


async def _changed(services: Services, call: Call, change: Callable[[Json, Json], Json]) -> Resource:
    """The meta after the change, which goes on top of whatever is current."""
    type, id, given = str(call.type), str(call.id), call.parameters["meta"]

    def on_resource(resource: Resource) -> Resource:
        return {**resource, "meta": change(resource["meta"], given)}

    written = await persistently(services, lambda: _attempt(services, type, id, on_resource), None)
    version = written.version or await read(services, type, id)
    return _answer(decode(version.json)["meta"])


async def _attempt(services: Services, type: str, id: str, change: Change) -> Written:
    stored = await read(services, type, id)
    return await apply(services, stored, change, stored.version)


async def _in_use(services: Services, types: Iterable[str], name: str) -> list[Any]:
    found: set[str] = set()
    for type in types:
        texts = await services.store.texts(type, LISTS[name], limit=2 * MOST + 1)
        if len(texts) > 2 * MOST:
            raise TooCostly(f"{type} has more different values of {name} than can be told")
        found.update(texts)
    return [value for text in sorted(found) if (value := _value(name, text)) is not None]


def _value(name: str, entry: str) -> Any:
    """What an index entry stands for: a canonical or a Coding; None for one that is beside another.

    >>> _value("tag", "urn:s|c"), _value("tag", "|c"), _value("tag", "=c")
    ({'system': 'urn:s', 'code': 'c'}, {'code': 'c'}, None)
    """
    if name == "profile":
        return entry
    if entry.startswith("="):
        return None
    system, _, code = entry.partition("|")
    return {key: text for key, text in (("system", system), ("code", code)) if text}


def _same(value: Any) -> Any:
    """What makes two codings, or two canonicals, the same."""
    return (value.get("system"), value.get("code")) if isinstance(value, dict) else value


def _answer(meta: Json) -> Resource:
    return answer_parameters(*([("return", "Meta", meta)] if meta else []))
