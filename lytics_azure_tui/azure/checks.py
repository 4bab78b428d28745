""" "Test connection": what an authorization may do, tried out where that leaves no trace."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobProperties, BlobServiceClient

from lytics_azure_tui.azure.client import service
from lytics_azure_tui.azure.errors import RightMissing, apart, skew, translated
from lytics_azure_tui.errors import BadConfiguration, Fatal, NotAuthorised
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.authorization import Authorization, AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.sas import SasFacts

_WORTH_SAYING = timedelta(seconds=30)
_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came out.

    Attributes:
        list, read, write: whether it may; None when that could be neither tried nor read from the credentials, or
            when nobody needs it.
        seconds: that the first answer took.
        account: the storage account, namespace or server.
        notes: what was only read from the credentials and not tried, when they end, the server, the clock.
        names: of the three rights, for people; empty for one that does not exist there.
    """

    list: bool | None
    read: bool | None
    write: bool | None
    seconds: float
    account: str
    notes: tuple[str, ...] = ()
    names: tuple[str, str, str] = ("list", "read", "write")

    @property
    def rights(self) -> dict[str, bool | None]:
        """The rights by name. Of writing there is nothing to say where it is not known."""
        rights = dict(zip(self.names, (self.list, self.read, self.write), strict=True))
        return {name: may for name, may in rights.items() if name and (name != "write" or may is not None)}

    @property
    def looked_at(self) -> bool:
        """Whether anything is known of the rights; else only the form of the credentials was looked at."""
        return any(may is not None for may in self.rights.values())


def check(authorization: Authorization) -> CheckReport:
    """Tries an authorization out. It must have its secrets.

    Raises:
        LyazureError: what it holds cannot be used: wrong form, refused, expired, not to be reached.
    """
    if isinstance(authorization, AzureStorage):
        return _Trial(authorization.connection()).report()
    if isinstance(authorization, AzureEventHub):
        # As with pytds below: the SDK is loaded for those who use it.
        from lytics_azure_tui.azure.event_hub_checks import hub_report

        return hub_report(authorization)
    if isinstance(authorization, AzureSql):
        # pytds and the encryption that it needs are loaded for those who use them.
        from lytics_azure_tui.azure.sql_checks import sql_report

        return sql_report(authorization)
    raise BadConfiguration(f"{authorization.title} cannot be tried out")


@dataclass
class _Trial:
    """One check of a storage account, step by step."""

    connection: StorageConnection
    notes: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def report(self) -> CheckReport:
        with service(self.connection) as client:
            containers = self._containers(client)
            facts = self.connection.sas_facts()
            listed = containers is not None
            container = containers[0] if containers else ""
            read = self._read(client, container) if container else None
            write = self._write(client, container) if container else None
        untried = [word for word, value in (("read", read), ("write", write)) if value is None]
        if untried:
            read = self._granted(facts, "r") if read is None else read
            write = self._granted(facts, "cw") if write is None else write
            source = "the signature" if facts else "the kind of credentials"
            why = "there is nothing to try it on" if listed else "no container can be listed"
            self.notes.insert(0, f"Whether it may {' and '.join(untried)} was read from {source}, not tried: {why}")
        self._describe(facts)
        return CheckReport(listed, read, write, self.seconds, self.connection.account, tuple(self.notes))

    def _granted(self, facts: SasFacts | None, letters: str) -> bool | None:
        if facts is not None:
            return facts.may(letters, "o")
        return True if self.connection.key else None

    def _containers(self, client: BlobServiceClient) -> list[str] | None:
        """The first names; None when listing is not among the rights."""
        began = time.monotonic()
        try:
            with translated("The containers could not be listed", self.connection):
                pages = client.list_containers(results_per_page=5, raw_response_hook=self._answer).by_page()
                return [str(item.name) for item in next(pages, [])]
        except (NotAuthorised, Fatal) as error:
            facts = self.connection.sas_facts()
            limited = isinstance(error, RightMissing) and facts is not None and not facts.may("l", "s")
            if not limited and not self.connection.anonymous:
                raise  # The firewall, or a rule of the account: not a matter of the signature's rights.
            self.notes.append("Containers cannot be listed; their names must be typed")
            return None
        finally:
            self.seconds = time.monotonic() - began

    def _read(self, client: BlobServiceClient, container: str) -> bool | None:
        """Looks a blob up; None where there is none."""
        try:
            with translated(f"The container {container} could not be listed", self.connection):
                blobs = client.get_container_client(container)
                page: Iterable[BlobProperties] = next(blobs.list_blobs(results_per_page=1).by_page(), [])
                for item in page:
                    blobs.get_blob_client(item.name).get_blob_properties()
                    return True
        except RightMissing:
            return False
        return None

    def _write(self, client: BlobServiceClient, container: str) -> bool:
        """Asks to write under a condition that cannot hold: who may write is told so, and nothing is written."""
        blob = client.get_blob_client(container, f"lyazure-tui-{uuid.uuid4().hex}")
        try:
            with translated(f"Nothing could be written to the container {container}", self.connection):
                try:
                    blob.upload_blob(b"", etag='"0x0"', match_condition=MatchConditions.IfNotModified, overwrite=True)
                except HttpResponseError as error:
                    if error.status_code not in (404, 412):
                        raise
        except RightMissing:
            return False
        return True

    def _answer(self, response: Any) -> None:
        self.headers = dict(response.http_response.headers)

    def _describe(self, facts: SasFacts | None) -> None:
        now = datetime.now(UTC)
        if facts is not None and facts.expires is not None:
            left = facts.expires - now
            hours = int(left / timedelta(hours=1))
            time = counted(hours, "hour") if hours < 48 else counted(hours // 24, "day")
            soon = f", in {time}" if left < _SOON or hours < 48 else ""
            self.notes.append(f"The signature ends on {facts.expires:%Y-%m-%d %H:%M} UTC{soon}")
        if self.connection.anonymous:
            self.notes.append("There is no key and no signature: only what is public can be reached")
        ahead = skew(self.headers)
        if ahead is not None and abs(ahead) > _WORTH_SAYING:
            self.notes.append(f"This machine's clock is {apart(ahead)} the server's")
        server = self.headers.get("Server") or self.headers.get("server")
        version = self.headers.get("x-ms-version")
        if server:
            self.notes.append(f"Server: {server}" + (f", version {version}" if version else ""))
