"""The qualifier :mdm: what a resource is, or refers to, under any of the records of one identity.

    Patient?_id:mdm=1                      patient 1, and every record that is known to be the same person
    RelatedPerson?patient:mdm=Patient/1    who is related to any of them

HAPI has it on references; on `_id` it is an extension (hapi-fhir #5802). Which records these are is
said by links, so the filter names the record that was asked for and leaves the rest to `SameAs`.
"""

import re
from collections.abc import Collection
from typing import Final

from fhir_mpi.fhir.references import LOGICAL_ID, local_reference
from fhir_mpi.search.filters import SameAs
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.term import Term, unsupported

_ID: Final = re.compile(LOGICAL_ID)


def same_as(parameter: SearchParameter, term: Term) -> SameAs:
    """The filter that a value with :mdm asks for.

    UnsupportedParameter where the parameter is about nothing that is linked, or links are not followed
    in this context; InvalidValue where the value names nothing that is.
    """
    targets = linked_targets(parameter, term.context.linked)
    if not targets:
        raise unsupported(term.code, _no_links(term))
    if parameter.code == "_id":
        if not _ID.fullmatch(term.text):
            raise term.invalid("a logical id")
        return SameAs("_id", parameter.base, term.text, ("",))
    base = term.context.base_url.rstrip("/")
    type, id = _target(term, targets, base)
    return SameAs(term.code, type, id, (f"{type}/", f"{base}/{type}/"))


def linked_targets(parameter: SearchParameter, linked: Collection[str]) -> list[str]:
    """The types with links that a parameter is about: its own for `_id`, those it may refer to otherwise."""
    if parameter.code == "_id":
        return [parameter.base] if parameter.base in linked else []
    if parameter.type.name != "reference":
        return []
    named = parameter.definition.get("target") or ["Resource"]
    return [type for type in sorted(linked) if type in named or "Resource" in named]


def _target(term: Term, targets: list[str], base: str) -> tuple[str, str]:
    if _ID.fullmatch(term.text) and len(targets) == 1:
        return targets[0], term.text
    place = local_reference(term.text, base)
    if place is None or place[0] not in targets:
        known = " or ".join(f"{type}/id" for type in targets)
        raise term.invalid(f"{known} of this server, as its modifier :mdm wants")
    return place


def _no_links(term: Term) -> str:
    if not term.context.linked:
        return (
            f'modifier ":mdm" of search parameter "{term.code}" is not supported: links are not followed here'
        )
    types = ", ".join(sorted(term.context.linked))
    return f'search parameter "{term.code}" is about nothing that is linked; there are links of {types}'
