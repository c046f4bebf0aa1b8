"""What a plugin may add, and the manager that loads it; the built-ins come through the same door.

A plugin is a module or object with functions marked `@hookimpl`, installed as a distribution with an
entry point in the group `fhir_mpi`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final, TypeVar

import pluggy

from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.deterministic import Deterministic
from fhir_mpi.linkage.engine import EngineFactory
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.hapi.engine import HapiRules
from fhir_mpi.mdm.eid import EID_SCHEMES, EidScheme
from fhir_mpi.mdm.golden import Survive
from fhir_mpi.mdm.survivorship import Member

T = TypeVar("T")
PROJECT: Final = "fhir_mpi"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications, each documented in docs/reference/plugins.md."""

    @hookspec
    def scoring_engines(self) -> Mapping[str, EngineFactory]:  # type: ignore[empty-body]
        """Scoring engines by name; a factory takes the linkage model and returns the engine."""

    @hookspec
    def eid_schemes(self) -> Mapping[str, EidScheme]:  # type: ignore[empty-body]
        """Schemes for enterprise identifiers by name: 128 random bits in, the identifier's value out."""

    @hookspec
    def before_match(self, resource: Resource) -> Resource | None:
        """What is to be matched in place of a source record; None where it is as it should be."""

    @hookspec(firstresult=True)
    def survive(self, type: str, sources: Sequence[Member], golden: Resource) -> Resource | None:
        """What a golden record is to be; None where it is as the rules of survivorship made it."""


class BuiltIns:
    """The engines and schemes in the box."""

    @hookimpl
    def scoring_engines(self) -> Mapping[str, EngineFactory]:
        return {engine.name: engine for engine in (FellegiSunter, Deterministic, HapiRules)}

    @hookimpl
    def eid_schemes(self) -> Mapping[str, EidScheme]:
        return EID_SCHEMES


class PluginError(LookupError):
    """A plugin is missing, or two claim the same name."""


def plugin_manager(*plugins: object | ModuleType) -> pluggy.PluginManager:
    """The built-ins, every installed plugin, and those given."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(BuiltIns(), name="built-ins")
    manager.load_setuptools_entrypoints(PROJECT)
    for plugin in plugins:
        manager.register(plugin)
    manager.check_pending()
    return manager


def scoring_engine(manager: pluggy.PluginManager, name: str) -> EngineFactory:
    """The factory of one engine. Raises PluginError where none or several have the name."""
    offers: list[Mapping[str, EngineFactory]] = manager.hook.scoring_engines()
    return _named("scoring engines", name, offers)


def eid_scheme(manager: pluggy.PluginManager, name: str) -> EidScheme:
    """One scheme for enterprise identifiers. Raises PluginError where none or several have the name."""
    offers: list[Mapping[str, EidScheme]] = manager.hook.eid_schemes()
    return _named("EID schemes", name, offers)


def cleaning(manager: pluggy.PluginManager) -> Callable[[Resource], Resource]:
    """What every plugin's `before_match` makes of a record, one after the other."""
    hooks = manager.hook.before_match.get_hookimpls()

    def cleaned(resource: Resource) -> Resource:
        for hook in reversed(hooks):
            found: Any = hook.function(resource=resource)
            resource = resource if found is None else found
        return resource

    return cleaned


def surviving(manager: pluggy.PluginManager) -> Survive | None:
    """What plugins make of a golden record; None where no plugin makes anything of it."""
    if not manager.hook.survive.get_hookimpls():
        return None
    return lambda type, sources, golden: (
        manager.hook.survive(type=type, sources=sources, golden=golden) or golden
    )


def _named(what: str, name: str, offers: Sequence[Mapping[str, T]]) -> T:
    found = [offer[name] for offer in offers if name in offer]
    if len(found) != 1:
        known = ", ".join(sorted({key for offer in offers for key in offer}))
        raise PluginError(f"{len(found)} {what} are called {name!r}; known are {known}")
    return found[0]
