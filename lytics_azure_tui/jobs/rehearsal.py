"""What a run of a job would do, without a run: for the review of a form, and for whoever asks before saving."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.jobs.kind import Context, Rehearsal, load
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.mapping import Definitions


def rehearse(
    folder: Folder,
    job: Job,
    authorization: Authorization,
    lytics: Lytics,
    checkpoint: dict[str, Any] | None,
    now: datetime,
) -> Rehearsal:
    """Says what a run would do now. Blocks; changes nothing.

    Args:
        job: need not be saved.
        authorization: with its secrets.
        checkpoint: the job's memory of its last run; None when it never ran.

    Raises:
        LyazureError: the run would fail, and this is why.
    """
    engine = folder.settings().engine
    with tempfile.TemporaryDirectory(prefix="lyazure-rehearsal-") as scratch:
        context = Context(
            run_id="rehearsal",
            started=now,
            job=job,
            authorization=authorization,
            lytics=lytics.glance(job.config.audiences(), Path(scratch) / "lytics"),
            scratch=Path(scratch),
            keep=folder.data_place / "keep" / job.id,
            memory=engine.memory,
            threads=engine.threads,
            sessions=engine.sessions,
            definitions=definitions.read(folder) if type(job.config).reads_definitions else Definitions(),
        )
        return load(job).rehearse(context, checkpoint)
