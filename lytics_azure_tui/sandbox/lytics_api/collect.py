"""/collect: records come in. docs.lytics.com/reference/bulkcsvupload"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.batch import Batch
from lytics_azure_tui.sandbox.lytics_api.records import (
    Bad,
    Record,
    appended,
    csv_records,
    json_lines,
    json_record,
    text_of,
)
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, v1


class Collect:
    """Takes uploads.

    A record is rejected that is no record of its format, is longer than records may be, is not UTF-8, or says nothing.
    With droperrors=true such records are left out, and counted as rejected_count. Without it, "upon error, it will
    stop processing and return": the call answers 400 and says which record it was, and what stood before that record
    is in the stream. With dryrun=true nothing comes into the stream, and the answer is the same. A body that is cut
    off is refused in either case, and what could be read of it is in.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("POST", "/collect/bulk/{stream}", self.bulk, bulk=True),
            Path("POST", "/collect/json/{stream}", self.json, bulk=True),
        ]

    def bulk(self, call: Call) -> Answer:
        """CSV, or JSON line by line if the Content-Type says so; packed by gzip or not."""
        longest = self._account.limits.batched_record
        text = text_of(call.body)
        if "json" in call.media:
            return self._take(call, json_lines(text, longest))
        records = csv_records(
            text,
            headers=call.one("headers"),
            delimiter=call.one("delimiter"),
            append=appended(call.one("append")),
            longest=longest,
        )
        return self._take(call, records)

    def json(self, call: Call) -> Answer:
        """A JSON array of objects, or one object, which may be a quarter as long."""
        try:
            value = json.load(text_of(call.body))
        except (ValueError, RecursionError, EOFError, OSError):
            raise Refused(400, "The body is not JSON") from None
        limits = self._account.limits
        if isinstance(value, list):
            return self._take(
                call, (json_record(number, one, limits.batched_record) for number, one in enumerate(value, start=1))
            )
        return self._take(call, iter((json_record(1, value, limits.record),)))

    def _take(self, call: Call, records: Iterator[Record | Bad]) -> Answer:
        dry, drop = call.flag("dryrun"), call.flag("droperrors")
        filename, timestamp = call.one("filename"), call.one("timestamp_field")
        batch = Batch(self._account, call.path["stream"], source=filename or "api", timestamp_field=timestamp)
        taken = rejected = 0
        refusal = None
        try:
            for record in records:
                if isinstance(record, Record):
                    taken += 1
                    if not dry:
                        batch.add(record)
                elif drop:
                    rejected += 1
                else:
                    refusal = Refused(400, f"Record {record.number}: {record.why}")
                    break
        except Refused as error:
            refusal = error
        batch.commit()
        if refusal is not None:
            raise refusal
        return v1(
            {
                "message_count": taken,
                "rejected_count": rejected,
                "content-type": call.media,
                "droperrors": drop,
                "dryrun": dry,
                "timestamp_field": timestamp,
                "filename": filename,
            }
        )
