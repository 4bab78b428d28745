"""The last part of an import into a Lytics that takes rows batch by batch: sends what the other parts made ready.

A batch that was answered is never sent again, also by a process that goes on where another was cut off: a journal in
the run's folder says so. One whose answer was lost may have been taken. It is told, and its rows go to quarantine as
they were sent, from where a replay sends them if the operator says so. Rows that are rejected go there with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.kind import Context, Sink
from lytics_azure_tui.jobs.quarantine import QuarantinedRow
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.lytics.sending import Batch, Delivery, Record
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.run import LAST, Part, PartResult, Plan

_FOLDER = "unsent"
_JOURNAL = "sent.journal"
_AT_ONCE = 5_000
"""Rows of a replay in memory; each may have 16 KB."""


def last(context: Context, stream: str, index: int) -> tuple[Part, ...]:
    """The part that sends; none where the stream takes all rows at once, by the commit.

    Args:
        index: the part's place in the plan.

    Raises:
        BadConfiguration: a replay is for rows that were to be sent, and there is nowhere to send them.
    """
    if context.lytics.delivery(stream) is not None:
        return (Part(index, LAST, {"stream": stream}),)
    if unsent(context.replay):
        raise BadConfiguration(
            "These rows were on their way to a Lytics account",
            why="[lytics] in settings.toml names another Lytics since",
            fix='Set kind = "cloud" again and replay them',
        )
    return ()


def require_same(context: Context, plan: Plan, stream: str) -> None:
    """Raises `Fatal` when the Lytics of the settings is not of the kind that a run was planned for."""
    sends = any(part.chain == LAST for part in plan.parts)
    if sends != (context.lytics.delivery(stream) is not None):
        raise _planned_for_another()


def require_usable(context: Context, results: Sequence[PartResult]) -> None:
    """Raises `Fatal` when more of a run's rows cannot be used than its job tolerates; they stay in quarantine.

    Rows of files that the job was told to put there do not count.

    Args:
        results: of the parts that read.
    """
    bad = sum(result.rejected - result.data.get("refused", 0) for result in results)
    usable = sum(result.rows + result.data.get("unchanged", 0) for result in results)
    tolerated = context.job.config.tolerated()
    if not bad or tolerated == 100 or context.replay or (usable and bad * 100 <= tolerated * (bad + usable)):
        return
    folders = [result.quarantine for result in results if result.quarantine]
    reason, count = next(iter(quarantine.reasons(folders)), ("", 0))
    quarantine.keep(quarantine.folder_of(context.keep, context.run_id))
    raise Fatal(
        f"{bad:,} of {bad + usable:,} rows cannot be used; nothing was imported, and they are kept in quarantine",
        why=f"{count:,} of them: {reason}",
        fix="Look at them on the run's page, mend the file or the job's settings, and start the job again. The job's "
        f"Most Unusable Rows is {tolerated} %",
    )


def others(folders: Sequence[str]) -> tuple[str, ...]:
    """Of a replay's quarantine, what was never read, and so is not of this part's doing."""
    return tuple(folder for folder in folders if Path(folder).name != _FOLDER)


def unsent(folders: Sequence[str]) -> tuple[str, ...]:
    """Of a replay's quarantine, what was read and is not, or may not be, in the stream."""
    return tuple(folder for folder in folders if Path(folder).name == _FOLDER)


def staged(results: Sequence[PartResult]) -> list[StagedFile]:
    """The files that the parts have written."""
    return [StagedFile(**file) for result in results for file in result.data.get("stream_files", ())]


def send(context: Context, part: Part, results: Sequence[PartResult], sink: Sink) -> PartResult:
    """Sends all rows that lie ready, and those that a replay is for.

    Args:
        results: of all other parts.

    Returns:
        Its rows count down what the others have made ready: rows that were read and are not in the stream.
    """
    stream = str(part.spec["stream"])
    delivery = context.lytics.delivery(stream)
    if delivery is None:
        raise _planned_for_another()
    folder = quarantine.folder_of(context.keep, context.run_id) / _FOLDER
    rows = sum(result.rows for result in results)
    again = quarantine.count(unsent(context.replay))
    tally = _Tally(stream, rows + again)
    try:
        for batch in delivery.send(_records(context, delivery, results), context.scratch / _JOURNAL, sink.check):
            tally.add(batch)
            _quarantine(folder, batch)
            if batch.doubtful:
                sink.log("warning", tally.doubt(batch))
            # The bytes of the run are those that it reads.
            sink.progress(tally.stage(batch), bytes_done=0, rejected=tally.left_out)
    except LyazureError as error:
        if tally.sent:
            sink.log("warning", f"Already in {stream}, and stay there: {counted(tally.sent, 'row')}. {error.what}")
        raise
    if tally.left_out:
        sink.log("warning", f"Not taken into {stream}, or perhaps not: {counted(tally.left_out, 'row')}")
    return PartResult(
        part.index,
        again - tally.left_out,
        tally.left_out,
        0,
        str(folder) if tally.left_out else None,
        {"batches": tally.batches, "doubtful": tally.doubtful},
    )


def counts(results: Sequence[PartResult]) -> dict[str, int]:
    """Further figures for the run's page; empty where nothing was sent."""
    for result in results:
        if "batches" in result.data:
            return {"batches": result.data["batches"], "in doubt": result.data["doubtful"]}
    return {}


class _Tally:
    """What has been sent.

    Args:
        stream: where to.
        expected: rows in all.
    """

    def __init__(self, stream: str, expected: int) -> None:
        self._stream, self._expected = stream, expected
        self.sent = self.left_out = self.doubtful = self.batches = 0

    def add(self, batch: Batch) -> None:
        self.batches += 1
        self.left_out += len(batch.left_out)
        self.sent += 0 if batch.doubtful else batch.rows
        self.doubtful += batch.rows if batch.doubtful else 0

    def stage(self, batch: Batch) -> str:
        return f"sending to {self._stream}: {min(batch.first + batch.rows - 1, self._expected):,} of {self._expected:,}"

    def doubt(self, batch: Batch) -> str:
        rows = f"rows {batch.first:,} to {batch.first + batch.rows - 1:,}"
        return (
            f"Batch {batch.number}, {rows}, may be in {self._stream}: its answer was lost. It is not sent again by"
            " itself; its rows lie in quarantine, for a replay to send them"
        )


def _planned_for_another() -> Fatal:
    return Fatal(
        "The run was planned for another Lytics",
        why="[lytics] in settings.toml was changed since",
        fix="Start the job again",
    )


def _records(context: Context, delivery: Delivery, results: Sequence[PartResult]) -> Iterator[Record]:
    again = quarantine.every(unsent(context.replay), size=_AT_ONCE)
    kept = (Record(row.file, row.row, row.raw.decode()) for rows in again for row in rows)
    return chain(delivery.records(staged(results)), kept)


def _quarantine(folder: Path, batch: Batch) -> None:
    if batch.left_out:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows = [
            QuarantinedRow(record.source, record.row + 1, 0, record.row, reason, record.text.encode())
            for record, reason in batch.left_out
        ]
        quarantine.write(folder / f"{batch.number:06}.parquet", rows)
