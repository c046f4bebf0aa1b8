"""Which records are one person, as somebody who knows says."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from fhir_mpi.batch.reading import UnreadableInput

PAIRS: Final = ("id_l", "id_r")
PERSONS: Final = ("id", "person")
YES: Final = ("1", "1.0", "true", "yes")
NO: Final = ("0", "0.0", "false", "no")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Labels:
    """Pairs of ids, lesser first, and whether each is one person.

    `complete` where every pair that isn't listed is two people, as far as both ids are in `ids`.
    """

    pairs: Mapping[Pair, bool]
    ids: frozenset[str]
    complete: bool

    @property
    def matches(self) -> Sequence[Pair]:
        return [pair for pair, same in self.pairs.items() if same]

    def same(self, one: str, other: str) -> bool | None:
        """Whether two records are one person; None where nobody knows."""
        known = self.pairs.get(ordered(one, other))
        if known is None and self.complete and one in self.ids and other in self.ids:
            return False
        return known


def read_labels(path: Path) -> Labels:
    """The labels of a CSV file, either `id_l,id_r,match` or `id,person`.

    `match` is 1 or 0; without that column every pair is one person. The second form says it of every pair.
    UnreadableInput naming the line that can't be used.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or ()
        if set(PAIRS) <= set(columns):
            return _of_pairs(dict(_pairs(path, rows)))
        if set(PERSONS) <= set(columns):
            return _of_persons(rows)
    raise UnreadableInput(f"{path}: the first line must name id_l,id_r,match or id,person")


def ordered(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _pairs(path: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[Pair, bool]]:
    for row in rows:
        said = (row.get("match") or "1").strip().lower()
        if not row["id_l"] or not row["id_r"] or said not in (*YES, *NO):
            raise UnreadableInput(f"{path}, line {rows.line_num}: not two ids and 1 or 0")
        yield ordered(row["id_l"], row["id_r"]), said in YES


def _of_pairs(pairs: Mapping[Pair, bool]) -> Labels:
    return Labels(pairs, frozenset(id for pair in pairs for id in pair), complete=False)


def _of_persons(rows: "csv.DictReader[str]") -> Labels:
    people: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        people[row["person"]].append(row["id"])
    pairs = {ordered(*pair): True for ids in people.values() for pair in combinations(ids, 2)}
    return Labels(pairs, frozenset(id for ids in people.values() for id in ids), complete=True)
