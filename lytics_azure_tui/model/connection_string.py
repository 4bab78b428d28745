"""Connection strings of Blob Storage and Event Hubs, taken apart. No error or repr ever holds a value of one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.sas import SasFacts
from lytics_azure_tui.model.secret import Secret

_STORAGE = "The storage connection string"
_STORAGE_FIX = (
    "Copy it again from the storage account: Access keys, Connection string; "
    "or Shared access signature, Connection string"
)
_STORAGE_NAMES = [
    "DefaultEndpointsProtocol",
    "AccountName",
    "AccountKey",
    "EndpointSuffix",
    "SharedAccessSignature",
    "UseDevelopmentStorage",
    "DevelopmentStorageProxyUri",
    "BlobEndpoint",
    "QueueEndpoint",
    "TableEndpoint",
    "FileEndpoint",
    "DfsEndpoint",
    "BlobSecondaryEndpoint",
    "QueueSecondaryEndpoint",
    "TableSecondaryEndpoint",
    "FileSecondaryEndpoint",
    "DfsSecondaryEndpoint",
]
_HUB = "The Event Hub connection string"
_HUB_FIX = "Copy it again from the namespace or the hub: Shared access policies, Connection string"
_HUB_NAMES = [
    "Endpoint",
    "SharedAccessKeyName",
    "SharedAccessKey",
    "SharedAccessSignature",
    "EntityPath",
    "UseDevelopmentEmulator",
]

_ACCOUNT = r"[a-z0-9][a-z0-9-]{2,62}"

# The emulator's account is public: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_EMULATOR_ACCOUNT = "devstoreaccount1"
_EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_EMULATOR_HOST = "http://127.0.0.1"
_EMULATOR_PORT = 10000


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """Where a storage account's blobs are and what lets us in.

    Attributes:
        account: its name.
        endpoint: the URL of the blob service, without a slash at its end and without a query.
        key: the account's key; all rights.
        sas: a shared access signature without "?"; the rights are in it. Neither of the two: public containers only.
    """

    account: str
    endpoint: str
    key: Secret | None = None
    sas: Secret | None = None

    @classmethod
    def parse(cls, secret: Secret | None) -> StorageConnection:
        """Takes a connection string apart; spaces, line breaks and quotes of a paste do not matter.

        Raises:
            BadConfiguration: it is missing, incomplete or not one of a storage account.
        """
        text = _tidy(secret, _STORAGE, _STORAGE_FIX)
        if re.search(r"(^|;)endpoint=sb://", text, re.IGNORECASE):
            _refuse(_STORAGE, "is one of an event hub", "Use the method Azure Event Hub for it")
        parts = _parts(text, _STORAGE_NAMES, _STORAGE, _STORAGE_FIX)
        if "usedevelopmentstorage" in parts:
            return _emulator(parts)
        return _account(parts)

    @property
    def anonymous(self) -> bool:
        """Whether there is nothing to be let in with."""
        return not self.key and not self.sas

    def sas_facts(self) -> SasFacts | None:
        """What the shared access signature says about itself; None when there is none."""
        return SasFacts.of(self.sas.reveal()) if self.sas else None


@dataclass(frozen=True, slots=True)
class EventHubConnection:
    """Where an Event Hubs namespace is and what lets us in.

    Attributes:
        namespace: the host name.
        endpoint: "sb://host" with the port, if one is given.
        port: None for the protocol's own.
        entity_path: the hub; empty when the string is one of the whole namespace.
        key_name, key: the policy and its key.
        sas: a ready signature in place of a key.
        emulator: plain AMQP without TLS, for the emulator.
    """

    namespace: str
    endpoint: str
    port: int | None = None
    entity_path: str = ""
    key_name: str = ""
    key: Secret | None = None
    sas: Secret | None = None
    emulator: bool = False

    @classmethod
    def parse(cls, secret: Secret | None) -> EventHubConnection:
        """Takes a connection string apart; spaces, line breaks and quotes of a paste do not matter.

        Raises:
            BadConfiguration: it is missing, incomplete or not one of Event Hubs.
        """
        text = _tidy(secret, _HUB, _HUB_FIX)
        if re.search(r"(^|;)(accountname|blobendpoint|usedevelopmentstorage)=", text, re.IGNORECASE):
            _refuse(_HUB, "is one of a storage account", "Use the method Azure Storage Connection String for it")
        parts = _parts(text, _HUB_NAMES, _HUB, _HUB_FIX)
        url = _url(parts.get("endpoint", ""), ("sb", "amqps"), "Endpoint", _HUB, _HUB_FIX)
        emulator = parts.get("usedevelopmentemulator", "false")
        if emulator not in ("true", "false"):
            _refuse(_HUB, "has a UseDevelopmentEmulator that is neither true nor false", "Write it in lower case")
        key_name, key, sas = (parts.get(name, "") for name in _HUB_CREDENTIALS)
        if bool(key) == bool(sas):
            both = "holds both a SharedAccessKey and a SharedAccessSignature" if key else "has no SharedAccessKey"
            _refuse(_HUB, both, _HUB_FIX)
        if key and not key_name:
            _refuse(_HUB, "has no SharedAccessKeyName", _HUB_FIX)
        host = url.hostname or ""
        return cls(
            namespace=host,
            endpoint=f"sb://{_netloc(url)}",
            port=url.port,
            entity_path=parts.get("entitypath", ""),
            key_name=key_name,
            key=Secret(key) if key else None,
            # A signature begins with a word and a space, and the space went with those of the paste.
            sas=Secret(re.sub(r"^SharedAccessSignature(?=\w+=)", "SharedAccessSignature ", sas)) if sas else None,
            emulator=emulator == "true",
        )

    def of(self, hub: str | None) -> EventHubConnection:
        """The connection to one hub, where the string may be one of the whole namespace.

        Args:
            hub: a name that was given beside the string; None or empty when none was.

        Raises:
            BadConfiguration: neither names a hub, or they name different ones.
        """
        if not self.entity_path and not hub:
            _refuse(_HUB, "is one of the whole namespace, and no hub is named", "Enter the hub's name in Event Hub")
        if self.entity_path and hub and hub.lower() != self.entity_path.lower():
            fix = "Leave Event Hub empty, or enter the connection string of the namespace"
            _refuse(_HUB, f"is one of the hub {self.entity_path}, not of {hub}", fix)
        return replace(self, entity_path=self.entity_path or hub or "")

    @property
    def address(self) -> str:
        """Host and, where it is not the protocol's own, port."""
        return self.endpoint.partition("://")[2]

    @property
    def expires(self) -> datetime | None:
        """When a ready signature ends; None for a key, or where the signature does not say so."""
        found = re.search(r"(?:^|[& ])se=(\d{1,11})(?:&|$)", self.sas.reveal()) if self.sas else None
        return datetime.fromtimestamp(int(found[1]), UTC) if found else None


_HUB_CREDENTIALS = ("sharedaccesskeyname", "sharedaccesskey", "sharedaccesssignature")


def _refuse(subject: str, why: str, fix: str) -> NoReturn:
    # "from None" at a raise of our own is not enough inside an except: callers leave it first.
    raise BadConfiguration(f"{subject} {why}", fix=fix)


def _tidy(secret: Secret | None, subject: str, fix: str) -> str:
    """The text without what a paste adds: white space and control characters anywhere, quotes around it."""
    if not secret:
        _refuse(subject, "is missing", "Edit the authorization and enter it")
    text = "".join(char for char in secret.reveal() if char.isprintable() and not char.isspace())
    text = text.strip("\"'`\u201c\u201d\u2018\u2019;")
    if not text:
        _refuse(subject, "is missing", "Edit the authorization and enter it")
    if "=" not in text or text.lower().startswith(("http://", "https://")):
        _refuse(subject, "is not a list of Name=value;Name=value", fix)
    return text


def _parts(text: str, names: list[str], subject: str, fix: str) -> dict[str, str]:
    """Names in lower case and their values. A name that is not known is never shown: it may be a cut-off secret."""
    known = {name.lower(): name for name in names}
    parts: dict[str, str] = {}
    for number, piece in enumerate((piece for piece in text.split(";") if piece), 1):
        name, equals, value = piece.partition("=")
        name = name.lower()
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f"Did you mean {known[close[0]]}?" if close else fix
            _refuse(subject, f"has a part that is not known, number {number}", hint)
        if not equals or not value:
            _refuse(subject, f"has no value for {known[name]}", fix)
        if name in parts:
            _refuse(subject, f"has {known[name]} twice", fix)
        parts[name] = value
    return parts


def _url(value: str, schemes: tuple[str, ...], name: str, subject: str, fix: str) -> SplitResult:
    problem = f"has no {name}" if not value else ""
    url = SplitResult("", "", "", "", "")
    if not problem:
        try:
            url = urlsplit(value)
            _ = url.port
        except ValueError:
            problem = f"has an address in {name} that cannot be read"
    if not problem and (
        url.scheme not in schemes or not re.fullmatch(r"[\w.-]+|[\da-f:]+", url.hostname or "", re.ASCII)
    ):
        problem = f"has an address in {name} that does not begin with {schemes[0]}:// and a host name"
    if not problem and (url.username is not None or url.fragment):
        problem = f"has an address in {name} with more in it than a host, a port and a path"
    if problem:
        _refuse(subject, problem, fix)
    return url


def _netloc(url: SplitResult) -> str:
    host = url.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{url.port}" if url.port else host


def _emulator(parts: Mapping[str, str]) -> StorageConnection:
    if parts["usedevelopmentstorage"] != "true":
        _refuse(_STORAGE, "has a UseDevelopmentStorage that is not exactly true", "Write true in lower case")
    if set(parts) - {"usedevelopmentstorage", "developmentstorageproxyuri"}:
        _refuse(_STORAGE, "names the emulator and an account at once", "Keep UseDevelopmentStorage=true, or the rest")
    proxy = parts.get("developmentstorageproxyuri", _EMULATOR_HOST)
    url = _url(proxy, ("http", "https"), "DevelopmentStorageProxyUri", _STORAGE, _STORAGE_FIX)
    netloc = _netloc(url) if url.port else f"{_netloc(url)}:{_EMULATOR_PORT}"
    return StorageConnection(
        _EMULATOR_ACCOUNT, f"{url.scheme}://{netloc}/{_EMULATOR_ACCOUNT}", key=Secret(_EMULATOR_KEY)
    )


def _account(parts: Mapping[str, str]) -> StorageConnection:
    account = parts.get("accountname", "")
    if account and not re.fullmatch(_ACCOUNT, account):
        _refuse(_STORAGE, "has an AccountName that is not lower case letters and digits", _STORAGE_FIX)
    endpoint, query = _blob_endpoint(parts, account)
    key, sas = parts.get("accountkey", ""), _signature(parts.get("sharedaccesssignature", "") or query)
    if key and sas:
        _refuse(_STORAGE, "holds both an AccountKey and a SharedAccessSignature", "Keep the one that you mean to use")
    if key:
        _check_key(key)
    elif not sas and "blobendpoint" not in parts:
        _refuse(_STORAGE, "has neither an AccountKey nor a SharedAccessSignature", _STORAGE_FIX)
    account = account or _account_of(urlsplit(endpoint))
    if not account:
        _refuse(_STORAGE, "has no AccountName", _STORAGE_FIX)
    return StorageConnection(account, endpoint, Secret(key) if key else None, Secret(sas) if sas else None)


def _blob_endpoint(parts: Mapping[str, str], account: str) -> tuple[str, str]:
    """The URL of the blob service, and a query that stood in it."""
    if "blobendpoint" in parts:
        url = _url(parts["blobendpoint"], ("https", "http"), "BlobEndpoint", _STORAGE, _STORAGE_FIX)
        # Only an emulator, or a cloud of one's own, has the account in the path.
        path = url.path.rstrip("/")
        if path and (not re.fullmatch(rf"/{_ACCOUNT}", path) or ".blob." in (url.hostname or "")):
            _refuse(_STORAGE, "has a BlobEndpoint that goes on after its host name", "End it there")
        return f"{url.scheme}://{_netloc(url)}{path}", url.query
    if not account:
        _refuse(_STORAGE, "has neither an AccountName nor a BlobEndpoint", _STORAGE_FIX)
    protocol = parts.get("defaultendpointsprotocol", "https").lower()
    suffix = parts.get("endpointsuffix", "core.windows.net").strip(".")
    if protocol not in ("http", "https"):
        _refuse(_STORAGE, "has a DefaultEndpointsProtocol that is neither https nor http", _STORAGE_FIX)
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d{1,5})?", suffix, re.ASCII):
        _refuse(_STORAGE, "has an EndpointSuffix that is not a host name", _STORAGE_FIX)
    url = _url(f"{protocol}://{account}.blob.{suffix}", (protocol,), "EndpointSuffix", _STORAGE, _STORAGE_FIX)
    return f"{protocol}://{_netloc(url)}", ""


def _account_of(url: SplitResult) -> str:
    """The account that an address names: its path on the emulator, the first label of its host elsewhere."""
    path = url.path.strip("/")
    return path.partition("/")[0] or (url.hostname or "").partition(".")[0]


def _signature(value: str) -> str:
    """A token without what stands before it: "?", or the URL that it was copied with."""
    token = value.replace("&amp;", "&").rpartition("?")[2].strip("&")
    if value and not re.search(r"(^|&)sig=[^&]", token):
        _refuse(_STORAGE, "has a SharedAccessSignature without a sig", _STORAGE_FIX)
    return token


def _check_key(key: str) -> None:
    try:
        base64.b64decode(key, validate=True)
        return
    except (binascii.Error, ValueError):
        pass  # The error is raised outside, so that it does not carry this one, which may quote the key.
    _refuse(_STORAGE, "has an AccountKey that is not whole", _STORAGE_FIX)
