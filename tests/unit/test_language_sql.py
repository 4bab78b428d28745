"""Filters and expressions as DuckDB answers them: cases that Lytics documents or tests, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lytics_azure_tui.lytics.duck import database, quoted
from lytics_azure_tui.lytics.language.boundary import boundary_sql
from lytics_azure_tui.lytics.language.compile import condition_sql, value_sql
from lytics_azure_tui.lytics.language.kinds import converted, date_in
from lytics_azure_tui.lytics.language.scope import Scope, Typed, column_fields, sql_type
from lytics_azure_tui.model.language.functions import ALIASES, FUNCTIONS
from lytics_azure_tui.model.language.parse import LanguageProblem, parse_condition, parse_expression, parse_filter
from lytics_azure_tui.model.user_field import FieldKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATED = datetime(2015, 12, 18, tzinfo=UTC)
YODA: dict[str, tuple[FieldKind, str]] = {
    "name": (FieldKind.STRING, "'Yoda'"),
    "zip": (FieldKind.INT, "5"),
    "id": (FieldKind.INT, "9007199254740993"),
    "amount": (FieldKind.NUMBER, "55.5"),
    "number": (FieldKind.STRING, "'12'"),
    "roles": (FieldKind.STRINGS, "['admin', 'api']"),
    "hits": (FieldKind.MAP_INT, "MAP {'foo': 5}"),
    "member": (FieldKind.BOOL, "TRUE"),
    "created": (FieldKind.DATE, "'2015-12-18 00:00:00+00'"),
    "visits": (FieldKind.TIMES, "['2025-12-31 23:30:00+00'::TIMESTAMPTZ, '2026-01-02 00:00:00+00'::TIMESTAMPTZ]"),
    "firsts": (FieldKind.MAP_TIME, "MAP {'signed.up': '2015-12-18 00:00:00+00'::TIMESTAMPTZ}"),
    "url": (FieldKind.STRING, "'https://shop.example.co.uk/[new]/a_b?utm_source=x%20y&id=1#top'"),
    "missing": (FieldKind.STRING, "NULL"),
    "missing_date": (FieldKind.DATE, "NULL"),
    "missing_number": (FieldKind.INT, "NULL"),
    "missing_list": (FieldKind.STRINGS, "NULL"),
}
AUDIENCES = {
    "everybody": "FILTER *",
    "yodas": 'FILTER name == "Yoda"',
    "hen": "FILTER INCLUDE egg",
    "egg": "FILTER NOT INCLUDE hen",
    "wrong": "FILTER nmae > 1",
}
SCOPE = Scope(
    {name: Typed(quoted(name), kind) for name, (kind, _) in YODA.items()},
    f"TIMESTAMPTZ '{NOW.isoformat()}'",
    {slug: parse_filter(text) for slug, text in AUDIENCES.items()},
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with database(memory=256 << 20) as opened:
        columns = ", ".join(f"{value}::{sql_type(kind)} AS {quoted(name)}" for name, (kind, value) in YODA.items())
        opened.execute(f"CREATE TABLE profiles AS SELECT {columns}")
        yield opened


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    (found,) = connection.execute(f"SELECT {sql} FROM profiles").fetchone() or (None,)
    return found


TRUE = [
    'name == "Yoda"',
    'name != "yoda"',
    '"Yoda" == name',
    'missing != "Anakin"',
    'tolower(name) == "yoda"',
    'name LIKE "*da"',
    'name LIKE "Y?d%"',
    'name NOT LIKE "*kin"',
    'url LIKE "*/[new]/a_b*"',
    'name CONTAINS "od"',
    'name NOT CONTAINS "kin"',
    'roles INTERSECTS ("user", "api")',
    'roles NOT IN ("user", "guest")',
    'roles CONTAINS "dmi"',
    'roles LIKE "adm*"',
    'roles == "api"',
    'roles != "guest"',
    '"api" IN roles',
    'hits IN ("bar", "foo")',
    '"foo" IN hits',
    'hits NOT IN ("not-gonna-happen")',
    "hits.foo > 1.5",
    'hits.foo > "1.5"',
    "NOT (hits.foo > 5.5)",
    "NOT (hits.bar > 1)",
    'created BETWEEN "12/01/2015" AND "01/01/2016"',
    'NOT created BETWEEN "12/01/2012" AND "01/01/2013"',
    'created < "now-1d"',
    'created IN ("2015-12-18", "now")',
    'NOT (created > "now-1d")',
    'NOT (missing_date > "now-1d")',
    'visits > "now"',
    'visits < "now-29m"',
    'NOT visits BETWEEN "now-29m" AND "now+1d"',
    'firsts.`signed.up` == "12/18/2015"',
    '`firsts.signed.up` < "now-2h"',
    'OR (\n name == "Rey" -- false\n INCLUDE everybody\n)',
    'OR (\n name == "Rey"\n INCLUDE yodas\n)',
    'AND (zip == "5", amount > "50", number > 9, number > "9")',
    "AND (id == 9007199254740993, id != 9007199254740992)",
    'id == "9007199254740993"',
    '9223372036854775807 > "9223372036854775806"',
    '"9007199254740993" != 9007199254740992',
    'missing NOT IN ("Yoda")',
    "missing == NULL",
    "name != NULL",
    "zip * 2 + 1 == 11",
    "number / 4 == 3",
    "member",
    'member == "yes"',
    "EXISTS roles AND NOT EXISTS missing",
    'number IN ("x", 12)',
    "zip IN (4.5, 5)",
    'zip != "many"',
]
FALSE = [
    'name == "yoda"',
    'name > "Z"',
    "name > 5",
    "zip BETWEEN 5 AND 6",
    "zip BETWEEN 4 AND 5",
    'zip > "many"',
    'created BETWEEN "12/01/2012" AND "01/01/2013"',
    'firsts.`signed.up` != "12/18/2015"',
    'missing IN ("Yoda")',
    'missing LIKE "*"',
    'missing CONTAINS ""',
    "missing == missing",
    "missing_number > 5",
    "missing_number BETWEEN 1 AND 9",
    "missing_list == missing",
    "EXISTS missing_list",
    "OR (false, AND (true, false))",
    "zip / 0 == 1",
    "9223372036854775807 * zip > 0",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_filter_holds(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert answer(connection, condition_sql(parse_condition(text), SCOPE)) is True


@pytest.mark.parametrize("text", FALSE)
def test_a_filter_does_not_hold_and_its_opposite_does(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    sql = condition_sql(parse_condition(text), SCOPE)
    assert answer(connection, sql) is False
    assert answer(connection, condition_sql(parse_condition(f"NOT ({text})"), SCOPE)) is True


REFUSED = {
    "nmae == 1": (1, "there is no field nmae; did you mean name"),
    "name == 'Yoda'": (9, "there is no field Yoda; text stands in double quotes"),
    "zip.x == 1": (1, "zip is a whole number, and has no key x"),
    "AND (name, member)": (6, "name is text; compare it with something, or write EXISTS before it"),
    "hits == 3": (1, "hits is a map; name one of its keys"),
    "created > 5": (11, "created is a date, and 5 is a whole number"),
    'created > "foo"': (11, '"foo" is no date'),
    'created > "now-7x"': (11, "one of the units s, m (minutes), h, d, w, M (months), y"),
    'created > "now-99999y"': (11, "more than 10,000 years"),
    'name > "now-7d"': (8, "name is text; for a date write todate(name)"),
    "member > true": (1, "true or false, which have no order"),
    "member == 5": (11, "member is true or false, and 5 is a whole number"),
    'zip CONTAINS "x"': (1, "CONTAINS looks into text, lists and maps; zip is a whole number"),
    "name LIKE roles": (11, "what stands behind LIKE is text; roles is a list of texts"),
    "created + 1 == 2": (1, "created is a date, and + takes numbers"),
    "INCLUDE yoda": (9, "there is no audience yoda; did you mean yodas"),
    "INCLUDE hen": (9, "audiences include each other in a circle: hen → egg → hen"),
    "INCLUDE wrong": (9, "in the audience wrong, line 1, column 8: there is no field nmae"),
    'emial(name) == ""': (1, "there is no function emial; did you mean email"),
    "valuect(name) == 1": (1, 'merge = "valuect"'),
    "EXISTS split(name)": (8, "the arguments do not fit: split(text, separator)"),
    "EXISTS qs(url, name)": (16, "qs takes text in quotes here, and name is text: qs(url, name)"),
    "EXISTS tolower(hits)": (16, "tolower takes text here, and hits is a map"),
    'EXISTS strftime(created, "%q")': (26, '"%q" is no form of a date'),
    'EXISTS todate("soon")': (15, '"soon" is no date'),
    'EXISTS match("zzz")': (14, 'no field begins with "zzz"'),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_makes_no_sense_is_refused_in_its_place(text: str) -> None:
    column, words = REFUSED[text]
    with pytest.raises(LanguageProblem) as caught:
        condition_sql(parse_condition(text), SCOPE)
    assert words in str(caught.value)
    assert (caught.value.line, caught.value.column) == (1, column)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


VALUES: dict[str, Any] = {
    'tolower("Ä")': "ä",
    'tolower(split("A,B", ","))': ["a", "b"],
    "toupper(name)": "YODA",
    'trim(" x\t")': "x",
    "len(name)": 4,
    "len(roles)": 2,
    "len(hits)": 1,
    'replace("/blog/index.html", "/blog")': "/index.html",
    'replace("/blog/index.html", "/blog", "/b")': "/b/index.html",
    'split("a,b", ",")': ["a", "b"],
    'split("", ",")': None,
    'join("a", roles, missing, "-")': "a-admin-api",
    'join(missing, "-")': None,
    'string.substr("apples", 0, 3)': "app",
    'string.substr("apple", 3)': "le",
    'string.substr("apple", 30)': None,
    'string.index("a,b", ",")': 1,
    'string.index("ab", ",")': None,
    'contains(name, "od")': True,
    'hasprefix(name, "Yo")': True,
    'hassuffix(name, "Yo")': False,
    'email(" Bob@Example.COM ")': "bob@example.com",
    'email("Bob <Bob@Example.COM>")': "bob@example.com",
    'email("Bob <bob>")': None,
    'email("a@b@c")': None,
    'emaildomain("Bob <bob@bob.com>")': "bob.com",
    'emailname("Bob B <bob@bob.com>")': "Bob B",
    'host("https://u:p@WWW.x.io:80/a?b")': "www.x.io:80",
    'host("www.x.io")': "www.x.io",
    "domain(url)": "example.co.uk",
    'domain("http://a.b.example.com/")': "example.com",
    'domain("localhost")': None,
    'domain("10.1.2.3")': None,
    "path(url)": "/[new]/a_b",
    'path("/A/b?x")': "/a/b",
    'path("www.x.io")': None,
    'qs(url, "utm_source")': "x y",
    'qs(url, "source")': None,
    'qs("http://x/?a=%ff", "a")': None,
    "urlmain(url)": "shop.example.co.uk/[new]/a_b",
    'urlminusqs(url, "utm_source")': "https://shop.example.co.uk/[new]/a_b?id=1#top",
    'urlminusqs("http://x/?a=1", "a")': "http://x/",
    'urldecode("a%20b+c")': "a b c",
    "tostring(5.0)": "5",
    "tostring(created)": "2015-12-18T00:00:00Z",
    'toint("$5,555.75")': 5555,
    "toint(-1.9)": -1,
    'toint("9007199254740993")': 9007199254740993,
    'toint("x")': None,
    'tonumber("$5,555.75")': 5555.75,
    'tonumber("nan")': None,
    'tobool(" Yes")': True,
    'tobool("0")': False,
    "tobool(name)": None,
    'todate("Apr 7, 2014 4:58:55 PM")': at("2014-04-07T16:58:55"),
    'todate("02.01.2006", "13.05.2020")': at("2020-05-13T00:00:00"),
    'todate("2006-01-02 15:04:05.000", "2020-05-13 01:02:03.5")': at("2020-05-13T01:02:03.500000"),
    'todate("%d.%m.%y", "13.05.20")': at("2020-05-13T00:00:00"),
    'todate("%d.%m.%y", name)': None,
    "todate(name)": None,
    'todate("now-1M")': at("2025-12-01T00:00:00"),
    "now()": NOW,
    'totimestamp("Apr 7, 2014 4:58:55 PM")': 1396889935,
    'yy("2014-03-01")': 14,
    "yy()": 26,
    'mm("2014-03-01")': 3,
    "monthofyear()": 1,
    'yymm("2016/07/04")': "1607",
    'dayofweek("2016/07/04")': 1,
    'hourofday("2016/07/04 13:00")': 13,
    'hourofweek("2016/07/04 13:00")': 37,
    'strftime("2015/07/04", "%B:%d")': "July:04",
    'strftime("now-1d", "%Y-%m-%d")': "2025-12-31",
    'extract(created, "%Y")': "2015",
    'oneof(missing, "", name)': "Yoda",
    "oneof(missing_number, 0, zip)": 5,
    "oneof(missing_number, amount)": 55.5,
    "oneof(missing, zip)": "5",
    "any(missing, missing_number)": False,
    "any(missing, name)": True,
    "all(name, member, zip)": True,
    "all(name, missing)": False,
    'eq(name, "Yoda")': True,
    'ne(missing, "Yoda")': True,
    "gt(number, 5)": True,
    "ge(zip, 5)": True,
    "lt(zip, 5)": False,
    "le(zip, 5)": True,
    "round(2.567, 1)": 2.6,
    "round(zip)": 5.0,
    "floor(2.5)": 2.0,
    "ceil(number)": 12.0,
    "sqrt(16)": 4.0,
    "sqrt(-1)": None,
    "pow(2, 10)": 1024.0,
    "pow(-8, 0.5)": None,
    "array.index(roles, 0)": "admin",
    "array.index(roles, -1)": "api",
    "array.index(roles, 9)": None,
    "array.slice(roles, 1)": ["api"],
    "array.slice(roles, 0, 1)": ["admin"],
    "array.slice(roles, -1)": ["api"],
    "map(name, zip)": {"Yoda": 5},
    "map(missing, zip)": None,
    "maptime(name)": {"yoda": NOW},
    "maptime(name, created)": {"yoda": CREATED},
    "mapkeys(hits)": ["foo"],
    "mapvalues(hits)": ["5"],
    'match("na")': {"me": "Yoda"},
    'filter(split("apples,oranges", ","), "ora*")': ["apples"],
    'filter(hits, "x", "f*")': {},
    'filtermatch(roles, "a?i", "x")': ["api"],
    'hash("a")': 3500206983725506968,
    'md5("a")': "0cc175b9c0f1b6a831c399e269772661",
    'hash.md5("a")': "0cc175b9c0f1b6a831c399e269772661",
    'sha1("a")': "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
    'sha256("a")': "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    'encoding.b64encode("hä")': "aMOk",
    'encoding.b64decode("aMOk")': "hä",
    'encoding.b64decode("!")': None,
    "1 + 2 * 3": 7,
    "7 / 2": 3.5,
    "7 % 4": 3,
    "-zip": -5,
    "number * 2": 24.0,
    "9223372036854775807 + 1": None,
    "zip > 1 AND member": True,
    # Calls in calls, whose SQL names its arguments several times.
    'email(trim(replace(replace(tolower(name), "yoda", "Yoda <Y@x.de>"), "a", "b")))': "y@x.de",
}


@pytest.mark.parametrize("text", VALUES)
def test_an_expression_gives_its_value(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    value = value_sql(parse_expression(text), SCOPE)
    found = answer(connection, f"{value.sql}")
    assert found == VALUES[text]
    assert answer(connection, f"typeof({value.sql})").replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") == sql_type(
        value.kind
    )


def test_every_function_has_a_case() -> None:
    tried = {text.partition("(")[0] for text in VALUES}
    assert set(FUNCTIONS) <= tried
    assert set(ALIASES.values()) <= set(FUNCTIONS)


def test_every_function_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
    assert [f.name for f in FUNCTIONS.values() if f"| `{f.signature}` | {f.help} |" not in page] == []


def test_the_columns_of_a_stream_are_text_of_any_name(connection: duckdb.DuckDBPyConnection) -> None:
    scope = Scope(column_fields(['user.email "x"', "price", "n"]), "now()")
    value = value_sql(parse_expression('email(`user.email "x"`)'), scope)
    total = value_sql(parse_expression("price * n"), scope)
    names = ", ".join(column.sql for column in scope.fields.values())
    events = f"(VALUES ('A@b.de', '1.5', '2'), (NULL, 'x', '2')) AS events({names})"
    rows = connection.execute(f"SELECT {value.sql}, {total.sql} FROM {events}").fetchall()
    assert rows == [("a@b.de", 3.0), (None, None)]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("number", FieldKind.INT, 12),
        ("amount", FieldKind.INT, 55),
        ("amount", FieldKind.STRING, "55.5"),
        ("name", FieldKind.NUMBER, None),
        ('"true"', FieldKind.BOOL, True),
        ('"2015-12-18"', FieldKind.DATE, CREATED),
        ("1450396800", FieldKind.DATE, CREATED),
        ("name", FieldKind.STRINGS, ["Yoda"]),
        ("missing", FieldKind.STRINGS, []),
        ("roles", FieldKind.STRING, "admin"),
        ("created", FieldKind.TIMES, [CREATED]),
        ('split("2015-12-18,x", ",")', FieldKind.TIMES, [CREATED]),
        ("hits", FieldKind.MAP_STRING, {"foo": "5"}),
        ("hits", FieldKind.MAP_NUMBER, {"foo": 5.0}),
        ("map(name, name)", FieldKind.MAP_INT, None),
    ],
)
def test_a_value_becomes_what_a_user_field_holds(
    connection: duckdb.DuckDBPyConnection, text: str, kind: FieldKind, expected: Any
) -> None:
    assert answer(connection, converted(value_sql(parse_expression(text), SCOPE), kind).sql) == expected


def test_a_map_is_no_single_value() -> None:
    with pytest.raises(ValueError, match="a map cannot become text"):
        converted(SCOPE.fields["hits"], FieldKind.STRING)


@pytest.mark.parametrize("text", ["'; DROP TABLE x; --", "it's", '"', "\\", "ä' OR '1'='1"])
def test_text_never_leaves_its_literal(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for condition in ('name == "{}"', 'name LIKE "{}_*"', 'name IN ("{}", "x")', 'contains(name, "{}")'):
        parsed = parse_condition(condition.format(escaped))
        assert answer(connection, condition_sql(parsed, SCOPE)) is False
    assert answer(connection, condition_sql(parse_condition(f"hits.`{text}` > 1"), SCOPE)) is False
    assert answer(connection, value_sql(parse_expression(f'"{escaped}"'), SCOPE).sql) == text


def test_a_date_of_a_filter_is_read_once() -> None:
    condition = parse_condition('created > "2014-07-09 08:07:06"')
    condition_sql(condition, SCOPE)
    before = date_in.cache_info().misses
    condition_sql(condition, SCOPE)
    assert date_in.cache_info().misses == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('created > "now-11y"', at("2026-12-18T00:00:00")),
        ('created > "now-10y"', None),
        ('"now-11y" < created', at("2026-12-18T00:00:00")),
        ('visits > "now"', at("2026-01-02T00:00:00")),
        ('NOT visits >= "now"', at("2026-01-02T00:00:00.000001")),
        ('OR (created > "now-11y", visits > "now")', at("2026-01-02T00:00:00")),
        ('gt(created, "now-11y")', at("2026-12-18T00:00:00")),
        ("visits > now()", at("2026-01-02T00:00:00")),
        ('missing_date > "now"', None),
        ("hourofday() == 5", at("2026-01-01T01:00:00")),
    ],
)
def test_a_boundary_is_the_next_moment_at_which_the_clock_matters(
    connection: duckdb.DuckDBPyConnection, text: str, expected: datetime | None
) -> None:
    sql = boundary_sql(parse_condition(text), SCOPE)
    assert sql is not None
    assert answer(connection, sql) == expected


def test_a_condition_without_the_clock_has_no_boundary() -> None:
    assert boundary_sql(parse_condition('AND (created > "2020-01-01", name == "now", INCLUDE yodas)'), SCOPE) is None


def test_a_boundary_looks_into_included_audiences(connection: duckdb.DuckDBPyConnection) -> None:
    scope = replace(SCOPE, audiences={"young": parse_filter('FILTER created > "now-11y"')})
    sql = boundary_sql(parse_condition("NOT INCLUDE young"), scope)
    assert sql is not None and answer(connection, sql) == at("2026-12-18T00:00:00")


@pytest.mark.parametrize("text", ['strftime(now(), "%Y") == "1"', 'strftime("now-1d", "%Y") == "1"', '"now" > now()'])
def test_a_clock_whose_changes_cannot_be_foreseen_is_refused(text: str) -> None:
    with pytest.raises(LanguageProblem, match="the clock"):
        boundary_sql(parse_condition(text), SCOPE)
