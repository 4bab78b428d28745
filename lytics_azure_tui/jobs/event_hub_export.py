"""Export Audiences (Event Hub).

    transitions and members of one build → an outbox of this run (a Parquet file) → messages → the hub

Two parts of one chain. The first writes the outbox. The second sends it, and keeps beside it how far the hub has
acknowledged all of it: a run that is killed goes on there, and sends nothing twice but what was under way. Builds keep
all that happens in audiences, so that nothing is lost that waits for a hub that is down; the checkpoint says for each
audience up to which build it was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from lytics_azure_tui.azure.event_hub_sender import Refused, Sender
from lytics_azure_tui.errors import Fatal, RetryLater, StartOver
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink, authorization
from lytics_azure_tui.jobs.outbox import Mark, messages
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.lytics.workspace.trigger_rows import Collected, Wanted
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan
from lytics_azure_tui.model.trigger import Message, of_body, subscription_id

_OUTBOX, _SENT = "outbox.parquet", "sent"
_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class _Memory:
    """The job's checkpoint.

    Attributes:
        audiences: slug → the build up to which it was sent.
        hub: to which.
        partitions: over which users are spread there; they stay where they are when the hub gets more.
    """

    audiences: dict[str, int]
    hub: str
    partitions: int | None


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    """See `jobs.kind.JobKind`."""
    if context.replay:
        number = quarantine.count(context.replay)
        spec = {"replay": True, "partitions": _memory(context, checkpoint).partitions}
        return Plan((Part(0, "hub", spec),), f"sending {_triggers(number)} again")
    build, _ = context.lytics.triggers_state()
    memory = _memory(context, checkpoint)
    wanted = _wanted(context, memory)
    if set(memory.audiences) == set(_config(context).segment_ids) and build in set(memory.audiences.values()):
        return Plan((), "nobody has entered or left since the last run: nothing is sent")
    collecting = {"since": dict(wanted.since), "whole": list(wanted.whole), "existing": wanted.existing}
    parts = (Part(0, "hub", collecting), Part(1, "hub", {"replay": False, "partitions": memory.partitions}))
    return Plan(parts, _about(context, wanted))


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    """See `jobs.kind.JobKind`."""
    if "since" in part.spec:
        sink.progress("looking who entered and left", bytes_done=0)
        found = _collect(context, Wanted(**part.spec))
        oldest = found.oldest.isoformat() if found.oldest else None
        return PartResult(part.index, data={"build": found.build, "messages": found.rows, "oldest": oldest})
    if part.spec["replay"]:
        return _send(context, part, quarantine.count(context.replay), None, sink)
    assert before is not None  # noqa: S101 -- the part before it wrote the outbox
    oldest = before.data["oldest"]
    since = datetime.fromisoformat(oldest) if oldest else None
    return _send(context, part, int(before.data["messages"]), since, sink)


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    """See `jobs.kind.JobKind`. The hub has the messages; what is left is to remember it."""
    sent = results[-1]
    counts = {"triggers": sent.rows, "refused": sent.rejected}
    about = f"{_triggers(sent.rows)} sent to {_connection(context).entity_path}"
    if context.replay:
        return Outcome(None, about, counts)
    build = int(results[0].data["build"])
    checkpoint = {
        "audiences": dict.fromkeys(_config(context).segment_ids, build),
        "hub": _hub(context),
        "partitions": sent.data["partitions"],
    }
    return Outcome(checkpoint, about if sent.rows else "from now on, who enters or leaves is sent", counts)


def discard(context: Context) -> None:
    """What was sent cannot be taken back; the outbox goes with the run's folder."""


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    """See `jobs.kind.JobKind`."""
    wanted = _wanted(context, _memory(context, checkpoint))
    context.scratch.mkdir(parents=True, exist_ok=True)
    found = _collect(context, wanted)
    sample = []
    if found.rows:
        for message in messages(context.scratch / _OUTBOX, _subscription(context), until=_SAMPLE):
            sample.append(
                (message.user, message.properties["event"], message.properties["slug"], message.body.decode())
            )
    items = tuple((slug, _what(wanted, slug)) for slug in _config(context).segment_ids)
    return Rehearsal(
        f"{_about(context, wanted)}: {_triggers(found.rows)}",
        items,
        None,
        ("user", "event", "audiences", "message"),
        tuple(sample),
        ("The job stays active: it sends again whenever profiles were built",),
    )


# What there is to send


def _memory(context: Context, checkpoint: dict[str, Any] | None) -> _Memory:
    if checkpoint is None:
        return _Memory({}, _hub(context), None)
    same = checkpoint["hub"] == _hub(context)
    return _Memory(dict(checkpoint["audiences"]), _hub(context), checkpoint["partitions"] if same else None)


def _wanted(context: Context, memory: _Memory) -> Wanted:
    """An audience that was not sent before begins with its members, or now; one without members yet begins with all
    that comes."""
    config = _config(context)
    defined = {audience.slug for audience in context.lytics.defined(context.definitions)}
    for slug in config.segment_ids:
        if slug not in defined:
            raise Fatal(
                f"There is no audience {slug}",
                why="It was removed, or is called otherwise now",
                fix="Edit the job and choose audiences that there are",
            )
    build, evaluated = context.lytics.triggers_state()
    since, whole = dict[str, int](), []
    for slug in config.segment_ids:
        before = memory.audiences.get(slug)
        # Profiles that were made from nothing have nothing to do with what was.
        if before is not None and before <= build:
            since[slug] = before
        elif slug not in evaluated or not config.withbackfill:
            since[slug] = build
        else:
            whole.append(slug)
    return Wanted(since, tuple(whole), config.withbackfill)


def _collect(context: Context, wanted: Wanted) -> Collected:
    return context.lytics.triggers(
        wanted,
        context.scratch / _OUTBOX,
        memory=context.memory // 2,
        threads=context.threads,
        spill=context.scratch / "spill",
    )


# Sending


def _send(context: Context, part: Part, number: int, oldest: datetime | None, sink: Sink) -> PartResult:
    """Sends what is in the outbox, or in quarantine, from where a run before this process has come to."""
    partitions = part.spec["partitions"]
    mark = Mark(context.scratch / f"{_SENT}-{part.index}")
    rejected = quarantine.folder_of(context.keep, context.run_id)
    if mark.done < number:
        try:
            with Sender(
                _connection(context), partitions=partitions, units=_config(context).throughput_units, check=sink.check
            ) as sender:
                partitions = sender.partitions
                for done in sender.send(_messages(context, part, mark.done)):
                    if isinstance(done, Refused):
                        _quarantine(context, rejected, mark.first + done.place, done)
                        sink.log("warning", f"A message for {done.message.user} is not sent. {done.reason}")
                        mark.reach((done.place,))
                    else:
                        mark.reach(done.places, done.bytes)
                    left = _waits(number - mark.done, oldest)
                    sink.progress(f"sending; {left}" if left else "sending", bytes_done=mark.bytes, rows=mark.done)
        except RetryLater as error:
            left = _waits(number - mark.done, oldest)
            raise RetryLater(left or error.what, why=error.why or error.what, fix=error.fix) from None
        finally:
            mark.save()
    refused = quarantine.count([str(rejected)])
    return PartResult(
        part.index,
        number - refused,
        refused,
        mark.bytes,
        str(rejected) if refused else None,
        {"partitions": partitions},
    )


def _messages(context: Context, part: Part, first: int) -> Iterator[Message]:
    subscription = _subscription(context)
    if not part.spec["replay"]:
        outbox = context.scratch / _OUTBOX
        if not outbox.exists():
            raise StartOver("The outbox of the run is gone")
        yield from messages(outbox, subscription, first=first)
        return
    place = 0
    for rows in quarantine.every(context.replay):
        for row in rows:
            if place >= first:
                yield of_body(row.raw, subscription)
            place += 1


def _waits(left: int, oldest: datetime | None) -> str:
    """How many messages wait, and since when; empty for none."""
    what = f"{left:,} {'message waits' if left == 1 else 'messages wait'}"
    since = f", the oldest since {oldest:%Y-%m-%d %H:%M} UTC" if oldest else ""
    return what + since if left else ""


def _quarantine(context: Context, folder: Path, n: int, refused: Refused) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = f"messages for {_connection(context).entity_path}"
    row = QuarantinedRow(source, n + 1, 0, n + 1, refused.reason, refused.message.body)
    quarantine.write(folder / f"{n:012}.parquet", [row])


# Words, and what the context holds


def _about(context: Context, wanted: Wanted) -> str:
    names = ", ".join(_config(context).segment_ids)
    what = "who entered and left" if wanted.since else "who is in"
    return f"sending to {_connection(context).entity_path} {what} {names}"


def _what(wanted: Wanted, slug: str) -> str:
    return "its members, and who enters and leaves" if slug in wanted.whole else "who enters and leaves"


def _triggers(number: int) -> str:
    return f"{number:,} {'trigger' if number == 1 else 'triggers'}"


def _subscription(context: Context) -> str:
    return subscription_id(context.job.id)


def _connection(context: Context) -> Any:
    return authorization(context, AzureEventHub).connection()


def _hub(context: Context) -> str:
    connection = _connection(context)
    return f"{connection.namespace}/{connection.entity_path}".lower()


def _config(context: Context) -> EventHubExport:
    return cast(EventHubExport, context.job.config)
