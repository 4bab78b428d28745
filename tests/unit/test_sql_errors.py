"""Errors of SQL Server: which pass by themselves, which are for a person, and which of several counts."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pytds import tds_base

from lytics_azure_tui.azure.sql_errors import Dropped, translated
from lytics_azure_tui.azure.sql_wire import Session
from lytics_azure_tui.errors import Fatal, LyazureError, NotAuthorised, RetryLater

PASSES = [
    233, 701, 922, 983, 1101, 1204, 1205, 1222, 4060, 4221, 8645, 8651, 10053, 10054, 10060, 10928, 10929, 10936, 17187,
    18401, 40143, 40197, 40501, 40540, 40551, 40613, 42108, 42109, 49918, 49919, 49920,
]  # fmt: skip
"""At which Microsoft's clients and documents try again."""


def message(number: int, severity: int, text: str = "Words") -> tds_base.Message:
    return {
        "marker": tds_base.TDS_ERROR_TOKEN,
        "msgno": number, "state": 1, "severity": severity, "sql_state": None, "priv_msg_type": 1,
        "message": text, "server": "s", "proc_name": "", "line_number": 1,
    }  # fmt: skip


def ours(*messages: tds_base.Message) -> LyazureError:
    """What becomes of a reply with these messages."""

    class Reply:
        def __init__(self) -> None:
            self.messages = list(messages)

    with pytest.raises(LyazureError) as told, translated("It failed", "db", 1433):
        Session.raise_db_exception(cast(Any, Reply()))
    return told.value


@pytest.mark.parametrize("number", PASSES)
def test_what_passes_is_tried_again_and_named(number: int) -> None:
    error = ours(message(number, 16))
    assert type(error) is RetryLater
    assert f"error {number}" in error.why
    assert "tried again" not in error.fix, "that is for the runner to say"
    assert type(ours(message(number, 20))) is Dropped, "the connection is gone, too"


@pytest.mark.parametrize(
    ("severity", "kind"),
    [(11, Fatal), (14, Fatal), (16, Fatal), (17, RetryLater), (19, RetryLater), (20, Dropped), (24, Dropped)],
)
def test_a_number_that_nobody_knows_counts_by_its_severity(severity: int, kind: type[LyazureError]) -> None:
    error = ours(message(65_000, severity, "New in the next version"))
    assert type(error) is kind
    assert "error 65000: New in the next version" in error.why
    assert type(ours(message(0, 20))) is Dropped, "an error may have no number"


@pytest.mark.parametrize("number", [605, 823, 824, 8646])
def test_damaged_data_is_for_an_administrator(number: int) -> None:
    error = ours(message(number, 24))
    assert type(error) is Fatal
    assert "DBCC CHECKDB" in error.fix


@pytest.mark.parametrize("number", [102, 207, 208, 245, 8134, 50_000])
def test_what_a_statement_does_wrong_does_not_pass(number: int) -> None:
    assert type(ours(message(number, 16))) is Fatal


@pytest.mark.parametrize(
    ("messages", "kind", "number"),
    [
        ([message(4060, 11), message(18456, 14)], RetryLater, 4060),
        ([message(40613, 14), message(18456, 14)], RetryLater, 40613),
        ([message(1205, 13), message(3621, 0)], RetryLater, 1205),
        ([message(18456, 14), message(40608, 14)], NotAuthorised, None),
        ([message(208, 16), message(8180, 16)], Fatal, 208),
    ],
)
def test_of_several_messages_the_first_error_says_what_happened(
    messages: list[tds_base.Message], kind: type[LyazureError], number: int | None
) -> None:
    error = ours(*messages)
    assert type(error) is kind
    assert number is None or f"error {number}" in error.why
