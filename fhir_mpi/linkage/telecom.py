"""ContactPoint as linkage compares it."""

from typing import Final

from fhir_mpi.linkage.placeholders import is_placeholder_number

_FEWEST_DIGITS: Final = 7
_NATIONAL_DIGITS: Final = 10
_NOBODY: Final = frozenset({"none", "noemail", "unknown", "na", "test", "noreply"})


def phone_number(value: str) -> str:
    """The last ten digits, so that country codes and trunk zeros don't matter; empty if unusable.

    >>> phone_number("+1 (344) 845-5689"), phone_number("999-999-9999"), phone_number("x 12")
    ('3448455689', '', '')
    """
    digits = "".join([c for c in value if "0" <= c <= "9"])[-_NATIONAL_DIGITS:]
    return "" if len(digits) < _FEWEST_DIGITS or is_placeholder_number(digits) else digits


def email_address(value: str) -> str:
    """Lower case without whitespace; empty if it has no @ or belongs to nobody.

    >>> email_address(" Jane.Doe@Example.org "), email_address("none@none.com")
    ('jane.doe@example.org', '')
    """
    email = "".join(value.casefold().split())
    mailbox, at, host = email.partition("@")
    return email if mailbox and at and host and mailbox not in _NOBODY else ""
