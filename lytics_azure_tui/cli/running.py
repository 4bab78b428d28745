"""--run-saved and --watch: the runner in the foreground, and what it does told on both streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lytics_azure_tui.cli.listing import run_fields
from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.cli.passphrase import for_runs
from lytics_azure_tui.cli.progress import StatusLines
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.amounts import counted, size
from lytics_azure_tui.model.run import Run, RunState
from lytics_azure_tui.runner.events import Event, ExitSummary
from lytics_azure_tui.runner.foreground import run_saved
from lytics_azure_tui.tui.figures import count, duration

_ENDS = {state.value for state in RunState if state.ended}


def run(root: Path | None, labels: Sequence[str], output: Output, *, watch: bool) -> Exit:
    """Runs jobs until they have ended, or with `watch` until a signal comes."""
    folder = Folder.existing(root)
    keys = for_runs(folder)
    with StatusLines() as lines:
        summary = run_saved(folder, labels, watch=watch, on_event=lambda event: tell(event, output, lines), keys=keys)
    code = exit_of(summary, watch=watch)
    runs = [run_fields(run) for run in summary.runs]
    output.event("summary", {"exit": int(code), "interrupted": summary.interrupted, "runs": runs})
    if not summary.runs and not watch:
        output.words("Nothing is due." if folder.jobs() else f"No jobs are saved in {folder.root}.")
    return code


def exit_of(summary: ExitSummary, *, watch: bool) -> Exit:
    """The exit code. An interruption weighs more than a failure, that more than what could not be used of the
    configuration, and that more than rows in quarantine or warnings.

    A signal is how --watch ends; it interrupts only what it does not let finish.
    """
    if watch:
        return Exit.DONE if all(run.state.ended for run in summary.runs) else Exit.INTERRUPTED
    if summary.interrupted:
        return Exit.INTERRUPTED
    if summary.failed or summary.stopped:
        return Exit.FAILED
    if summary.problems:
        return Exit.USAGE
    return Exit.QUARANTINED if summary.quarantined or summary.warnings else Exit.DONE


def tell(event: Event, output: Output, lines: StatusLines) -> None:
    """Writes one event: as JSON where that is asked for, as words, and the end of a run as a line of data."""
    run = event.run
    about = {} if run is None else {"run": run.id, "job": run.job, "label": run.label}
    output.event(event.kind, {**about, "text": event.text, "figures": event.figures})
    if run is None:
        lines.say(event.text)
    elif event.kind == "progress":
        lines.show(run.id, run.label, run.progress)
    elif event.kind in _ENDS:
        lines.drop(run.id)
        lines.say(f"{run.label}: {event.text or event.kind}")
        with lines.aside():
            output.data(result(run))
    elif not _told_twice(event):
        lines.say(f"{run.label}: {event.text}")


def _told_twice(event: Event) -> bool:
    """The log's last line before a failure is told by the failure, and a retry by the log's line about it."""
    return event.kind == "retrying" or event.figures.get("level") == "error"


def result(run: Run) -> str:
    """What a run that has ended came to, with tabs between: for people, and for cut and awk."""
    seconds = (run.ended - run.started).total_seconds() if run.ended and run.started else 0
    rows = counted(run.rows, "row")
    label = " ".join(run.label.split())
    parts = [label, run.state.value, rows, f"{count(run.rejected)} quarantined"]
    return "\t".join([*parts, size(run.bytes), duration(seconds)])
