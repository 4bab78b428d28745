"""Text as the time of an event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.event_time import FORMS, WITHIN, any_time, read_times, usual_form, usual_time

# From the table of forms that araddon/dateparse reads, which Lytics reads by.
TIMES = {
    "May 8, 2009 5:57:51 PM": "2009-05-08 17:57:51",
    "oct 7, 1970": "1970-10-07 00:00:00",
    "Mon Jan  2 15:04:05 2006": "2006-01-02 15:04:05",
    "Mon Jan 02 15:04:05 -0700 2006": "2006-01-02 22:04:05",
    "Mon Jan  2 15:04:05 MST 2006": "2006-01-02 22:04:05",
    "Monday, 02-Jan-06 15:04:05 MST": "2006-01-02 22:04:05",
    "Mon, 02 Jan 2006 15:04:05 -0700": "2006-01-02 22:04:05",
    "Tue, 11 Jul 2017 16:28:13 +0200": "2017-07-11 14:28:13",
    "September 17, 2012 10:09am": "2012-09-17 10:09:00",
    "September 17, 2012 at 10:09am": "2012-09-17 10:09:00",
    "September 17, 2012, 10:10:09": "2012-09-17 10:10:09",
    "7 oct 1970": "1970-10-07 00:00:00",
    "03 February 2013": "2013-02-03 00:00:00",
    "2013-Feb-03": "2013-02-03 00:00:00",
    "3/31/2014": "2014-03-31 00:00:00",
    "08/21/71": "1971-08-21 00:00:00",
    "4/8/2014 22:05": "2014-04-08 22:05:00",
    "8/8/1965 01:00 PM": "1965-08-08 13:00:00",
    "2014/3/31": "2014-03-31 00:00:00",
    "2012/03/19 10:11:59.318": "2012-03-19 10:11:59.318",
    "2006-01-02T15:04:05+0000": "2006-01-02 15:04:05",
    "2009-08-12T22:15:09-07:00": "2009-08-13 05:15:09",
    "2014-04-26 17:24:37.123": "2014-04-26 17:24:37.123",
    "2014-12-16 06:20:00 GMT": "2014-12-16 06:20:00",
    "2012-08-03 18:31:59.257000000 +0000 UTC": "2012-08-03 18:31:59.257",
    "2014-04-26": "2014-04-26 00:00:00",
    "31.03.2014": "2014-03-31 00:00:00",
    "20140722105203": "2014-07-22 10:52:03",
    "1332151919": "2012-03-19 10:11:59",
    "1384216367189": "2013-11-12 00:32:47.189",
    "1384216367111222": "2013-11-12 00:32:47.111222",
    "1384216367111222333": "2013-11-12 00:32:47.111222",
    " 2026-01-01 ": "2026-01-01 00:00:00",
}
# What other programs write: their documents' own examples, or the same moments.
FOREIGN = {
    # Oracle: DD-MON-RR, TIMESTAMP and TIMESTAMP WITH TIME ZONE.
    "31-Jan-24": "2024-01-31",
    "31-JAN-24": "2024-01-31",
    "01-DEC-99": "1999-12-01",
    "31-JAN-2024": "2024-01-31",
    "31-DEC-9999": "9999-12-31",
    "31-JAN-24 06.00.00.000000000 AM": "2024-01-31 06:00:00",
    "31-JAN-24 06.05.07.123456 PM": "2024-01-31 18:05:07.123456",
    "31-JAN-24 06.00.00.000000 AM +02:00": "2024-01-31 04:00:00",
    # SQL Server: styles 0, 1, 3 of months alone, 6, 7, 9, 10, 13, 20, 21, 23, 101, 111, 112, 120, 126, 127.
    "Jan 31 2024  6:00AM": "2024-01-31 06:00:00",
    "01/31/24": "2024-01-31",
    "31 Jan 24": "2024-01-31",
    "Jan 31 2024  6:00:00:123AM": "2024-01-31 06:00:00.123",
    "31 Jan 2024 18:00:00:123": "2024-01-31 18:00:00.123",
    "2024-01-31 06:00:00.123": "2024-01-31 06:00:00.123",
    "2024-01-31 06:00:00.1234567": "2024-01-31 06:00:00.123456",
    "2024-01-31 06:00:00.1234567 +02:00": "2024-01-31 04:00:00.123456",
    "20240131": "2024-01-31",
    "2024-01-31T06:00:00.123Z": "2024-01-31 06:00:00.123",
    # MySQL, PostgreSQL, SQLite, DB2, SAS, Snowflake, BigQuery.
    "2024-01-31 06:00:00": "2024-01-31 06:00:00",
    "20240131060000": "2024-01-31 06:00:00",
    "2024-01-31 06:00:00+02": "2024-01-31 04:00:00",
    "2024-01-31 06:00:00.5+05:30": "2024-01-31 00:30:00.5",
    "Wed Jan 31 06:00:00 2024 CET": "2024-01-31 05:00:00",
    "2024-01-31T06:00": "2024-01-31 06:00:00",
    "2024-01-31-06.00.00.000000": "2024-01-31 06:00:00",
    "31JAN2024": "2024-01-31",
    "31JAN24": "2024-01-31",
    "31JAN2024:06:00:00.5": "2024-01-31 06:00:00.5",
    "2024-01-31 06:00:00.000 -0800": "2024-01-31 14:00:00",
    "2024-01-31 06:00:00.123456 UTC": "2024-01-31 06:00:00.123456",
    # Excel and .NET.
    "1/5/24": "2024-01-05",
    "04/07/24": "2024-04-07",
    "1/31/2024 6:00": "2024-01-31 06:00:00",
    "1/31/2024 6:00:00 PM": "2024-01-31 18:00:00",
    "1/31/2024 12:30:00 AM": "2024-01-31 00:30:00",
    "1/31/2024 12:30 PM": "2024-01-31 12:30:00",
    "1/31/2024 6:00:00 AM -05:00": "2024-01-31 11:00:00",
    "Wednesday, January 31, 2024": "2024-01-31",
    "Wednesday, January 31, 2024 6:00:00 AM": "2024-01-31 06:00:00",
    "Wednesday, 31 January 2024 06:00": "2024-01-31 06:00:00",
    "Wed, 31 Jan 2024 06:00:00 GMT": "2024-01-31 06:00:00",
    "2024-01-31T06:00:00.0000000+01:00": "2024-01-31 05:00:00",
    # Java, JavaScript, Go, Python, Ruby, git, Apache, FIX.
    "Wed Jan 31 06:00:00 UTC 2024": "2024-01-31 06:00:00",
    "Wed Jan 31 06:00:00 CET 2024": "2024-01-31 05:00:00",
    "Wed Jul 31 06:00:00 EDT 2024": "2024-07-31 10:00:00",
    "Jan 31, 2024, 6:00:00\u202fAM": "2024-01-31 06:00:00",
    "2024-01-31T06:00:00+01:00[Europe/Paris]": "2024-01-31 05:00:00",
    "2024-01-31T06:00Z[UTC]": "2024-01-31 06:00:00",
    "Wed Jan 31 2024 06:00:00 GMT+0100 (Central European Standard Time)": "2024-01-31 05:00:00",
    "1/31/2024, 6:00:00 AM": "2024-01-31 06:00:00",
    "2024-01-31 06:00:00.123456789 +0000 UTC": "2024-01-31 06:00:00.123456",
    "2024-01-31 06:00:00 -0500 EST": "2024-01-31 11:00:00",
    "2024-01-31 06:00:00 +0530 IST": "2024-01-31 00:30:00",
    "2024-01-31 06:00:00.5 +0000 UTC m=+0.000012": "2024-01-31 06:00:00.5",
    "02 Jan 06 15:04 MST": "2006-01-02 22:04:00",
    "02 Jan 06 15:04 -0700": "2006-01-02 22:04:00",
    "2024-01-31 06:00:00,123": "2024-01-31 06:00:00.123",
    "2024-01-31 06:00:00 +0100": "2024-01-31 05:00:00",
    "Wed Jan 31 06:00:00 2024 +0100": "2024-01-31 05:00:00",
    "31/Jan/2024:06:00:00 +0100": "2024-01-31 05:00:00",
    "[31/Jan/2024:06:00:00 +0100]": "2024-01-31 05:00:00",
    "20240131-06:00:00.123": "2024-01-31 06:00:00.123",
    # RFC 5322, 850 and 3339; ISO 8601's other forms; people.
    "31 Jan 2024 06:00 -0000": "2024-01-31 06:00:00",
    "Wed, 31 Jan 2024 06:00:00 +0000 (UTC)": "2024-01-31 06:00:00",
    "Sunday, 06-Nov-94 08:49:37 GMT": "1994-11-06 08:49:37",
    "2024-01-31t06:00:00z": "2024-01-31 06:00:00",
    "2024-01-31T24:00:00Z": "2024-02-01",
    "20240131T060000Z": "2024-01-31 06:00:00",
    "20240131T0600+0100": "2024-01-31 05:00:00",
    "202401310600": "2024-01-31 06:00:00",
    "20240131060000123": "2024-01-31 06:00:00.123",
    "2024-031": "2024-01-31",
    "2024-W05-3": "2024-01-31",
    "2024W053": "2024-01-31",
    "January 31st, 2024": "2024-01-31",
    "31 Sept 2023": None,
    "30 Sept 2023": "2023-09-30",
    "31st of January": None,
    "2024-01-31 06:00 GMT+2": "2024-01-31 04:00:00",
    "2024-01-31 06:00 utc": "2024-01-31 06:00:00",
    "31.01.2024 06:00:00": "2024-01-31 06:00:00",
    "31.1.24": "2024-01-31",
    "2024-01-31T06:00:00+14:00": "2024-01-30 16:00:00",
    "1706659200": "2024-01-31",
    "1706659200.123456": "2024-01-31 00:00:00.123456",
    "1706659200123": "2024-01-31 00:00:00.123",
    "1706659200123456": "2024-01-31 00:00:00.123456",
    "1706659200123456789": "2024-01-31 00:00:00.123456",
}
NO_TIMES = [
    *("", " ", "now", "today", "infinity", "-infinity", "epoch", "n/a", "1", "13/02/2026", "2026-02-30", "0000-00-00"),
    # Words for zones that mean several, or are none.
    *(f"2024-07-31 10:00 {word}" for word in ("BST", "IST", "AST", "CST", "ECT", "A", "M", "PT", "Asia/Tokyo", "PRC")),
    *("2024-07-31 10:00 EST5EDT", "2024-07-31 10:00:00 Etc/GMT+5", "Wed Jul 31 06:00:00 CST 2024", "2024-07-31 EST"),
    # Offsets that are none.
    *("2024-01-31T10:00:00+15:00", "2024-01-31T10:00:00+14:30", "2024-01-31T10:00:00+05:99", "2024-01-31 10:00 +5"),
    *("2024-01-31T10:00:00+99", "2024-01-31 10:00 -0500 PDT", "2024-01-31 06:00 GMT+15", "2024-01-31T10:00-5:00"),
    # Digits: hours, a phone number, .NET ticks, FILETIME, Excel's serial number, ids, an EAN, a card.
    *("2024013106", "2125551234", "5125551234", "4915112345678", "638422560000000000", "133511328000000000"),
    *("45322", "45322.25", "240131", "2024031", "123456789", "4006381333931", "4111111111111111", "31012024"),
    *("01312024", "999999999999", "202413010600", "202401312500", "20240131061", "1.7066592E9", "-1706659200"),
    *("19991231235959999999", "1999123106", "20240230", "99991231", "1706659200,5"),
    # Two readings, other calendars, other languages, half a date.
    *("24/01/31", "31/01/24", "31-Jan-45", "1/5/45", "2567/01/31", "31/01/2567", "1403/02/15", "19/07/1445 6:00 AM"),
    *(
        "31 Mai 2024",
        "31 Januar 2024",
        "1 marraskuu 2024",
        "Jan 2024",
        "Jan-24",
        "31-Jan",
        "2024-01",
        "2024-W05",
        "2024",
    ),
    *("Mon, 31 Jan 2024 06:00:00 GMT", "Mon Jan 31 06:00:00 2024", "2024-01-31 (BC)", "-2024-01-31"),
    # Clocks that are none.
    *("2024-01-31 25:00", "2024-01-31 24:00:01", "2024-01-31 23:60", "2024-01-31 23:59:60", "1/31/2024 13:00 PM"),
    *("1/31/2024 0:30 AM", "2024-01-31 6", "2024-01-31 06:00.50", "2024-01-31 06.00:00"),
    *("2024-01-31 10:00x", "x2024-01-31", "2024-01/31", "2024-1-31-5", "2/29/2023", "1/31/024", "001/31/2024"),
    *("2024-00-10", "2024-366x", "2023-366", "2023-W53-1", "2024-02-30 10:00", "2024|01|31", "2024-01-31|06:00"),
]


def read(values: list[str], form: str | None = None) -> list[str | None]:
    with database(memory=128 << 20) as connection:
        times = f"SELECT {any_time('x', form)} AS t FROM (SELECT unnest($1) AS x)"
        rows = connection.execute(
            f"SELECT CASE WHEN t {WITHIN} THEN CAST(t AS VARCHAR) END FROM ({times})", [values]
        ).fetchall()
    return [None if text is None else text.removesuffix("+00") for (text,) in rows]


def test_the_forms_that_lytics_reads_are_read() -> None:
    assert dict(zip(TIMES, read(list(TIMES)), strict=True)) == TIMES


def test_the_forms_that_other_programs_write_are_read() -> None:
    truth = {text: at and (at if " " in at else f"{at} 00:00:00") for text, at in FOREIGN.items()}
    assert dict(zip(FOREIGN, read(list(FOREIGN)), strict=True)) == truth


def test_what_is_no_time_or_has_several_readings_never_becomes_one() -> None:
    assert {text: at for text, at in zip(NO_TIMES, read_times(NO_TIMES), strict=True) if at} == {}


def test_a_usual_form_reads_what_all_forms_together_read_or_nothing() -> None:
    texts = [*TIMES, *(text for text, at in FOREIGN.items() if at), *NO_TIMES]
    truth = read_times(texts)
    with database(memory=128 << 20) as connection:
        for form in FORMS:
            found = connection.execute(f"SELECT {usual_time('x', form)} FROM (SELECT unnest($1) AS x)", [texts])
            wrong = [
                (form, text, got, right)
                for text, (got,), right in zip(texts, found.fetchall(), truth, strict=True)
                if got is not None and got != right
            ]
            assert wrong == []


def test_the_usual_form_of_a_column_is_found() -> None:
    texts = ["1/31/2024 6:00:00 PM", "Wed, 31 Jan 2024 06:00:00 +0000", "31-Jan-24", "1706659200", "2024-01-31T06:00Z"]
    assert all(usual_form([text]) in FORMS for text in texts)


FORMATS = [
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%m/%d/%Y %I:%M:%S %p", "%d-%b-%y", "%d %B %Y %H:%M", "%Y/%m/%d"),
    *("%a, %d %b %Y %H:%M:%S +0000", "%a %b %d %H:%M:%S %Y", "%A, %B %d, %Y", "%d.%m.%Y %H:%M", "%G-W%V-%u", "%Y-%j"),
    *(
        "%Y%m%d",
        "%Y%m%d%H%M",
        "%Y%m%dT%H%M%SZ",
        "%b %d %Y %I:%M%p",
        "%d%b%Y:%H:%M:%S",
        "%d/%b/%Y:%H:%M:%S +0000",
        "%m-%d-%y",
    ),
]


@settings(max_examples=5)
@given(st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2029, 12, 31)), min_size=20, max_size=20))
def test_what_python_writes_is_what_it_was(moments: list[datetime]) -> None:
    for_format = [(form, moment) for form in FORMATS for moment in moments]
    found = read_times([moment.strftime(form) for form, moment in for_format])
    for (form, moment), got in zip(for_format, found, strict=True):
        assert got is not None
        assert got.strftime(form) == moment.strftime(form)
        assert abs(got.replace(tzinfo=None) - moment) < timedelta(days=1)


@settings(max_examples=5)
@given(st.lists(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)), min_size=20))
def test_iso_8601_keeps_every_microsecond(moments: list[datetime]) -> None:
    texts = [f"{moment.isoformat()}Z" for moment in moments]
    for form in (None, "iso"):
        assert [datetime.fromisoformat(found or "1") for found in read(texts, form)] == moments


@settings(max_examples=5)
@given(st.lists(st.integers(1_000_000_000, 1_899_999_999), min_size=20))
def test_unix_seconds_are_seconds(seconds: list[int]) -> None:
    assert read_times([str(second) for second in seconds]) == [datetime.fromtimestamp(one, UTC) for one in seconds]


def test_a_column_of_words_has_no_usual_form() -> None:
    assert usual_form(["red", "green", "plain note number 4", "", None]) is None
