"""Streams of the embedded Lytics: appended to at once, widened, read back by engines that know nothing of us."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lytics_azure_tui.errors import BadConfiguration, StartOver
from lytics_azure_tui.lytics.duck import database, literal, quoted
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.workspace.workspace import Workspace


def stage(workspace: Workspace, run: str, columns: Sequence[str], rows: int = 3) -> StagedFile:
    """A run's Parquet file with a row an hour from 2026-01-01 on; every second value is missing."""
    folder = workspace.staging("s")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{run}-00000-00000.parquet"
    values = ", ".join(f"CASE WHEN i % 2 = 0 THEN 'v' || i END AS {quoted(column)}" for column in columns)
    first = "TIMESTAMPTZ '2026-01-01 00:00:00+00'"
    with database(memory=64 << 20) as connection:
        connection.execute(
            f"COPY (SELECT {values}, {first} + to_hours(CAST(i AS INTEGER)) AS _event_time, {first} AS _ingest_time,"
            f" {literal(run)} AS _run_id, 'c/b' AS _source, i AS _row"
            f" FROM range({rows}) AS t(i)) TO {literal(str(folder / name))} (FORMAT parquet)"
        )
    last = f"2026-01-01T{rows - 1:02}:00:00Z"
    return StagedFile(
        name, rows, (folder / name).stat().st_size, "2026-01-01T00:00:00Z", last, dict.fromkeys(columns, 1)
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_run_is_seen_when_it_is_committed_and_not_before(workspace: Workspace) -> None:
    file = stage(workspace, "r1", ["a"])
    assert workspace.streams() == []
    assert workspace.commit("s", "r1", ["a"], [file])
    (stream,) = workspace.streams()
    assert (stream.name, stream.events) == ("s", 3)
    assert stream.last_event is not None
    assert f"{stream.last_event:%Y-%m-%d %H:%M}" == "2026-01-01 02:00"


def test_a_run_is_committed_once(workspace: Workspace) -> None:
    file = stage(workspace, "r1", ["a"])
    assert workspace.commit("s", "r1", ["a"], [file])
    assert not workspace.commit("s", "r1", ["a"], [file])
    assert workspace.streams()[0].events == 3


def test_new_columns_widen_the_stream_and_old_rows_have_no_value_there(workspace: Workspace) -> None:
    workspace.commit("s", "r1", ["a"], [stage(workspace, "r1", ["a"])])
    workspace.commit("s", "r2", ["b c", "a"], [stage(workspace, "r2", ["b c", "a"])])
    assert workspace.columns("s") == ["a", "b c"]
    assert [(field.name, field.filled) for field in workspace.fields("s")] == [("a", 4), ("b c", 2)]
    preview = workspace.preview("s", 2)
    assert preview.columns == ("_event_time", "a", "b c", "_source", "_row")
    assert [row[0] for row in preview.rows] == ["2026-01-01 02:00:00+00"] * 2


def test_names_that_differ_in_case_only_are_never_two_columns(workspace: Workspace) -> None:
    workspace.commit("s", "r1", ["email"], [stage(workspace, "r1", ["email"])])
    with pytest.raises(StartOver):
        workspace.commit("s", "r2", ["Email"], [stage(workspace, "r2", ["Email"])])


def test_runs_that_commit_at_the_same_time_are_all_in(workspace: Workspace) -> None:
    workspace.commit("s", "r0", ["a"], [stage(workspace, "r0", ["a"])])
    files = {f"r{number}": stage(workspace, f"r{number}", ["a"]) for number in range(1, 7)}
    threads = [threading.Thread(target=workspace.commit, args=("s", run, ["a"], [file])) for run, file in files.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.streams()[0].events == 7 * 3


def test_discarding_removes_what_was_never_committed_and_nothing_else(workspace: Workspace) -> None:
    workspace.commit("s", "r1", ["a"], [stage(workspace, "r1", ["a"])])
    stage(workspace, "r2", ["a"])
    workspace.discard("s", "r1")
    workspace.discard("s", "r2")
    names = [path.name for path in workspace.staging("s").glob("*.parquet")]
    assert names == ["r1-00000-00000.parquet"]


def test_the_table_is_plain_delta_that_others_can_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    # delta-rs itself queries no table in a folder with an odd name.
    workspace = Workspace(tmp_path_factory.mktemp("plain"))
    workspace.commit("s", "r1", ["a"], [stage(workspace, "r1", ["a"])])
    table = DeltaTable(str(workspace.staging("s")))
    assert [(field.name, field.type.type) for field in table.schema().fields] == [
        ("a", "string"),
        ("_event_time", "timestamp"),
        ("_ingest_time", "timestamp"),
        ("_run_id", "string"),
        ("_source", "string"),
        ("_row", "long"),
    ]
    assert table.history(1)[0]["runId"] == "r1"
    assert table.count() == 3


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a b"])
def test_a_stream_cannot_lie_outside_its_folder(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadConfiguration):
        workspace.staging(name)
