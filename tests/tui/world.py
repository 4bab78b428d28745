"""A configuration folder and a ledger as an operator has them after some weeks, at a moment that stands still."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job, JobConfig, slug
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan, Progress, Run, RunState, Trigger
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.runner.forgetting import Report
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.service import RunnerStatus
from lytics_azure_tui.tui.app import LyazureApp
from lytics_azure_tui.tui.desk import Desk
from tests.tui.people import AT, SmallLytics

NOW = AT


@dataclass
class Clock:
    """Stands still until it is moved."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Drawer:
    """A store of secrets in memory."""

    held: dict[tuple[str, str], Secret] = field(default_factory=dict)

    def get(self, owner: str, field: str) -> Secret | None:
        return self.held.get((owner, field))

    def set(self, owner: str, field: str, secret: Secret) -> None:
        self.held[owner, field] = secret

    def delete(self, owner: str, field: str) -> None:
        self.held.pop((owner, field), None)

    def describe(self) -> str:
        return "Secrets are in the memory of this test"


class StillDesk(Desk):
    """A desk whose runner is named, but starts nothing: runs stay as the test left them."""

    status: RunnerStatus | None = None
    drawer: SecretStore = Drawer()

    def secrets(self) -> SecretStore:
        return self.drawer

    def ensure_runner(self) -> RunnerStatus:
        assert self.status is not None
        return self.status

    def runner_status(self) -> RunnerStatus | None:
        return self.status

    def start_now(self, job_id: str) -> Run:
        return self.ledger.enqueue(self.folder.job(job_id), Trigger.MANUAL)

    def cancel(self, run_id: str) -> Run:
        self.ledger.request_cancel(run_id)
        return self.ledger.run(run_id)

    def forget(self, value: str) -> Report:
        gone = [self.lytics.forget(one) for one in self.lytics.identifiers(value)]
        if not gone:
            raise BadConfiguration(f"Nobody is known by {value}")
        names = tuple(f"{one.field}={one.value}" for one in gone[0].identifiers)
        return Report(names, len(gone), dict(gone[0].events), gone[0].memberships, quarantined=1)

    def replay(self, run_id: str) -> Run:
        job = self.folder.job(self.ledger.run(run_id).job)
        return self.ledger.enqueue(job, Trigger.REPLAY, replay_of=run_id)


class World:
    """What a test sets up before it opens the app."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        numbers = itertools.count(1)
        patch.setattr("lytics_azure_tui.runner.ledger.secrets.token_hex", lambda _size: f"{next(numbers):08x}")
        self.clock = Clock()
        self.folder = Folder.open(root)
        self.ledger = Ledger(self.folder.data / "ledger.db", clock=self.clock)
        self.lytics = SmallLytics()
        self.desk = StillDesk(
            self.folder,
            self.ledger,
            clock=self.clock,
            zone=ZoneInfo("Europe/Berlin"),
            host="etl-01",
            version="0.1.0",
            place="~/.config/lyazure-tui",
            _lytics=self.lytics,
        )
        self.desk.drawer = Drawer()
        self.desk.status = RunnerStatus(pid=4711, started=NOW - timedelta(days=3), running=True, this_host=True)

    def app(self) -> LyazureApp:
        """The app on this world, with nothing that moves by itself."""
        app = LyazureApp(self.desk)
        app.animation_level = "none"
        return app

    def authorization(self) -> None:
        """The authorization that all jobs use."""
        self.folder.save_authorization(AzureStorage(id="warehouse", label="Warehouse storage"))

    def job(self, label: str, *, enabled: bool = True, **config: object) -> Job:
        """A saved job."""
        values = {"stream": "customers", "container": "exports", "filename": "customers_20261101.csv", **config}
        return self._saved(label, CsvImport, "warehouse", values, enabled)

    def table_job(self, label: str, *, enabled: bool = True, **config: object) -> Job:
        """A saved job that imports a table."""
        values = {"source": "sales.orders", "timestamp_field": "updated_at", "stream": "orders", **config}
        return self._saved(label, SqlImport, "shop", values, enabled)

    def _saved(
        self, label: str, kind: type[JobConfig], authorization: str, values: dict[str, object], enabled: bool
    ) -> Job:
        job = Job(
            id=slug(label),
            label=label,
            workflow=kind.workflow,
            authorization=authorization,
            enabled=enabled,
            config=kind.model_validate(values),
        )
        self.folder.save_job(job)
        return job

    def running(
        self, job: Job, progress: Progress, *, since: timedelta = timedelta(minutes=2), about: str = "1 file of 680 MB"
    ) -> Run:
        """A run that is under way."""
        self.clock.moment = NOW - since
        run = self.ledger.enqueue(job, Trigger.SCHEDULE)
        self.ledger.claim(run.id, 999_999)
        self.ledger.save_plan(run.id, Plan((Part(0, "all", {}),), about, progress.bytes_total))
        self.clock.moment = NOW
        self.ledger.heartbeat(run.id, progress)
        return self.ledger.run(run.id)

    def ended(
        self,
        job: Job,
        ago: timedelta,
        *,
        state: RunState = RunState.SUCCEEDED,
        took: timedelta = timedelta(seconds=95),
        rows: int = 0,
        rejected: int = 0,
        amount: int = 0,
        quarantine: str | None = None,
        error: str = "",
        about: str = "",
        counts: dict[str, int] | None = None,
        log: Sequence[tuple[str, str]] = (),
    ) -> Run:
        """A run that was."""
        self.clock.moment = NOW - ago - took
        run = self.ledger.enqueue(job, Trigger.SCHEDULE)
        self.ledger.claim(run.id, 999_999)
        self.ledger.save_plan(run.id, Plan((Part(0, "all", {}),), about, amount))
        for place, (level, text) in enumerate(log):
            self.clock.moment = NOW - ago - took + timedelta(seconds=place)
            self.ledger.log(run.id, level, text)
        self.clock.moment = NOW - ago
        self.ledger.part_done(run.id, PartResult(0, rows, rejected, amount, quarantine))
        outcome = Outcome(None, about, counts or {}) if state is RunState.SUCCEEDED else None
        self.ledger.finish(run.id, state, outcome=outcome, error=error)
        self.clock.moment = NOW
        return self.ledger.run(run.id)
