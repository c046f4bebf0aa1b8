"""What a resource is without a change that was made to it, though others may have changed it since."""

from collections.abc import Sequence
from typing import Any, Final

from fhir_mpi.fhir.meta import OWN
from fhir_mpi.fhir.types import Resource

ABSENT: Final = object()


class Collision(Exception):
    """A later change touches what is to be taken back; `elements` are where."""

    def __init__(self, elements: Sequence[str]) -> None:
        super().__init__(", ".join(elements))
        self.elements = tuple(elements)


def without(before: Resource, after: Resource, now: Resource) -> Resource:
    """`now` with what changed from `before` to `after` taken back, element by element.

    Of a list, what was added goes and what was taken away comes back, wherever the rest has gone since.
    Collision where an element that is to be taken back was changed since.

    >>> before, after = {"gender": "male"}, {"gender": "male", "active": False, "name": [{"family": "A"}]}
    >>> without(before, after, {**after, "gender": "female", "name": [{"family": "B"}, {"family": "A"}]})
    {'gender': 'female', 'name': [{'family': 'B'}]}
    """
    earlier, changed, current = _content(before), _content(after), _content(now)
    found, collisions = dict(current), []
    for name in dict.fromkeys([*earlier, *changed]):
        old, new = earlier.get(name, ABSENT), changed.get(name, ABSENT)
        if old == new:
            continue
        try:
            restored = _restored(old, new, current.get(name, ABSENT))
        except ValueError:
            collisions.append(name)
            continue
        if restored is ABSENT:
            found.pop(name, None)
        else:
            found[name] = restored
    if collisions:
        raise Collision(collisions)
    return found


def _restored(old: Any, new: Any, now: Any) -> Any:
    """ValueError where what is there now is not what the change left."""
    if now == new:
        return old
    lists = [[] if value is ABSENT else value for value in (old, new, now)]
    if not all(isinstance(value, list) for value in lists):
        raise ValueError("it was changed since")
    return _list_restored(*lists)


def _list_restored(old: list[Any], new: list[Any], now: list[Any]) -> Any:
    kept = list(now)
    for item in _more(new, old):
        kept.remove(item)  # ValueError where somebody changed it
    for item in _more(old, new):
        if item not in kept:
            kept.append(item)
    return kept or ABSENT


def _more(items: list[Any], than: list[Any]) -> list[Any]:
    """Those that the other list doesn't have, as often as they are more."""
    left = list(than)
    found = []
    for item in items:
        if item in left:
            left.remove(item)
        else:
            found.append(item)
    return found


def _content(resource: Resource) -> Resource:
    """All but what the server says of a version."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in OWN}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    return {**rest, "meta": meta} if meta else rest
