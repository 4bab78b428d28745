"""A configuration folder with one job whose runs can be made to die, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import variable
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.lytics.duck import database, read_parquet
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from tests.delta import live_files
from tests.integration.runner.world import REPOSITORY


class Place:
    """A configuration folder with one job, and the program's command on it.

    Args:
        config: of the job; its stream is called s.
        secret: (field, value) of the authorization.
    """

    def __init__(self, root: Path, config: JobConfig, authorization: Authorization, secret: tuple[str, Secret]) -> None:
        self.root = root
        self.folder = Folder.open(root / "config")
        self.folder.save_authorization(authorization)
        job = Job(id="job", label="Job", workflow=config.workflow, authorization=authorization.id, config=config)
        self.folder.save_job(job)
        site = root / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text("from tests.integration.runner.dying import arm\narm()\n")
        field, value = secret
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(site), str(REPOSITORY))),
            variable(authorization.id, field): value.reveal(),
        }

    def run(self, *death: object) -> int:
        """Runs the job; the run's process dies once where it is told to."""
        environment = dict(self.environment)
        mark = self.root / "died"
        if death:
            environment["LYAZURE_DIE"] = "|".join(str(word) for word in (*death, mark))
        status = self.program("--run-saved", "job", environment=environment)
        assert not death or mark.exists(), f"nothing died\n{self.said}"
        mark.unlink(missing_ok=True)
        return status

    def program(self, *options: str, environment: dict[str, str] | None = None) -> int:
        """Runs the program with options on the folder; `said` is what it wrote."""
        command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(self.folder.root), *options]
        done = subprocess.run(
            command, env=environment or self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        self.said = done.stdout + done.stderr
        return done.returncode

    def stream(self, columns: str = 'id, "at", text') -> list[tuple[Any, ...]]:
        """All rows of the stream but for what names the run."""
        files = live_files(self.folder.data / "workspace" / "streams" / "s")
        with database(memory=256 << 20) as connection:
            return connection.execute(
                f"SELECT {columns}, CAST(_event_time AS VARCHAR), _source, _row"
                f" FROM {read_parquet(files)} ORDER BY _source, _row"
            ).fetchall()

    def quarantined(self) -> list[tuple[Any, ...]]:
        ledger = Ledger(places.ledger_file(self.folder))
        try:
            files = [file for run in ledger.runs() for file in ledger.quarantine_files(run.id)]
        finally:
            ledger.close()
        return [
            (row.file, row.row, row.line, row.byte, row.reason, row.raw) for row in quarantine.page(files, 0, 10_000)
        ]

    def strays(self) -> set[str]:
        """Files of the stream that its log does not name."""
        folder = self.folder.data / "workspace" / "streams" / "s"
        return {path.name for path in folder.glob("*.parquet")} - {path.name for path in live_files(folder)}
