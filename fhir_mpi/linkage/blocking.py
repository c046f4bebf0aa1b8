"""Blocking: which records are worth comparing at all.

A blocking key is a process-stable signed 64-bit integer: the hash of a rule's name and one value of
each of its features. A record has one key per rule and combination of values; a rule with a missing
feature yields none. A probe adds what only a probe needs (crossed names, nicknames), so that the
stored keys stay few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from struct import unpack
from typing import Final

from fhir_mpi.linkage.features import FEATURES
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, Values

_SEPARATOR: Final = "\x1f"


def stored_keys(model: LinkageModel, record: Record) -> frozenset[int]:
    """The keys a record is stored under."""
    return _hashed(_texts(record, model.stored_combinations))


def probe_keys(model: LinkageModel, record: Record) -> frozenset[int]:
    """The keys a record is looked for under: its stored keys and what only a probe adds.

    The rules of last resort count only where there is no other key.
    """
    return _hashed(_texts(record, model.probe_combinations) or _texts(record, model.last_resorts))


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A blocking key that two records have in common: its rule and the values it is made of."""

    rule: str
    values: Values
    key: int


def shared_keys(model: LinkageModel, probe: Record, stored: Record) -> Sequence[SharedKey]:
    """The keys under which a probe is looked for and the other record is stored."""
    theirs = set(_texts(stored, model.stored_combinations))
    ours = _texts(probe, model.probe_combinations) or _texts(probe, model.last_resorts)
    found = []
    for text in dict.fromkeys(ours):
        if text in theirs:
            rule, *values = text.split(_SEPARATOR)
            found.append(SharedKey(rule, tuple(values), *_hashed([text])))
    return found


def _texts(record: Record, combinations: Iterable[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Rule and values of every combination of features that has them all; each feature computed once."""
    known: dict[str, Values] = {}
    texts = []
    for rule, features in combinations:
        found: list[Values] = [(rule,)]
        for feature in features:
            values = known.get(feature)
            if values is None:
                values = known[feature] = FEATURES[feature](record)
            if not values:
                break
            found.append(values)
        else:
            texts += [_SEPARATOR.join(values) for values in product(*found)]
    return texts


def _hashed(texts: list[str]) -> frozenset[int]:
    distinct = dict.fromkeys(texts)
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in distinct])
    return frozenset(unpack(f"<{len(distinct)}q", digests))
