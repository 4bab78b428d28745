"""Looks at one authorization: the way to its service, its signature, its credentials."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore, unlock
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.model.authorization import Authorization, AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.sas import SasFacts
from lytics_azure_tui.runner.doctor.check import Check, failed, guarded, ok, problem, warning
from lytics_azure_tui.runner.doctor.reach import Endpoint, reach

EXPIRES_SOON = timedelta(days=14)
_TO_READ = {
    AzureStorage.method: "Imports need the right to read: use a key, or a signature that has it.",
    AzureSql.method: "Imports need the right to read: have an administrator of the database give it, by GRANT SELECT.",
}
"""By method, what to do where the right to read is missing."""
_TO_WRITE = {
    AzureEventHub.method: "Exports need the right to send: use the key of a policy that has Send.",
}
"""By method, what to do where the right to write is missing and is needed."""
_AMQP, _AMQPS = 5672, 5671


def access(folder: Folder, store: SecretStore, authorization_id: str, label: str) -> Iterator[Check]:
    """All that can be seen of an authorization, from the network to its rights."""
    try:
        authorization = unlock(folder, store, authorization_id)
        way = endpoint(authorization)
    except LyazureError as error:
        yield failed("credentials", error, subject=label)
        return
    yield from guarded("network", lambda: reach(way, label), subject=label)
    if isinstance(authorization, AzureStorage):
        facts = authorization.connection().sas_facts()
        if facts is not None:
            yield from signature(facts, datetime.now(UTC), label)
    yield from guarded("credentials", lambda: rights(authorization), subject=label)


def endpoint(authorization: Authorization) -> Endpoint:
    """Where the service of an authorization with its secrets listens.

    Raises:
        BadConfiguration: the connection string cannot be read.
    """
    if isinstance(authorization, AzureStorage):
        url = urlsplit(authorization.connection().endpoint)
        tls = url.scheme == "https"
        return Endpoint(url.hostname or "", url.port or (443 if tls else 80), tls=tls, http=True)
    if isinstance(authorization, AzureEventHub):
        hub = authorization.connection()
        port = hub.port or (_AMQP if hub.emulator else _AMQPS)
        return Endpoint(hub.namespace, port, tls=not hub.emulator, http=False)
    if isinstance(authorization, AzureSql):
        # TDS begins in the clear and turns to TLS by itself, so that there is nothing more to see from outside.
        return Endpoint(authorization.server, authorization.port, tls=False, http=False, upgrades=True)
    raise TypeError(f"no way is known to a {type(authorization).__name__}")


def signature(facts: SasFacts, now: datetime, label: str) -> Iterator[Check]:
    """What a shared access signature says about its time and its rights."""
    fix = "Make a new signature in the portal, then edit the authorization."
    if facts.expired(now):
        yield problem("signature", f"Expired on {_day(facts.expires)}", fix, subject=label)
    elif facts.not_yet(now):
        yield problem("signature", f"Not valid before {facts.starts:%Y-%m-%d %H:%M} UTC", fix, subject=label)
    elif facts.expires is None:
        yield ok("signature", "Its end is set by a stored access policy", subject=label)
    elif facts.expires - now < EXPIRES_SOON:
        days = (facts.expires - now).days
        yield warning("signature", f"Expires on {_day(facts.expires)}, in {counted(days, 'day')}", fix, subject=label)
    else:
        yield ok("signature", f"Valid until {_day(facts.expires)}", subject=label)
    missing = [
        right for right, letters, kind in (("list", "l", "c"), ("read", "r", "o")) if facts.may(letters, kind) is False
    ]
    if missing:
        yield warning(
            "signature",
            f"Gives no right to {' or '.join(missing)}",
            "Imports need Read and List, on Container and Object. " + fix,
            subject=label,
        )


def pgp_key(authorization: AzureStorage) -> Iterator[Check]:
    """Whether files can be encrypted for the authorization's PGP key, and for how long."""
    from lytics_azure_tui.jobs.pgp import check_public_key

    label, fix = authorization.label, "Ask the key's owner for the new one, then edit the authorization."
    if shutil.which("gpg") is None:
        return  # that is told by itself
    key = check_public_key(authorization.pgppublickey or "")
    name = f"{key.user_ids[0] if key.user_ids else key.fingerprint} ({key.algorithm})"
    if key.expires is None:
        yield ok("pgp key", f"{name} does not expire", subject=label)
    elif key.expires - datetime.now(UTC) < EXPIRES_SOON:
        yield warning("pgp key", f"{name} expires on {_day(key.expires)}", fix, subject=label)
    else:
        yield ok("pgp key", f"{name} is valid until {_day(key.expires)}", subject=label)


def rights(authorization: Authorization) -> Iterator[Check]:
    """What the credentials are good for, tried out."""
    # The SDKs take longer to load than all other checks to make.
    from lytics_azure_tui.azure.checks import check

    report = check(authorization)
    may = [name for name, allowed in report.rights.items() if allowed]
    about = ". ".join((f"{report.account}: may {', '.join(may)}" if may else report.account, *report.notes))
    label = authorization.label
    if report.read is False:
        fix = _TO_READ.get(authorization.method, "Imports need the right to read.")
        yield problem("credentials", about, fix, subject=label)
    elif report.write is False and authorization.method in _TO_WRITE:
        yield problem("credentials", about, _TO_WRITE[authorization.method], subject=label)
    elif report.list is False:
        fix = "Type the names of containers, or use a key, or a signature with the right to list."
        yield warning("credentials", about, fix, subject=label)
    else:
        yield ok("credentials", about, subject=label)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown day"
