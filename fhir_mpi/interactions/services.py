"""What an interaction or operation may reach: never the request, never a setting's source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fhir_mpi.definitions import Definitions
from fhir_mpi.interactions.identity import Mdm
from fhir_mpi.interactions.intake import Intake
from fhir_mpi.interactions.keys import Keys
from fhir_mpi.interactions.ways import Ways
from fhir_mpi.mdm.matching import Matcher
from fhir_mpi.storage.port import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that an operator sets; see docs/reference/settings.md."""

    match_count: int
    match_count_max: int
    page_size: int
    page_size_max: int
    search_without_criteria: bool
    bundle_entries: int
    delete_several: bool = False
    """Whether a conditional delete takes everything that meets its criteria, as HAPI can."""
    included: int = 1000
    """How many resources come along with a page of a search."""
    unique_identifiers: frozenset[str] = frozenset()
    """Identifier systems whose values one resource of a type may have."""
    if_match_required: bool = False
    """Whether an update or patch of what exists must name its version."""
    identity_links: int = 1000
    """Over how many links one search follows identities."""
    expunge: bool = False
    """Whether `$expunge` may remove resources and versions for good."""
    key_lifetime: float = 86400.0
    """Seconds that an Idempotency-Key is known."""
    key_required: bool = False
    """Whether what changes something must have an Idempotency-Key."""
    job_lease: float = 60.0
    """Seconds after which a job is another process's, if the one that has it says nothing more."""
    job_lifetime: float = 86400.0
    """Seconds that the result of a job is kept."""
    unmatched: frozenset[str] = frozenset()
    """Resource types that aren't even matched."""
    review_sample: int = 0
    """How many of a million automatic matches a person is to look at."""
    linked: frozenset[str] = frozenset()
    """Resource types whose records are linked to golden records."""


@dataclass(frozen=True, slots=True)
class Services:
    definitions: Definitions
    store: Store
    keys: Keys
    """How units of work are committed: under the blocking keys that the store has now."""
    intake: Intake
    matchers: Mapping[str, Matcher]
    limits: Limits
    clock: Callable[[], datetime]
    """Now, in UTC."""
    new_id: Callable[[], str]
    """A logical id that was never given before."""
    ways: Ways = field(default_factory=Ways)
    alternatives: Mapping[str, Mapping[str, Matcher]] = field(default_factory=dict)
    """Type -> name -> a matcher that `$match` takes where it is asked to, for comparison."""
    mdm: Mdm = field(default_factory=Mdm)
