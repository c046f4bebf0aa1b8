"""How the blocking keys of a type are made, kept with the data as text, and what becomes of them.

A changed model needs other keys. Until every record has them, both kinds are stored and the old ones are
looked up; when they are complete, the new ones serve and the old ones go.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.model import BlockingRule, LinkageModel
from fhir_mpi.linkage.record import Record


@dataclass(frozen=True, slots=True)
class Keying:
    """What keys are made and looked up by; `digest` is that of the model which had it."""

    digest: str
    cap: int
    rules: tuple[BlockingRule, ...]

    def of(self, model: LinkageModel) -> LinkageModel:
        """The model with this blocking in place of its own."""
        return (
            model if model.digest == self.digest else replace(model, blocking_rules=self.rules, cap=self.cap)
        )

    def fits(self, model: LinkageModel) -> bool:
        """Whether a program that has this model makes the same keys of a record by it.

        A program that normalises otherwise, or packs otherwise, does not.
        """
        return self.of(model).digest == self.digest


@dataclass(frozen=True, slots=True)
class KeyState:
    """Which keys serve; those that are being made, if any; whether old ones are still to be removed."""

    serving: Keying
    coming: Keying | None = None
    leaving: bool = False

    @property
    def settled(self) -> bool:
        return self.coming is None and not self.leaving

    @property
    def written(self) -> tuple[Keying, ...]:
        """What a record is stored under now."""
        return (self.serving,) if self.coming is None else (self.serving, self.coming)

    def text(self) -> str:
        coming = None if self.coming is None else _document(self.coming)
        found = {"serving": _document(self.serving), "coming": coming, "leaving": self.leaving}
        return orjson.dumps(found).decode()


def keying_of(model: LinkageModel) -> Keying:
    return Keying(model.digest, model.cap, model.blocking_rules)


def key_state(text: str) -> KeyState:
    """The state that `KeyState.text` wrote.

    >>> from fhir_mpi.linkage.model import default_model
    >>> state = KeyState(keying_of(default_model("Patient")), leaving=True)
    >>> key_state(state.text()) == state
    True
    """
    found: Json = orjson.loads(text)
    coming = found["coming"]
    return KeyState(_keying(found["serving"]), None if coming is None else _keying(coming), found["leaving"])


def keys_by(keyings: Iterable[Keying], model: LinkageModel, record: Record) -> frozenset[int]:
    """The keys of a record by each of these."""
    return frozenset().union(*(stored_keys(keying.of(model), record) for keying in keyings))


def _document(keying: Keying) -> Json:
    rules = [
        {"name": r.name, "stored": r.stored, "probe": r.probe, "lastResort": r.last_resort}
        for r in keying.rules
    ]
    return {"digest": keying.digest, "cap": keying.cap, "rules": rules}


def _keying(document: Any) -> Keying:
    rules = tuple(
        BlockingRule(r["name"], tuple(r["stored"]), tuple(map(tuple, r["probe"])), r["lastResort"])
        for r in document["rules"]
    )
    return Keying(document["digest"], document["cap"], rules)
