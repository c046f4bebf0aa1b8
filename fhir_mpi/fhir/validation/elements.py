"""What R5 says about the elements of each type, read from the metadata of `fhir.resources`.

Types are named as `fhir.resources` names its classes: `HumanName`, and `PatientContact` for the backbone
element Patient.contact. A module is imported when its type is first asked for: all of R5 would cost
seconds and a hundred megabytes, an index needs a handful.
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from fhir_mpi.fhir.validation.codes import CODES

ANY_RESOURCE: Final = "Resource"
_PLAIN: Final = {bool: "boolean", str: "string"}


@dataclass(frozen=True, slots=True)
class Element:
    """One element as JSON spells it; a choice such as deceased[x] is one Element per type.

    `type` is a FHIR primitive (`dateTime`), a complex type (`HumanName`, `PatientContact`) or `Resource`.
    `choice` is the stem of the choice (`deceased`), `required` says that the element, or one of its
    choice, must be there. `codes` is the closed list of a required binding; `targets` are the types that
    a Reference may name, empty for any.
    """

    name: str
    type: str
    primitive: bool
    many: bool = False
    required: bool = False
    summary: bool = False
    choice: str | None = None
    codes: frozenset[str] | None = None
    targets: frozenset[str] = frozenset()


@cache
def children(type_name: str) -> Mapping[str, Element]:
    """The elements of a resource, datatype or backbone type by JSON name. KeyError for no type of R5.

    >>> children("Patient")["birthDate"]
    Element(name='birthDate', type='date', primitive=True, many=False, required=False, summary=True, \
choice=None, codes=None, targets=frozenset())
    """
    fields = _model(type_name).model_fields
    found = (_element(type_name, field.alias or name, field) for name, field in fields.items())
    return {element.name: element for element in found if element is not None}


def _model(type_name: str) -> Any:
    types = import_module("fhir.resources.fhirtypes")
    declared = getattr(types, f"{type_name}Type", None)
    path = getattr(declared, "_model_klass", None)
    if path is None:
        raise KeyError(type_name)
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _element(owner: str, name: str, field: Any) -> Element | None:
    extra = field.json_schema_extra or {}
    if not extra.get("element_property"):
        return None  # `_birthDate` and `fhir_comments`
    type_name, primitive = next(_types(field.annotation))
    codes = extra.get("enum_values") if primitive else None
    return Element(
        name,
        type_name,
        primitive,
        many="List[" in str(field.annotation),
        required=bool(
            extra.get("element_required") or extra.get("one_of_many_required") or field.is_required()
        ),
        summary=bool(extra.get("summary_element_property")),
        choice=extra.get("one_of_many"),
        codes=CODES.get((owner, name), frozenset(codes) if codes else None),
        targets=frozenset(extra.get("enum_reference_types", ())) - {ANY_RESOURCE},
    )


def _types(annotation: Any) -> Iterator[tuple[str, bool]]:
    """The FHIR type in an annotation such as `Optional[List[Annotated[str, Code()]]]`, and if primitive."""
    metadata = getattr(annotation, "__metadata__", None)
    path = getattr(annotation, "_model_klass", None)
    if metadata is not None:
        yield _primitive_name(type(metadata[-1]).__name__), True
    elif path is not None:
        yield path.rpartition(".")[2], False
    elif annotation in _PLAIN:
        yield _PLAIN[annotation], True
    else:
        for inside in typing.get_args(annotation):
            yield from _types(inside)


def _primitive_name(marker: str) -> str:
    name = "uuid" if marker == "UuidVersion" else marker
    return name[0].lower() + name[1:]
