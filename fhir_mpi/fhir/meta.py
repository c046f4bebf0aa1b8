"""What the server itself writes into a resource: its id, version and time (R5 resource.html#Meta)."""

from typing import Final

from fhir_mpi.fhir.json import encode_sorted
from fhir_mpi.fhir.types import Resource

OWN: Final = ("versionId", "lastUpdated")


def stamped(resource: Resource, *, id: str, version: int, last_updated: str) -> Resource:
    """The resource with id and meta of this version; the client's own keys keep their order.

    >>> found = stamped({"resourceType": "Patient", "active": True}, id="a", version=2, last_updated="2026")
    >>> list(found), found["meta"]
    (['resourceType', 'id', 'meta', 'active'], {'versionId': '2', 'lastUpdated': '2026'})
    """
    given = resource.get("meta", {})
    meta = {**given, "versionId": str(version), "lastUpdated": last_updated}
    known = {"resourceType": resource["resourceType"], "id": id, "meta": meta}
    leading = {key: value for key, value in known.items() if key not in resource or key == "resourceType"}
    if "id" in resource and "meta" not in resource:
        return _meta_after_id(resource, id, meta)
    return {**leading, **{k: known.get(k, v) for k, v in resource.items() if k not in leading}}


def same_content(left: Resource, right: Resource) -> bool:
    """Whether two versions say the same, the server's own part of meta aside.

    The order of keys says nothing; the digits of a decimal do (R5 datatypes.html#decimal).

    >>> same_content({"id": "a", "meta": {"versionId": "1"}}, {"id": "a"})
    True
    >>> from decimal import Decimal
    >>> same_content({"value": Decimal("1.0")}, {"value": Decimal("1.00")})
    False
    """
    return encode_sorted(_content(left)) == encode_sorted(_content(right))


def _content(resource: Resource) -> Resource:
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in OWN}
    rest = {k: v for k, v in resource.items() if k != "meta"}
    return {**rest, "meta": meta} if meta else rest


def _meta_after_id(resource: Resource, id: str, meta: Resource) -> Resource:
    found: Resource = {}
    for key, value in resource.items():
        found[key] = id if key == "id" else value
        if key == "id":
            found["meta"] = meta
    return found
