"""What is known of a run, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from textual.content import Content

from lytics_azure_tui.model.amounts import size
from lytics_azure_tui.model.form import Source, questions
from lytics_azure_tui.model.kinds import KINDS, OWN_KINDS
from lytics_azure_tui.model.run import Run, RunState, Trigger
from lytics_azure_tui.tui.figures import count, duration, stamp
from lytics_azure_tui.tui.screens.dashboard_rows import in_quarantine, kind
from lytics_azure_tui.tui.text import content, lines
from lytics_azure_tui.tui.widgets.states import STYLES, run_state

TRIGGERS = {Trigger.SCHEDULE: "by its schedule", Trigger.MANUAL: "by hand", Trigger.REPLAY: "as a replay"}
PLACES = (Source.CONTAINERS, Source.BLOBS, Source.TABLES, Source.STREAMS)
"""Answers that say where data comes from and goes to."""
HAD_BEFORE = ("unchanged", "already there")
"""Figures of rows that were read and, as the stream has them, not imported."""


def facts(run: Run, spec: Mapping[str, Any], now: datetime, zone: tzinfo | None) -> Content:
    """The run's head: what, how it went, how much, when, from where to where, and why it failed."""
    state = run_state(run)
    head = Content.assemble(
        (state.text, f"bold {STYLES[state.tone]}".strip()),
        "  ",
        content(run.label, "bold"),
        (f"  {kind(run.workflow)}, started {TRIGGERS[run.trigger]}", "dim"),
    )
    rows = [head]
    if run.about:
        rows.append(content(run.about))
    rows.append(_line(_counts(run)))
    rows.append(_line(_times(run, now, zone)))
    rows.append(_line(_places(run, spec)))
    rows.extend(_ties(run))
    if run.error and run.state is not RunState.SUCCEEDED:
        tone = "$text-warning" if run.state is RunState.RETRYING else "$text-error"
        rows.append(Content.styled(f"✗ {lines(run.error)}", tone))
    return Content("\n").join(rows)


def _line(pairs: Iterator[tuple[str, str]]) -> Content:
    return Content("   ").join(Content.assemble((f"{label} ", "dim"), content(value)) for label, value in pairs)


def _counts(run: Run) -> Iterator[tuple[str, str]]:
    progress, refused = run.progress, in_quarantine(run)
    known = {**KINDS, **OWN_KINDS}.get(run.workflow)
    deed = known.deed if known is not None else "imported"
    if run.state is RunState.SUCCEEDED:
        if deed == "imported":
            yield "Read", count(run.rows + refused + sum(run.counts.get(name, 0) for name in HAD_BEFORE))
        yield deed.capitalize(), count(run.rows)
    else:
        yield "Read", count(progress.rows + progress.rejected)
    yield "Quarantined", f"⚠ {count(refused)}" if refused else "0"
    for name, number in run.counts.items():
        if name not in (deed, "quarantined", "bytes"):
            yield name.replace("_", " ").capitalize(), count(number)
    yield "Bytes", size(run.bytes if run.state is RunState.SUCCEEDED else progress.bytes_done)


def _times(run: Run, now: datetime, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    yield "Queued", stamp(run.created, zone)
    if run.started is not None:
        yield "Ran", duration((run.ended or now) - run.started)
    if run.ended is not None:
        ended = run.ended.astimezone(zone)
        same_day = ended.date() == run.created.astimezone(zone).date()
        yield "Ended", f"{ended:%H:%M:%S}" if same_day else stamp(ended, zone)
    if run.attempt > 1:
        yield "Tries", str(run.attempt)


def _places(run: Run, spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    config = spec.get("config", {})
    if run.workflow in KINDS and isinstance(config, Mapping):
        for question in questions(KINDS[run.workflow]):
            if question.ask.source in PLACES and config.get(question.name):
                yield question.ask.label, str(config[question.name])


def _ties(run: Run) -> Iterator[Content]:
    if run.replay_of is not None:
        yield _line(iter([("Replays the quarantine of run", run.replay_of)]))
    if run.replayed_by is not None:
        yield _line(iter([("Its quarantined rows were imported by run", run.replayed_by)]))
