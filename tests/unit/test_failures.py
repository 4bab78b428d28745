"""When a failed run is tried again, and what is told of the failure."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import lytics_azure_tui
from lytics_azure_tui.errors import Fatal, RetryLater
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import failures

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_delay_doubles_from_a_minute_until_two_hours_have_gone_by() -> None:
    run = Run("r", "j", "J", "w", Trigger.MANUAL, RunState.RUNNING, created=NOON)
    now, delays = NOON, []
    while (at := failures.next_try(run, now)) is not None:
        delays.append((at - now) // MINUTE)
        run = Run(
            "r", "j", "J", "w", Trigger.MANUAL, RunState.RUNNING, NOON, failures=run.failures + 1, failing_since=NOON
        )
        now = at
        assert len(delays) < 100
    assert delays == [1, 2, 4, 8, 16, 32, 32, 25]
    assert now - NOON == failures.PATIENCE


def test_our_own_errors_stay_as_they_are() -> None:
    error = RetryLater("The network is down")
    assert failures.explained(error, "log") is error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/data/x"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("IO Error: Could not write file: No space left on device"),
        RuntimeError("database or disk is full"),
    ],
)
def test_a_full_disk_is_known_in_all_its_words(error: Exception) -> None:
    known = failures.explained(error, "log")
    assert isinstance(known, Fatal) and known.what.startswith("There is no space left on the disk")
    try:
        try:
            raise error
        except Exception as cause:
            raise ValueError("writing failed") from cause
    except ValueError as outer:
        assert failures.explained(outer, "log").what == known.what


def test_want_of_memory_in_a_query_names_the_setting_to_raise() -> None:
    with database(memory=16 << 20) as connection, pytest.raises(duckdb.OutOfMemoryException) as caught:
        connection.execute("CREATE TABLE t AS SELECT repeat('x', 1000) || range AS x FROM range(1000000)")
    outer = RuntimeError("while it was writing")
    outer.__cause__ = caught.value
    for error in (caught.value, outer):
        known = failures.explained(error, "log")
        assert "more memory than it may use" in known.what
        assert "[engine] memory" in known.fix


def test_an_unknown_error_is_told_by_its_kind_alone() -> None:
    known = failures.explained(KeyError("AccountKey=abc"), "/logs/1.log")
    assert isinstance(known, Fatal)
    assert str(known) == (
        "The run met an error that this program does not know. KeyError. The details are in /logs/1.log"
    )


@pytest.mark.parametrize(
    "secret",
    [
        "DefaultEndpointsProtocol=https;AccountName=someone;AccountKey=c2VjcmV0IGtleSBvZiBzb21lIGxlbmd0aA==",
        "BlobEndpoint=https://x.blob.core.windows.net;SharedAccessSignature=sv=2024&sig=Zm9vYmFyYmF6cXV4cXV1eA%3D%3D",
    ],
)
def test_secrets_are_taken_out_whole_and_in_pieces(secret: str) -> None:
    authorization = AzureStorage(id="a", label="A", connection_string=Secret(secret))
    signature = secret.rpartition("sig=")[2] if "sig=" in secret else secret.rpartition("AccountKey=")[2]
    text = f"GET https://x/?sig={signature} by {secret}, key {signature}."
    told = failures.redacted(text, authorization)
    assert signature not in told
    assert told.startswith("GET https://x/?sig=")
    assert failures.redacted("Authorization failed; AccountKey=abc; Password=def", None).count("•") == 12


def test_details_hold_no_values_of_variables() -> None:
    password = "hunter2-hunter2-hunter2"
    try:
        assert len(password) == 0
    except AssertionError as error:
        details = failures.details(ValueError("x").with_traceback(error.__traceback__), None)
    assert "test_failures.py" in details
    assert password not in details


def test_only_the_runner_promises_that_something_is_tried_again() -> None:
    """The same errors come up on a screen, or by a command, where nobody tries again but the person."""
    root = Path(str(lytics_azure_tui.__file__)).parent
    for room in ("azure", "lytics", "jobs", "config", "model"):
        for path in (root / room).rglob("*.py"):
            assert "It is tried again" not in path.read_text(), path
