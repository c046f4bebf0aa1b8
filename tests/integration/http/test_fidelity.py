"""What goes in comes out: key order, decimals, dates, extensions and text, byte for byte (B19, B26)."""

import json
from decimal import Decimal
from typing import Any, Final
from unicodedata import normalize

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import FHIR_JSON, find, ids, match, person, send, surname

EXTENSION: Final = '{"url":"https://example.org/%s","value%s":%s}'
DECIMALS: Final = (
    "1.00",
    "0.10",
    "1e2",
    "1E-3",
    "100",
    "0.0000001",
    "-0.00",
    "1234567890.12345678901234567890",
)
TEXTS: Final = {
    "combining": "e" + "\u0301" * 10_000,
    "right-to-left": "\u202eevil\u202c",
    "joiner": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "emoji": "\U0001f600",
    "homoglyph": "\u0410nna",
    "nfc": normalize("NFC", "Jos\u00e9"),
    "nfd": normalize("NFD", "Jos\u00e9"),
    "line-separator": "a\u2028b\u2029c",
    "quotes": '"\\/ \t',
    "private-use": "\ue000\U000f0000",
}


def exact(text: str) -> Any:
    """JSON as pairs, with every number as its own text."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=lambda pairs: pairs)


async def returned(client: AsyncClient, elements: str) -> Any:
    """What a create, a read, a vread, a search and a history each give back for these elements."""
    text = f'{{"resourceType":"Patient",{elements}}}'
    made = await client.post("/Patient", content=text.encode(), headers={"content-type": FHIR_JSON})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    told = [exact(made.text)]
    for path in (f"/Patient/{id}", f"/Patient/{id}/_history/1"):
        response = await client.get(path)
        told.append(exact(response.text))
    for path in (f"/Patient?_id={id}", f"/Patient/{id}/_history"):
        found = dict(exact((await client.get(path)).text))
        told.append(dict(found["entry"][0])["resource"])
    assert all(one == told[0] for one in told)
    return [pair for pair in told[0] if pair[0] not in ("id", "meta")][1:]


@pytest.mark.parametrize("number", DECIMALS)
async def test_b19_a_decimal_keeps_every_digit(client: AsyncClient, number: str) -> None:
    element = f'"extension":[{EXTENSION % ("d", "Decimal", number)}]'
    (extension,) = await returned(client, element)
    assert Decimal(dict(extension[1][0])["valueDecimal"]).as_tuple() == Decimal(number).as_tuple()


async def test_keys_come_back_in_the_order_they_came_in(client: AsyncClient) -> None:
    elements = (
        '"_gender":{"extension":[{"url":"urn:why","valueCode":"x"}]},"telecom":[{"value":"1","use":"home","system":"phone"}],"gender":"other",'
        '"name":[{"use":"official","given":["B","A"],"family":"Z"}],"active":false'
    )
    assert await returned(client, elements) == exact(f"{{{elements}}}")


@pytest.mark.parametrize(
    "elements",
    [
        '"birthDate":"1957"',
        '"birthDate":"1957-11"',
        '"birthDate":"1957-11-23","_birthDate":{"extension":[%s]}'
        % (EXTENSION % ("t", "DateTime", '"1957-11-23T14:35:45-05:00"')),
        '"_birthDate":{"extension":[%s]}' % (EXTENSION % ("why", "Code", '"unknown"')),
        '"deceasedDateTime":"2020-01-01T00:00:00.715+00:00"',
        '"deceasedDateTime":"2020-01-01T00:00:00.000000Z"',
        '"gender":"other","_gender":{"id":"g"}',
        '"name":[{"given":["A","B"],"_given":[null,{"id":"b"}]}]',
        '"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"urn:why","valueCode":"x"}]}]}]',
        '"extension":[%s]' % (EXTENSION % ("i", "Integer64", '"9223372036854775807"')),
    ],
)
async def test_partial_dates_and_primitive_extensions_come_back_untouched(
    client: AsyncClient, elements: str
) -> None:
    assert await returned(client, elements) == exact(f"{{{elements}}}")


@pytest.mark.parametrize("text", [pytest.param(t, id=f"B26-{n}") for n, t in TEXTS.items()])
async def test_any_text_comes_back_byte_for_byte(client: AsyncClient, text: str) -> None:
    elements = f'"name":[{{"family":{json.dumps(text)}}}]'
    assert await returned(client, elements) == exact(f"{{{elements}}}")


@pytest.mark.parametrize(("kept", "asked"), [("NFC", "NFD"), ("NFD", "NFC")])
async def test_b26_composed_and_decomposed_letters_are_the_same_name(
    client: AsyncClient, kept: Any, asked: Any
) -> None:
    family = f"\u00c9l\u00e9onore{surname()}"

    def ask(form: Any) -> dict[str, Any]:
        name = {"family": normalize(form, family), "given": [normalize(form, "Zo\u00e9")]}
        return {**person(family), "name": [name]}

    made = (await send(client, "POST", "/Patient", ask(kept))).json()
    assert made["name"][0]["family"] == normalize(kept, family)
    assert ids(await find(client, f"Patient?family={normalize(asked, family)}")) == [made["id"]]
    same, other = [(await match(client, ask(form))).json() for form in (kept, asked)]
    assert ids(same) == ids(other) == [made["id"]]
    assert same["entry"][0]["search"] == other["entry"][0]["search"]
