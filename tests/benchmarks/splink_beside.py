"""Splink's online path beside ours, on the same records and probes, in one run.

    python -m tests.benchmarks.splink_beside --population 100000 --probes 30

Splink answers one new record at a time with `find_matches_to_new_records` on DuckDB, its own way of
asking an existing data set about somebody; ours is `Patient/$match` in process, from the parsed Patient
to the encoded Bundle, on the SQLite store that `tests.benchmarks.serving` loads.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Resource
from tests.benchmarks.census_names import census_names
from tests.benchmarks.measuring import percentile, spread
from tests.benchmarks.serving import SEED, in_process, loaded, probes_of

COLUMNS = ("family", "given", "birth_date", "gender", "postal_code", "phone", "national_id")
RULES = (
    ("national_id",),
    ("phone",),
    ("family", "birth_date"),
    ("given", "birth_date"),
    ("family", "given", "postal_code"),
    ("birth_date", "postal_code"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--population", type=int, default=100_000)
    parser.add_argument("--probes", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    given = parser.parse_args()
    logging.getLogger("splink").setLevel(logging.ERROR)
    given.folder.mkdir(exist_ok=True)
    asked = list(probes_of(given.population, given.probes))[: given.probes]
    theirs = splink_seconds(given.population, [patient for _, patient in asked])
    print(f"Splink, {given.population} records, {len(asked)} probes: {spread(theirs)}")
    ours = asyncio.run(in_process(loaded(given.folder, given.population), asked))
    print(f"ours {percentile(theirs, 0.5) / ours:.0f} times faster at p50")


def splink_seconds(population: int, patients: Sequence[Resource]) -> list[float]:
    """Seconds of each question, after two that warm the engine up."""
    rows = [
        {"unique_id": p.id, **{column: getattr(p, column).lower() or None for column in COLUMNS}}
        for p in people(population, seed=SEED, names=census_names())
    ]
    linker = _linker(pandas.DataFrame(rows))
    seconds = []
    for number, patient in enumerate([*patients[:2], *patients]):
        record = {"unique_id": f"probe-{number}", **_flat(patient)}
        started = time.perf_counter()
        linker.inference.find_matches_to_new_records(
            pandas.DataFrame([record]).astype("string"),
            blocking_rules=[block_on(*rule) for rule in RULES],
            match_weight_threshold=0,
        ).as_record_dict()
        seconds.append(time.perf_counter() - started)
    return seconds[2:]


def _linker(frame: pandas.DataFrame) -> Linker:
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in RULES],
        comparisons=[
            cl.JaroWinklerAtThresholds("given", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("family", [0.92, 0.85]).configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("birth_date", [1]),
            cl.ExactMatch("gender"),
            cl.ExactMatch("postal_code"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("national_id"),
        ],
    )
    linker = Linker(frame, settings, DuckDBAPI())
    linker.training.estimate_probability_two_random_records_match([block_on("national_id")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for column in ("given", "family"):
        linker.table_management.compute_tf_table(column)
    return linker


def _flat(patient: Resource) -> dict[str, Any]:
    name = patient["name"][0]
    address = patient.get("address", [{}])[0]
    telecom = {t["system"]: t["value"] for t in patient.get("telecom", ())}
    numbers = [i["value"] for i in patient.get("identifier", ()) if "national" in i["system"]]
    found = {
        "family": name.get("family"),
        "given": next(iter(name.get("given", ())), None),
        "birth_date": patient.get("birthDate"),
        "gender": patient.get("gender"),
        "postal_code": address.get("postalCode"),
        "phone": telecom.get("phone"),
        "national_id": next(iter(numbers), None),
    }
    return {key: value.lower() if value else None for key, value in found.items()}


if __name__ == "__main__":
    main()
