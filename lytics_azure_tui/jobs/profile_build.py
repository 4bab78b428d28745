"""Profiles and audiences: new events become profiles, and those are told which audiences they are in."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb

from lytics_azure_tui.errors import Cancelled
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.workspace.build import Builds, added, together
from lytics_azure_tui.lytics.workspace.spec import BuildSpec
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan

_PARTS = 16
"""So many parts the making of profiles has at most; a build that was cut off goes on with the part it was at."""

_LOOK_SECONDS = 0.2
_SPEC = "build.json"


def plan(context: Context, checkpoint: dict[str, Any] | None) -> Plan:
    """See `jobs.kind.JobKind`."""
    spec = _spec(context)
    if spec is None:
        return Plan((), "no new events, and no audience to look at again")
    steps: list[dict[str, Any]] = [{"step": "identify", "spec": spec.dump()}]
    if spec.files or spec.compact:
        size = max(-(-spec.buckets // _PARTS), context.threads)
        steps += [
            {"step": "assemble", "buckets": list(range(first, min(first + size, spec.buckets)))}
            for first in range(0, spec.buckets, size)
        ]
    steps.append({"step": "evaluate"})
    parts = tuple(Part(index, "build", step) for index, step in enumerate(steps))
    return Plan(parts, _about(spec), None, {"spec": spec.dump()})


def do(context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
    """See `jobs.kind.JobKind`."""
    builds = _builds(context)
    step = part.spec["step"]
    context.scratch.mkdir(parents=True, exist_ok=True)
    if step == "identify":
        # Later parts find the whole of it here, so that it is not written once for each of them.
        (context.scratch / _SPEC).write_text(json.dumps(part.spec["spec"]))
    spec = BuildSpec(**json.loads((context.scratch / _SPEC).read_text()))
    written = list(before.data["written"]) if before else []
    if step == "identify":
        sink.progress("telling whose the events are", bytes_done=0)
        with _engine(context, sink) as connection:
            data = builds.identify(connection, spec, context.scratch)
    elif step == "assemble":
        sink.progress("making profiles", bytes_done=0)
        data = _assembled(context, spec, part.spec["buckets"], sink)
        written += [name for name, _ in data["files"]["profiles"]]
    else:
        sink.progress("evaluating audiences", bytes_done=0)
        with _engine(context, sink) as connection:
            data = builds.evaluate(connection, spec, context.scratch, written)
    return PartResult(part.index, rows=data.get("rows", 0), data={**data, "written": written})


def _assembled(context: Context, spec: BuildSpec, buckets: list[int], sink: Sink) -> dict[str, Any]:
    """Makes the profiles of some buckets side by side, each by one thread: that shares better than a query does."""
    builds = _builds(context)
    workers = max(1, min(context.threads, len(buckets)))

    def some(worker: int) -> dict[str, Any]:
        with _engine(context, sink, worker, workers) as connection:
            return builds.assemble(connection, spec, context.scratch, buckets[worker::workers])

    with ThreadPoolExecutor(workers, thread_name_prefix="bucket") as executor:
        return together(list(executor.map(some, range(workers))))


def commit(context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
    """See `jobs.kind.JobKind`."""
    spec = BuildSpec(**plan.data["spec"])
    data = [result.data for result in sorted(results, key=lambda one: one.index)]
    head = _builds(context).commit(spec, data)
    fresh, changed = (sum(each.get(name, 0) for each in data) for name in ("fresh", "changed"))
    merged, nameless = (sum(each.get(name, 0) for each in data) for name in ("merged", "nameless"))
    lost = added(each.get("unreadable", {}) for each in data)
    counts = {
        "profiles": head.profiles,
        "new": fresh,
        "changed": changed,
        "merged": merged,
        "conflicts": head.conflicts,
        "events without identifier": nameless,
        "values unreadable": sum(lost.values()),
        **{f"unreadable: {name}": count for name, count in sorted(lost.items())},
        "entered": data[-1]["entered"],
        "left": data[-1]["left"],
    }
    about = f"{counted(head.profiles, 'profile')}, {fresh:,} of them new; {data[-1]['entered']:,} entered audiences"
    about += f", {data[-1]['left']:,} left"
    return Outcome({"boundary": head.boundary, "build": head.build}, about, counts)


def discard(context: Context) -> None:
    """See `jobs.kind.JobKind`."""
    _builds(context).discard(context.run_id)


def rehearse(context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
    """See `jobs.kind.JobKind`."""
    spec = _spec(context)
    if spec is None:
        return Rehearsal("no new events, and no audience to look at again")
    items = tuple((stream, f"{len(files):,} new files") for stream, files in spec.files.items())
    return Rehearsal(_about(spec), items)


def _spec(context: Context) -> BuildSpec | None:
    return _builds(context).plan(
        context.definitions, context.run_id, context.started, memory=_memory(context), threads=context.threads
    )


def _memory(context: Context) -> int:
    """What DuckDB may use; what it does not count, and this process itself, have the rest."""
    return context.memory * 4 // 5


def _builds(context: Context) -> Builds:
    return context.lytics.builds


def _about(spec: BuildSpec) -> str:
    files = sum(map(len, spec.files.values()))
    if spec.rebuild:
        return f"making all profiles of {counted(len(spec.files), 'stream')}"
    what = [f"taking in {counted(files, 'new file')}"] * bool(files) + ["writing all profiles anew"] * spec.compact
    return ", ".join(what) or "looking at audiences again"


@contextlib.contextmanager
def _engine(context: Context, sink: Sink, worker: int = 0, workers: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose queries end when the run is cancelled; one of several that work side by side."""
    spill = context.scratch / f"spill{worker}"
    ended = threading.Event()
    memory, threads = _memory(context) // workers, max(1, context.threads // workers)
    with database(memory=memory, threads=threads, spill=spill) as connection:
        connection.execute("SET preserve_insertion_order = false")

        def watch() -> None:
            while not ended.wait(_LOOK_SECONDS):
                try:
                    sink.check()
                except Cancelled:
                    connection.interrupt()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield connection
        except duckdb.InterruptException:
            sink.check()
            raise
        finally:
            ended.set()
            watcher.join()
