"""What a plugin may add, and the manager that loads it; the built-ins come through the same door.

A plugin is a module or object with functions marked `@hookimpl`, installed as a distribution with an
entry point in the group `fhir_mpi`.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Final

import pluggy

from fhir_mpi.linkage.deterministic import Deterministic
from fhir_mpi.linkage.engine import EngineFactory
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.hapi.engine import HapiRules

PROJECT: Final = "fhir_mpi"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications, each documented in docs/reference/plugins.md."""

    @hookspec
    def scoring_engines(self) -> Mapping[str, EngineFactory]:  # type: ignore[empty-body]
        """Scoring engines by name; a factory takes the linkage model and returns the engine."""


class BuiltIns:
    """The engines in the box."""

    @hookimpl
    def scoring_engines(self) -> Mapping[str, EngineFactory]:
        return {engine.name: engine for engine in (FellegiSunter, Deterministic, HapiRules)}


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
    found = [offer[name] for offer in offers if name in offer]
    if len(found) != 1:
        known = ", ".join(sorted({key for offer in offers for key in offer}))
        raise PluginError(f"{len(found)} scoring engines are called {name!r}; known are {known}")
    return found[0]
