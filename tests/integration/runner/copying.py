"""A job kind for tests of the runner: copies lines from files of a folder, in parts, into one file.

It keeps to the rules of a kind (a part overwrites its own name, commit is one rename that knows the run), so what a
test finds doubled or lost was doubled or lost by the runner. The job's script says at which step what goes wrong.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any

from lytics_azure_tui import errors
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.form import Ask
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.kinds import KINDS
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan
from lytics_azure_tui.model.schedule import Frequency, Schedule


class Copying(JobConfig):
    """Attributes:
    place: a folder with `source/`, of which each file is a chain, and `target/`.
    script: what is to go wrong: a list of words for each step, one for each try of it.
    processes: whether parts are done in processes of their own.
    """

    workflow = "Copying"
    title = "Copy"
    summary = "Copies lines."
    methods = (AzureStorage.method,)
    module = "tests.integration.runner.copying"
    start = "Start"

    place: Annotated[str, Ask("Place")]
    repeats: Frequency | None = None
    script: dict[str, list[str]] = {}
    processes: bool = False

    def schedule(self) -> Schedule | None:
        return Schedule(frequency=self.repeats) if self.repeats else None


def register() -> None:
    """Makes the kind known to this process. A kind that is known shows in every list of kinds."""
    KINDS[Copying.workflow] = Copying


def step(context: Context, name: str, sink: Sink | None = None) -> None:
    """Does what the script says for this step's next try."""
    config = _config(context)
    words = config.script.get(name, [])
    counter = Path(config.place) / "steps" / name.replace(" ", "-")
    counter.parent.mkdir(exist_ok=True)
    with counter.open("ab") as file:
        # One byte for each try, as a process may end between any two writes.
        tried = file.tell()
        file.write(b".")
    word = words[tried] if tried < len(words) else "go on"
    match word.split():
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["raise", kind]:
            raise getattr(errors, kind)("It went wrong", fix="Do it right")
        case ["leak"]:
            # As a careless library would.
            assert isinstance(context.authorization, AzureStorage) and context.authorization.connection_string
            secret = context.authorization.connection_string.reveal()
            if sink is not None:
                sink.log("info", f"connecting by {secret}")
            raise ValueError(f"cannot connect by {secret}, {secret.rpartition('AccountKey=')[2]}")
        case ["full"]:
            raise OSError(28, "No space left on device", "/some/where")
        case ["stuck"]:
            while True:
                time.sleep(0.05)
        case ["wait"]:
            while not (Path(config.place) / "release").exists():
                time.sleep(0.02)
                if sink is not None:
                    sink.check()


def _config(context: Context) -> Copying:
    assert isinstance(context.job.config, Copying)
    return context.job.config


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    step(context, "plan")
    seen = (checkpoint or {}).get("files", [])
    files = [path for path in sorted((Path(_config(context).place) / "source").iterdir()) if path.name not in seen]
    parts = list[Part]()
    for path in files:
        for number, line in enumerate(path.read_text().splitlines()):
            parts.append(Part(len(parts), path.name, {"line": line, "number": number}))
    about = f"Copies {len(files)} files" if files else "There is nothing new"
    if not files and seen:
        return Plan((), about, stop="no newer file has come")
    size, apart = sum(path.stat().st_size for path in files), _config(context).processes
    return Plan(tuple(parts), about, bytes_total=size, data={"seen": seen}, processes=apart)


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    step(context, f"do {part.index}", sink)
    line, number = part.spec["line"], part.spec["number"]
    # Each line carries the count of those before it in its file, so that a chain out of order shows.
    count = before.data["count"] + 1 if before else 0
    if count != number:
        raise AssertionError(f"line {number} of {part.chain} came as number {count}")
    sink.progress(f"copying {part.chain}", bytes_done=len(line) + 1, rows=1)
    refused = line.startswith("bad")
    quarantine = None
    if refused:
        quarantine = str(context.keep / f"{context.run_id}-{part.index}.refused")
        Path(quarantine).write_text(line)
    else:
        (context.scratch / f"{part.index:05}").write_text(f"{part.chain}:{number}:{line}\n")
    step(context, f"done {part.index}", sink)
    return PartResult(part.index, int(not refused), int(refused), len(line) + 1, quarantine, {"count": count})


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    step(context, "commit")
    target = Path(_config(context).place) / "target" / context.run_id
    if not target.exists():
        text = "".join((context.scratch / f"{result.index:05}").read_text() for result in results if result.rows)
        hidden = target.with_suffix(".hidden")
        hidden.write_text(text)
        step(context, "rename")
        hidden.rename(target)
    step(context, "committed")
    files = [*plan.data["seen"], *sorted({part.chain for part in plan.parts})]
    return Outcome({"files": files}, f"Copied {sum(result.rows for result in results)} lines", {"files": len(files)})


def discard(context: Context) -> None:
    step(context, "discard")
    (Path(_config(context).place) / "target" / f"{context.run_id}.hidden").unlink(missing_ok=True)
    (Path(_config(context).place) / "discarded").write_text(json.dumps(context.run_id))


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    return Rehearsal("Copies")
