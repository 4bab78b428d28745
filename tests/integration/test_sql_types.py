"""Each type of SQL Server arrives as text that the server converts back to the same value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.tables import Tables

# type: (literals of values, SQL that converts the text x back; {} is the type)
BACK = "CONVERT({}, x)"
TIMES = "CONVERT({}, x, 126)"
BYTES = "CONVERT({}, x, 1)"
TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "bit": (("0", "1"), BACK),
    "tinyint": (("0", "255"), BACK),
    "smallint": (("-32768", "32767"), BACK),
    "int": (("-2147483648", "2147483647"), BACK),
    "bigint": (("-9223372036854775808", "9223372036854775807"), BACK),
    "decimal(38,0)": (("-99999999999999999999999999999999999999", "1"), BACK),
    "decimal(38,38)": (("0.00000000000000000000000000000000000001", "-0.5"), BACK),
    "numeric(9,2)": (("-9999999.99", "0.00", "0.01"), BACK),
    "money": (("-922337203685477.5808", "922337203685477.5807", "0.0001"), BACK),
    "smallmoney": (("-214748.3648", "214748.3647"), BACK),
    "real": (("1.17549435E-38", "-3.40282347E+38", "0.1"), BACK),
    "float": (("2.2250738585072014E-308", "-1.7976931348623157E+308", "0.1"), BACK),
    "date": (("'0001-01-01'", "'9999-12-31'"), TIMES),
    "time(0)": (("'23:59:59'",), BACK),
    "time(7)": (("'00:00:00.0000001'", "'23:59:59.9999999'"), BACK),
    "smalldatetime": (("'1900-01-01T00:00:00'", "'2079-06-06T23:59:00'"), TIMES),
    "datetime": (("'1753-01-01T00:00:00.003'", "'9999-12-31T23:59:59.997'", "'2026-01-01T00:00:00.187'"), TIMES),
    "datetime2(0)": (("'9999-12-31T23:59:59'",), TIMES),
    "datetime2(3)": (("'2026-11-25T09:00:00.123'",), TIMES),
    "datetime2(7)": (("'0001-01-01T00:00:00.0000001'", "'9999-12-31T23:59:59.9999999'"), TIMES),
    "datetimeoffset(0)": (("'2026-11-25T09:00:00-14:00'",), TIMES),
    "datetimeoffset(7)": (("'2026-11-25T00:30:00.1234567+13:45'", "'0001-01-02T00:00:00.0000001+00:00'"), TIMES),
    "char(5)": (("'a'", "''"), BACK),
    "varchar(20)": (("'it''s'", "''"), BACK),
    "varchar(max)": (("'x'",), BACK),
    "nchar(5)": (("N'ä'",), BACK),
    "nvarchar(50)": (("N'line\nbreak, \"quote\", tab\t, \U0001f600'", "N''", "N' '"), BACK),
    "nvarchar(max)": (("N'ü'", "REPLICATE(CAST(N'x' AS nvarchar(max)), 100000)"), BACK),
    "binary(4)": (("0x00FF00FF",), BYTES),
    "varbinary(20)": (("0x", "0x00", "0xDEADBEEF"), BYTES),
    "varbinary(max)": (("0x0102",), BYTES),
    "uniqueidentifier": (("'6F9619FF-8B86-D011-B42D-00C04FC964FF'",), BACK),
}


@pytest.mark.parametrize("kind", TYPES)
def test_each_value_converts_back_to_itself(tables: Tables, tmp_path: Path, kind: str) -> None:
    values, back = TYPES[kind]
    for form, null in (("t", "NOT NULL"), ("u", "NULL")):
        tables.run(f"CREATE TABLE {{s}}.{form} (id int NOT NULL, at datetime2(0) NOT NULL, v {kind} {null})")
        for number, value in enumerate(values):
            tables.run(f"INSERT INTO {{s}}.{form} VALUES ({number}, '2026-01-01', {value})")
    tables.run("INSERT INTO {s}.u VALUES (99, '2026-01-02', NULL)")
    for form in ("t", "u"):
        job = tables.importer(tmp_path / form, table=form)
        job.run()
        found = dict(job.rows("CAST(id AS INTEGER), v"))
        assert found.pop(99, None) is None
        assert len(found) == len(values)
        with tables.connection() as cursor:
            for number, text in found.items():
                same = back.format(kind)
                cursor.execute(
                    f"SELECT COUNT(*) FROM {tables.schema}.{form} CROSS JOIN (SELECT @x AS x) AS given"
                    f" WHERE id = {number} AND v = {same}".replace("@x", "CAST(%s AS nvarchar(max))"),
                    (text,),
                )
                assert cursor.fetchone()[0] == 1, (kind, text)


def test_a_text_of_a_hundred_megabytes_comes_whole(tables: Tables, tmp_path: Path) -> None:
    tables.run(
        "CREATE TABLE {s}.t (id int NOT NULL, at date NOT NULL, v nvarchar(max) NULL)",
        "INSERT INTO {s}.t VALUES (1, '2026-01-01', N'small'), (3, '2026-01-03', NULL)",
        "INSERT INTO {s}.t VALUES (2, '2026-01-02', REPLICATE(CAST(N'0123456789' AS nvarchar(max)), 5000000))",
    )
    job = tables.importer(tmp_path)
    job.run()
    assert job.rows("id, length(v), right(v, 12)") == [
        ("1", 5, "small"),
        ("2", 50_000_000, "890123456789"),
        ("3", None, None),
    ]


def test_xml_arrives_as_text(tables: Tables, tmp_path: Path) -> None:
    tables.run("CREATE TABLE {s}.t (at date NOT NULL, v xml NULL)")
    tables.run("INSERT INTO {s}.t VALUES ('2026-01-01', N'<a b=\"1\">ü</a>')")
    job = tables.importer(tmp_path)
    job.run()
    assert job.rows("v") == [('<a b="1">ü</a>',)]
