"""Looks at the Lytics of the settings: its token, and what that may do."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.lytics import open_lytics, token
from lytics_azure_tui.config.secrets import SecretStore
from lytics_azure_tui.model.amounts import counted
from lytics_azure_tui.runner.doctor.check import Check, guarded, ok, warning
from lytics_azure_tui.runner.doctor.reach import Endpoint, reach

_PROBE = "lyazure_doctor"


def lytics(folder: Folder, store: SecretStore) -> Iterator[Check]:
    """The way to an account, and whether its token reads and writes; nothing is written."""
    settings = folder.settings().lytics
    if settings.kind == "embedded":
        yield ok("lytics", f"The embedded one, in {folder.data_place / 'workspace'}")
        return
    token(store)
    for url in dict.fromkeys((settings.url, settings.bulk_url)):
        yield from guarded("network", lambda url=url: reach(_endpoint(url), url), subject=url)  # type: ignore[misc]
    account = open_lytics(folder, lambda: store)
    streams = len(account.streams())
    audiences = len(account.audiences())
    yield ok("lytics", f"{settings.url}: may read; {counted(streams, 'stream')}, {counted(audiences, 'audience')}")
    said = account.dry_run(_PROBE, ("probe",), (("1",),))
    if said:
        yield warning("lytics", f"{settings.bulk_url}: {said}", "Look in Lytics at what the token may do")
    else:
        yield ok("lytics", f"{settings.bulk_url}: may write")


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Endpoint(parts.hostname or "", parts.port or (443 if tls else 80), tls=tls, http=True)
