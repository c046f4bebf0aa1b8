"""Which places of a resource are links, and which only look like it."""

from typing import Any

import pytest

from fhir_mpi.fhir.links import Link, relinked

URN = "urn:uuid:1"


def links(resource: Any) -> list[tuple[str, str, str]]:
    found: list[Link] = []

    def see(link: Link) -> str:
        found.append(link)
        return link.text

    assert relinked(resource, see) == resource
    return [(link.path, link.type, link.text) for link in found]


def patient(**elements: Any) -> Any:
    return {"resourceType": "Patient", **elements}


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        (
            {"managingOrganization": {"reference": URN}},
            [("managingOrganization.reference", "Reference", URN)],
        ),
        (
            {"link": [{"other": {"reference": "a"}}, {"other": {"reference": "b"}}]},
            [("link[0].other.reference", "Reference", "a"), ("link[1].other.reference", "Reference", "b")],
        ),
        ({"meta": {"source": URN, "profile": [URN]}}, [("meta.source", "uri", URN)]),
        ({"photo": [{"url": URN, "title": URN}]}, [("photo[0].url", "url", URN)]),
        ({"identifier": [{"system": URN, "value": URN}]}, [("identifier[0].system", "uri", URN)]),
        (
            {"extension": [{"valueOid": URN}, {"valueUuid": URN}, {"valueCanonical": URN}, {"valueId": URN}]},
            [("extension[0].valueOid", "oid", URN), ("extension[1].valueUuid", "uuid", URN)],
        ),
        (
            {"_birthDate": {"extension": [{"valueUri": URN}]}},
            [("_birthDate.extension[0].valueUri", "uri", URN)],
        ),
        (
            {"name": [{"_given": [None, {"extension": [{"valueUri": URN}]}]}]},
            [("name[0]._given[1].extension[0].valueUri", "uri", URN)],
        ),
        (
            {"contained": [{"resourceType": "Organization", "partOf": {"reference": URN}}]},
            [("contained[0].partOf.reference", "Reference", URN)],
        ),
        ({"contained": [{"resourceType": "Nonsense", "partOf": {"reference": URN}}]}, []),
        ({"name": [{"text": URN}], "maritalStatus": {"text": URN}, "unknown": {"reference": URN}}, []),
        (
            {"managingOrganization": {"reference": 7}, "link": "x", "photo": [{"url": [URN, 7]}]},
            [("photo[0].url[0]", "url", URN)],
        ),
        ({"text": "x", "contained": ["x"], "meta": None}, []),
        ({"text": {"div": 7}}, []),
    ],
)
def test_links_are_found_by_the_type_of_their_element(
    elements: Any, found: list[tuple[str, str, str]]
) -> None:
    assert links(patient(**elements)) == [(f"Patient.{path}", type, text) for path, type, text in found]


@pytest.mark.parametrize(
    ("div", "pointed"),
    [
        (f'<a href="{URN}">x</a>', '<a href="to">x</a>'),
        (f"<a class='c' href = '{URN}'>x</a>", "<a class='c' href = \"to\">x</a>"),
        (f'<img alt="{URN}" src="{URN}"/>', f'<img alt="{URN}" src="to"/>'),
        (f'<p title="{URN}">href="{URN}"</p>', f'<p title="{URN}">href="{URN}"</p>'),
        (f'<a data-href="{URN}">x</a>', f'<a data-href="{URN}">x</a>'),
        ('<a href="x&amp;y">x</a>', '<a href="x&amp;y">x</a>'),
    ],
)
def test_links_in_the_narrative_are_those_of_anchors_and_images(div: str, pointed: str) -> None:
    found = relinked(patient(text={"div": div}), lambda link: "to" if link.text == URN else link.text)
    assert found["text"]["div"] == pointed


def test_what_is_put_into_a_narrative_is_escaped() -> None:
    found = relinked(patient(text={"div": '<a href="a&amp;b"/>'}), lambda link: link.text + '"<')
    assert found["text"]["div"] == '<a href="a&amp;b&quot;&lt;"/>'


@pytest.mark.parametrize(
    "resource", [{}, {"resourceType": 7, "x": {"reference": URN}}, {"resourceType": "No"}]
)
def test_what_is_no_resource_has_no_links(resource: Any) -> None:
    assert links(resource) == []
