"""Rows into a stream of an account: batches, what is rejected, answers that are lost, and what a journal remembers."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lytics_azure_tui.errors import Cancelled, Fatal, NotAuthorised, RetryLater
from lytics_azure_tui.lytics.cloud import api as client
from lytics_azure_tui.lytics.cloud import collect
from lytics_azure_tui.lytics.cloud.api import Account, Api
from lytics_azure_tui.lytics.cloud.collect import Collect
from lytics_azure_tui.lytics.cloud.journal import Journal
from lytics_azure_tui.lytics.sending import Batch, Record
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.lytics_api import Fault, LyticsApi

BULK = "/collect/bulk/*"


@pytest.fixture
def api() -> Iterator[LyticsApi]:
    with LyticsApi() as api:
        yield api


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "ROWS", 10)
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.05)


def into(api: LyticsApi, stream: str = "s", *, token: Secret | None = None, patience: float = 2.0) -> Collect:
    account = Account(api.url, api.bulk_url, lambda: token or api.token)
    return Collect(Api(account, patience=patience), stream, Path())


def records(count: int, bad: Sequence[int] = ()) -> Iterator[Record]:
    """Of the bad ones, each is a list of objects, which no record may hold."""
    for n in range(1, count + 1):
        yield Record("c/f.csv", n, json.dumps({"n": n, "list": [{"a": 1}]} if n in bad else {"n": str(n)}))


def sent(
    delivery: Collect, journal: Path, rows: Iterator[Record], check: Callable[[], None] = lambda: None
) -> list[Batch]:
    return list(delivery.send(rows, journal, check))


def there(api: LyticsApi, stream: str = "s") -> list[int]:
    """The n of all events, in order."""
    preview = api.workspace.preview(stream, 1_000_000)
    if not preview.rows:
        return []
    place = preview.columns.index("n")
    return sorted(int(row[place] or 0) for row in preview.rows)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from lytics_azure_tui.lytics.cloud.collect import Collect, _batches
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.protocol import StagedFile
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
with database(memory=256 << 20) as connection:
    connection.execute(
        f"COPY (SELECT i::VARCHAR AS n, repeat('x', 300) AS text, now() AS _event_time, now() AS _ingest_time,"
        f" 'r' AS _run_id, 'c/f' AS _source, i AS _row FROM range({rows}) t(i)) TO '{folder}/f.parquet'"
        " (FORMAT parquet, ROW_GROUP_SIZE 30720)"
    )
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
files = [StagedFile('f.parquet', rows, 0, None, None, {})]
print(sum(len(batch) for batch, _ in _batches(Collect(None, 's', folder).records(files))))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = []
    for rows in (30_000, 300_000):
        command = [sys.executable, "-c", program, str(tmp_path.parent), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        count, kilobytes = map(int, done.stdout.split())
        assert count == rows
        grown.append(kilobytes)
    assert grown[1] < max(grown[0], 64 << 10) + (32 << 10)


def test_rows_arrive_in_batches_each_once(api: LyticsApi, tmp_path: Path) -> None:
    batches = sent(into(api), tmp_path / "j", records(25))
    assert [(one.number, one.first, one.rows) for one in batches] == [(1, 1, 10), (2, 11, 10), (3, 21, 5)]
    assert there(api) == list(range(1, 26))
    assert {one.bulk for one in api.requests} == {True}


def test_what_was_answered_is_not_sent_again(api: LyticsApi, tmp_path: Path) -> None:
    sent(into(api), tmp_path / "j", records(25))
    again = sent(into(api), tmp_path / "j", records(25))
    assert all(one.again for one in again)
    assert there(api) == list(range(1, 26))


def test_rejected_records_are_found_with_their_reasons_and_the_others_are_in(api: LyticsApi, tmp_path: Path) -> None:
    batches = sent(into(api), tmp_path / "j", records(30, bad=(3, 4, 17)))
    assert [[record.row for record, _ in one.left_out] for one in batches] == [[3, 4], [17], []]
    assert "list" in batches[0].left_out[0][1]
    assert there(api) == [n for n in range(1, 31) if n not in (3, 4, 17)]


def test_a_batch_of_nothing_but_rejected_records(api: LyticsApi, tmp_path: Path) -> None:
    (batch,) = sent(into(api), tmp_path / "j", records(8, bad=range(1, 9)))
    assert len(batch.left_out) == 8


def test_a_record_that_is_too_large_is_not_sent(api: LyticsApi, tmp_path: Path) -> None:
    large = Record("c/f.csv", 2, json.dumps({"n": "2", "text": "x" * (16 << 10)}))
    (batch,) = sent(into(api), tmp_path / "j", iter([Record("c/f.csv", 1, '{"n":"1"}'), large]))
    assert [(record.row, "16 KB" in reason) for record, reason in batch.left_out] == [(2, True)]
    assert there(api) == [1]


def test_a_lost_answer_puts_one_batch_in_doubt_and_it_is_not_sent_again(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.order(Fault("lose", path=BULK, after=1))
    batches = sent(into(api), tmp_path / "j", records(30))
    assert [one.doubtful for one in batches] == [False, True, False]
    assert [record.row for record, _ in batches[1].left_out] == list(range(11, 21))
    assert "may be in Lytics" in batches[1].left_out[0][1]
    assert there(api) == list(range(1, 31)), "Lytics had it, and has it once"
    again = sent(into(api), tmp_path / "j", records(30))
    assert [one.doubtful for one in again] == [False, True, False]
    assert there(api) == list(range(1, 31))


@pytest.mark.parametrize("action", ["drop", "cut", "spoil", "refuse", "garble"])
def test_whatever_happens_to_an_answer_no_row_is_there_twice(api: LyticsApi, tmp_path: Path, action: str) -> None:
    api.faults.order(Fault(action, path=BULK, after=1, status=500))  # type: ignore[arg-type]
    batches = sent(into(api), tmp_path / "j", records(30))
    assert [one.doubtful for one in batches] == [False, True, False]
    found = there(api)
    assert len(found) == len(set(found))
    assert {*range(1, 11), *range(21, 31)} <= set(found)


def test_during_an_outage_no_more_than_one_batch_comes_into_doubt(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.order(Fault("refuse", path=BULK, after=1, status=502, times=1000))
    delivery = into(api, patience=0.3)
    told: list[Batch] = []
    with pytest.raises(RetryLater):
        told += delivery.send(records(60), tmp_path / "j", lambda: None)
    api.faults.clear()
    again = sent(delivery, tmp_path / "j", records(60))
    assert [one.doubtful for one in again] == [False, True, False, False, False, False]
    assert there(api) == [*range(1, 11), *range(21, 61)]


def test_a_storm_of_429_is_waited_out(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.storm(7, path=BULK)
    batches = sent(into(api, patience=20), tmp_path / "j", records(25))
    assert not any(one.doubtful for one in batches)
    assert there(api) == list(range(1, 26))


def test_a_storm_that_does_not_end_is_the_runs_turn(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.storm(1000, path=BULK)
    with pytest.raises(RetryLater, match="could not be sent"):
        sent(into(api, patience=0.3), tmp_path / "j", records(5))
    api.faults.clear()
    # It was never taken, and is known not to have been: it is sent now.
    sent(into(api), tmp_path / "j", records(5))
    assert there(api) == [1, 2, 3, 4, 5]


def test_nobody_listening_puts_nothing_in_doubt(tmp_path: Path) -> None:
    account = Account("http://127.0.0.1:9", "http://127.0.0.1:9", lambda: Secret("t"))
    delivery = Collect(Api(account, patience=0.2), "s", Path())
    with pytest.raises(RetryLater, match="could not be sent") as caught:
        sent(delivery, tmp_path / "j", records(5))
    assert "cannot be reached" in caught.value.why
    with LyticsApi() as api:
        sent(into(api), tmp_path / "j", records(5))
        assert there(api) == [1, 2, 3, 4, 5]


def test_a_wrong_token_ends_it_and_is_in_no_word(api: LyticsApi, tmp_path: Path) -> None:
    token = Secret("wrong-token-123456")
    with pytest.raises(NotAuthorised) as caught:
        sent(into(api, token=token), tmp_path / "j", records(5))
    assert "api_token" in caught.value.why
    assert "lyazure-tui --lytics-token" in caught.value.fix
    assert token.reveal() not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


def test_a_refused_batch_ends_the_sending_with_what_lytics_said(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.order(Fault("refuse", path=BULK, status=413, message="too much"))
    with pytest.raises(Fatal) as caught:
        sent(into(api), tmp_path / "j", records(5))
    assert "413: too much" in caught.value.why


def test_an_end_is_possible_between_batches(api: LyticsApi, tmp_path: Path) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled("The run was cancelled")

    with pytest.raises(Cancelled):
        sent(into(api), tmp_path / "j", records(50), check)
    assert there(api) == list(range(1, 21))


def test_an_end_is_possible_while_lytics_is_waited_for(api: LyticsApi, tmp_path: Path) -> None:
    api.faults.storm(1000, path=BULK)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise Cancelled("The run was cancelled")

    with pytest.raises(Cancelled):
        sent(into(api, patience=60), tmp_path / "j", records(5), check)


class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_each_row_is_there_once_or_told_to_be_in_doubt(
    api: LyticsApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    steps = 0

    def until(real: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **more: object) -> object:
            nonlocal steps
            steps += 1
            if steps == step + 1:
                raise _Killed
            found = real(*args, **more)
            steps += 1
            if steps == step + 1:
                raise _Killed
            return found

        return run

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", until(Journal.write))
        patch.setattr(collect.Collect, "_call", until(collect.Collect._call))
        with contextlib.suppress(_Killed):
            sent(into(api), tmp_path / "j", records(25, bad=(3,)))
    batches = sent(into(api), tmp_path / "j", records(25, bad=(3,)))
    found = there(api)
    assert len(found) == len(set(found))
    left_out = {record.row for one in batches for record, _ in one.left_out}
    assert set(found) | left_out == set(range(1, 26))
    assert sum(one.doubtful for one in batches) <= 1


def test_a_journal_that_was_cut_off_is_read_up_to_there(api: LyticsApi, tmp_path: Path) -> None:
    journal = tmp_path / "j"
    sent(into(api), journal, records(10))
    journal.write_bytes(journal.read_bytes() + b'{"batch":2,"st')
    batches = sent(into(api), journal, records(20))
    assert [one.again for one in batches] == [True, False]
    assert there(api) == list(range(1, 21))
    assert [one.again for one in sent(into(api), journal, records(20))] == [True, True]
