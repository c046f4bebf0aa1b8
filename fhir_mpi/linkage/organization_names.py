"""Organization.name as linkage compares it."""

from typing import Final

from fhir_mpi.linkage.conventions import EVERYWHERE, Conventions
from fhir_mpi.linkage.placeholders import is_placeholder_name
from fhir_mpi.linkage.text import words

_SILENT: Final = frozenset(
    [
        *("the", "of", "and", "for", "at", "a", "an"),
        *("inc", "incorporated", "llc", "llp", "ltd", "limited", "plc", "corp", "corporation"),
        *("co", "company", "gmbh", "ag", "ev", "sa", "sarl", "bv", "nv"),
    ]
)
_SPELLINGS: Final = {
    "hosp": "hospital",
    "ctr": "center",
    "centre": "center",
    "med": "medical",
    "univ": "university",
    "dept": "department",
    "svcs": "services",
    "assoc": "associates",
    "intl": "international",
    "st": "saint",
    "mt": "mount",
}


def organization_name(name: str, conventions: Conventions = EVERYWHERE) -> str:
    """The words that tell one organization from another; empty for placeholders.

    >>> organization_name("The St. Mary's Med. Ctr., Inc.")
    'saint marys medical center'
    """
    all_words = words(name)
    told = [_SPELLINGS.get(w, w) for w in all_words if w not in _SILENT] or all_words
    return "" if is_placeholder_name("".join(told), conventions) else " ".join(told)
