"""Makes `fhir_mpi/models/patient.json`: python -m tests.benchmarks.default_model [--people N] [--pairs M].

The levels, blocking rules and caps stand in `patient_model.json` beside this file. What is counted here,
with Laplace's rule, is how often each level is true: m over corrupted copies of invented people, u over
random pairs of them. Where the invention is known to be kinder than life, a stated assumption replaces
the count; every assumption is written into the model's `provenance`.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import LinkageModel, load_model
from fhir_mpi.linkage.record import Record, record_of
from tests.benchmarks.census_names import census_names, census_shares

HERE = Path(__file__).parent
MODELS = HERE.parent.parent / "fhir_mpi" / "models"
FAMILY_NAMES = 20_000
Pairs = list[tuple[Record, Record]]
Counts = dict[str, Counter[str]]

ASSUMED_M = {
    ("given", "initial"): (0.01, "1 % of registrations write an initial for the given name"),
    ("given", "other given name"): (0.02, "2 % of people are registered by another of their given names"),
    ("family", "part"): (0.03, "3 % carry one part of a compound family name"),
    ("birth-date", "else"): (0.0005, "of 2,000 dates one is wrong altogether"),
    ("identifier", "else"): (0.0006, "of 1,700 people one has two numbers in one system"),
    ("gender", "else"): (0.01, "1 % of registrations carry a wrong gender; the generator corrupts none"),
    ("generation", "else"): (0.02, "a person is rarely registered once as senior and once as junior"),
    ("birth-order", "else"): (0.02, "2 % of twins are registered with the wrong birth order"),
    ("email", "else"): (0.35, "people have several addresses; the generator changes them with the phone"),
    ("given", "rearranged"): (
        0.01,
        "1 % of people have their given names written in another order, or as one",
    ),
    ("given", "transliterated"): (0.01, "1 % of registrations are in another script"),
    ("given", "same consonants"): (0.005, "half of those, in a script without vowels"),
    ("family", "transliterated"): (0.01, "1 % of registrations are in another script"),
    ("family", "same consonants"): (0.005, "half of those, in a script without vowels"),
    ("death", "before birth"): (0.0001, "one of 10,000 birth dates is that wrong"),
    ("death", "same date"): (0.06, "of two records that both tell of life or death"),
    ("death", "other date"): (0.01, "the day of the certificate for that of the death"),
    ("death", "alike"): (0.9, "most tell that somebody lives"),
    ("death", "else"): (0.03, "a death becomes known at one desk first"),
    ("inactive", "else"): (1.0, "a record out of use says nothing of who somebody is: a guard sees to it"),
    ("birth-date", "partial"): (0.01, "1 % of registrations know only a year or a month; the generator none"),
    ("identifier", "mixed"): (0.01, "one number agrees and another differs: corrections, second cards"),
    ("identifier", "neighbouring"): (0.002, "a mistyped last digit; twins are numbered one after the other"),
    ("identifier", "same type"): (0.2, "systemless numbers are rarely invented twice alike"),
}
ASSUMED_U = {
    ("given", "initial"): (7e-4, "the same share of registrations, and one first letter in fourteen alike"),
    ("given", "other given name"): (4e-3, "half have a middle name, and common ones recur"),
    ("family", "part"): (1e-3, "a tenth of names are compound, of common parts"),
    ("given", "rearranged"): (3e-4, "as often as two common given names meet"),
    ("given", "transliterated"): (2e-4, "a script in fifty, and a name in a hundred alike"),
    ("given", "same consonants"): (2.5e-4, "four bits: consonants are shared by several names"),
    ("family", "transliterated"): (1e-4, "a script in fifty, and a name in two hundred alike"),
    ("family", "same consonants"): (1.5e-4, "five bits: consonants are shared by several names"),
    ("death", "before birth"): (0.01, "parents and grandparents of one name"),
    ("death", "same date"): (0.0005, "two deaths on one day"),
    ("death", "other date"): (0.05, "two deaths on two days"),
    ("death", "alike"): (0.85, "most tell that somebody lives"),
    ("death", "else"): (0.1, "one of them lives"),
    ("inactive", "else"): (1.0, "no evidence"),
    ("generation", "else"): (0.5, "of two generations, at random"),
    ("birth-order", "else"): (0.5, "of two twins, at random"),
    ("birth-date", "partial"): (2.5e-4, "a year in forty and a share of partial dates"),
    ("identifier", "mixed"): (1.4e-4, "an agreement that is also contradicted is worth six bits"),
    ("identifier", "neighbouring"): (0.002, "as often among relatives as among copies: no evidence"),
    ("identifier", "same type"): (8e-4, "systemless numbers collide between issuers; worth eight bits"),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=200_000)
    arguments.add_argument("--pairs", type=int, default=400_000)
    given = arguments.parse_args()
    document = json.loads((HERE / "patient_model.json").read_text())
    document["termFrequencies"] = term_frequencies()
    matches, others = labelled_pairs(given.people, given.pairs)
    uncounted = load_model(_with_probabilities(document, {}, {}))
    m, u = counted(uncounted, matches), counted(uncounted, others)
    finished = _with_probabilities(document, m, u)
    finished["provenance"] += _provenance(len(matches), len(others))
    _check_and_write(finished, MODELS / "patient.json")


def labelled_pairs(population: int, pairs: int) -> tuple[Pairs, Pairs]:
    """Same person twice, and two people at random."""
    names, rng = census_names(), Random(20)
    everyone = []
    matches = []
    for person in people(population, seed=10, names=names):
        record = record_of(person.patient())
        everyone.append(record)
        matches.append((record_of(probe(person, rng, names).patient()), record))
    return matches, [(rng.choice(everyone), rng.choice(everyone)) for _ in range(pairs)]


def counted(model: LinkageModel, pairs: Pairs) -> Counts:
    """How often each level of each comparison was the first that was true."""
    found = {}
    for comparison in model.comparisons:
        compare = compiled(comparison, model)
        found[comparison.name] = Counter(compare(a, b).level for a, b in pairs)
    return found


def term_frequencies() -> dict[str, Any]:
    """Folded name -> share; given names are half women's and half men's."""
    family = {name.lower(): share for name, share in census_shares("dist.all.last").items()}
    common = dict(sorted(family.items(), key=lambda item: -item[1])[:FAMILY_NAMES])
    given: Counter[str] = Counter()
    for table in ("dist.female.first", "dist.male.first"):
        for name, share in census_shares(table).items():
            given[name.lower()] += share / 2  # type: ignore[assignment]
    return {
        "family": {"floor": 1e-7, "other": 1e-5, "values": _rounded(common.items())},
        "given": {"floor": 1e-7, "other": 2e-5, "values": _rounded(given.most_common())},
    }


def _rounded(shares: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {name: float(f"{share:.3g}") for name, share in shares}


def _with_probabilities(document: dict[str, Any], m: Counts, u: Counts) -> dict[str, Any]:
    finished: dict[str, Any] = json.loads(json.dumps(document))
    for comparison in finished["comparisons"]:
        levels = [level for level in comparison["levels"] if not level.get("null")]
        name = comparison["name"]
        for level in levels:
            label = level["label"]
            level["m"] = ASSUMED_M.get((name, label), (_share(m.get(name), levels, label),))[0]
            level["u"] = ASSUMED_U.get((name, label), (_share(u.get(name), levels, label),))[0]
    return finished


def _share(counts: Counter[str] | None, levels: list[dict[str, Any]], label: str) -> float:
    """Laplace: half a pair is added to every level, so that nothing unseen is impossible."""
    if counts is None:
        return 0.5
    seen = sum(counts[level["label"]] for level in levels)
    return float(f"{(counts[label] + 0.5) / (seen + 0.5 * len(levels)):.4g}")


def _provenance(matches: int, others: int) -> list[str]:
    assumed = [
        f"assumed, not counted: {kind}({comparison} {label}) = {value}: {why}"
        for kind, table in (("m", ASSUMED_M), ("u", ASSUMED_U))
        for (comparison, label), (value, why) in table.items()
    ]
    return [
        f"m and u counted with Laplace's rule over {matches} corrupted copies and {others} random pairs"
        " of invented people (tests/benchmarks/default_model.py)",
        f"term frequencies: 1990 US census, the {FAMILY_NAMES} most common family names, all given names",
        *assumed,
    ]


def _check_and_write(document: dict[str, Any], path: Path) -> None:
    """Each table of term frequencies is one line, everything else is indented."""
    model = load_model(document)
    text = json.dumps(document | {"termFrequencies": {}}, indent=2, ensure_ascii=False)
    tables = json.dumps(document["termFrequencies"], separators=(",", ":")).replace("},", "},\n")
    path.write_text(text.replace('"termFrequencies": {}', f'"termFrequencies": {tables}') + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
    for comparison in model.comparisons:
        weights = ", ".join(f"{level.label} {comparison.weight(level):.1f}" for level in comparison.levels)
        print(f"{comparison.name:12} {weights}")


if __name__ == "__main__":
    main()
