"""Events into streams and builds over them without a runner: what the runner does with a job kind, in a few lines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs import profile_build
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.lytics.duck import database, literal, quoted
from lytics_azure_tui.lytics.stream_file import copied, staged
from lytics_azure_tui.lytics.workspace.head import Head
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import NoAuthorization
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Outcome
from tests.integration.imports import Quiet

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        minutes: before START, when it happened.
        values: its columns.
        row: its place in the source.
        brought: seconds after START, when the run that brought it was started.
    """

    minutes: float
    values: dict[str, str | None]
    row: int = 1
    brought: int = 0

    @property
    def at(self) -> datetime:
        return START - timedelta(minutes=self.minutes)

    @property
    def ingested(self) -> datetime:
        return START + timedelta(seconds=self.brought)


@dataclass
class Place:
    """A workspace that is filled and built on.

    Attributes:
        now: when the next build starts.
        runs: imports and builds so far.
    """

    root: Path
    definitions: Definitions = field(default_factory=Definitions)
    now: datetime = START
    runs: int = 0
    memory: int = 256 << 20

    def head(self) -> Head | None:
        return Reader(Tables(self.root / "workspace")).head()

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of one of the views: profiles, memberships, transitions …"""
        with Reader(Tables(self.root / "workspace")).opened() as opened:
            if opened is None:
                return []
            rows = opened.ask(f"FROM {name}")
            names = [column[0] for column in opened.connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows]

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "workspace")

    def bring(self, stream: str, events: Iterable[Event]) -> None:
        """Imports events into a stream, as a run of its own."""
        events = list(events)
        if not events:
            return
        self.runs += 1
        columns = sorted({name for event in events for name in event.values})
        run = f"import{self.runs}"
        rows = ", ".join(_row(event, columns, run) for event in events)
        names = [*columns, "_event_time", "_ingest_time", "_run_id", "_source", "_row"]
        target = self.workspace.staging(stream) / f"{run}-00000-00000.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        select = f"SELECT * FROM (VALUES {rows}) t({', '.join(map(quoted, names))})"
        with database(memory=128 << 20) as connection:
            file = staged(connection.execute(copied(select, target)).fetchone() or (), target, columns)
        self.workspace.commit(stream, run, columns, [file])

    def context(self) -> Context:
        return Context(
            run_id=f"build{self.runs}", started=self.now, job=PROFILES, authorization=NoAuthorization(),
            lytics=self.workspace, scratch=self.root / f"scratch{self.runs}", keep=self.root / "keep",
            memory=self.memory, threads=2, definitions=self.definitions,
        )  # fmt: skip

    def build(self, later: timedelta = timedelta(minutes=1)) -> Outcome | None:
        """A whole build; None when there was nothing to do."""
        self.runs += 1
        context = self.context()
        plan = profile_build.plan(context, None)
        if not plan.parts:
            return None
        plan.data["spec"] = json.loads(json.dumps(plan.data["spec"]))
        before, results = None, []
        for part in plan.parts:
            before = profile_build.do(context, part, before, Quiet())
            results.append(before)
        outcome = profile_build.commit(context, plan, results)
        assert profile_build.commit(context, plan, results) == outcome, "a commit that is done again says the same"
        shutil.rmtree(context.scratch)
        self.now += later
        return outcome


def _row(event: Event, columns: Sequence[str], run: str) -> str:
    values = [_text(event.values.get(name)) for name in columns]
    values += [f"TIMESTAMPTZ '{event.at.isoformat()}'", f"TIMESTAMPTZ '{event.ingested.isoformat()}'", _text(run)]
    return f"({', '.join([*values, _text('test'), f'{event.row} :: BIGINT'])})"


def _text(value: str | None) -> str:
    return "NULL :: VARCHAR" if value is None else f"{literal(value)} :: VARCHAR"
