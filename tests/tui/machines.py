"""The machines of a Lytics account, in memory: jobs that stand where a test put them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.lytics.cloud import their_keys
from lytics_azure_tui.lytics.servers import Made, Sent, ServerJob, ServerLine
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.job import HandedOver, Job
from lytics_azure_tui.model.secret import Secret
from tests.tui.people import AT
from tests.tui.shelf import KEY
from tests.tui.world import World


@dataclass
class SmallServers:
    """Fulfils `lytics.servers.Servers`.

    Attributes:
        known: the jobs, by id.
        lines: the log of each, newest first.
        broken: raised by whatever is asked, while it is there.
        done: what was asked for, in order.
    """

    known: dict[str, ServerJob] = field(default_factory=dict)
    lines: dict[str, list[ServerLine]] = field(default_factory=dict)
    broken: LyazureError | None = None
    done: list[str] = field(default_factory=list)

    def sent(self, job: Job, authorization: Authorization) -> Sent:
        return their_keys.sent(job, authorization)

    def make(self, job: Job, authorization: Authorization, mark: str, auth: str | None = None) -> Made:
        self._answer("make")
        self.known["made"] = ServerJob("made", job.label, "paused", mark, ("auth",), AT)
        return Made("made", "auth")

    def find(self, mark: str) -> ServerJob | None:
        self._answer("find")
        return next((job for job in self.known.values() if job.about == mark), None)

    def admitted(self, mark: str) -> str | None:
        return None

    def jobs(self) -> list[ServerJob]:
        self._answer("jobs")
        return list(self.known.values())

    def start(self, job_id: str) -> None:
        self._become(job_id, "running")

    def pause(self, job_id: str) -> None:
        self._become(job_id, "paused")

    def kill(self, job_id: str) -> None:
        self._become(job_id, "deleted")

    def forget(self, auth: str) -> bool:
        self._answer("forget")
        return True

    def log(self, job_id: str) -> list[ServerLine]:
        self._answer("log")
        return self.lines.get(job_id, [])

    def _become(self, job_id: str, status: str) -> None:
        self._answer(status)
        self.known[job_id] = replace(self.known[job_id], status=status)

    def _answer(self, about: str) -> None:
        self.done.append(about)
        if self.broken is not None:
            raise self.broken


def with_account(world: World) -> SmallServers:
    """Gives the world an account, and the secret of its authorization."""
    servers = SmallServers()
    world.lytics.machines = servers
    world.authorization()
    world.desk.drawer.set("warehouse", "connection_string", Secret(KEY.reveal()))
    return servers


def handed(world: World, servers: SmallServers, label: str, status: str) -> Job:
    """A job that was handed over, and stands there in a state."""
    job = world.job(label, continuous_update=True)
    there = f"5ca1ab1e-{job.id}"
    servers.known[there] = ServerJob(there, label, status, "", ("auth",), AT - timedelta(days=2))
    world.folder.save_handed(job.id, HandedOver(mark="0f", job=there, auth="auth"))
    return world.folder.job(job.id)
