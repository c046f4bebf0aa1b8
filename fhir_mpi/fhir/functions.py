"""Functions of FHIRPath whose arguments are literals (FHIRPath 2.0, section 5).

A function of one item, such as `upper()`, says nothing about several items or none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Value: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True)
class Function:
    """`apply` takes the items that the function is asked of, and its arguments; so many of `types` are
    needed, the others may be left out.
    """

    apply: Callable[..., list[Any]]
    types: tuple[type, ...] = ()
    needed: int = 0

    def fault(self, arguments: Sequence[Value]) -> str | None:
        """What is wrong with the arguments, in words that follow the function's name."""
        if not self.needed <= len(arguments) <= len(self.types):
            most = len(self.types)
            wanted = str(most) if self.needed == most else f"{self.needed} to {most}"
            return f"takes {wanted} arguments, not {len(arguments)}"
        for argument, wanted_type in zip(arguments, self.types, strict=False):
            if type(argument) is not wanted_type:
                return f"takes a {'text' if wanted_type is str else 'whole number'}, not {argument!r}"
        return None


def truth(items: list[Any]) -> bool | None:
    """What items mean as a criterion: None where there are none (FHIRPath 2.0, section 4.5)."""
    if len(items) != 1:
        return None
    return items[0] if isinstance(items[0], bool) else True


def text_of(item: Any) -> str | None:
    """A primitive as text; None for an element with parts.

    >>> text_of(True), text_of(1.5), text_of({"value": 1})
    ('true', '1.5', None)
    """
    if isinstance(item, str):
        return item
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item) if isinstance(item, int | float) else None


def _single(items: list[Any]) -> list[Any]:
    return items if len(items) == 1 else []


def _not(items: list[Any]) -> list[Any]:
    found = truth(items)
    return [] if found is None else [not found]


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _joined(items: list[Any], separator: str = "") -> list[Any]:
    texts = [text for item in items if (text := text_of(item)) is not None]
    return [separator.join(texts)] if texts else []


def _of_text(work: Callable[..., Any]) -> Callable[..., list[Any]]:
    """A function of one text; what is None says nothing."""

    def apply(items: list[Any], *arguments: Value) -> list[Any]:
        text = text_of(items[0]) if len(items) == 1 else None
        found = None if text is None else work(text, *arguments)
        return [] if found is None else [found]

    return apply


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    return text[start : None if length is None else start + length] if start < len(text) else None


_TEXT, _NUMBER = (str,), (int,)
FUNCTIONS: Final[Mapping[str, Function]] = {
    "last": Function(lambda items: items[-1:]),
    "tail": Function(lambda items: items[1:]),
    "single": Function(_single),
    "skip": Function(lambda items, count: items[count:], _NUMBER, 1),
    "take": Function(lambda items, count: items[:count], _NUMBER, 1),
    "empty": Function(lambda items: [not items]),
    "count": Function(lambda items: [len(items)]),
    "hasValue": Function(lambda items: [len(items) == 1 and text_of(items[0]) is not None]),
    "not": Function(_not),
    "distinct": Function(_distinct),
    "join": Function(_joined, _TEXT),
    "toString": Function(_of_text(str)),
    "upper": Function(_of_text(str.upper)),
    "lower": Function(_of_text(str.lower)),
    "trim": Function(_of_text(str.strip)),
    "length": Function(_of_text(len)),
    "startsWith": Function(_of_text(str.startswith), _TEXT, 1),
    "endsWith": Function(_of_text(str.endswith), _TEXT, 1),
    "contains": Function(_of_text(lambda text, part: part in text), _TEXT, 1),
    "substring": Function(_of_text(_substring), (int, int), 1),
    "replace": Function(_of_text(str.replace), (str, str), 2),
    "matches": Function(_of_text(lambda text, regex: bool(re.search(regex, text))), _TEXT, 1),
    "replaceMatches": Function(
        _of_text(lambda text, regex, by: re.sub(regex, re.sub(r"\$(\d)", r"\\\1", by), text)), (str, str), 2
    ),
}
"""By name."""
