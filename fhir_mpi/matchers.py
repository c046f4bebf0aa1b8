"""Which linkage model, rules file and engine match each type: from the settings, once, at the start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pluggy import PluginManager

from fhir_mpi.definitions import DefinitionError, Definitions
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.keys import Keys
from fhir_mpi.linkage.engine import ScoringEngine
from fhir_mpi.linkage.hapi.engine import HapiRules
from fhir_mpi.linkage.hapi.rules import InvalidRules, MdmRules, read_rules
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, default_model, read_model
from fhir_mpi.mdm.matching import Matcher
from fhir_mpi.mdm.rule_search import RuleSearch, rule_search
from fhir_mpi.plugins import scoring_engine
from fhir_mpi.settings import Alternative, Settings
from fhir_mpi.storage.port import Store


def linkage_models(definitions: Definitions, settings: Settings) -> Mapping[str, LinkageModel]:
    """The model of each served type that can be matched: the configured one or the packaged default.

    With it goes the rules file, and what of a resource the rules files in use look at. DefinitionError where
    a file can't be used.
    """
    configured: Mapping[str, Path | None] = {
        "Patient": settings.patient_model,
        "Organization": settings.organization_model,
    }
    rules = hapi_rules(definitions, settings)
    return {
        type: _with_rules(
            _in_region(_model(type, path) if path else default_model(type), settings),
            rules,
            definitions,
            settings,
        )
        for type, path in configured.items()
        if type in definitions.types
    }


def _in_region(model: LinkageModel, settings: Settings) -> LinkageModel:
    """The model, with the region of the settings in the place of its own."""
    if settings.phone_region is None:
        return model
    return replace(model, conventions=replace(model.conventions, region=settings.phone_region))


def hapi_rules(definitions: Definitions, settings: Settings) -> MdmRules | None:
    """The rules file of FHIR_MPI_HAPI_RULES, its EID systems among what it says."""
    return _rules(settings.hapi_rules, definitions) if settings.hapi_rules else None


def matchers(manager: PluginManager, settings: Settings, intake: Intake, keys: Keys) -> Mapping[str, Matcher]:
    """The matcher that serves each type."""
    return {
        type: Matcher(
            model,
            _engine(manager, _choice(settings, type)[0], model),
            keys.store,
            partial(keys.serving, type),
            _search(settings, intake, model, keys.store),
        )
        for type, model in intake.models.items()
    }


def alternatives(
    manager: PluginManager,
    settings: Settings,
    definitions: Definitions,
    served: Mapping[str, Matcher],
) -> Mapping[str, Mapping[str, Matcher]]:
    """For each type the matchers that may be named instead, on the candidates of the one that serves."""
    return {
        type: {
            alternative.name: _alternative(manager, alternative, definitions, matcher)
            for alternative in _choice(settings, type)[1]
        }
        for type, matcher in served.items()
    }


def _alternative(
    manager: PluginManager, alternative: Alternative, definitions: Definitions, served: Matcher
) -> Matcher:
    _, engine, path = alternative
    model = served.model
    if path and engine == HapiRules.name:
        model = replace(model, mdm_rules=_rules(path, definitions))
    elif path:
        model = _model(model.resource_type, path)
    return replace(served, model=model, engine=_engine(manager, engine, model))


def _choice(settings: Settings, type: str) -> tuple[str, Sequence[Alternative]]:
    """The engine that serves a type, and the alternatives to it."""
    if type == "Patient":
        return settings.patient_engine or settings.engine, settings.patient_alternatives
    return settings.organization_engine or settings.engine, settings.organization_alternatives


def _model(type: str, path: Path) -> LinkageModel:
    try:
        model = read_model(path)
    except (OSError, ValueError) as error:
        raise DefinitionError(f"{path}: {error}") from error
    if model.resource_type != type:
        raise DefinitionError(f"{path}: a model for {model.resource_type}, not for {type}")
    return model


def _rules(path: Path, definitions: Definitions) -> MdmRules:
    known = {(base, d["code"]) for d in definitions.search_parameters for base in d["base"]}
    try:
        return read_rules(
            path,
            lambda type, code: any((base, code) in known for base in (type, "DomainResource", "Resource")),
        )
    except InvalidRules as error:
        raise DefinitionError(f"{path}: {error}") from error


def _with_rules(
    model: LinkageModel, rules: MdmRules | None, definitions: Definitions, settings: Settings
) -> LinkageModel:
    type = model.resource_type
    used = [r for r in _used(rules, definitions, settings, type) if type in r.types]
    columns = {column for found in used for column in found.columns_of(type)}
    return replace(model, mdm_rules=rules, columns=tuple(sorted(columns))) if rules or columns else model


def _used(
    rules: MdmRules | None, definitions: Definitions, settings: Settings, type: str
) -> Iterator[MdmRules]:
    """The rules files that the engines of a type go by."""
    engine, others = _choice(settings, type)
    names = {engine, *(other.engine for other in others if other.model is None)}
    if rules is not None and HapiRules.name in names:
        yield rules
    for _, name, path in others:
        if name == HapiRules.name and path is not None:
            yield _rules(path, definitions)


def _search(settings: Settings, intake: Intake, model: LinkageModel, store: Store) -> RuleSearch | None:
    """Where the rules file says how candidates are found, that."""
    type = model.resource_type
    wanted = _choice(settings, type)[0] == HapiRules.name and settings.hapi_candidates == "rules"
    if not wanted or model.mdm_rules is None:
        return None
    parameters, limit = intake.search.parameters(type), settings.hapi_candidate_limit
    try:
        return rule_search(model.mdm_rules, type, parameters, store, limit)
    except InvalidRules as error:
        raise DefinitionError(f"{settings.hapi_rules}: {error}") from error


def _engine(manager: PluginManager, name: str, model: LinkageModel) -> ScoringEngine:
    """The engine of that name for a model; DefinitionError where it can't go by it."""
    try:
        return scoring_engine(manager, name)(model)
    except InvalidModel as error:
        raise DefinitionError(f"{model.name}: {error}") from error
