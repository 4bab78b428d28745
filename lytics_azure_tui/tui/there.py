"""What Lytics says of the jobs that it runs. All that asks here may block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.job import Job

if TYPE_CHECKING:
    from lytics_azure_tui.lytics.servers import ServerJob, Servers
    from lytics_azure_tui.tui.desk import Desk

ASK_SECONDS = 15.0
"""Between two questions: jobs there run for minutes and sleep for hours."""


@dataclass(frozen=True, slots=True)
class There:
    """The last answer.

    Attributes:
        jobs: by their ids there; None before the first answer.
        error: why there is no newer one.
    """

    jobs: Mapping[str, ServerJob] | None = None
    error: LyazureError | None = field(default=None, compare=False)

    def status(self, job: Job) -> str:
        """Where a job stands there, in a word or two that may be data."""
        if job.lytics is None or job.lytics.job is None:
            return "in doubt"
        if self.jobs is None:
            return "unknown" if self.error is not None else "asking"
        found = self.jobs.get(job.lytics.job)
        return found.status if found is not None else "not there"

    def words(self, job: Job) -> str:
        """The same, and why it is not known."""
        if self.error is not None:
            return f"at Lytics: {self.status(job)}. {self.error.what}. {self.error.why}".removesuffix(". ")
        return f"at Lytics: {self.status(job)}"


NOBODY_ASKED = There()


def ask(desk: Desk, before: There = NOBODY_ASKED) -> There:
    """Asks for all jobs at once; when there is no answer, the one before is kept, with the reason."""
    try:
        return There({job.id: job for job in desk.lytics.servers.jobs()})
    except LyazureError as error:
        return There(before.jobs, error)


def on_servers(desk: Desk, job: Job, deed: Callable[[Servers, str], None]) -> None:
    """Does something with a job there.

    Args:
        deed: takes the machines, and the job's id there.

    Raises:
        BadConfiguration: it is in doubt whether the job is there.
    """
    if job.lytics is None or job.lytics.job is None:
        raise BadConfiguration(
            f"Whether Lytics has {job.label} is not known",
            why="The answer was lost when it was handed over",
            fix="Press h on the dashboard: it is looked for, and made if it is not there. Or take it back",
        )
    deed(desk.lytics.servers, job.lytics.job)
