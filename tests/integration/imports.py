"""An import without a runner: what the runner does with a job kind, in a few lines, for tests of the kind itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.kind import Context, Rehearsal, load
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.lytics.duck import UNION_BY_NAME, database, read_parquet
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan
from tests.conftest import Storage
from tests.delta import live_files

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Quiet:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.lines: list[str] = []

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        self.stages.append(stage)

    def log(self, level: str, text: str) -> None:
        self.lines.append(text)

    def check(self) -> None:
        pass


@dataclass(slots=True)
class Importer:
    """A job over data of a test's own, and its workspace.

    Attributes:
        authorization: with its secrets.
        kind: of the job; `settings` are its fields.
        now: when the next run starts; a day later after each.
    """

    authorization: Authorization
    kind: type[JobConfig]
    root: Path
    settings: dict[str, Any]
    now: datetime = START
    checkpoint: dict[str, Any] | None = None
    runs: int = 0
    sessions: int = 1
    sink: Quiet = field(default_factory=Quiet)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "workspace")

    def job(self) -> Job:
        config = self.kind(**{"stream": "s", **self.settings})
        return Job(id="job", label="Job", workflow=self.kind.workflow, authorization="it", config=config)

    def context(self, replay: tuple[str, ...] = ()) -> Context:
        return Context(
            run_id=f"run{self.runs}", started=self.now, job=self.job(), authorization=self.authorization,
            lytics=self.workspace, scratch=self.root / f"scratch{self.runs}", keep=self.root / "keep",
            memory=256 << 20, threads=2, sessions=self.sessions, replay=replay,
        )  # fmt: skip

    def plan(self) -> Plan:
        return load(self.job()).plan(self.context(), self.checkpoint)

    def run(self, replay: tuple[str, ...] = ()) -> Outcome:
        """A whole run; the next one starts a day later."""
        self.runs += 1
        context = self.context(replay)
        kind = load(context.job)
        plan = kind.plan(context, self.checkpoint)
        results = self.do(context, plan)
        outcome = kind.commit(context, plan, results)
        assert kind.commit(context, plan, results) == outcome, "a commit that is done again says the same"
        if not plan.parts:
            # There is nothing to commit then.
            outcome = replace(outcome, checkpoint=plan.checkpoint)
        if outcome.checkpoint is not None:
            self.checkpoint = outcome.checkpoint
        self.now += timedelta(days=1)
        return outcome

    def do(self, context: Context, plan: Plan) -> list[PartResult]:
        results: list[PartResult] = []
        for part in plan.parts:
            results.append(load(context.job).do(context, part, results[-1] if results else None, self.sink))
        return results

    def rehearse(self) -> Rehearsal:
        return load(self.job()).rehearse(self.context(), self.checkpoint)

    def quarantined(self) -> list[QuarantinedRow]:
        """Of the newest run."""
        return quarantine.page(self.folders(), 0, 1_000_000)

    def folders(self) -> tuple[str, ...]:
        return tuple(str(path) for path in sorted((self.root / "keep" / "quarantine" / f"run{self.runs}").glob("*")))

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """The stream's rows, read from the files that the table's log names; times as text."""
        files = live_files(self.root / "workspace" / "streams" / "s")
        if not files:
            return []
        with database(memory=256 << 20) as connection:
            times = "CAST(_event_time AS VARCHAR) AS _event_time, CAST(_ingest_time AS VARCHAR) AS _ingest_time"
            source = f"SELECT * REPLACE ({times}) FROM {read_parquet(files, UNION_BY_NAME)}"
            return connection.execute(f"SELECT {columns} FROM ({source}) ORDER BY _source, _row").fetchall()

    def with_settings(self, **settings: Any) -> Importer:
        return replace(self, settings={**self.settings, **settings})


def csv_importer(storage: Storage, root: Path, settings: dict[str, Any]) -> Importer:
    """Imports files from a container of a test's own."""
    return Importer(storage.authorization(), CsvImport, root, {"container": storage.container, **settings})


def part(plan: Plan, index: int = 0) -> Part:
    return plan.parts[index]
