"""A configuration folder with jobs of the kind in `copying`, and the runner's processes on it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.model.schedule import Frequency
from lytics_azure_tui.runner import places
from lytics_azure_tui.runner.ledger import Ledger
from tests.integration.runner.copying import Copying

SECRET = "DefaultEndpointsProtocol=https;AccountName=someone;AccountKey=c2VjcmV0IHRoYXQgbm9ib2R5IG1heSBzZWU="
REPOSITORY = Path(__file__).parents[3]

FILES = {"one.txt": ["a", "b", "c"], "two.txt": ["d", "bad e", "f"], "three.txt": ["g"]}


@dataclass
class World:
    """One folder, and what is copied in it."""

    folder: Folder
    place: Path
    ledger: Ledger

    @classmethod
    def make(cls, root: Path) -> World:
        folder = Folder.open(root / "configuration")
        (folder.root / "settings.toml").write_text(
            '[secrets]\nbackend = "file"\n[engine]\ncancel_grace_seconds = 0.5\n', encoding="utf-8"
        )
        folder.save_authorization(AzureStorage(id="storage", label="Storage"))
        return cls(folder, root, Ledger(places.ledger_file(folder)))

    def job(
        self,
        id: str = "copy",
        *,
        script: dict[str, list[str]] | None = None,
        repeats: Frequency | None = None,
        processes: bool = False,
    ) -> Job:
        """A saved job with a place of its own."""
        place = self.place / id
        if not place.exists():
            (place / "target").mkdir(parents=True)
            (place / "source").mkdir()
            for name, lines in FILES.items():
                (place / "source" / name).write_text("".join(f"{line}\n" for line in lines))
        config = Copying(place=str(place), script=script or {}, repeats=repeats, processes=processes)
        job = Job(id=id, label=f"Job {id}", workflow="Copying", authorization="storage", config=config)
        self.folder.save_job(job)
        return job

    def queue(self, id: str = "copy", *, script: dict[str, list[str]] | None = None, processes: bool = False) -> Run:
        """A run of a job that is made for it."""
        return self.ledger.enqueue(self.job(id, script=script, processes=processes), Trigger.MANUAL)

    def process(self, run: Run) -> int:
        """Lets one process work on a run, to its end. Returns its exit code."""
        module = "lytics_azure_tui.runner.process"
        command = [sys.executable, "-m", module, "--config", str(self.folder.root), run.id]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert SECRET not in done.stderr + done.stdout
        (self.place / "stderr").write_text(done.stderr)
        return done.returncode

    def wait(self, run: Run, until: Callable[[Run], bool] = lambda run: run.state.ended, seconds: float = 40) -> Run:
        """The run, as soon as it is as wanted."""
        deadline = time.monotonic() + seconds
        while not until(now := self.ledger.run(run.id)):
            if time.monotonic() > deadline:
                log = places.runner_log(self.folder)
                raise AssertionError(f"still {now}; {log.read_text() if log.exists() else ''}")
            time.sleep(0.05)
        return now

    def copied(self, id: str = "copy") -> list[str]:
        """All that is visible, in the order of the files and of their lines."""
        target = self.place / id / "target"
        return sorted(
            line for path in target.iterdir() if path.suffix != ".hidden" for line in path.read_text().splitlines()
        )

    def tried(self, step: str, id: str = "copy") -> int:
        """How often a step was begun."""
        counter = self.place / id / "steps" / step.replace(" ", "-")
        return counter.stat().st_size if counter.exists() else 0


EXPECTED = sorted(
    f"{name}:{number}:{line}"
    for name, lines in FILES.items()
    for number, line in enumerate(lines)
    if not line.startswith("bad")
)


def assert_whole(world: World, run: Run) -> None:
    """The run has done its work once, as if nothing had happened on the way."""
    assert run.state is RunState.SUCCEEDED, run.error
    assert world.copied(run.job) == EXPECTED
    assert (run.rows, run.rejected, run.bytes) == (6, 1, sum(len(x) + 1 for lines in FILES.values() for x in lines))
    assert world.ledger.checkpoint(run.job) == {"files": sorted(FILES)}
    assert [Path(path).read_text() for path in world.ledger.quarantine_files(run.id)] == ["bad e"]
    # A run has ended a moment before its process has tidied up.
    deadline = time.monotonic() + 10
    while (left := list(places.scratch(world.folder).glob("*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
