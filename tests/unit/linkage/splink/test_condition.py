"""SQL conditions over two records: what they say, what NULL does, and what is refused by name."""

import pytest

from fhir_mpi.linkage.splink.condition import Column, UntranslatableCondition, compiled_condition

COLUMNS = {"n": Column(0), "s": Column(1), "d": Column(2), "a": Column(3, is_list=True), "x": Column(4)}
KM = (
    'cast(acos(sin(radians("x_l")) * sin(radians("x_r")) + cos(radians("x_l")) * cos(radians("x_r"))) * 6371'
    " as float) <= 112"
)
DAYS = "ABS(EPOCH(try_strptime(\"d_l\", '%Y-%m-%d')) - EPOCH(try_strptime(\"d_r\", '%Y-%m-%d'))) <= 86400"
PAIRWISE = (
    'list_min(list_transform(flatten(list_transform("a_l", lambda x:'
    ' list_transform("a_r", lambda y: [x, y]))), lambda pair: levenshtein(pair[1], pair[2]))) <= 1'
)
NULL = None


def row(**values: object) -> list[tuple[object, ...]]:
    """A record; a list is a column with several values, NULL one with none."""
    found: list[tuple[object, ...]] = []
    for name in COLUMNS:
        value = values.get(name)
        found.append(() if value is NULL else tuple(value) if isinstance(value, list) else (value,))
    return found


@pytest.mark.parametrize(
    ("sql", "left", "right", "holds"),
    [
        ("n_l = n_r", {"n": "ana"}, {"n": "ana"}, True),
        ('l."n" = r."n"', {"n": "ana"}, {"n": "ana"}, True),
        ("n_l = n_r", {"n": NULL}, {"n": NULL}, False),
        ("n_l <> n_r", {"n": NULL}, {"n": "ana"}, False),
        ("NOT (n_l = n_r)", {"n": NULL}, {"n": "ana"}, False),
        ("n_l IS NULL OR n_r IS NULL", {"n": "ana"}, {"n": NULL}, True),
        ("n_l IS NOT NULL", {"n": "ana"}, {}, True),
        ("n_l = n_r OR s_l = s_r", {"n": NULL, "s": "b"}, {"n": "a", "s": "b"}, True),
        ("n_l = n_r AND s_l = s_r", {"n": NULL, "s": "b"}, {"n": "a", "s": "b"}, False),
        ("NOT (n_l = n_r AND s_l = s_r)", {"n": NULL, "s": "b"}, {"n": "a", "s": "c"}, True),
        ("NOT (n_l = n_r OR s_l = s_r)", {"n": NULL, "s": "b"}, {"n": "a", "s": "c"}, False),
        ("NULL = n_l OR true", {"n": "a"}, {}, True),
        ('"n_l" = "s_r" AND "n_r" = "s_l"', {"n": "an", "s": "li"}, {"n": "li", "s": "an"}, True),
        ("levenshtein(n_l, n_r) <= 1", {"n": "ana"}, {"n": "anna"}, True),
        ("damerau_levenshtein(n_l, n_r) <= 1", {"n": "1980"}, {"n": "1908"}, True),
        ("levenshtein(n_l, n_r) <= 1", {"n": "jose"}, {"n": "josé"}, True),
        ("jaro_similarity(n_l, n_r) >= 0.9", {"n": "martha"}, {"n": "marhta"}, True),
        ("jaro_winkler_similarity(n_l, n_r) >= 0.96", {"n": "martha"}, {"n": "marhta"}, True),
        ("jaro_winkler_similarity(n_l, n_r) >= 0.5", {"n": ""}, {"n": ""}, False),
        ("jaccard(n_l, n_r) >= 0.5", {"n": "abc"}, {"n": "bcd"}, True),
        ("jaccard(n_l, n_r) >= 0.0", {"n": ""}, {"n": "bcd"}, False),
        ("hamming(n_l, n_r) = 1", {"n": "abc"}, {"n": "abd"}, True),
        (DAYS, {"d": "1980-02-28"}, {"d": "1980-02-29"}, True),
        (DAYS, {"d": "1980-02-28"}, {"d": "1981-02-29"}, False),
        ("array_length(list_intersect(a_l, a_r)) >= 2", {"a": [1, 2, 3]}, {"a": [3, 1]}, True),
        ("array_length(list_intersect(a_l, a_r)) >= 1", {"a": NULL}, {"a": [3]}, False),
        ("list_has_any(a_l, a_r)", {"a": ["x"]}, {"a": ["x", "y"]}, True),
        ("array_cosine_similarity(a_l, a_r) >= 0.99", {"a": [1.0, 2.0]}, {"a": [2.0, 4.0]}, True),
        ("substr(n_l, -2) = 'na' AND strlen(n_l) = 3 AND length(n_l) = 3", {"n": "ana"}, {}, True),
        ("abs(date_diff('day', d_l::date, d_r::date)) = 1", {"d": "1980-01-05"}, {"d": "1980-01-06"}, True),
        ("epoch(d_r::date) = 86400", {}, {"d": "1970-01-02"}, True),
        ("list_contains(a_l, n_r)", {"a": ["x"]}, {"n": "x"}, True),
        (PAIRWISE, {"a": ["ann", "bob"]}, {"a": ["rob", "kim"]}, True),
        (PAIRWISE, {"a": ["ann"]}, {"a": NULL}, False),
        ("NULLIF(regexp_extract(n_l, '^[^@]+', 0), '') = 'ana'", {"n": "ana@x"}, {}, True),
        ("NULLIF(regexp_extract(n_l, '^[0-9]+', 0), '') = ''", {"n": "ana"}, {}, False),
        ("substr(n_l, 1, 1) = substr(n_r, 1, 1)", {"n": "ana"}, {"n": "amy"}, True),
        ("left(n_l, 2) = 'an' AND right(n_l, 0) = ''", {"n": "ana"}, {}, True),
        ("lower(n_l) = 'ana' AND upper(n_l) = 'ANA'", {"n": "Ana"}, {}, True),
        ("trim(n_l) || '!' = replace(n_r, 'x', '!')", {"n": " ana "}, {"n": "anax"}, True),
        ("coalesce(n_l, s_l) = 'b'", {"s": "b"}, {}, True),
        ("least(x_l, x_r) = 1 AND greatest(x_l, x_r) = 2", {"x": 1}, {"x": 2}, True),
        ("least(x_l, x_r) = 1", {"x": NULL}, {"x": NULL}, False),
        ("n_l IN ('a', 'b')", {"n": "b"}, {}, True),
        ("n_l IN ('a', 'b')", {"n": NULL}, {}, False),
        ("x_l BETWEEN 1 AND 2.5", {"x": 2}, {}, True),
        ("abs(x_l - x_r) / 2 <= 1 AND -x_l < 0 AND x_l * x_r + 0 = 8", {"x": 4}, {"x": 2}, True),
        ("x_l / x_r >= 0", {"x": 4}, {"x": 0}, False),
        ("CASE WHEN x_l > 1 THEN 'big' WHEN x_l = 1 THEN 'one' END = 'one'", {"x": 1}, {}, True),
        ("CASE WHEN x_l > 1 THEN 'big' END = 'big'", {"x": 1}, {}, False),
        ("CASE WHEN x_l > 1 THEN 'big' ELSE 'small' END = 'small'", {"x": 1}, {}, True),
        ("try_cast(n_l AS double) = 1.5", {"n": "1.5"}, {}, True),
        ("try_cast(n_l AS double) = 1.5", {"n": "one"}, {}, False),
        ("abs(date_diff('year', d_l::date, d_r::date)) = 1", {"d": "1980-1-5"}, {"d": "1981-12-31"}, True),
        ("abs(date_diff('month', d_l::date, d_r::date)) = 1", {"d": "1980-01-05"}, {"d": "x"}, False),
        ("abs(epoch(d_l) - epoch(d_r)) <= 86400", {"d": "1980-02-28"}, {"d": "1980-02-29"}, True),
        ("abs(epoch(d_l) - epoch(d_r)) <= 86400", {"d": "1980-02"}, {"d": "1980-02-29"}, False),
        ("d_l::date - d_r::date = 1", {"d": "1980-03-01"}, {"d": "1980-02-29"}, True),
        ("d_l = cast('1980-02-29' AS date)", {"d": "1980-02-29"}, {}, True),
        ("d_l > cast('1980-02-29' AS date)", {"d": "1980"}, {}, False),
        ("abs(x_l - x_r) <= 2", {"x": "1970"}, {"x": "1972"}, True),
        ("abs(x_l - x_r) <= 2", {"x": "about 1970"}, {"x": "1972"}, False),
        ("x_l = cast(3 AS int)", {"x": "3"}, {}, True),
        ("x_l > 2 AND NOT x_l BETWEEN 4 AND 5", {"x": "3"}, {}, True),
        ("n_l BETWEEN 'a' AND 'c'", {"n": "b"}, {}, True),
        ("a_l[1] = a_r[-1]", {"a": ["x", "y"]}, {"a": ["z", "x"]}, True),
        ("a_l[3] = a_r[-3]", {"a": ["x", "y"]}, {"a": ["z", "x"]}, False),
        ("array_length(array_intersect(a_l, a_r)) = 1", {"a": ["x", "y"]}, {"a": ["z", "x"]}, True),
        (KM, {"x": 51.0}, {"x": 52.0}, True),
        (KM, {"x": 51.0}, {"x": 52.1}, False),
    ],
)
def test_a_condition_says_of_two_records_what_sql_says(
    sql: str, left: dict[str, object], right: dict[str, object], holds: bool
) -> None:
    assert compiled_condition(sql, COLUMNS)(row(**left), row(**right)) is holds


@pytest.mark.parametrize("sql", ["levenshtein(n_l, n_r) <= 1", PAIRWISE])
def test_texts_can_be_compared_by_bytes(sql: str) -> None:
    jose, other = row(n="jose", a=["jose"]), row(n="josé", a=["josé"])
    assert [compiled_condition(sql, COLUMNS, of_bytes=bytes)(jose, other) for bytes in (False, True)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("sql", "left", "right", "holds"),
    [
        ("n_l = n_r", {"n": ["doe", "roe"]}, {"n": "roe"}, True),
        ("n_l = n_r", {"n": "roe"}, {"n": ["doe", "roe"]}, True),
        ("n_l = n_r", {"n": ["doe", "roe"]}, {"n": ["poe", "moe"]}, False),
        (
            "levenshtein(n_l, n_r) <= 1 AND s_l = s_r",
            {"n": ["x", "roe"], "s": ["b", "a"]},
            {"n": "rou", "s": "a"},
            True,
        ),
        ("n_l = s_r", {"n": ["doe", "roe"]}, {"s": NULL}, False),
    ],
)
def test_of_several_values_one_is_enough(
    sql: str, left: dict[str, object], right: dict[str, object], holds: bool
) -> None:
    assert compiled_condition(sql, COLUMNS)(row(**left), row(**right)) is holds


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("soundex(n_l) = soundex(n_r)", "Soundex"),
        ("my_function(n_l, n_r) > 1", "my_function"),
        ("n_l = other_r", "other_r"),
        ("n = n_r", "no column of a record: n"),
        ("n_l IS TRUE", "IS"),
        ("n_l LIKE 'a%'", "Like"),
        ("cast(n_l AS blob) = n_r", "BLOB"),
        ("CASE n_l WHEN 'a' THEN 1 END = 1", "CASE of a value"),
        ("abs(date_diff('hour', d_l::date, d_r::date)) = 1", "HOUR"),
        ("list_min(a_l) = 1", "ArrayMin"),
        ("list_max(list_transform(flatten(a_l), lambda p: distance(p[1], p[2]))) = 1", "ArrayMax"),
        ("list_max(list_transform(flatten(a_l), lambda p: jaccard(p[1], p[2]))) = 1", "ArrayMax"),
        ("a_l[length(n_l)] = 'x'", "Bracket"),
        ("regexp_extract(n_l, '(?<x') = 'x'", "no regular expression"),
        ("try_strptime(n_l, '%-d.%m.%Y') IS NULL", "bad directive"),
        ("n_l = = n_r", "no SQL condition"),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(UntranslatableCondition, match=named):
        compiled_condition(sql, COLUMNS)
