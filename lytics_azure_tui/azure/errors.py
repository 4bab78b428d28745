"""The one place where errors of the Azure SDK become ours. The SDK's own texts hold URLs with signatures: not shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater, StartOver
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.sas import SasFacts

# Azure refuses requests that are this far off: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
_SKEW = timedelta(minutes=15)

_RETRY_FIX = "If it stays so, look at the network"


_NOT_AZURE = "Look at the endpoint in the connection string, and for a proxy or a log-in page on the way"
# Beside its own errors, the SDK raises these when something else than Azure answers, such as a hotel's log-in page.
_SDK = (AzureError, ValueError, TypeError, AttributeError, KeyError)


class RightMissing(NotAuthorised):
    """The credentials are good, and do not go that far."""


class translated:
    """A `with` block in which errors of the SDK become ours.

    Args:
        what: what failed if it does, such as "The containers could not be listed".
    """

    def __init__(self, what: str, connection: StorageConnection) -> None:
        self._what = what
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _SDK):
            ours = translate(error, self._what, self._connection)
            try:
                raise ours
            finally:
                # The SDK's error quotes URLs and headers, and must not travel along in ours.
                ours.__context__ = None


def translate(error: Exception, what: str, connection: StorageConnection) -> LyazureError:
    """Our error for one of the SDK's."""
    if not isinstance(error, AzureError):
        return Fatal(what, why=f"What answers at {_host(connection)} is not Blob Storage", fix=_NOT_AZURE)
    if isinstance(error, HttpResponseError) and not isinstance(error, IncompleteReadError) and error.status_code:
        return _answered(error, what, connection)
    return _unanswered(error, what, connection)


def _host(connection: StorageConnection) -> str:
    return connection.endpoint.partition("://")[2].partition("/")[0]


def skew(headers: Any) -> timedelta | None:
    """How far this machine's clock is ahead of the server's; to the second, as far as the header goes."""
    try:
        return datetime.now(UTC) - parsedate_to_datetime(headers["Date"])
    except (KeyError, TypeError, ValueError):
        return None


def _answered(error: HttpResponseError, what: str, connection: StorageConnection) -> LyazureError:
    """What Azure's status and error code mean."""
    status = int(error.status_code or 0)
    code = getattr(error, "error_code", None)
    name = str(getattr(code, "value", code) or "")
    if status in (401, 403) or name in ("PublicAccessNotPermitted", "InvalidAuthenticationInfo"):
        return _refused(error, name, what, connection)
    if name in _BY_CODE:
        kind, why, fix = _BY_CODE[name]
    elif status in _BY_STATUS:
        kind, why, fix = _BY_STATUS[status]
    elif status < 300:
        kind, why, fix = Fatal, f"What answers at {_host(connection)} is not Blob Storage", _NOT_AZURE
    elif status >= 500:
        kind, why, fix = RetryLater, f"Azure answered {name or status}", ""
    else:
        why = f"Azure answered {name or status}"
        kind, fix = Fatal, "Look it up in Azure's list of Blob Storage error codes"
    return kind(what, why=why, fix=fix)


_NOW = "The run starts over with what is there now"
_BY_STATUS: dict[int, tuple[type[LyazureError], str, str]] = {
    404: (Fatal, "It is not there", "Look whether it was renamed or deleted"),
    407: (BadConfiguration, "The proxy asks for a name and a password", "Give them in HTTPS_PROXY"),
    408: (RetryLater, "Azure waited for the request in vain", ""),
    412: (StartOver, "It was changed in the meantime", _NOW),
    429: (RetryLater, "Azure asks for fewer requests", ""),
}
_LEASE = (
    RetryLater,
    "Somebody holds a lease on it",
    "A lease that nobody needs can be broken in the portal",
)
_GONE = "Look whether it was renamed or deleted, and change the job"
_BY_CODE: dict[str, tuple[type[LyazureError], str, str]] = {
    "ContainerNotFound": (Fatal, "The container is not there", _GONE),
    "BlobNotFound": (Fatal, "The blob is not there", _GONE),
    "ContainerBeingDeleted": (Fatal, "The container is being deleted", _GONE),
    "BlobArchived": (Fatal, "The blob is in the archive tier", "Change its tier to Hot or Cool; that takes hours"),
    "BlobBeingRehydrated": (RetryLater, "The blob is on its way out of the archive tier", "That takes hours"),
    "LeaseIdMissing": _LEASE,
    "LeaseAlreadyPresent": _LEASE,
    "LeaseIdMismatchWithBlobOperation": _LEASE,
    "LeaseIdMismatchWithContainerOperation": _LEASE,
    "InvalidRange": (StartOver, "The blob is shorter than it was", _NOW),
    "ServerBusy": (RetryLater, "Azure is busy and asks for fewer requests", ""),
    "InvalidResourceName": (Fatal, "The name is not one that Azure allows", "Correct the name"),
    "InvalidHeaderValue": (
        Fatal,
        "The server does not know this version of the protocol",
        "Of Azurite, start it with --skipApiVersionCheck or take a newer one",
    ),
}


def _refused(error: HttpResponseError, code: str, what: str, connection: StorageConnection) -> NotAuthorised:
    """Time goes first: an expired signature, or a wrong clock, comes under several codes."""
    ahead = skew(getattr(error.response, "headers", None))
    late = _out_of_time(ahead or timedelta(), connection)
    if late is not None:
        return NotAuthorised(what, why=late[0], fix=late[1])
    if code == "AuthorizationFailure" and connection.key:
        why = "The key is not the account's, or the account's firewall keeps this machine out"
        return NotAuthorised(
            what, why=why, fix="Copy the key again; or add this machine's address in the portal, Networking"
        )
    if code in _RIGHTS and not (code == "AuthorizationFailure" and connection.anonymous):
        return RightMissing(what, why=_RIGHTS[code], fix=_RIGHTS_FIX.get(code, _MORE_RIGHTS))
    why, fix = _not_accepted(connection)
    return NotAuthorised(what, why=why, fix=fix)


def _out_of_time(ahead: timedelta, connection: StorageConnection) -> tuple[str, str] | None:
    """Cause and cure when a time is to blame; `ahead` is this machine's clock against the server's."""
    facts = connection.sas_facts() or SasFacts()
    now = datetime.now(UTC) - ahead
    if facts.expired(now):
        return f"The shared access signature expired on {facts.expires:%Y-%m-%d %H:%M} UTC", _RENEW
    if facts.not_yet(now):
        why = f"The shared access signature holds only from {facts.starts:%Y-%m-%d %H:%M} UTC"
        return why, "Wait until then, or take a new one and edit the authorization"
    if connection.key and abs(ahead) > _SKEW:
        return f"This machine's clock is {apart(ahead)} Azure's", "Set the clock, as by: timedatectl set-ntp true"
    return None


def _not_accepted(connection: StorageConnection) -> tuple[str, str]:
    if connection.sas:
        return "Azure does not accept the shared access signature", _RENEW
    if connection.key:
        why = f"The key is not one of the account {connection.account}; keys may have been renewed"
        return why, "Copy the connection string again from Access keys and edit the authorization"
    why = "The connection string holds no key and no signature, and this is not public"
    return why, "Edit the authorization and enter a connection string with a key or a signature"


def apart(ahead: timedelta) -> str:
    """A difference of clocks in words: "20 minutes ahead of"."""
    seconds = round(abs(ahead).total_seconds())
    amount = f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
    return f"{amount} {'ahead of' if ahead > timedelta() else 'behind'}"


_RENEW = "Make a new one in the portal, Shared access signature, and edit the authorization"
_MORE_RIGHTS = "Make a shared access signature with this right, or use the account's key, and edit the authorization"
_RIGHTS = {
    "AuthorizationPermissionMismatch": "The signature does not grant this",
    "AuthorizationServiceMismatch": "The signature is not for blobs",
    "AuthorizationResourceTypeMismatch": "The signature does not grant this at this level",
    "AuthorizationProtocolMismatch": "The signature asks for https",
    "AuthorizationSourceIPMismatch": "The signature is for other IP addresses than this machine's",
    "AuthorizationFailure": "The signature is not accepted for this, or the account's firewall keeps this machine out",
    "InsufficientAccountPermissions": "The account does not permit this",
    "AccountIsDisabled": "The account is disabled",
    "KeyBasedAuthenticationNotPermitted": "The account does not let anyone in by its keys",
    "PublicAccessNotPermitted": "The account does not let anyone in without credentials",
}
_RIGHTS_FIX = {
    "AuthorizationFailure": "Make a new signature with this right; or add this machine in the portal, Networking",
    "AuthorizationProtocolMismatch": "Write https in the connection string and edit the authorization",
    "AccountIsDisabled": "Ask the account's owner",
    "KeyBasedAuthenticationNotPermitted": "Ask the owner to allow it in the portal, Configuration",
}


def _unanswered(error: AzureError, what: str, connection: StorageConnection) -> LyazureError:
    """No whole answer came: names, routes, certificates, cut connections. The SDK tells them apart by text only."""
    text = str(error).lower()
    host = _host(connection)
    for words, kind, why, fix in _BY_WORDS:
        if re.search(words, text):
            return kind(what, why=why.format(host=host), fix=fix)
    if isinstance(error, ServiceRequestError):
        return RetryLater(what, why=f"{host} cannot be reached", fix=_RETRY_FIX)
    if isinstance(error, ServiceResponseError | HttpResponseError):
        return RetryLater(what, why=f"The connection to {host} was cut", fix=_RETRY_FIX)
    return Fatal(what, why=f"The Azure SDK reported {type(error).__name__}", fix="Look at the connection string")


_BY_WORDS: tuple[tuple[str, type[LyazureError], str, str], ...] = (
    (
        "certificate|sslerror|wrong_version_number",
        BadConfiguration,
        "The certificate of {host} is not one that this machine trusts",
        "Behind an inspecting proxy, name its certificate in REQUESTS_CA_BUNDLE; and look at the endpoint",
    ),
    ("proxy", RetryLater, "The proxy cannot be reached", "Look at HTTPS_PROXY, or at the proxy"),
    (
        "name or service not known|nodename nor|getaddrinfo|name resolution|nameresolution|no address associated",
        RetryLater,
        "The name {host} is not found",
        "Look at the account's name in the connection string, and at this machine's network",
    ),
    ("timed out|timeout", RetryLater, "{host} did not answer in time", _RETRY_FIX),
    ("refused", RetryLater, "Nothing listens at {host}", "Look at the endpoint, or start the server"),
)
