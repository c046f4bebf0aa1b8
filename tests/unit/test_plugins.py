"""The plugin door."""

from collections.abc import Mapping
from typing import Any

import pluggy
import pytest

from fhir_mpi.linkage.engine import EngineFactory
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.plugins import PluginError, hookimpl, plugin_manager, scoring_engine


class Offering:
    """A plugin that offers engines."""

    def __init__(self, **engines: EngineFactory) -> None:
        self.engines = engines

    @hookimpl
    def scoring_engines(self) -> Mapping[str, EngineFactory]:
        return self.engines


def test_the_engine_in_the_box_comes_through_the_same_door() -> None:
    assert scoring_engine(plugin_manager(), "fellegi-sunter") is FellegiSunter


def test_a_plugin_adds_an_engine_by_its_name() -> None:
    manager = plugin_manager(Offering(mine=FellegiSunter), Offering(other=FellegiSunter))
    assert scoring_engine(manager, "mine") is FellegiSunter


def test_an_engine_that_nobody_offers_is_named_beside_those_that_are_there() -> None:
    with pytest.raises(PluginError, match="0 scoring engines are called 'x'; known are ") as refused:
        scoring_engine(plugin_manager(Offering(mine=FellegiSunter)), "x")
    assert str(refused.value).endswith("fellegi-sunter, hapi-rules, mine")


def test_two_engines_of_one_name_are_refused() -> None:
    with pytest.raises(PluginError, match="2 scoring engines are called 'fellegi-sunter'"):
        scoring_engine(plugin_manager(Offering(**{"fellegi-sunter": FellegiSunter})), "fellegi-sunter")


def test_a_hook_that_does_not_exist_is_refused() -> None:
    class Mistaken:
        @hookimpl
        def scoring_engine(self) -> Any:
            """Never called: the hook is called scoring_engines."""

    with pytest.raises(pluggy.PluginValidationError, match="scoring_engine"):
        plugin_manager(Mistaken())


def test_one_manager_knows_nothing_of_anothers_plugins() -> None:
    plugin_manager(Offering(mine=FellegiSunter))
    with pytest.raises(PluginError):
        scoring_engine(plugin_manager(), "mine")
