"""Every setting of the server, read from FHIR_MPI_* once, at the edge."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fhir_mpi.linkage.telecom import is_region

MIB: Final = 1024 * 1024
Mode: TypeAlias = Literal["off", "match-only", "match-and-link"]
PREFIX: Final = "FHIR_MPI_"
ALTERNATIVE: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,64})=(?P<engine>[^:]+)(?::(?P<model>.+))?")
TESTS: Final = "FHIR_MPI_TEST_"
"""Prefix of what only the test suite reads."""


def default_store() -> str:
    """The embedded store in the platform's data folder."""
    return f"sqlite:///{user_data_path('fhir-mpi', appauthor=False) / 'fhir_mpi.db'}"


class Alternative(NamedTuple):
    """An engine, with the linkage model that it goes by: the one that serves where there is no path."""

    name: str
    engine: str
    model: Path | None = None


class Settings(BaseSettings):
    """Documented one by one in docs/reference/settings.md; an unusable value stops the start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    store: str = Field(default_factory=default_store, description="URL of the store.")
    base_path: str = Field(
        default="/fhir", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="Path of the FHIR API."
    )
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Public URL of the FHIR API, where a proxy changes it.",
    )
    definitions: Path | None = Field(
        default=None,
        description="Folder with profiles/, capability/ and search_params/ in place of the built-in ones.",
    )
    engine: str = Field(default="fellegi-sunter", description="The scoring engine.")
    patient_engine: str | None = Field(default=None, description="The scoring engine for Patient alone.")
    organization_engine: str | None = Field(
        default=None, description="The scoring engine for Organization alone."
    )
    patient_model: Path | None = Field(default=None, description="Linkage model JSON for Patient.")
    organization_model: Path | None = Field(default=None, description="Linkage model JSON for Organization.")
    patient_alternatives: Annotated[tuple[Alternative, ...], NoDecode] = Field(
        default=(), description="Engines that $match may be told to take for Patient: name=engine[:model]."
    )
    organization_alternatives: Annotated[tuple[Alternative, ...], NoDecode] = Field(
        default=(), description="The same for Organization."
    )
    rekey: Literal["background", "refuse"] = Field(
        default="background", description="What a start does whose linkage model wants other blocking keys."
    )
    mdm: Mode = Field(
        default="match-only", description="Whether records are matched, and linked to golden records."
    )
    patient_mdm: Mode | None = Field(default=None, description="The same for Patient alone.")
    organization_mdm: Mode | None = Field(default=None, description="The same for Organization alone.")
    mdm_rules: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="JSON files, by comma: EID systems, survivorship, sources, blocklist."
    )
    mdm_at_once: int = Field(
        default=50, ge=0, description="Candidates of a source that are looked at when it is written."
    )
    mdm_review_sample: float = Field(
        default=0.001, ge=0, le=0.1, description="Which part of the automatic matches people look at."
    )
    mdm_eid_scheme: str = Field(default="uuid", description="How enterprise identifiers are made.")
    mdm_prevent_eid_updates: bool = Field(
        default=True, description="Whether an update must keep one of the source's EIDs."
    )
    mdm_prevent_multiple_eids: bool = Field(
        default=True, description="Whether a source has one EID of a system at most."
    )
    phone_region: str | None = Field(
        default=None, description="Region of phone numbers without country code, such as US or DE."
    )
    hapi_rules: Path | None = Field(
        default=None, description="HAPI FHIR's MDM rules JSON, which the engine hapi-rules goes by."
    )
    hapi_candidates: Literal["rules", "blocking"] = Field(
        default="rules",
        description="What finds the candidates of hapi-rules: the rules file, or blocking keys.",
    )
    hapi_candidate_limit: int = Field(
        default=10_000, ge=1, description="Most candidates of a search that the rules file wants."
    )
    match_count: int = Field(
        default=50, ge=1, description="Most matches answered when a request gives no count."
    )
    match_count_max: int = Field(
        default=100, ge=1, description="Most matches answered whatever a request asks."
    )
    page_size: int = Field(default=20, ge=1, description="Matches a search page holds without _count.")
    page_size_max: int = Field(default=1000, ge=1, description="Upper bound of _count.")
    max_included: int = Field(
        default=1000, ge=0, description="Resources that come along with a page by _include and _revinclude."
    )
    max_identity_links: int = Field(
        default=1000, ge=1, description="Links over which a search follows identities by :mdm."
    )
    page_lifetime: int = Field(default=3600, ge=1, description="Seconds that a paging link stays good.")
    search_without_criteria: bool = Field(default=True, description="Whether a search may name no criterion.")
    search_depth: int = Field(
        default=3, ge=1, le=8, description="References in a row that a chained search may follow."
    )
    store_timeout: float = Field(default=10.0, gt=0, description="Seconds that one store call may take.")
    body_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that a request body may take to arrive."
    )
    max_body: int = Field(default=MIB, ge=1, description="Bytes of a resource body.")
    max_match_body: int = Field(default=MIB // 4, ge=1, description="Bytes of the body of $match.")
    max_bundle_body: int = Field(default=10 * MIB, ge=1, description="Bytes of a batch or transaction.")
    max_bundle_entries: int = Field(default=10_000, ge=1, description="Entries of a batch or transaction.")
    delete_several: bool = Field(
        default=False, description="Whether a conditional delete may delete more than one resource."
    )
    unique_identifiers: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Identifier systems, by comma, whose values one resource of a type may have.",
    )
    if_match_required: bool = Field(
        default=False, description="Whether an update or patch must name the version it is meant for."
    )
    version_conflict: Literal["412", "409"] = Field(
        default="412", description="The status where If-Match names another version than the current one."
    )
    client_ids: Literal["any", "alphanumeric", "not-allowed"] = Field(
        default="any", description="Which ids a client may give to what it creates by an update."
    )
    delete_absent: Literal["success", "not-found"] = Field(
        default="success", description="What the deletion of a resource is that never was."
    )
    delete_referred: Literal["allowed", "refused"] = Field(
        default="allowed", description="Whether what other resources refer to may be deleted."
    )
    unknown_parameters: Literal["strict", "lenient"] = Field(
        default="strict", description="What a search does with a parameter that it doesn't know."
    )
    merge_preview: Literal["hapi", "spec"] = Field(
        default="hapi", description="Whose words say that a merge is only a preview."
    )
    compression: bool = Field(default=True, description="Whether answers are compressed for who asks.")
    cors_origins: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="Origins, by comma, whose pages may ask in a browser; * for any."
    )
    expunge: bool = Field(
        default=False, description="Whether $expunge may remove resources and versions for good."
    )
    jobs: int = Field(default=2, ge=0, description="Jobs that a server process works on at once.")
    job_poll: float = Field(default=1.0, gt=0, description="Seconds between two looks for jobs.")
    job_lease: float = Field(
        default=60.0, gt=0, description="Seconds until a job of a process that is gone is another's."
    )
    job_lifetime: float = Field(
        default=86400.0, gt=0, description="Seconds that the result of a job is kept."
    )
    idempotency_lifetime: float = Field(
        default=86400.0, gt=0, description="Seconds that an Idempotency-Key is known."
    )
    idempotency_required: bool = Field(
        default=False, description="Whether what changes something must have an Idempotency-Key."
    )
    unknown_profile: str = Field(
        default="warning",
        pattern="^(warning|error)$",
        description="What a profile is that a resource claims and the server doesn't know.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Key that signs paging links; without it, one is made and kept in the store.",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region is not None and not is_region(region):
            raise ValueError("no region with phone numbers: two capital letters, such as US or DE")
        return region

    @field_validator("unique_identifiers", "cors_origins", "mdm_rules", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return (
            [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given
        )

    @field_validator("patient_alternatives", "organization_alternatives", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """`next=fellegi-sunter:next.json, rules=deterministic`."""
        if not isinstance(given, str):
            return given
        found = [ALTERNATIVE.fullmatch(part.strip()) for part in given.split(",") if part.strip()]
        if any(match is None for match in found):
            raise ValueError("an alternative is name=engine or name=engine:model.json")
        named = [(m["name"], m["engine"], m["model"]) for m in found if m]
        if len({name for name, *_ in named}) < len(named):
            raise ValueError("two alternatives have one name")
        return named

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        """A misspelt setting would silently do nothing."""
        known = {f"{PREFIX}{name}".upper() for name in cls.model_fields}
        ours = {name for name in map(str.upper, os.environ) if name.startswith(PREFIX)}
        if unknown := sorted(name for name in ours - known if not name.startswith(TESTS)):
            raise ValueError(f"no such setting: {', '.join(unknown)}")
        return given
