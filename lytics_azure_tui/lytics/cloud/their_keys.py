"""A job and its authorization in Lytics' own keys: the one place that knows where the two differ.

The keys are those of the models in Lytics' OpenAPI document: AzureCsvImport, AzureStorageConnection and their like.
What we have beside them is left out where it is about our own machine, told as a difference where a run there does
otherwise, and refused where what comes out would be something else than was asked for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Any

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.servers import Sent
from lytics_azure_tui.model.authorization import Authorization, AzureEventHub, AzureSql, AzureStorage, has_key
from lytics_azure_tui.model.connection_string import EventHubConnection
from lytics_azure_tui.model.delimiter import separator
from lytics_azure_tui.model.form import questions
from lytics_azure_tui.model.job import Job, JobConfig

_AUDIENCE = frozenset({"segment_id", "container", "fields", "file_prefix", "withbackfill", "backfill_only"})
_REPEATED = frozenset({"continuous_update", "run_frequency", "time_of_day", "timezone"})

WORKFLOWS: Mapping[str, tuple[str, frozenset[str]]] = {
    "AzureCsvImport": (
        "azure-csv-import",
        frozenset({"container", "filename", "stream", "delimiter", "timestamp_field", "fields", "continuous_update"})
        | {"diff", "prefix", "file_frequency", "time_of_day", "timezone"},
    ),
    "AzuresqlImport": (
        "azuresql-import",
        frozenset({"source", "timestamp_field", "record_timestamp", "since_date", "stream", "query_timeout"})
        | {"row_limit", *_REPEATED},
    ),
    "AzureJsonExport": ("azure-json-export", _AUDIENCE | {"max_bytes"}),
    "AzureCsvExport": ("azure-csv-export", _AUDIENCE | {"delimiter", "join"}),
    "AzureEventExport": (
        "azure-event-export",
        frozenset({"container", "streams", "compress", "filename", "time_format", "write_headers", "start_date"})
        | {"end_date", *_REPEATED},
    ),
    "AzureEventHubExport": ("azure-event-hub-export", frozenset({"segment_ids", "withbackfill"})),
}
"""Of each of our kinds: how its workflow is called in addresses, and the keys that both have."""

AUTHS: Mapping[str, str] = {
    AzureStorage.method: "azure-storage-connection",
    AzureEventHub.method: "azure-event-hub",
    AzureSql.method: "azuresql-db",
}
"""How the types of authorizations are called in addresses."""

_SEGMENTS = "_segments"
_ANEW = "It begins anew: what was moved from here already is moved once more."
_NO_QUARANTINE = "Rows that Lytics cannot use go to no quarantine."


def sent(job: Job, authorization: Authorization) -> Sent:
    """See `lytics.servers.Servers.sent`. Audiences are named by their slugs still."""
    kind = type(job.config)
    workflow, both = WORKFLOWS[kind.workflow]
    differences = [_ANEW] + ([_NO_QUARANTINE] if kind.deed == "imported" else [])
    left_out = []
    for name in kind.model_fields:
        if name not in both:
            left_out.append(name)
            if difference := OURS[name](job.config, authorization):
                differences.append(difference)
    schedule = job.config.schedule()
    if _REPEATED & both and schedule is not None and schedule.frequency in ("weekly", "monthly"):
        differences.append(f"Lytics chooses the day of {schedule.frequency} runs.")
    access, secrets = _fields(authorization)
    if isinstance(authorization, AzureSql) and authorization.ca_file:
        left_out.append("ca_file")
        differences.append("Lytics has to trust the server's certificate without the CA file.")
    return Sent(workflow, _config(job.config, both), access, secrets, tuple(left_out), tuple(differences))


def with_ids(config: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """A configuration whose audiences are named as Lytics does.

    Args:
        ids: the account's, by slug.

    Raises:
        BadConfiguration: there is no such audience.
    """

    def id_of(slug: str) -> str:
        if slug not in ids:
            raise BadConfiguration(
                f"There is no audience {slug} in the Lytics account",
                why="It was removed there, or is called otherwise now",
                fix="Edit the job and choose an audience",
            )
        return ids[slug]

    found = dict(config)
    if "segment_id" in found:
        found["segment_id"] = id_of(found["segment_id"])
    if "segment_ids" in found:
        found["segment_ids"] = [id_of(slug) for slug in found["segment_ids"]]
    return found


def access(authorization: Authorization) -> dict[str, str]:
    """An authorization's configuration, its secrets revealed: for the body of one call, and nothing else.

    Raises:
        BadConfiguration: a connection string cannot be read, or names no hub.
    """
    plain, secret = _fields(authorization)
    found = {**plain, **{name: getattr(authorization, name).reveal() for name in secret}}
    if isinstance(authorization, AzureEventHub):
        hub = authorization.connection().entity_path
        if not EventHubConnection.parse(authorization.connection_string).entity_path:
            # Lytics has no field for the hub's name: it stands in the connection string.
            found["connection_string"] = f"{found['connection_string'].strip().rstrip(';')};EntityPath={hub}"
    return found


def pieces(authorization: Authorization) -> list[str]:
    """The secrets of an authorization, whole and in the pieces that somebody might quote."""
    whole = [secret.reveal() for name in authorization.secret_fields() if (secret := getattr(authorization, name))]
    parts = [part for value in whole for part in re.split(r"[;&?\s]|(?<=[A-Za-z])=", value) if len(part) > 16]
    return whole + parts


def _fields(authorization: Authorization) -> tuple[dict[str, str], tuple[str, ...]]:
    """The fields that are no secret, and the names of those that are."""
    names = {
        AzureStorage.method: ("pgppublickey",),
        AzureEventHub.method: (),
        AzureSql.method: ("server", "port", "database", "user"),
    }[authorization.method]
    plain = {name: str(value) for name in names if (value := getattr(authorization, name)) is not None}
    return plain, authorization.required_secrets()


def _config(config: JobConfig, both: frozenset[str]) -> dict[str, Any]:
    """The keys that both have, but for those that say nothing or do not apply."""
    values = config.model_dump(mode="json")
    for question in questions(type(config)):
        if question.ask.only_if and not values[question.ask.only_if]:
            values[question.name] = None
    schedule = config.schedule()
    if schedule is None or schedule.time_of_day is None:
        values.update(time_of_day=None, timezone=None)
    if "delimiter" in values:
        # "tab" is one for us; Lytics knows "t".
        character = separator(values["delimiter"])
        values["delimiter"] = {"\t": "t"}.get(character, character)
    found = {name: value for name, value in values.items() if name in both and value not in (None, [], "")}
    if found.get("compress") == "none":
        del found["compress"]
    if "segment_id" in both:
        chosen = values["fields"]
        # To us it is a field like others, to Lytics a setting of its own.
        found["include_segs"] = not chosen or _SEGMENTS in chosen
        if rest := [name for name in chosen if name != _SEGMENTS]:
            found["fields"] = rest
        elif chosen:
            why = "Lytics adds the audiences to other fields, and would take all of them here"
            raise _refused(f"fields = {chosen}", why, "Choose another field, too")
    return found


def _refused(setting: str, why: str, fix: str) -> BadConfiguration:
    return BadConfiguration(f"The job cannot be handed over with {setting}", why=why, fix=fix)


# Keys that are ours alone

Rule = Callable[[Any, Authorization], str]
"""Takes a configuration that has the key. Gives what is different there, if anything; or raises."""


def _as_in_a_new_job(name: str) -> Rule:
    """Refuses a setting that Lytics does not know, where it is not what a job has without it."""

    def rule(config: Any, _authorization: Authorization) -> str:
        value = getattr(config, name)
        if value != type(config).model_fields[name].get_default(call_default_factory=True):
            why = "Lytics has no such setting, and would do it in another way"
            raise _refused(f"{name} = {value!r}", why, "Leave it as it is in a new job, or leave the job here")
        return ""

    return rule


def _nothing(_config: Any, _authorization: Authorization) -> str:
    return ""


def _encoding(config: Any, _authorization: Authorization) -> str:
    if config.encoding != "auto" and codecs.lookup(config.encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
        why = "Lytics has no setting for it, and would read other text than is there"
        raise _refused(f"encoding = {config.encoding!r}", why, "Have the files written in UTF-8, and choose auto")
    return ""


def _order_by(config: Any, _authorization: Authorization) -> str:
    return "Which file comes next is decided by Lytics, not by File Order." if config.continuous_update else ""


def _if_no_next_file(config: Any, _authorization: Authorization) -> str:
    if config.continuous_update and config.if_no_next_file == "wait":
        why = "Lytics ends a job when no next file has come, and cannot be told to wait"
        raise _refused('if_no_next_file = "wait"', why, "Choose to stop the job in If No Next File, or leave it here")
    return ""


def _watermark(config: Any, _authorization: Authorization) -> str:
    return "What is new is told by the Timestamp Column, never by a rowversion." if config.watermark == "auto" else ""


def _overlap(config: Any, _authorization: Authorization) -> str:
    if not config.continuous_update or not config.overlap_minutes:
        return ""
    return "Rows that are committed behind others with later times are not looked for again."


def _null_timestamps(_config: Any, _authorization: Authorization) -> str:
    return "What becomes of rows without a timestamp is decided by Lytics."


def _recreated_table(config: Any, _authorization: Authorization) -> str:
    if not config.continuous_update:
        return ""
    return "What a table means that was created again, or one in another database, is decided by Lytics."


def _masked_columns(config: Any, _authorization: Authorization) -> str:
    return "Columns that are masked for the user are imported as masks." if config.masked_columns == "refuse" else ""


def _compress_then_encrypt(config: Any, authorization: Authorization) -> str:
    if config.compress_then_encrypt and config.compress != "none" and has_key(authorization):
        why = "Lytics encrypts first and then compresses, so that the files would be others"
        raise _refused("compress_then_encrypt = true", why, "Take the tick from Compress Before Encrypting")
    return ""


def _defuse_formulas(config: Any, _authorization: Authorization) -> str:
    if config.defuse_formulas:
        why = "Lytics writes formulas as they are, and a spreadsheet would run them"
        raise _refused("defuse_formulas = true", why, "Take the tick from Defuse Formulas, or leave the job here")
    return ""


def _byte_order_mark(config: Any, _authorization: Authorization) -> str:
    if config.byte_order_mark:
        why = "Lytics writes none, and Excel would read other text than is there"
        raise _refused("byte_order_mark = true", why, "Take the tick from Byte Order Mark, or leave the job here")
    return ""


def _manifest(config: Any, _authorization: Authorization) -> str:
    return "No manifest is written." if config.manifest not in (False, "never") else ""


def _run_frequency(config: Any, _authorization: Authorization) -> str:
    return "" if config.backfill_only else "How often a file is written is decided by Lytics."


def _throughput(config: Any, _authorization: Authorization) -> str:
    return "Lytics sends at a pace of its own, not by throughput units." if config.throughput_units else ""


OURS: Mapping[str, Rule] = {
    "encoding": _encoding,
    "order_by": _order_by,
    "if_no_next_file": _if_no_next_file,
    "watermark": _watermark,
    "overlap_minutes": _overlap,
    "null_timestamps": _null_timestamps,
    "recreated_table": _recreated_table,
    "masked_columns": _masked_columns,
    "compress_then_encrypt": _compress_then_encrypt,
    "defuse_formulas": _defuse_formulas,
    "byte_order_mark": _byte_order_mark,
    "manifest": _manifest,
    "run_frequency": _run_frequency,
    "late_days": _as_in_a_new_job("late_days"),
    "date_order": _as_in_a_new_job("date_order"),
    "skip_lines": _as_in_a_new_job("skip_lines"),
    "skip_footer": _as_in_a_new_job("skip_footer"),
    "column_names": _as_in_a_new_job("column_names"),
    "most_unusable": _as_in_a_new_job("most_unusable"),
    "on_new_columns": _as_in_a_new_job("on_new_columns"),
    "time_of_day": _nothing,
    "timezone": _nothing,
    "throughput_units": _throughput,
}
