"""Tries a mapping on the newest events of its stream, and changes nothing."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from lytics_azure_tui.lytics.columns import EVENT_TIME, INGEST_TIME, ROW
from lytics_azure_tui.lytics.duck import read_parquet
from lytics_azure_tui.lytics.protocol import Stopper, Trial
from lytics_azure_tui.lytics.workspace.assemble import profiles
from lytics_azure_tui.lytics.workspace.identify import identify
from lytics_azure_tui.lytics.workspace.mapped import mapped_rows, rows_of
from lytics_azure_tui.lytics.workspace.merging import Field, fields_of
from lytics_azure_tui.lytics.workspace.reader import engine, profile_of, still_wanted
from lytics_azure_tui.lytics.workspace.scores import day_of
from lytics_azure_tui.lytics.workspace.spec import BuildSpec
from lytics_azure_tui.lytics.workspace.streams import Streams
from lytics_azure_tui.model.mapping import Definitions, StreamMapping


def tried(streams: Streams, mapping: StreamMapping, *, events: int, limit: int, stopper: Stopper | None) -> Trial:
    """See `lytics.protocol.Lytics.try_mapping`."""
    fields = fields_of([mapping])
    columns, files = streams.columns(mapping.stream), streams.paths(mapping.stream)
    if not files:
        nothing = {field.name: 0 for field in fields}
        return Trial(0, (), nothing, nothing)
    newest = (
        f"SELECT * FROM ({rows_of(columns, files)})"
        f" ORDER BY {EVENT_TIME} DESC, {INGEST_TIME} DESC, {ROW} DESC LIMIT {int(events)}"
    )
    with tempfile.TemporaryDirectory(prefix="lyazure-trial-") as folder, engine(stopper) as connection:
        connection.execute(f"CREATE TEMP TABLE newest AS {newest}")
        still_wanted(stopper)
        taken = _row(connection, "SELECT count(*) FROM newest")[0]
        mapping_sql = mapped_rows(mapping, columns, "SELECT * FROM newest", fields)
        connection.execute(f"CREATE TEMP TABLE mapped AS {mapping_sql}")
        filled, unreadable = _figures(connection, fields)
        now = datetime.now(UTC)
        spec = BuildSpec("trial", 1, now.isoformat(), Definitions((mapping,)).dump(), {})
        scratch = Path(folder)
        identify(connection, spec, "mapped", scratch, known=False)
        still_wanted(stopper)
        happened = scratch / "events" / "bucket=0"
        if not happened.is_dir():
            return Trial(taken, (), filled, unreadable)
        connection.execute(f"CREATE TEMP VIEW happened AS FROM {read_parquet(sorted(happened.glob('*.parquet')))}")
        made = profiles(connection, fields, "happened", None, day_of(now))
        answer = connection.execute(
            f"SELECT touched._id, made.* EXCLUDE (p) FROM ({made}) made JOIN touched USING (p)"
            f" ORDER BY _num_events DESC, _id LIMIT {int(limit)}"
        )
        names = [column[0] for column in answer.description or ()]
        found = tuple(profile_of(dict(zip(names, row, strict=True))) for row in answer.fetchall())
    return Trial(taken, found, filled, unreadable)


def _figures(connection: duckdb.DuckDBPyConnection, fields: tuple[Field, ...]) -> tuple[dict[str, int], dict[str, int]]:
    if not fields:
        return {}, {}
    counts = [f"count(v{one.number})" for one in fields] + [f"count(*) FILTER (u{one.number})" for one in fields]
    found = _row(connection, f"SELECT {', '.join(counts)} FROM mapped")
    names = [one.name for one in fields]
    half = len(names)
    return dict(zip(names, found[:half], strict=True)), dict(zip(names, found[half:], strict=True))


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return list(connection.execute(query).fetchone() or ())
