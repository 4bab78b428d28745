"""The one place where errors of Azure's SDK for Event Hubs become ours. The SDK's own texts are not shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import TracebackType

from azure.eventhub.exceptions import AuthenticationError, EventDataSendError

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.connection_string import EventHubConnection

_NETWORK = "If it stays so, look at the network"
_RENEW = "Make a new one and edit the authorization; or use the key of a policy, which does not end"


class Busy(RetryLater):
    """The service asks to be sent less."""


class TooLarge(Fatal):
    """A message is larger than the hub takes."""


class RightMissing(NotAuthorised):
    """The credentials are good, and do not go that far."""


_UNAUTHORIZED = "amqp:unauthorized-access"
# learn.microsoft.com/azure/event-hubs/event-hubs-amqp-troubleshoot
_CONDITIONS: dict[str, tuple[type[LyazureError], str, str]] = {
    "amqp:not-found": (
        Fatal,
        "The hub {hub} is not there",
        "Look whether it was renamed or deleted, and edit the authorization",
    ),
    _UNAUTHORIZED: (
        RightMissing,
        "The credentials do not give this right for the hub {hub}",
        "Use a policy of the namespace or of this hub that has it, and edit the authorization",
    ),
    "amqp:link:message-size-exceeded": (TooLarge, "The hub does not take messages of this size", ""),
    "amqp:link:stolen": (Fatal, "Another consumer has taken the partition for itself", "Use another consumer group"),
    "amqp:resource-limit-exceeded": (
        RetryLater,
        "The quota of the namespace is used up, or too many consumers read the partition",
        "End other consumers, or raise the quota in the portal",
    ),
    "com.microsoft:server-busy": (Busy, "The service is busy, or gets more than the throughput units pay for", ""),
    "com.microsoft:entity-disabled": (Fatal, "The hub {hub} is disabled", "Enable it in the portal"),
    "com.microsoft:publisher-revoked": (NotAuthorised, "The hub has revoked this sender", "Ask the hub's owner"),
}

_BY_WORDS: tuple[tuple[str, type[LyazureError], str, str], ...] = (
    (
        "certificate|ssl|wrong_version_number",
        BadConfiguration,
        "The certificate of {host} is not one that this machine trusts, or it does not speak TLS",
        "Look at the endpoint; for the emulator, the connection string has UseDevelopmentEmulator=true",
    ),
    (
        "name or service not known|nodename nor|getaddrinfo|name resolution|no address associated",
        RetryLater,
        "The name {host} is not found",
        "Look at the namespace in the connection string, and at this machine's network",
    ),
    ("refused", RetryLater, "Nothing listens at {host}", "Look at the endpoint, or start the server"),
    ("timed out|timeout", RetryLater, "{host} did not answer in time", _NETWORK),
)


class translated:
    """A `with` block in which errors of the SDK become ours.

    Args:
        what: what failed if it does, such as "The hub could not be opened".
    """

    def __init__(self, what: str, connection: EventHubConnection) -> None:
        self._what = what
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Beside its own errors, the SDK lets those of what it is built on through.
        if isinstance(error, Exception) and not isinstance(error, LyazureError):
            ours = translate(error, self._what, self._connection)
            try:
                raise ours
            finally:
                # The SDK's error may quote a token, and must not travel along in ours.
                ours.__context__ = None


def translate(error: Exception, what: str, connection: EventHubConnection) -> LyazureError:
    """Our error for one of the SDK's."""
    host, text = connection.address, str(error)
    condition = _condition(text)
    if isinstance(error, AuthenticationError) or (condition == _UNAUTHORIZED and _ended(text, connection)):
        return _refused(text, what, connection)
    if condition in _CONDITIONS:
        kind, why, fix = _CONDITIONS[condition]
        return kind(what, why=why.format(hub=connection.entity_path), fix=fix)
    if not isinstance(error, OSError) and not type(error).__module__.startswith("azure."):
        return Fatal(what, why=f"What answers at {host} does not speak as Event Hubs does", fix="Look at the endpoint")
    for words, kind, why, fix in _BY_WORDS:
        if re.search(words, text, re.IGNORECASE):
            return kind(what, why=why.format(host=host), fix=fix)
    if isinstance(error, EventDataSendError) and condition not in _PASSING:
        return Fatal(what, why=f"The hub refuses what was sent: {condition}")
    return RetryLater(what, why=f"The connection to {host} was lost", fix=_NETWORK)


def _condition(text: str) -> str:
    """AMQP's name of the error, such as "amqp:not-found". The SDK gives some of them as names of its own."""
    found = re.search(r"\b(?:amqp|com\.microsoft):[a-z:-]+", text)
    if found:
        return found[0]
    name = re.search(r"ErrorCondition\.(\w+)", text)
    return _NAMES.get(name[1], "") if name else ""


_PASSING = (
    "", "amqp:unknown-error", "amqp:internal-error", "amqp:link:detach-forced", "amqp:connection:forced",
    "com.microsoft:timeout", "com.microsoft:operation-cancelled", "com.microsoft:container-close",
)  # fmt: skip
"""Conditions of a rejection that say nothing against what was sent."""
_NAMES = {
    "NotFound": "amqp:not-found",
    "UnauthorizedAccess": "amqp:unauthorized-access",
    "LinkMessageSizeExceeded": "amqp:link:message-size-exceeded",
    "LinkStolen": "amqp:link:stolen",
    "ResourceLimitExceeded": "amqp:resource-limit-exceeded",
    "NotAllowed": "amqp:not-allowed",
    "InvalidField": "amqp:invalid-field",
    "DecodeError": "amqp:decode-error",
}


def _ended(text: str, connection: EventHubConnection) -> bool:
    now = datetime.now(UTC)
    return "ExpiredToken" in text or (connection.expires is not None and connection.expires <= now)


def _refused(text: str, what: str, connection: EventHubConnection) -> LyazureError:
    if _ended(text, connection):
        when = f" on {connection.expires:%Y-%m-%d %H:%M} UTC" if connection.expires else ""
        fix = _RENEW if connection.sas else "Look at this machine's clock: timedatectl set-ntp true"
        return NotAuthorised(what, why=f"The shared access signature expired{when}", fix=fix)
    if re.search("timeout|timed out", text, re.IGNORECASE):
        return RetryLater(what, why=f"{connection.address} did not answer in time", fix=_NETWORK)
    if connection.sas:
        return NotAuthorised(what, why="The service does not accept the shared access signature", fix=_RENEW)
    return NotAuthorised(
        what,
        why=f"The key is not one of the policy {connection.key_name}; keys may have been renewed",
        fix="Copy the connection string again from Shared access policies and edit the authorization",
    )
