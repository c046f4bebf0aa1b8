"""The composition root: settings -> definitions -> store -> engine -> services -> routes."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, TypedDict

from pluggy import PluginManager
from starlette.applications import Starlette
from starlette.middleware import Middleware

from fhir_mpi.definitions import DefinitionError, Definitions, load_definitions
from fhir_mpi.fhir.validation import Validator
from fhir_mpi.http.compression import Compression
from fhir_mpi.http.cors import cors
from fhir_mpi.http.cursors import Cursors
from fhir_mpi.http.errors import EXCEPTION_HANDLERS
from fhir_mpi.http.middleware import Edge
from fhir_mpi.http.routes import routes
from fhir_mpi.http.state import Server
from fhir_mpi.http.telemetry import exporting, telemetry
from fhir_mpi.interactions.freshness import settle
from fhir_mpi.interactions.identity import MATCH_AND_LINK, OFF, Mdm
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.keys import Keys
from fhir_mpi.interactions.published import Published
from fhir_mpi.interactions.services import Limits, Services
from fhir_mpi.interactions.upkeep import upkeep
from fhir_mpi.interactions.waiting import linking
from fhir_mpi.interactions.ways import Ways
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.logging import configure_logging
from fhir_mpi.matchers import alternatives, linkage_models, matchers
from fhir_mpi.mdm.review import BUCKETS
from fhir_mpi.mdm.rules import InvalidRules, MdmRules, read_rules, with_eids
from fhir_mpi.operations.background import JOBS
from fhir_mpi.operations.table import OPERATIONS, offered
from fhir_mpi.operations.worker import Worker
from fhir_mpi.plugins import cleaning, eid_scheme, plugin_manager, surviving
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.settings import Settings
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store

PAGE_KEY: Final = "page-key"
"""The mark under which the store keeps the key that signs paging links."""


class State(TypedDict):
    server: Server


def app_from_environment() -> Starlette:
    """What a worker process serves; its settings come from FHIR_MPI_*."""
    settings = Settings()
    configure_logging(settings.log_level)
    return create_app(settings)


def create_app(settings: Settings, *plugins: object) -> Starlette:
    """The ASGI application. DefinitionError, PluginError or ValueError where it can't start as asked."""
    definitions = load_definitions(settings.definitions)
    intake = build_intake(definitions, settings)
    published = Published(definitions, offered(definitions.operations.values(), _limits(settings)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        with exporting():
            async with (
                open_services(settings, definitions, intake, *plugins) as services,
                _working(settings, services),
                upkeep(services.keys, rekeys=settings.rekey == "background"),
                linking(services),
            ):
                yield {"server": await _server(settings, services, published)}

    app = Starlette(
        routes=routes(settings.base_path, definitions, OPERATIONS),
        middleware=_middleware(settings),
        exception_handlers=dict(EXCEPTION_HANDLERS),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # an unknown path is not found, whatever it ends with
    return app


@asynccontextmanager
async def _working(settings: Settings, services: Services) -> AsyncIterator[None]:
    """Jobs are worked on inside; at the end what is under way is left for another process."""
    worker = Worker(services, JOBS, at_once=settings.jobs, poll=settings.job_poll)
    working = asyncio.create_task(worker.work())
    try:
        yield
    finally:
        await worker.end()
        await working


def _middleware(settings: Settings) -> list[Middleware]:
    """The layers around the application, the outermost first."""
    found = [Middleware(Edge, telemetry=telemetry())]
    if settings.cors_origins:
        found.insert(0, cors(settings.cors_origins))
    if settings.compression:
        found.append(Middleware(Compression))
    return found


def build_intake(definitions: Definitions, settings: Settings) -> Intake:
    """Everything compiled that a resource passes on its way in."""
    types, depth = definitions.types, settings.search_depth
    search = SearchRegistry(definitions.search_parameters, types, depth=depth)  # names unknown types
    validator = Validator(types, definitions.profiles, unknown=settings.unknown_profile)
    return Intake(validator, search, linkage_models(definitions, settings))


@asynccontextmanager
async def open_services(
    settings: Settings, definitions: Definitions, intake: Intake, *plugins: object, stale: bool = False
) -> AsyncIterator[Services]:
    """The services on an open store; StaleIndex where that needs a reindex, unless `stale` is fine."""
    manager = plugin_manager(*plugins)
    store = await open_store(settings.store, types=definitions.types, timeout=settings.store_timeout)
    try:
        keys = Keys(store, intake.models)
        if not stale:
            await settle(keys, intake, definitions.types, rekeys=settings.rekey == "background")
        mdm = build_mdm(settings, definitions, manager, intake.models)
        served = matchers(manager, settings, intake, keys)
        yield Services(
            definitions=definitions,
            store=store,
            keys=keys,
            intake=intake,
            matchers=served,
            limits=_limits(settings),
            clock=_now,
            new_id=_new_id,
            ways=_ways(settings),
            alternatives=alternatives(manager, settings, definitions, served),
            mdm=mdm,
        )
    finally:
        await store.close()


def build_mdm(
    settings: Settings, definitions: Definitions, manager: PluginManager, models: Mapping[str, LinkageModel]
) -> Mdm:
    """How records are linked; DefinitionError where the rules can't be used."""
    try:
        rules = read_rules(settings.mdm_rules)
    except InvalidRules as error:
        raise DefinitionError(str(error)) from error
    return Mdm(
        modes={type: mode for type, mode in _modes(settings).items() if type in definitions.types},
        rules=with_eids(
            rules,
            systems=_eid_systems(rules, models),
            prevent_updates=settings.mdm_prevent_eid_updates,
            prevent_multiple=settings.mdm_prevent_multiple_eids,
        ),
        at_once=settings.mdm_at_once,
        scheme=eid_scheme(manager, settings.mdm_eid_scheme),
        cleaned=cleaning(manager),
        survive=surviving(manager),
    )


def _eid_systems(rules: MdmRules, models: Mapping[str, LinkageModel]) -> Mapping[str, Collection[str]]:
    """By type the systems that the MDM rules name, and those that HAPI's rules file does."""
    found = {type: list(systems) for type, systems in rules.eids.systems.items()}
    for type, model in models.items():
        if model.mdm_rules is not None and (systems := model.mdm_rules.eid_systems_of(type)):
            found[type] = [*found.get(type, ()), *systems]
    return found


def _modes(settings: Settings) -> Mapping[str, str]:
    return {
        "Patient": settings.patient_mdm or settings.mdm,
        "Organization": settings.organization_mdm or settings.mdm,
    }


async def _server(settings: Settings, services: Services, published: Published) -> Server:
    secret = settings.secret.get_secret_value() if settings.secret else await _kept_secret(services.store)
    return Server(
        services=services,
        published=published,
        cursors=Cursors(secret, settings.page_lifetime),
        base_path=settings.base_path,
        base_url=settings.base_url,
        max_body=settings.max_body,
        max_match_body=settings.max_match_body,
        max_bundle_body=settings.max_bundle_body,
        body_timeout=settings.body_timeout,
    )


async def _kept_secret(store: Store) -> str:
    """The store's own key, made by whichever process comes first, shared by all."""
    found = await store.mark(PAGE_KEY)
    if found is None:
        await store.set_mark(PAGE_KEY, secrets.token_urlsafe(32), expected=None)
        found = await store.mark(PAGE_KEY)
    if found is None:
        raise RuntimeError("the store does not keep marks")
    return found


def _limits(settings: Settings) -> Limits:
    return Limits(
        match_count=settings.match_count,
        match_count_max=settings.match_count_max,
        page_size=settings.page_size,
        page_size_max=settings.page_size_max,
        search_without_criteria=settings.search_without_criteria,
        bundle_entries=settings.max_bundle_entries,
        delete_several=settings.delete_several,
        included=settings.max_included,
        unique_identifiers=settings.unique_identifiers,
        if_match_required=settings.if_match_required,
        review_sample=round(settings.mdm_review_sample * BUCKETS),
        identity_links=settings.max_identity_links,
        expunge=settings.expunge,
        key_lifetime=settings.idempotency_lifetime,
        key_required=settings.idempotency_required,
        job_lease=settings.job_lease,
        job_lifetime=settings.job_lifetime,
        unmatched=frozenset(type for type, mode in _modes(settings).items() if mode == OFF),
        linked=frozenset(type for type, mode in _modes(settings).items() if mode == MATCH_AND_LINK),
    )


def _ways(settings: Settings) -> Ways:
    return Ways(
        version_conflict=int(settings.version_conflict),
        client_ids=settings.client_ids,
        absent_deleted=settings.delete_absent == "success",
        delete_referred=settings.delete_referred == "allowed",
        lenient=settings.unknown_parameters == "lenient",
        merge_preview=settings.merge_preview,
    )


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _new_id() -> str:
    return str(uuid.uuid4())
