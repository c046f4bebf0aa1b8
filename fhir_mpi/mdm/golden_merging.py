"""Two golden records become one: whose links win (as in HAPI, but no source loses its match by it)."""

from typing import Final

from fhir_mpi.fhir.outcome import InvalidRequest
from fhir_mpi.mdm.ledger import Ledger
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult

STRENGTH: Final = {MatchResult.MATCH: 2, MatchResult.POSSIBLE_MATCH: 1}
COLLISION: Final = "HAPI-0752: A MANUAL {} link may not be merged into a MANUAL {} link for the same target"


def merge(ledger: Ledger, retired: str, survivor: str) -> set[str]:
    """Moves the links of `retired` to `survivor`; the sources that are matched to neither any more.

    What a person said beats what was found. InvalidRequest where a person said both of a source.
    """
    matched = {link.source for link in (*ledger.members(retired), *ledger.members(survivor))}
    for link in ledger.on_golden(retired):
        ledger.remove(link)
        if link.source != survivor:
            _move(ledger, link, survivor)
    for link in ledger.of_source(retired):
        ledger.remove(link)
        if link.golden != survivor and not ledger.link(survivor, link.golden):
            _take(ledger, link, link.golden, survivor)
    ledger.put(survivor, retired, MatchResult.REDIRECT, LinkSource.MANUAL)
    return {source for source in matched if ledger.matched_to(source) is None}


def _move(ledger: Ledger, link: Link, survivor: str) -> None:
    known = ledger.link(survivor, link.source) or ledger.link(link.source, survivor)
    if known is None or _wins(link, known):
        _take(ledger, link, survivor, link.source)


def _wins(link: Link, known: Link) -> bool:
    manual, known_manual = (each.link_source is LinkSource.MANUAL for each in (link, known))
    if manual and known_manual and link.result is not known.result:
        raise InvalidRequest(COLLISION.format(link.result, known.result))
    if manual != known_manual:
        return manual
    return STRENGTH.get(link.result, 0) > STRENGTH.get(known.result, 0)


def _take(ledger: Ledger, link: Link, golden: str, source: str) -> None:
    """What a link says, said between these."""
    ledger.put(
        golden,
        source,
        link.result,
        link.link_source,
        score=link.score,
        eid_match=link.eid_match,
        explanation=link.explanation,
    )
