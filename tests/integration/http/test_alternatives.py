"""Engines by type, and `$match` by another one than that which serves."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import DefinitionError, load_definitions
from fhir_mpi.settings import Settings
from tests.integration.http.exchanges import create, organization, outcome, parameters, person, send, surname
from tests.integration.http.serving import Serve


def rules(grade: str) -> dict[str, Any]:
    """The packaged model of Patient with one rule, and without guards."""
    file = Path(__file__).parents[3] / "fhir_mpi" / "models" / "patient.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    rule = {"name": "family name", "grade": grade, "when": {"family": ["exact"]}}
    return {**document, "name": "one-rule", "rules": [rule], "caps": []}


def decided(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The grade and the first outcome of each match."""
    found = []
    for entry in answer.get("entry", ()):
        grade, explanation = entry["search"]["extension"]
        first = next(e for e in explanation["extension"] if e["url"] == "comparison")["extension"]
        found.append((grade["valueCode"], f"{first[0]['valueString']}: {first[1]['valueString']}"))
    return found


async def test_match_takes_the_alternative_that_it_is_told(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(rules("possible")), encoding="utf-8")
    named = f"rules=deterministic, one=deterministic:{tmp_path / 'one.json'}"
    async with serve(patient_alternatives=named) as client:
        jane = person(surname())
        await create(client, jane)
        answers = {}
        for engine in (None, "rules", "one"):
            more = {} if engine is None else {"engine": engine}
            response = await send(client, "POST", "/Patient/$match", parameters(jane, **more))
            assert response.status_code == 200, response.text
            answers[engine] = decided(response.json())
        assert answers == {
            None: [("certain", "prior: 1 in 10000")],
            "rules": [("certain", "rule: name, birth date, and phone, email or address")],
            "one": [("possible", "rule: family name")],
        }
        refused = await send(client, "POST", "/Patient/$match", parameters(jane, engine="nobody"))
        outcome(refused, 400, "value", "Parameters.parameter.where(name='engine').value")
        assert "rules, one" in refused.text


async def test_each_type_has_its_engine(serve: Serve) -> None:
    async with serve(patient_engine="deterministic") as client:
        telecom = [{"system": "phone", "value": "+49 30 5550188"}]
        jane, clinic = person(surname()), organization(name=surname(), contact=[{"telecom": telecom}])
        answers = []
        for sent in (jane, clinic):
            await create(client, sent)
            response = await send(client, "POST", f"/{sent['resourceType']}/$match", parameters(sent))
            answers.append(decided(response.json())[0][1].partition(":")[0])
        assert answers == ["rule", "prior"]


@pytest.mark.parametrize(
    ("named", "problem"), [("next", "name=engine"), ("a=deterministic,a=fellegi-sunter", "two alternatives")]
)
def test_a_setting_that_names_none_is_refused(named: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Settings(patient_alternatives=named)


@pytest.mark.parametrize("missing", ["rules", "file"])
async def test_an_alternative_that_cannot_be_made_stops_the_start(
    store_url: str, tmp_path: Path, missing: str
) -> None:
    file = tmp_path / "model.json"
    if missing == "rules":
        document = rules("certain")
        del document["rules"]
        file.write_text(json.dumps(document), encoding="utf-8")
    named: Any = f"x=deterministic:{file}"
    settings = Settings(store=store_url, patient_alternatives=named)
    definitions = load_definitions()
    with pytest.raises(DefinitionError, match=r"\$\.rules" if missing == "rules" else r"model\.json"):
        async with open_services(settings, definitions, build_intake(definitions, settings)):
            pass
