"""Hostile bodies on every way in, on both stores: refused with the right words, nothing stored.

The case ids are those of the security reference (table B).
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import alive, issue, outcome, stored
from tests.integration.http.ways_in import WAYS, around, ask

CANARY: Final = "Zzyzxcanary"


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile Patient: `whole` where the bytes are no FHIR JSON, so that a batch fails as a whole."""

    id: str
    patient: bytes
    status: int
    code: str
    expression: str | None = None
    whole: bool = False
    change: Callable[[bytes], bytes] = bytes


def with_element(element: bytes) -> bytes:
    """A Patient that is fine but for one element."""
    return b'{"resourceType":"Patient","id":"hostile","identifier":[{"value":"%s"}],%s}' % (
        CANARY.encode(),
        element,
    )


def syntax(id: str, element: bytes, code: str = "structure") -> Case:
    return Case(id, with_element(element), 400, code, whole=True)


def fault(id: str, element: bytes, code: str, expression: str | None, status: int = 400) -> Case:
    return Case(id, with_element(element), status, code, expression)


def encoded(name: str) -> Callable[[bytes], bytes]:
    return lambda body: body.decode().encode(name)


def nested(depth: int) -> bytes:
    return b'"extension":' + b'[{"url":"urn:x","extension":' * depth + b"[]" + b"}]" * depth


def narrative(html: str) -> bytes:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{html}</div>'
    return b'"text":' + json.dumps({"status": "generated", "div": div}).encode()


FINE: Final = with_element(b'"active":true')
SYNTAX: Final = (
    replace(syntax("B01", b'"active":true'), change=lambda body: body[:-3]),
    syntax("B01-comma", b'"active":true,'),
    *(syntax(f"B02-{n}", b'"multipleBirthInteger":' + n.encode()) for n in ("NaN", "Infinity", "-Infinity")),
    syntax("B02-1e400", b'"multipleBirthInteger":1e400'),
    syntax("B03", b'"gender":"male","gender":"female"'),
    syntax("B04-lone-surrogate", rb'"name":[{"family":"\ud800"}]'),
    syntax("B04-invalid-utf-8", b'"name":[{"family":"\xff"}]'),
    syntax("B04-overlong", b'"name":[{"family":"\xc0\xaf"}]'),
    *(
        Case(f"B04-{name}", FINE, 400, "structure", whole=True, change=encoded(name))
        for name in ("utf-16", "utf-16-le", "utf-32")
    ),
    Case("B05", FINE, 400, "structure", whole=True, change=lambda body: b"\xef\xbb\xbf" + body),
    syntax("B06", nested(40)),
    syntax("B14-int64", b'"multipleBirthInteger":9223372036854775808', "value"),
    syntax("B14-5000-digits", b'"multipleBirthInteger":' + b"9" * 5000, "value"),
    syntax("B17-nul", rb'"a\u0000":{}', "value"),
    syntax("B15-nul", rb'"name":[{"family":"a\u0000b"}]', "value"),
    syntax("B15-bell", rb'"name":[{"family":"a\u0007b"}]', "value"),
    syntax("B15-raw", b'"name":[{"family":"a\x01b"}]'),
    *(
        syntax(f"B17-{name}", b'"%s":{}' % key)
        for name, key in {
            "set": b"$set",
            "where": b"$where",
            "dot": b"a.b",
            "proto": b"__proto__",
            "empty": b"",
        }.items()
    ),
)
MEANING: Final = (
    Case("B09-missing", FINE.replace(b'"resourceType":"Patient",', b""), 400, "invalid"),
    Case("B09-unknown", FINE.replace(b'"Patient"', b'"Patiant"'), 400, "invalid"),
    Case("B09-unlike-url", FINE.replace(b'"Patient"', b'"Organization"'), 400, "invalid"),
    fault("B11", b'"nickname":"Otti"', "structure", "Patient.nickname"),
    fault("B11-deep", b'"contact":[{"name":{"maiden":"x"}}]', "structure", "Patient.contact[0].name.maiden"),
    fault("B12-boolean", b'"active":"true"', "structure", "Patient.active"),
    fault("B12-number", b'"birthDate":19570101', "structure", "Patient.birthDate"),
    fault("B12-not-a-list", b'"name":{"family":"x"}', "structure", "Patient.name"),
    fault("B12-a-list", b'"gender":["male"]', "structure", "Patient.gender"),
    fault("B12-empty-list", b'"name":[]', "structure", "Patient.name"),
    fault("B12-null", b'"gender":null', "structure", "Patient.gender"),
    fault("B12-float", b'"multipleBirthInteger":1.0', "structure", "Patient.multipleBirthInteger"),
    fault("B12-two-choices", b'"deceasedBoolean":true,"deceasedDateTime":"2020"', "structure", None),
    fault("B13", b'"gender":"divers"', "code-invalid", "Patient.gender"),
    fault("B18-day", b'"birthDate":"2023-02-30"', "value", "Patient.birthDate"),
    fault("B18-time", b'"deceasedDateTime":"2023-01-01T24:61:00Z"', "value", "Patient.deceasedDateTime"),
    fault("B18-year-0", b'"birthDate":"0000-01-01"', "value", "Patient.birthDate"),
    fault("B20-list", b'"name":[{"given":["A","B"],"_given":[null]}]', "structure", None),
    fault("B20-object", b'"birthDate":"1957","_birthDate":[{"id":"a"}]', "structure", None),
    *(
        fault(f"B21-{name}", narrative(html), "invalid", "Patient.text.div")
        for name, html in {
            "script": "<script>alert(1)</script>",
            "onclick": '<p onclick="alert(1)">x</p>',
            "iframe": '<iframe src="https://evil.example"/>',
            "javascript": '<a href="javascript:alert(1)">x</a>',
        }.items()
    ),
    fault("B22", b'"modifierExtension":[{"url":"urn:x:not","valueBoolean":true}]', "extension", None, 422),
    fault(
        "B23",
        b'"contained":[{"resourceType":"Organization","id":"o","name":"x","partOf":{"reference":"#o"}}]',
        "invariant",
        "Patient.contained[0]",
    ),
    Case(
        "B24-identifiers",
        b'{"resourceType":"Patient","id":"hostile","identifier":[%s]}'
        % b",".join([b'{"value":"1"}'] * 10_000),
        400,
        "too-costly",
    ),
    fault("B24-names", b'"name":[' + b",".join([b'{"family":"x"}'] * 5_000) + b"]", "too-costly", None),
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in (*SYNTAX, *MEANING)])
async def test_a_hostile_patient_is_refused_and_leaves_no_trace(
    client: AsyncClient, logged: io.StringIO, case: Case, way: str
) -> None:
    before = await stored(client)
    response = await ask(client, way, case.change(around(way, case.patient)))
    if way == "batch" and not case.whole:
        assert response.status_code == 200
        answer = response.json()["entry"][0]["response"]
        assert answer["status"].startswith(str(case.status))
        issue(answer["outcome"], case.code, case.expression)
    else:
        outcome(response, case.status, case.code, case.expression)
    assert await stored(client) == before
    assert CANARY not in logged.getvalue()
    assert CANARY not in response.text
    assert await alive(client)
