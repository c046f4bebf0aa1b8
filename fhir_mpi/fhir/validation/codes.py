"""Required codes that `fhir.resources` 8.3 has wrong, lacks, or closes where R5 leaves them open.

A test holds this table, and every other required code, against the value sets of R5 5.0.0.
"""

from collections.abc import Mapping
from typing import Final

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OTHER_TYPES: Final = _codes(
    """
    Address Age Annotation Attachment Availability BackboneElement BackboneType Base
    CanonicalResource CodeableConcept CodeableReference Coding ContactDetail ContactPoint
    Contributor Count DataRequirement DataType Distance DomainResource Dosage Duration Element
    ElementDefinition Expression ExtendedContactDetail Extension HumanName Identifier
    MarketingStatus Meta MetadataResource MonetaryComponent Money Narrative ParameterDefinition
    Period PrimitiveType ProductShelfLife Quantity Range Ratio RatioRange Reference RelatedArtifact
    Resource SampledData Signature Timing TriggerDefinition UsageContext VirtualServiceDetail
    base64Binary boolean canonical code date dateTime decimal id instant integer integer64 markdown
    oid positiveInt string time unsignedInt uri url uuid xhtml
    """
)
_FHIR_VERSION: Final = _codes(
    """
    0.0 0.0.80 0.0.81 0.0.82 0.01 0.05 0.06 0.11 0.4 0.4.0 0.5 0.5.0 1.0 1.0.0 1.0.1 1.0.2 1.1 1.1.0
    1.4 1.4.0 1.6 1.6.0 1.8 1.8.0 3.0 3.0.0 3.0.1 3.0.2 3.3 3.3.0 3.5 3.5.0 4.0 4.0.0 4.0.1 4.1
    4.1.0 4.2 4.2.0 4.3 4.3.0 4.3.0-cibuild 4.3.0-snapshot1 4.4 4.4.0 4.5 4.5.0 4.6 4.6.0 5.0 5.0.0
    5.0.0-ballot 5.0.0-cibuild 5.0.0-draft-final 5.0.0-snapshot1 5.0.0-snapshot2 5.0.0-snapshot3
    """
)
_TASK_STATUS: Final = _codes(
    """
    accepted cancelled completed draft entered-in-error failed in-progress on-hold ready received
    rejected requested
    """
)
_ENTRY_MODE: Final = _codes(
    """
    include match outcome
    """
)
_DISCRIMINATOR: Final = _codes(
    """
    exists pattern position profile type value
    """
)
_ISSUE_TYPE: Final = _codes(
    """
    business-rule code-invalid conflict deleted duplicate exception expired extension forbidden
    incomplete informational invalid invariant limited-filter lock-error login multiple-matches
    no-store not-found not-supported processing required security structure success suppressed
    throttled timeout too-costly too-long transient unknown value
    """
)
_AUDIT_ACTION: Final = _codes(
    """
    C D E R U
    """
)
_COMPARATOR: Final = _codes(
    """
    < <= > >= ad
    """
)
_WHEN: Final = _codes(
    """
    AC ACD ACM ACV AFT AFT.early AFT.late C CD CM CV EVE EVE.early EVE.late HS IMD MORN MORN.early
    MORN.late NIGHT NOON PC PCD PCM PCV PHS WAKE
    """
)
_LINK_RELATION: Final = _codes(
    """
    P3Pv1 about acl alternate amphtml appendix apple-touch-icon apple-touch-startup-image archives
    author blocked-by bookmark canonical chapter cite-as collection contents convertedFrom copyright
    create-form current describedby describes disclosure dns-prefetch duplicate edit edit-form
    edit-media enclosure external first glossary help hosts hub icon index intervalAfter
    intervalBefore intervalContains intervalDisjoint intervalDuring intervalEquals
    intervalFinishedBy intervalFinishes intervalIn intervalMeets intervalMetBy intervalOverlappedBy
    intervalOverlaps intervalStartedBy intervalStarts item last latest-version license linkset lrdd
    manifest mask-icon media-feed memento micropub modulepreload monitor monitor-group next
    next-archive nofollow noopener noreferrer opener openid2.local_id openid2.provider original
    payment pingback preconnect predecessor-version prefetch preload prerender prev prev-archive
    preview previous privacy-policy profile publication related replies restconf ruleinput search
    section self service service-desc service-doc service-meta sponsored start status stylesheet
    subsection successor-version sunset tag terms-of-service timegate timemap type ugc up
    version-history via webmention working-copy working-copy-of
    """
)

# (type, element) -> the closed list of codes; None where the list is open after all.
CODES: Final[Mapping[tuple[str, str], frozenset[str] | None]] = {
    ("Task", "status"): _TASK_STATUS,
    ("BundleEntrySearch", "mode"): _ENTRY_MODE,
    ("ElementDefinitionSlicingDiscriminator", "type"): _DISCRIMINATOR,
    ("OperationOutcomeIssue", "code"): _ISSUE_TYPE,
    ("AuditEvent", "action"): _AUDIT_ACTION,
    ("TimingRepeat", "when"): _WHEN,
    ("BundleLink", "relation"): _LINK_RELATION,
    ("CapabilityStatementRestResource", "type"): RESOURCE_TYPES,
    ("CapabilityStatement", "fhirVersion"): _FHIR_VERSION,
    ("DataRequirement", "type"): RESOURCE_TYPES | _OTHER_TYPES,
    ("ParameterDefinition", "type"): RESOURCE_TYPES | _OTHER_TYPES,
    ("Expression", "language"): None,
    ("CapabilityStatement", "format"): None,
} | {
    (type_name, "comparator"): _COMPARATOR
    for type_name in ("Quantity", "Age", "Count", "Distance", "Duration")
}
