"""token: codes, identifiers, telecoms, flags (R5 search.html#token).

A coded thing has the entries `system|code` and `=code`, the latter for a search that names no
system. A bare code such as Patient.gender has `=code` and `~code`: its system is fixed by its
definition and not written down, so a search with a system of FHIR's own looks at `~code` too.
An e-mail address is kept in lower case, and a search for something with an @ tries lower case too;
everything else is case-sensitive and as written. Virtual codes: `:text` (folded words beside the
code) and `:of-type` (`type system|type code|identifier`).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_mpi.search.filters import Equals, Filter, IndexValue, Or, Prefix
from fhir_mpi.search.folding import folded, sought
from fhir_mpi.search.term import LONGEST_TEXT, Term, cut

MODIFIERS: Final = frozenset({"missing", "not", "text", "of-type"})
TEXT: Final = ":text"
OF_TYPE: Final = ":of-type"
# Systems that the definition of an element fixes. FHIR's identifier systems (/sid/) are none of them.
_FIXED: Final = (
    "http://hl7.org/fhir/",
    "urn:ietf:bcp:",
    "http://terminology.hl7.org/CodeSystem/special-values",
)
_IDENTIFIERS: Final = "http://hl7.org/fhir/sid/"


def index(values: Sequence[Any]) -> list[tuple[str, IndexValue]]:
    found: list[tuple[str, IndexValue]] = []
    for value in values:
        if isinstance(value, dict):
            found += _structured(value)
        elif isinstance(value, bool):
            found += _bare("true" if value else "false")
        elif isinstance(value, str):
            found += _bare(value)
    return found


def filter(term: Term) -> Filter:
    match term.modifier:
        case "text":
            return Prefix(term.code + TEXT, sought(term))
        case "of-type":
            return _of_type(term)
        case _:
            return coded(term, term.code)


def coded(term: Term, code: str) -> Filter:
    """The filter on entries of `code` for `code`, `system|code`, `|code` or `system|`."""
    parts = term.parts()
    if len(parts) == 1:
        return _any(code, ["=" + text for text in _spellings(term.text)])
    system, value = parts[0], "|".join(parts[1:])
    if not value:
        if not system:
            raise term.invalid("code, system|code, |code or system|")
        return Prefix(code, cut(system + "|"))
    entries = [f"{system}|{text}" for text in _spellings(value)]
    if not system or (system.startswith(_FIXED) and not system.startswith(_IDENTIFIERS)):
        entries.append("~" + value)
    return _any(code, entries)


def identifier_entries(identifier: Any) -> tuple[str, ...]:
    """The entries of one Identifier under a plain code."""
    if not isinstance(identifier, dict):
        return ()
    return _pair(identifier.get("system"), identifier.get("value"))


def _any(code: str, entries: list[str]) -> Filter:
    found = tuple(Equals(code, cut(entry)) for entry in entries)
    return found[0] if len(found) == 1 else Or(found)


def _of_type(term: Term) -> Filter:
    parts = term.parts()
    if len(parts) != 3 or not all(parts[1:]):
        raise term.invalid("type system|type code|value")
    return Equals(term.code + OF_TYPE, cut("|".join(parts)))


def _spellings(value: str) -> list[str]:
    return list(dict.fromkeys((value, value.casefold()))) if "@" in value else [value]


def _pair(system: str | None, code: str | None) -> tuple[str, ...]:
    if code:
        return f"{system or ''}|{code}"[:LONGEST_TEXT], f"={code}"[:LONGEST_TEXT]
    return (cut(system + "|"),) if system else ()


def _structured(value: dict[str, Any]) -> list[tuple[str, IndexValue]]:
    """Entries of a CodeableReference, CodeableConcept, Coding, Identifier or ContactPoint."""
    if isinstance(concept := value.get("concept"), dict):
        value = concept
    if "value" in value:
        return _identified(value)
    if "code" in value or "display" in value or "system" in value:
        return list(_coding(value.get("system"), value.get("code"), value.get("display")))
    found = list(_words(value.get("text")))
    for coding in value.get("coding", ()):
        found += _coding(coding.get("system"), coding.get("code"), coding.get("display"))
    return found


def _identified(value: dict[str, Any]) -> list[tuple[str, IndexValue]]:
    """An Identifier, or a ContactPoint, whose system is a code and no URI."""
    text, system, kind = value["value"], value.get("system"), value.get("type")
    if system == "email":
        text = text.casefold()
    found: list[tuple[str, IndexValue]] = [("", entry) for entry in _pair(system, text)]
    if kind is not None:
        found += _words(kind.get("text"))
        for coding in kind.get("coding", ()):
            if code := coding.get("code"):
                found.append((OF_TYPE, cut(f"{coding.get('system') or ''}|{code}|{text}")))
    return found


# Codes and their words come again and again, so their entries are made once.
@lru_cache(maxsize=4096)
def _coding(system: str | None, code: str | None, display: str | None) -> tuple[tuple[str, IndexValue], ...]:
    return (*(("", entry) for entry in _pair(system, code)), *_words(display))


@lru_cache(maxsize=4096)
def _bare(code: str) -> tuple[tuple[str, IndexValue], ...]:
    return ("", cut("=" + code)), ("", cut("~" + code))


@lru_cache(maxsize=4096)
def _words(text: str | None) -> tuple[tuple[str, IndexValue], ...]:
    return () if text is None else ((TEXT, folded(cut(text))),)
