"""Text as the time of an event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.event_time import WITHIN, any_time, usual_form

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
NO_TIMES = [
    "",
    " ",
    "now",
    "today",
    "infinity",
    "-infinity",
    "epoch",
    "13/02/2026",
    "2026-02-30",
    "0000-00-00",
    "1",
    "n/a",
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


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_never_becomes_one(text: str) -> None:
    assert read([text]) == [None]
    assert read([text], "iso") == [None]


@given(st.sampled_from(list(TIMES)))
def test_the_usual_form_reads_what_all_forms_together_read(text: str) -> None:
    form = usual_form([text])
    assert form in FORMS
    assert form is not None
    with database(memory=64 << 20) as connection:
        found = connection.execute(
            f"SELECT CAST({usual_time('x', form)} AS VARCHAR) FROM (SELECT $1 AS x)", [text.strip()]
        )
        row = found.fetchone()
    assert row is not None
    assert row[0].removesuffix("+00") == TIMES[text]


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))
def test_iso_8601_keeps_every_microsecond(moment: datetime) -> None:
    text = moment.isoformat() + "Z"
    (found,) = read([text], "iso")
    assert found is not None
    assert datetime.fromisoformat(found) == moment


@given(st.integers(1_000_000_000, 9_999_999_999))
def test_unix_seconds_are_seconds(seconds: int) -> None:
    (found,) = read([str(seconds)])
    assert found is not None
    assert datetime.fromisoformat(found).replace(tzinfo=UTC) == datetime.fromtimestamp(seconds, UTC)


def test_a_column_of_words_has_no_usual_form() -> None:
    assert usual_form(["red", "green", "plain note number 4", "", None]) is None
