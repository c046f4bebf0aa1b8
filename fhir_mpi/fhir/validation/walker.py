"""The walk through a resource, type by type, for what a JSON Schema cannot say.

Real calendar days, nulls covered by extensions, one type per choice, integers that are no decimals,
targets of references, invariants. The walk meets resources whose structure is broken too: it looks at
what has the right JSON type and leaves the rest to the schema's issues.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.references import written_type
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.contexts import names_of, steps_to
from fhir_mpi.fhir.validation.elements import ANY_RESOURCE, Element, children
from fhir_mpi.fhir.validation.findings import Invariant
from fhir_mpi.fhir.validation.invariants import INVARIANTS, WARNINGS
from fhir_mpi.fhir.validation.paths import Place, written
from fhir_mpi.fhir.validation.primitives import CHECKS, INTEGERS
from fhir_mpi.fhir.validation.profiles import ProfileRules, claimed, profile_breaks
from fhir_mpi.fhir.validation.rules import RULE, shape_breaks

Step: TypeAlias = Callable[["Walk", Any, Place, Json], None]


@dataclass(frozen=True, slots=True)
class Table:
    """What the walk does in one type: a step per JSON name, and the rules of the type as a whole."""

    steps: Mapping[str, Step]
    choices: Mapping[str, str]  # JSON name -> stem of its choice
    invariant: Invariant | None
    warning: Invariant | None
    is_element: bool


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk through the resource at `root`: what it found, what `#id` may name, the element ids it met.

    `nested` validates a resource inside the resource; `unknown` is the severity of an unknown profile.
    """

    rules: ProfileRules
    nested: Callable[[Resource, Place], None]
    root: Place
    type: str
    unknown: str = "warning"
    contained: Mapping[str, str] = field(default_factory=dict)  # id -> resource type
    inside: bool = False  # of a contained resource, where `#` names the container
    found: list[Issue] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def resource(self, resource: Resource) -> None:
        """Walk a resource of a known type, then hold it against the profiles it claims."""
        self.element(resource, table(self.type), self.root)
        for index, url in claimed(resource):
            if not self.profile(resource, url):
                text = "the profile is not known here, so nothing was held against it"
                at = f"{written(self.root)}.meta.profile[{index}]"
                self.found.append(Issue(RULE, text, at, self.unknown))

    def profile(self, resource: Resource, url: str) -> bool:
        """Hold a resource against a profile; False where that is unknown."""
        rule = self.rules.profile(url)
        if rule is None:
            return False
        for code, text, child in profile_breaks(resource, rule):
            self.found.append(Issue(code, text, written(self.root) + child))
        return True

    def element(self, value: Json, known: Table, place: Place, *, valued: bool = False) -> None:
        """Walk one element or resource; `valued` where a primitive value stands beside it."""
        steps = known.steps
        for name, child in value.items():
            step = steps.get(name)
            if step is not None:
                step(self, child, (place, name), value)
        if known.is_element and "id" in value:
            self._element_id(value, place, valued=valued)
        if known.invariant is not None:
            self._apply(known.invariant, value, place, "error")
        if known.warning is not None:
            self._apply(known.warning, value, place, "warning")
        if known.choices:
            self._choose_one(value, known.choices, place)

    def say(self, code: str, text: str, place: Place) -> None:
        self.found.append(Issue(code, text, written(place)))

    def _element_id(self, value: Json, place: Place, *, valued: bool) -> None:
        own_id = value["id"]
        if not valued and len(value) == 1:
            self.say("invariant", "ele-1: an element needs a value or children", place)
        if isinstance(own_id, str):
            if own_id in self.ids:
                self.say("invariant", "the id of an element stands twice in the resource", (place, "id"))
            self.ids.add(own_id)

    def _apply(self, rule: Invariant, value: Json, place: Place, severity: str) -> None:
        for code, text, name in rule(value):
            at = written(place) + (f".{name}" if name else "")
            self.found.append(Issue(code, text, at, severity))

    def _choose_one(self, value: Json, choices: Mapping[str, str], place: Place) -> None:
        chosen = {name.removeprefix("_") for name in value if name in choices}
        if len(chosen) > 1:
            stems = [choices[name] for name in chosen]
            for stem in sorted({stem for stem in stems if stems.count(stem) > 1}):
                self.say("structure", "only one type of a choice may be given", (place, f"{stem}[x]"))


@cache
def table(type_name: str) -> Table:
    """The table of a type, made when the first element of that type is met."""
    elements = children(type_name)
    steps: dict[str, Step] = {}
    choices: dict[str, str] = {}
    for element in elements.values():
        step = _step(element)
        if step is not None:
            steps[element.name] = step
        if element.primitive:
            steps[f"_{element.name}"] = _sibling_list if element.many else _sibling
        if element.choice is not None:
            choices |= {element.name: element.choice, f"_{element.name}": element.choice}
    is_element = type_name not in RESOURCE_TYPES
    return Table(steps, choices, INVARIANTS.get(type_name), WARNINGS.get(type_name), is_element)


def _step(element: Element) -> Step | None:
    if element.name == "contained" and element.type == ANY_RESOURCE:
        return None  # of the root only, which looks at all of them together
    if element.primitive:
        one = _primitive(element)
        return _primitive_list(one) if element.many else one
    one = _complex(element)
    return _list(one) if element.many else one


def _primitive(element: Element) -> Step | None:
    if element.type in INTEGERS:
        return _integer
    if element.type not in CHECKS:
        return None
    is_one, text = CHECKS[element.type]

    def check(walk: Walk, value: Any, place: Place, parent: Json) -> None:
        if isinstance(value, str) and not is_one(value):
            walk.say("value", text, place)

    return check


def _integer(walk: Walk, value: Any, place: Place, parent: Json) -> None:
    if isinstance(value, Decimal):  # JSON Schema takes 2.0 for an integer, FHIR does not
        walk.say("structure", "an integer must be written without fraction and exponent", place)


def _primitive_list(one: Step | None) -> Step:
    def check(walk: Walk, values: Any, place: Place, parent: Json) -> None:
        if not isinstance(values, list):
            return
        name = place[1]
        if None in values and f"_{name}" not in parent:
            walk.say("structure", "a null needs an extension in its place", place)
        if one is not None:
            for index, value in enumerate(values):
                one(walk, value, (place, index), parent)

    return check


def _sibling(walk: Walk, value: Any, place: Place, parent: Json) -> None:
    if isinstance(value, dict):
        walk.element(value, table("Element"), place, valued=str(place[1])[1:] in parent)


def _sibling_list(walk: Walk, siblings: Any, place: Place, parent: Json) -> None:
    values = parent.get(str(place[1])[1:])
    if not isinstance(siblings, list) or not isinstance(values, list | None):
        return
    if values is not None and len(values) != len(siblings):
        walk.say("structure", "the list of values and the list of their extensions differ in length", place)
        return
    for index, sibling in enumerate(siblings):
        if isinstance(sibling, dict):
            valued = values is not None and values[index] is not None
            walk.element(sibling, table("Element"), (place, index), valued=valued)
        elif sibling is None and (values is None or values[index] is None):
            walk.say("structure", "a null must stand for a value or an extension", (place, index))


def _list(one: Step) -> Step:
    def each(walk: Walk, values: Any, place: Place, parent: Json) -> None:
        if isinstance(values, list):
            for index, value in enumerate(values):
                one(walk, value, (place, index), parent)

    return each


def _complex(element: Element) -> Step:
    if element.type == ANY_RESOURCE:
        return _nested
    if element.type == "Extension":
        return _modifier_extension if element.name == "modifierExtension" else _extension
    if element.type in ("Reference", "CodeableReference"):
        return _reference(element)
    type_name = element.type

    def descend(walk: Walk, value: Any, place: Place, parent: Json) -> None:
        if isinstance(value, dict):
            walk.element(value, table(type_name), place)

    return descend


def _nested(walk: Walk, value: Any, place: Place, parent: Json) -> None:
    if isinstance(value, dict):
        walk.nested(value, place)


def _extension(walk: Walk, value: Any, place: Place, parent: Json) -> None:
    if not isinstance(value, dict):
        return
    walk.element(value, table("Extension"), place)
    rule = walk.rules.rule_of(value)
    if rule is None:
        return
    steps = steps_to(place, walk.root)[:-1]
    if not rule.contexts.allow(names_of(walk.type, steps), parent.get("url")):
        walk.say(RULE, "the extension is not allowed on this element", place)
    for code, text, child in shape_breaks(value, rule.shape, ""):
        walk.found.append(Issue(code, text, written(place) + child))


def _modifier_extension(walk: Walk, value: Any, place: Place, parent: Json) -> None:
    if isinstance(value, dict) and not walk.rules.knows_modifier(value.get("url")):
        walk.say("extension", "the modifier extension is unknown: it could change what this means", place)
    _extension(walk, value, place, parent)


def _reference(element: Element) -> Step:
    type_name, targets = element.type, element.targets

    def check(walk: Walk, value: Any, place: Place, parent: Json) -> None:
        if not isinstance(value, dict):
            return
        walk.element(value, table(type_name), place)
        if type_name == "CodeableReference":
            value, place = value.get("reference"), (place, "reference")
        if not isinstance(value, dict):
            return
        _check_local(walk, value.get("reference"), place)
        if targets:
            target = _target(value, walk.contained)
            if target is not None and target not in targets:
                walk.say("structure", "the reference must not name a resource of this type", place)

    return check


def _check_local(walk: Walk, text: Any, place: Place) -> None:
    if not isinstance(text, str) or not text.startswith("#"):
        return
    if text[1:] not in walk.contained and not (text == "#" and walk.inside):
        walk.say("invariant", "ref-1: no contained resource has this id", (place, "reference"))


def _target(reference: Json, contained: Mapping[str, str]) -> str | None:
    """The type of resource that a Reference names, None where it does not say."""
    text, stated = reference.get("reference"), reference.get("type")
    if isinstance(text, str):
        if text.startswith("#"):
            inner = contained.get(text[1:])
            return inner if inner in RESOURCE_TYPES else None
        named = written_type(text)
        if named in RESOURCE_TYPES:
            return named
    return stated if isinstance(stated, str) and stated in RESOURCE_TYPES else None
