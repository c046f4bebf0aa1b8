"""Whether two records can be merged, and whether the result that the caller wants is one of theirs."""

from collections.abc import Iterator

from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.references import spellings
from fhir_mpi.fhir.types import Resource
from fhir_mpi.mdm.merging import REPLACED_BY, REPLACES, has, is_active, links
from fhir_mpi.operations.merging import refusing
from fhir_mpi.operations.merging.asked import Asked, has_all, reference_of
from fhir_mpi.operations.merging.refusing import Refused, refuse
from fhir_mpi.storage.port import Stored


def check_suitable(asked: Asked, source: Stored, target: Stored) -> None:
    """Refused for the first reason why these two can't be merged."""
    if source.id == target.id:
        raise refuse(422, "invalid", refusing.SAME)
    if not is_active(target.resource):
        raise refuse(422, "invalid", refusing.INACTIVE)
    for stored, text in ((target, refusing.TARGET_REPLACED), (source, refusing.SOURCE_REPLACED)):
        if by := links(stored.resource, REPLACED_BY):
            raise refuse(422, "invalid", text.format(by=by[0]))
    if not has(asked.type, "identifier"):
        raise refuse(422, "invalid", refusing.NO_IDENTIFIER.format(type=asked.type))


def check_result(asked: Asked, source: Stored, target: Stored) -> None:
    """Refused with all that is wrong with the result that is wanted."""
    if asked.result is None:
        return
    issues = [Issue("invalid", text) for text in _problems(asked, asked.result, source, target)]
    if issues:
        raise Refused(400, issues)


def _problems(asked: Asked, result: Resource, source: Stored, target: Stored) -> Iterator[str]:
    name = asked.result_name
    given = f"{asked.type}/{result.get('id', '')}"
    if result.get("id") != target.id:
        yield refusing.OTHER_ID.format(result=name, given=given, target=reference_of(target))
    if not has_all(result, asked.target.identifiers):
        yield refusing.LACKS_IDENTIFIERS.format(result=name, identifier=asked.target.identifier)
    known = spellings(source.type, source.id, asked.base_url)
    linked = sum(reference in known for reference in links(result, REPLACES))
    if asked.delete_source:
        if linked:
            yield refusing.UNWANTED_LINK.format(result=name)
    elif not linked:
        yield refusing.LACKS_LINK.format(result=name)
    elif linked > 1:
        yield refusing.SEVERAL_LINKS.format(result=name)
