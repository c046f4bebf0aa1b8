"""The choice elements of R5, `name[x]` in a definition: their JSON key is the name and the type.

Written down, because reading it from the metadata of every R5 type takes seconds at each start; a
test compares it with the metadata.
"""

from typing import Final

_OPEN: Final = """
    Address Age Annotation Attachment Availability Base64Binary Boolean Canonical Code CodeableConcept
    CodeableReference Coding ContactDetail ContactPoint Count DataRequirement Date DateTime Decimal
    Distance Dosage Duration Expression ExtendedContactDetail HumanName Id Identifier Instant Integer
    Integer64 Markdown Meta Money Oid ParameterDefinition Period PositiveInt Quantity Range Ratio
    RatioRange Reference RelatedArtifact SampledData Signature String Time Timing TriggerDefinition
    UnsignedInt Uri Url UsageContext Uuid
"""
_CHOICES: Final = """
    abatement Age DateTime Period Range String
    actor Canonical Reference
    additive CodeableConcept Reference
    address ContactPoint ExtendedContactDetail String Url
    age Age Range String
    allowed Boolean CodeableConcept Money String UnsignedInt
    amount Quantity Range Ratio String
    answer Boolean Coding Date DateTime Decimal Integer Quantity Reference String Time
    artifact Canonical Reference Uri
    asNeeded Boolean CodeableConcept
    author Reference String
    born Date Period String
    bounds Duration Period Range
    chargeItem CodeableConcept Reference
    citeAs Markdown Reference
    collected DateTime Period
    concentration CodeableConcept Quantity Ratio RatioRange
    content Attachment CodeableConcept Reference
    cost CodeableConcept Money
    coverage Period Timing
    date DateTime Period
    deceased Age Boolean Date DateTime Range String
    definition Canonical Uri
    detail Boolean CodeableConcept Integer Quantity Range Ratio String
    diagnosis CodeableConcept Reference
    dose Quantity Range
    due Date Duration
    duration Quantity Range String
    effective DateTime Instant Period Timing
    endpoint Reference Url
    entity CodeableConcept Reference
    event Canonical CodeableConcept Coding DateTime Id Reference Uri
    fastingStatus CodeableConcept Duration
    generatedBy Identifier Reference
    identified DateTime Period
    instance CodeableConcept Reference
    instances Quantity Range
    instantiates Canonical Reference
    instruction Markdown Reference
    item CodeableConcept Reference
    legallyBinding Attachment Reference
    link Canonical Uri
    location Address CodeableConcept Reference
    maxValue Date DateTime Decimal Instant Integer Integer64 PositiveInt Quantity Time UnsignedInt
    measureScore CodeableConcept DateTime Duration Period Quantity Range
    minValue Date DateTime Decimal Instant Integer Integer64 PositiveInt Quantity Time UnsignedInt
    minimumVolume Quantity String
    module Canonical CodeableConcept Uri
    multipleBirth Boolean Integer
    network Reference String Uri
    occurence DateTime Period Timing
    occurred DateTime Period
    occurrence Age DateTime Period Range String Timing
    offset Duration Range
    onset Age DateTime Period Range String
    performed Age DateTime Period Range String
    period Date Duration Period String
    presentation CodeableConcept Quantity Ratio RatioRange
    probability Decimal Range
    procedure CodeableConcept Reference
    product CodeableConcept Reference
    quantity Quantity Range Ratio
    rate Quantity Range Ratio
    reported Boolean Reference
    sequence CodeableConcept Reference String
    serviced Date Period
    source Markdown Reference String Uri Url
    sourceScope Canonical Uri
    start CodeableConcept Date
    strength CodeableConcept Quantity Ratio RatioRange
    structureProfile Canonical Uri
    subject Canonical CodeableConcept Reference
    substance CodeableConcept Reference
    substanceDefinition CodeableConcept Reference
    targetItem Identifier PositiveInt String
    targetScope Canonical Uri
    time DateTime Period
    timing Age Date DateTime Duration Period Range Reference Timing
    topic CodeableConcept Reference
    used Money String UnsignedInt
    versionAlgorithm Coding String
    when DateTime Period Range
"""
CHOICES: Final = {
    **{line.split()[0]: tuple(line.split()[1:]) for line in _CHOICES.strip().splitlines()},
    **dict.fromkeys(("defaultValue", "fixed", "pattern", "value"), tuple(_OPEN.split())),
}
"""Element name -> the types it may have somewhere in R5, as the key spells them."""
