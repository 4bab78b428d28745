"""Exports of audiences to Blob Storage: the members of now, or who entered and left since the last run.

What is read is the newest build of the profiles at that moment; the checkpoint is the number of that build.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, cast

import duckdb

from lytics_azure_tui.azure.blob_writer import BlobWriter
from lytics_azure_tui.errors import BadConfiguration, Fatal, StartOver
from lytics_azure_tui.jobs import blob_out
from lytics_azure_tui.jobs.blob_out import Wrapping
from lytics_azure_tui.jobs.kind import Context, Rehearsal, Sink, authorization
from lytics_azure_tui.jobs.pgp import check_public_key
from lytics_azure_tui.jobs.row_pipe import written
from lytics_azure_tui.jobs.split import split
from lytics_azure_tui.lytics.workspace.audience_rows import AudienceRows, Rows
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.audience_export import EVERYBODY, AudienceExport
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan
from lytics_azure_tui.model.user_field import UserField


@dataclass(frozen=True, slots=True)
class Encoded:
    """What writes rows.

    Attributes:
        copies: (query, COPY's options), one after the other.
        header: names of the columns, or keys, in order.
        begin: bytes in front of all.
        most: bytes of the largest file; None for one file of any size.
    """

    copies: list[tuple[str, str]]
    header: tuple[str, ...]
    begin: bytes = b""
    most: int | None = None


Encoder = Callable[[Rows, list[UserField], Any], Encoded]
"""For rows, the wanted fields, and the job's configuration."""


@dataclass(frozen=True, slots=True)
class AudienceExporter:
    """The functions of a job kind; see `jobs.kind.JobKind`.

    Attributes:
        encode: writes the rows.
    """

    encode: Encoder

    def plan(self, context: Context, checkpoint: dict[str, Any] | None) -> Plan:
        survey = self._survey(context, checkpoint)
        if survey is None or not (survey.rows or survey.marks):
            return Plan((), _nothing(context, survey))
        if survey.rows:
            with closing(_writer(context)) as writer:
                writer.require_free(self._name(context, 1))
        spec = {"since": survey.since, "fields": survey.fields, "rows": survey.rows}
        return Plan((Part(0, "file", spec),), " — ".join([survey.about, *survey.notes]))

    def do(self, context: Context, part: Part, before: PartResult | None, sink: Sink) -> PartResult:
        context.scratch.mkdir(parents=True, exist_ok=True)
        with _opened(context) as audience:
            if audience is None:
                raise StartOver("The audience could not be read", why="Its profiles are not there any more")
            try:
                return self._do(context, part, audience, sink)
            except duckdb.IOException as error:
                raise StartOver("The audience could not be read", why="Profiles were made anew meanwhile") from error

    def _do(self, context: Context, part: Part, audience: AudienceRows, sink: Sink) -> PartResult:
        config = _config(context)
        rows = _rows(audience, part.spec["since"])
        if rows is None or not audience.count(rows):
            return PartResult(part.index, data={"build": audience.build, "blobs": [], "header": []})
        encoded = self.encode(rows, _chosen(audience, part.spec["fields"]), config)
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more

        blobs: list[dict[str, Any]] = []
        sent = 0

        def tell(size: int) -> None:
            sink.check()
            sink.progress(f"writing {config.segment_id}", bytes_done=sent + size, rows=done)

        with (
            closing(_writer(context)) as writer,
            closing(_text(audience.connection, encoded, count)) as text,
        ):
            # One file is whatever there is; of several, each is as large as it may be.
            for number, piece in enumerate(split(text, encoded.most or 1 << 62), 1):
                name = self._name(context, number)
                writer.require_free(name)
                with _wrapping(context, config.ending).around(
                    piece.content(), name, threads=context.threads, scratch=context.scratch, moment=context.started
                ) as content:
                    blob = writer.stage(name, content, tell)
                sent += blob.bytes
                blobs.append({"blob": blob_out.to_data(blob), "rows": piece.lines})
        if encoded.most is None:
            # Lines of CSV are not rows.
            blobs[0]["rows"] = done
        data = {"build": audience.build, "blobs": blobs, "header": list(encoded.header)}
        return PartResult(part.index, done, 0, sent, None, data)

    def commit(self, context: Context, plan: Plan, results: list[PartResult]) -> Outcome:
        config, result = _config(context), results[0]
        wrapping = _wrapping(context, config.ending)
        with closing(_writer(context)) as writer:
            for one in result.data["blobs"]:
                blob = blob_out.of_data(one["blob"])
                writer.commit(blob, wrapping.content_type)
                if config.manifest:
                    told = blob_out.manifest(
                        blob,
                        run_id=context.run_id,
                        fields=result.data["header"],
                        rows=one["rows"],
                        audience=config.segment_id,
                    )
                    writer.put(f"{blob.name}.manifest.json", told, "application/json")
        names = [one["blob"]["name"] for one in result.data["blobs"]]
        where = f"{config.container}/{names[0]}" if names else ""
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        about = (
            f"{counted(result.rows, 'user')} of {config.segment_id} into {where}{more}"
            if names
            else f"from now on, who enters or leaves {config.segment_id} is exported"
        )
        checkpoint = {
            "segment_id": config.segment_id,
            "build": result.data["build"],
            "fields": plan.parts[0].spec["fields"],
        }
        return Outcome(
            None if config.backfill_only else checkpoint,
            about,
            {"files": len(names), "exported": result.rows, "bytes": result.bytes},
        )

    def discard(self, context: Context) -> None:
        """Blocks that no commit named are removed by Azure, after a week."""

    def rehearse(self, context: Context, checkpoint: dict[str, Any] | None) -> Rehearsal:
        survey = self._survey(context, checkpoint)
        if survey is None or not survey.rows:
            return Rehearsal(_nothing(context, survey))
        config = _config(context)
        name = self._name(context, 1)
        with closing(_writer(context)) as writer:
            writer.require_free(name)
        with _opened(context) as audience:
            rows = _rows(audience, survey.since) if audience else None
            if audience is None or rows is None:
                return Rehearsal(survey.about)
            encoded = self.encode(rows, _chosen(audience, survey.fields), config)
            sample: list[tuple[Any, ...]] = []
            columns: tuple[str, ...] = ()
            for query, _ in encoded.copies:
                found = audience.connection.execute(f"{query} LIMIT {20 - len(sample)}")
                columns = tuple(str(column[0]) for column in found.description or ())
                sample += found.fetchall()
                if len(sample) >= 20:
                    break
        items = [(name, f"{counted(survey.rows, 'user')}, {counted(len(encoded.header), 'field')}")]
        if config.manifest:
            items.append((f"{name}.manifest.json", "what is in it"))
        return Rehearsal(
            f"{survey.about}; the name is as of now", tuple(items), None, columns, tuple(sample), survey.notes
        )

    def _survey(self, context: Context, checkpoint: dict[str, Any] | None) -> _Survey | None:
        """What there is to export; None when the audience has not been evaluated yet."""
        config = _config(context)
        if config.segment_id not in {audience.slug for audience in context.lytics.defined(context.definitions)}:
            raise Fatal(
                f"There is no audience {config.segment_id}",
                why="It was removed, or is called otherwise now",
                fix="Edit the job and choose an audience",
            )
        wrapping = _wrapping(context, config.ending)
        notes = []
        if wrapping.public_key is not None:
            key = check_public_key(wrapping.public_key)
            notes.append(f"Encrypted for {', '.join(key.user_ids) or key.fingerprint}")
        if config.backfill_only and not config.withbackfill:
            notes.append(f"Existing Users is off, and does not count here. {EVERYBODY}")
        with _opened(context) as audience:
            if audience is None or audience.size is None:
                return None
            fields = config.fields or _all(audience, checkpoint)
            _chosen(audience, fields)
            before = None if config.backfill_only else checkpoint
            # Another audience, or profiles that were made from nothing, have nothing to do with what was.
            if before and (before["segment_id"] != config.segment_id or before["build"] > audience.build):
                before = None
            if before:
                since: int | None = int(before["build"])
            else:
                since = None if config.withbackfill or config.backfill_only else audience.build
            # All members are as many as the audience says, also where no more than some of them are here.
            count = audience.size if since is None else audience.count(_rows(audience, since))
        what = f"{counted(count, 'user')} of {config.segment_id}" if since is None else counted(count, "change")
        about = f"exporting {what} to {self._name(context, 1)}"
        return _Survey(since, fields, count, not before and not config.backfill_only, about, tuple(notes))

    def _name(self, context: Context, number: int) -> str:
        config = _config(context)
        encrypted = _wrapping(context, config.ending).public_key is not None
        return config.name(config.prefix(), number, context.started, encrypted=encrypted)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What there is to export.

    Attributes:
        since: the build after which changes count; None for all members.
        marks: whether the job has to remember where it began, even when there is nothing to write.
    """

    since: int | None
    fields: list[str]
    rows: int
    marks: bool
    about: str
    notes: tuple[str, ...]


def _nothing(context: Context, survey: _Survey | None) -> str:
    slug = _config(context).segment_id
    if survey is None:
        return f"the audience {slug} has not been evaluated yet: no file is written"
    if survey.since is None:
        return f"nobody is in the audience {slug}: no file is written"
    return f"nobody has entered or left the audience {slug}: no file is written"


def _rows(audience: AudienceRows, since: int | None) -> Rows:
    return audience.members() if since is None else audience.crossed(since)


def _text(
    connection: duckdb.DuckDBPyConnection, encoded: Encoded, count: Callable[[int], None]
) -> Generator[bytes, None, None]:
    if encoded.begin:
        yield encoded.begin
    with closing(written(connection, encoded.copies, count)) as pieces:
        yield from pieces


def _all(audience: AudienceRows, checkpoint: dict[str, Any] | None) -> list[str]:
    """All fields, in an order that stays: those of the last run as they were, then what is new."""
    there = [field.name for field in audience.fields if field.name != "_id"]
    before = [name for name in (checkpoint or {}).get("fields", []) if name in there]
    return list(dict.fromkeys([*before, *there]))


def _chosen(audience: AudienceRows, names: list[str]) -> list[UserField]:
    """The fields by name, but for the id, which is always there."""
    known = {field.name: field for field in audience.fields}
    missing = [name for name in names if name not in known]
    if missing:
        raise BadConfiguration(
            f"Profiles have no field {', '.join(missing)}",
            why="No mapping names it, or none that profiles were made with",
            fix="Edit the job's user fields, or the mapping",
        )
    return [known[name] for name in names if name != "_id"]


def _config(context: Context) -> AudienceExport:
    return cast(AudienceExport, context.job.config)


def _opened(context: Context) -> AbstractContextManager[AudienceRows | None]:
    # The other half is for blocks on their way, and for what the engine does not count.
    return context.lytics.audience(
        _config(context).segment_id,
        memory=context.memory // 2,
        threads=context.threads,
        spill=context.scratch / "spill",
    )


def _writer(context: Context) -> BlobWriter:
    connection = authorization(context, AzureStorage).connection()
    return BlobWriter(connection, _config(context).container, context.run_id)


def _wrapping(context: Context, kind: str) -> Wrapping:
    return Wrapping(kind, public_key=authorization(context, AzureStorage).pgppublickey)
