"""A search request as a whole: names, modifiers, lists, order, page."""

import pytest

from fhir_mpi.fhir.outcome import FhirError, InvalidRequest, InvalidValue, TooCostly, UnsupportedParameter
from fhir_mpi.search.filters import EVERYTHING, NOTHING, And, Equals, Not, Or, Prefix, Present, Sort
from fhir_mpi.search.query import UNSERVED
from fhir_mpi.search.results import Results
from fhir_mpi.search.term import SearchContext
from tests.unit.search.served import LENIENT, registry, request


def test_no_criteria_is_everything_in_pages_of_the_default_size() -> None:
    found = request([])
    assert (found.filter, found.understood, found.warnings) == (EVERYTHING, (), ())
    assert found.results == Results((), 20, None, None, total=True, includes=())


def test_repeated_parameters_mean_and_and_commas_mean_or() -> None:
    found = request([("_id", "a,b"), ("_id", "c"), ("family", "x")])
    either = Or((Equals("_id", "a"), Equals("_id", "b")))
    assert found.filter == And((either, Equals("_id", "c"), Prefix("family", "x")))
    assert found.understood == (("_id", "a,b"), ("_id", "c"), ("family", "x"))


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (r"a\,b", ["a,b"]),
        (r"a\|b\$c\\,d", ["a|b$c\\", "d"]),
        (r"\a", [r"\a"]),
        (r"a\\\,b", [r"a\,b"]),
        ("a,,b,", ["a", "b"]),
        ("$where", ["$where"]),
        ("%2e%2e", ["%2e%2e"]),
        ("a\\", ["a\\"]),
    ],
)
def test_only_unescaped_commas_part_values(value: str, ids: list[str]) -> None:
    equals = tuple(Equals("_id", id) for id in ids)
    assert request([("_id", value)]).filter == (equals[0] if len(equals) == 1 else Or(equals))


@pytest.mark.parametrize("pair", [("family", ""), ("_nonsense", ""), ("_count", ""), ("family", ",,")])
def test_a_parameter_without_a_value_is_ignored(pair: tuple[str, str]) -> None:
    found = request([pair])
    assert (found.filter, found.understood) == (EVERYTHING, ())


def test_an_unknown_name_is_refused_with_the_names_that_are_known() -> None:
    with pytest.raises(
        UnsupportedParameter, match=r'Unknown search parameter "famly" .*"Patient".*family'
    ) as refused:
        request([("famly", "x")])
    with pytest.raises(UnsupportedParameter):
        request([("identifier[$ne]", "")])
    (issue,) = refused.value.issues
    assert (issue.code, issue.expression, issue.severity) == ("not-supported", "http.famly", "error")


def test_an_unknown_name_is_refused_even_without_a_value() -> None:
    with pytest.raises(UnsupportedParameter, match="nonsense"):
        request([("nonsense", "")])


def test_a_long_unknown_name_is_repeated_in_part_only() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        request([("x" * 5000, "1")])
    assert "x" * 65 not in str(refused.value)


@pytest.mark.parametrize("pair", [("_totalMethod", "count"), ("_score", "true"), ("_maxresults", "5")])
def test_an_unknown_name_with_an_underscore_is_ignored_and_not_in_the_self_link(
    pair: tuple[str, str],
) -> None:
    found = request([pair, ("family", "x")])
    assert (found.understood, found.warnings) == ((("family", "x"),), ())


def test_what_contained_resources_say_is_left_out_also_where_that_is_asked_for() -> None:
    found = request([("_contained", "false"), ("family", "x")])
    assert (found.filter, found.understood) == (
        Prefix("family", "x"),
        (("_contained", "false"), ("family", "x")),
    )


def test_formats_are_understood_but_filter_nothing() -> None:
    found = request([("_format", "json"), ("_pretty", "true")])
    assert (found.filter, found.understood) == (EVERYTHING, (("_format", "json"), ("_pretty", "true")))


REFUSED = [
    *((name, "x") for name in sorted(UNSERVED)),
    ("_include:missing", "Patient:organization"),
    ("_include", "Patient:family"),
    ("_include", "Patient:nonsense"),
    ("_include", "Encounter:subject"),
    ("_revinclude", "Provenance:agent-role"),
    ("_has:Observation:patient:code", "1"),
    ("organization.nonsense", "x"),
    ("organization:Patient.name", "x"),
    ("_has:Provenance:target:nonsense", "x"),
    ("famly", "x"),
    ("family:sounds", "x"),
    ("family:", "x"),
    ("_id:exact", "x"),
    ("_lastUpdated:exact", "2020"),
    ("_sort", "shoe-size"),
    ("_sort", "family,-shoe-size"),
]


@pytest.mark.parametrize("pair", REFUSED)
def test_what_is_not_served_is_refused_or_leniently_left_out(pair: tuple[str, str]) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        request([pair])
    assert (refused.value.issues[0].expression or "").startswith("http.")
    found = request([pair, ("family", "x")], context=LENIENT)
    assert (found.filter, found.results.sort, found.results.includes) == (Prefix("family", "x"), (), ())
    assert found.understood == (("family", "x"),)
    (warning,) = found.warnings
    assert (warning.severity, warning.code) == ("warning", "not-supported")
    assert warning.text == str(refused.value)


@pytest.mark.parametrize(
    ("value", "count"), [("0", 0), ("7", 7), ("500", 500), ("501", 500), ("1000000000", 500), ("007", 7)]
)
def test_count_is_capped(value: str, count: int) -> None:
    found = request([("_count", value)])
    assert found.results.count == count
    assert found.understood == (("_count", str(count)),)


@pytest.mark.parametrize("value", ["-1", "abc", "1e9", "NaN", "1.5", " 5", "+5", "٣", "9" * 5000])
def test_count_is_a_whole_number(value: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        request([("_count", value)], context=LENIENT)
    assert refused.value.issues[0].expression == "http._count"


def test_the_default_count_is_capped_too() -> None:
    context = SearchContext(now_ms=0, base_url="http://x", default_count=50, max_count=10)
    assert request([], context=context).results.count == 10


def test_summary_count_wants_no_resources() -> None:
    found = request([("_summary", "count"), ("_count", "5")])
    assert found.results.count == 0
    assert found.understood == (("_summary", "count"), ("_count", "5"))


def test_an_unknown_summary_is_refused() -> None:
    with pytest.raises(InvalidValue, match="_summary"):
        request([("_summary", "brief")])


@pytest.mark.parametrize("name", ["_count", "_cursor", "_summary", "_total"])
def test_a_page_is_described_once(name: str) -> None:
    value = {"_count": "5", "_cursor": "abc", "_summary": "count", "_total": "none"}[name]
    with pytest.raises(InvalidRequest, match=name):
        request([(name, value), (name, value)])


def test_the_cursor_is_handed_on_and_not_in_the_self_link() -> None:
    found = request([("_cursor", "a,b|c")])
    assert (found.results.cursor, found.understood) == ("a,b|c", ())


def test_the_order_is_kept_as_asked() -> None:
    found = request([("_sort", "family,-birthdate,_id,-_lastUpdated")])
    order = (Sort("family"), Sort("birthdate", True), Sort("_id"), Sort("_lastUpdated", True))
    assert found.results.sort == order
    assert found.understood == (("_sort", "family,-birthdate,_id,-_lastUpdated"),)


@pytest.mark.parametrize("value", ["-", "family,", ","])
def test_an_order_by_nothing_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue, match="_sort"):
        request([("_sort", value)])


def test_an_order_that_fails_halfway_is_dropped_whole() -> None:
    assert request([("_sort", "family,nonsense")], context=LENIENT).results.sort == ()


def test_too_many_parameters_are_too_costly() -> None:
    pairs = [("family", "x")] * 50
    assert len(request(pairs).understood) == 50
    with pytest.raises(TooCostly):
        request([*pairs, ("_pretty", "true")])


def test_too_many_values_are_too_costly() -> None:
    assert isinstance(request([("_id", ",".join(["a"] * 100))]).filter, Or)
    with pytest.raises(TooCostly) as refused:
        request([("_id", ",".join(["a"] * 101))])
    assert refused.value.issues[0].expression == "http._id"


@pytest.mark.parametrize(
    ("name", "value", "filter"),
    [
        ("_id:missing", "true", NOTHING),
        ("_id:missing", "false", EVERYTHING),
        ("_lastUpdated:missing", "true", NOTHING),
        ("_id:not", "a", Not(Equals("_id", "a"))),
        ("birthdate:missing", "true", Not(Present("birthdate"))),
        ("gender:missing", "false", Or((Present("gender"), Present("gender:text")))),
    ],
)
def test_missing_and_not_are_filters(name: str, value: str, filter: object) -> None:
    assert request([(name, value)]).filter == filter


@pytest.mark.parametrize("value", ["yes", "TRUE", "true,false"])
def test_missing_is_true_or_false(value: str) -> None:
    with pytest.raises(InvalidValue, match=":missing"):
        request([("family:missing", value)])


@pytest.mark.parametrize(
    "pair", [("family", "a\x00"), ("fam\x00ily", "a"), ("_id", "\udcff"), ("_x", "\x00")]
)
def test_a_character_that_no_text_has_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(InvalidValue):
        request([pair], context=LENIENT)


@pytest.mark.parametrize(
    "type", ["Patient", "Organization", "Person", "RelatedPerson", "Practitioner", "Provenance"]
)
@pytest.mark.parametrize("value", ["{'$gt': ''}", "(a+)+$", "x" * 10_000, "..", "a|b|c|d", "<script>", "💥"])
def test_no_value_does_worse_than_a_fhir_error(type: str, value: str) -> None:
    for code, parameter in registry().parameters(type).items():
        for name in (code, *(f"{code}:{modifier}" for modifier in parameter.modifiers)):
            refusal = ""
            try:
                request([(name, value)], type)
            except FhirError as error:
                refusal = f"{error.http_status} {error}"
            assert not refusal or (refusal.startswith("400 ") and value not in refusal)
