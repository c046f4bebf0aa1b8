"""Bundles that the server answers; stored resources are spliced in as the bytes they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson

from fhir_mpi.fhir.outcome import Issue, operation_outcome
from fhir_mpi.fhir.types import Json, Resource

MATCH_GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"


def searchset(
    entries: Iterable[Json], *, total: int | None, links: Mapping[str, str], warnings: Sequence[Issue] = ()
) -> Resource:
    """A searchset; warnings become one OperationOutcome entry, the last (R5 http.html#search)."""
    found = list(entries)
    if warnings:
        found.append({"resource": operation_outcome(warnings), "search": {"mode": "outcome"}})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    if links:
        bundle["link"] = [{"relation": name, "url": url} for name, url in links.items()]
    return {**bundle, "entry": found} if found else bundle


def match_entry(full_url: str, resource: bytes, search: Json) -> Json:
    return {"fullUrl": full_url, "resource": orjson.Fragment(resource), "search": {"mode": "match", **search}}


def history(entries: Sequence[Json], *, total: int | None, links: Mapping[str, str]) -> Resource:
    """A history Bundle; without `total` where nobody counted."""
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "history",
        **({} if total is None else {"total": total}),
        "link": [{"relation": name, "url": url} for name, url in links.items()],
    }
    return {**bundle, "entry": entries} if entries else bundle
