"""The tags by which HAPI's MDM tells golden records, and what it is to leave alone."""

from typing import Final

from fhir_mpi.fhir.types import Json, Resource

MANAGING: Final = "https://hapifhir.org/NamingSystem/managing-mdm-system"
STATUS: Final = "http://hapifhir.io/fhir/NamingSystem/mdm-record-status"
MANAGED: Final[Json] = {
    "system": MANAGING,
    "code": "HAPI-MDM",
    "display": "This Golden Resource can only be modified by HAPI MDM system.",
}
GOLDEN: Final[Json] = {"system": STATUS, "code": "GOLDEN_RECORD", "display": "Golden Record"}
REDIRECTED: Final[Json] = {
    "system": STATUS,
    "code": "REDIRECTED",
    "display": "This resource was found to be a duplicate and has been redirected.",
}
BLOCKED: Final[Json] = {
    "system": STATUS,
    "code": "BLOCKED_RESOURCE",
    "display": "Source Resource is omitted from MDM matching.",
}
EXCLUDED: Final[Json] = {"system": MANAGING, "code": "NO-MDM"}


def has_tag(resource: Resource, tag: Json) -> bool:
    """Whether a resource has this tag, by system and code.

    >>> has_tag({"meta": {"tag": [{"system": MANAGING, "code": "NO-MDM"}]}}, EXCLUDED)
    True
    """
    tags = (resource.get("meta") or {}).get("tag") or ()
    return any((t or {}).get("system") == tag["system"] and t.get("code") == tag["code"] for t in tags)


def is_managed(resource: Resource) -> bool:
    """Whether it is kept by MDM alone: a golden record, or one that was merged into another."""
    return has_tag(resource, MANAGED)


def is_golden(resource: Resource) -> bool:
    """Whether it stands for a person or an organization now."""
    return is_managed(resource) and has_tag(resource, GOLDEN)


def is_redirected(resource: Resource) -> bool:
    return has_tag(resource, REDIRECTED)


def is_excluded(resource: Resource) -> bool:
    """Whether its sender wants it left alone by MDM."""
    return has_tag(resource, EXCLUDED)


def is_blocked(resource: Resource) -> bool:
    """Whether it is the golden record of a source that the blocklist keeps from matching."""
    return has_tag(resource, BLOCKED)
