"""Who is one, read off links."""

from datetime import UTC, datetime

from fhir_mpi.mdm.identity import Identity, identities, leads
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def link(golden: str, source: str, result: MatchResult = MatchResult.MATCH) -> Link:
    return Link("Patient", golden, source, result, LinkSource.AUTO, 1, NOW, NOW)


def test_a_record_without_links_is_one_alone() -> None:
    assert identities(["a"], []) == {"a": Identity(None, ("a",), ())}


def test_all_records_of_a_golden_record_have_one_identity() -> None:
    links = [link("g", "a"), link("g", "b"), link("h", "c")]
    anna = Identity("g", ("a", "b", "g"), ("a", "b"))
    assert identities(["a", "g", "c"], links) == {
        "a": anna,
        "g": anna,
        "c": Identity("h", ("c", "h"), ("c",)),
    }


def test_a_merged_golden_record_belongs_to_the_one_that_survives() -> None:
    links = [link("g", "a"), link("g", "h", MatchResult.REDIRECT), link("h", "i", MatchResult.REDIRECT)]
    assert identities(["i"], links)["i"] == Identity("g", ("a", "g", "h", "i"), ("a",))


def test_sources_lead_no_further_and_golden_records_do() -> None:
    assert leads([link("g", "a")]) == {"g"}
    assert leads([link("g", "h", MatchResult.REDIRECT)]) == {"g", "h"}
