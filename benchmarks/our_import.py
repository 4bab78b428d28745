"""Our imports: a saved job, and its run in a process of its own, started as the runner starts it."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable
from import_data import DAYS, Sums, name_of, of_parquet
from measuring import Failed, Taken, settle, watched

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import variable
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import Authorization, AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.places import ledger_file, run_log
from lytics_azure_tui.runner.spawn import spawn

AUTHORIZATION = "it"
STREAM = "events"
MODULE = "lytics_azure_tui.runner.process"


class Operator:
    """A configuration folder with one job, and what one does with it.

    Args:
        root: the folder.
        authorization: called `AUTHORIZATION`; its secrets are in the environment.
        config: of the job, whose stream is `STREAM`.
        settings: what is written into settings.toml.
    """

    def __init__(self, root: Path, authorization: Authorization, config: JobConfig, settings: str = "") -> None:
        self._folder = Folder.open(root)
        (root / "settings.toml").write_text(settings, encoding="utf-8")
        self._folder.save_authorization(authorization)
        self._job = Job(
            id="job",
            label="Job",
            workflow=config.workflow,
            authorization=AUTHORIZATION,
            enabled=False,
            config=config,
        )
        self._folder.save_job(self._job)

    def run(self) -> tuple[Taken, Taken, Run]:
        """Runs the job: what the process took, what the run took by the ledger, and the run as the ledger has it.

        Raises:
            Failed: the run did not succeed.
        """
        ledger = Ledger(ledger_file(self._folder))
        try:
            queued = ledger.enqueue(self._job, Trigger.MANUAL)
            settle()
            log = run_log(self._folder, queued.id)
            started = time.perf_counter()
            process = spawn(MODULE, self._folder, [queued.id], passphrase=None, log=log)
            taken = watched(process, started)
            run = ledger.run(queued.id)
        finally:
            ledger.close()
        if run.state is not RunState.SUCCEEDED:
            raise Failed(run.error or log.read_text(errors="replace") or f"the run is {run.state}")
        length = run.ended - run.started if run.ended and run.started else timedelta()
        return taken, Taken(length.total_seconds()), run

    def define(self, said: Definitions) -> None:
        """Writes mappings and audiences."""
        for mapping in said.mappings:
            definitions.save_mapping(self._folder, mapping)
        for audience in said.audiences:
            definitions.save_audience(self._folder, audience)

    @property
    def workspace(self) -> Path:
        """The folder of the embedded Lytics."""
        return self._folder.data / "workspace"

    @property
    def stream(self) -> Path:
        """The folder of the stream's table."""
        return Workspace(self._folder.data / "workspace").staging(STREAM)


def of_files(root: Path, container: str, *, diff: bool) -> Operator:
    """An import of the customers' files.

    Args:
        container: holds the files.
        diff: import only what is new or changed.
    """
    config = CsvImport(
        stream=STREAM,
        container=container,
        filename=name_of(DAYS[0]),
        timestamp_field="updated_at",
        continuous_update=diff,
        diff=diff,
    )
    return Operator(root, AzureStorage(id=AUTHORIZATION, label="Storage"), config)


def give_secret(field: str, secret: str) -> None:
    """Puts a secret of the authorization where the run's process looks first."""
    os.environ[variable(AUTHORIZATION, field)] = secret


def committed(stream: Path) -> Sums:
    """The sums of what the stream's log names: what a reader of the table sees."""
    return of_parquet(DeltaTable(str(stream)).file_uris())
