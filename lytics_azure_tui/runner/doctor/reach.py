"""Looks at the way to a service: name, connection, TLS, and its clock. No credentials are used."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lytics_azure_tui.runner.doctor.check import Check, ok, problem, warning

PATIENCE = 5.0
"""Seconds for each step."""
SKEW_REFUSED = 15 * 60
"""Azure Storage refuses signed requests whose date is further off than this many seconds.

https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""
SKEW_NOTED = 60


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens.

    Attributes:
        tls: whether TLS starts with the first byte.
        http: whether it speaks HTTP, so that it tells its time.
        upgrades: whether the protocol turns to TLS by itself, before it sends anything of worth.
    """

    host: str
    port: int
    tls: bool
    http: bool
    upgrades: bool = False


def reach(endpoint: Endpoint, subject: str) -> Iterator[Check]:
    """One check of the way to the service, and one of the clock where it tells its time."""
    where = f"{endpoint.host}:{endpoint.port}"
    proxy = _proxy(endpoint)
    if proxy:
        yield ok(
            "network", f"{where} is reached by the proxy {proxy}, so the way to it is not looked at", subject=subject
        )
        return
    started = time.monotonic()
    try:
        addresses = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        yield problem(
            "network",
            f"The name {endpoint.host} is not known to DNS",
            "Look for a typing error in the connection string, then at this machine's DNS.",
            subject=subject,
        )
        return
    try:
        with _connect(addresses) as raw, _secured(raw, endpoint) as connection:
            seconds = time.monotonic() - started
            if isinstance(connection, ssl.SSLSocket):
                secured = connection.version()
            else:
                secured = "TLS begins when it is signed in" if endpoint.upgrades else "no TLS"
            yield ok("network", f"{where} answers in {seconds * 1000:.0f} ms, {secured}", subject=subject)
            if endpoint.http:
                yield from _clock(connection, endpoint, subject)
    except ssl.SSLCertVerificationError as error:
        yield problem(
            "network",
            f"The certificate of {where} is not accepted: {error.verify_message}",
            "Where a proxy opens TLS, set SSL_CERT_FILE to its certificate; else look at this machine's clock.",
            subject=subject,
        )
    except TimeoutError:
        yield problem(
            "network",
            f"{where} does not answer within {PATIENCE:.0f} seconds",
            "Allow outgoing connections in the firewall, and this address in the service's network rules.",
            subject=subject,
        )
    except OSError as error:
        yield problem(
            "network",
            f"{where} cannot be reached: {error.strerror or type(error).__name__}",
            "Look at the firewall and the network of this machine, and at the port in the connection string.",
            subject=subject,
        )


def skew(seconds: float, subject: str) -> Check:
    """What a difference between the clocks means. Positive when this machine is ahead."""
    off = abs(seconds)
    about = f"This machine's clock is {off:.0f} s {'ahead of' if seconds > 0 else 'behind'} the service's"
    fix = "Set the clock: timedatectl set-ntp true"
    if off >= SKEW_REFUSED:
        return problem("clock", f"{about}; requests are refused", fix, subject=subject)
    if off >= SKEW_NOTED:
        return warning("clock", about, fix, subject=subject)
    return ok("clock", "Within a minute of the service's", subject=subject)


def _proxy(endpoint: Endpoint) -> str:
    """Host and port of the proxy that HTTP requests to the service go by; empty when they go straight."""
    if not endpoint.http or proxy_bypass(endpoint.host):
        return ""
    # A proxy's address may carry a password: only host and port are told.
    address = urlsplit(getproxies().get("https" if endpoint.tls else "http", ""))
    return f"{address.hostname}:{address.port}" if address.hostname and address.port else address.hostname or ""


def _connect(
    addresses: Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]],
) -> socket.socket:
    """A connection to the first address that answers; raises the last address's error."""
    refused: OSError = TimeoutError()
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            refused = error
        else:
            return connection
    raise refused


def _secured(connection: socket.socket, endpoint: Endpoint) -> socket.socket:
    if not endpoint.tls:
        return connection
    return ssl.create_default_context().wrap_socket(connection, server_hostname=endpoint.host)


def _clock(connection: socket.socket, endpoint: Endpoint, subject: str) -> Iterator[Check]:
    # Any answer will do, a refusal too: all of them carry a Date.
    request = f"HEAD / HTTP/1.1\r\nHost: {endpoint.host}\r\nConnection: close\r\n\r\n"
    asked = time.time()
    connection.sendall(request.encode("ascii"))
    answer = http.client.HTTPResponse(connection, method="HEAD")
    try:
        answer.begin()
        answered = time.time()
        date = parsedate_to_datetime(answer.getheader("Date") or "")
    except (http.client.HTTPException, ValueError):
        yield ok("clock", "The service did not tell its time", subject=subject)
        return
    finally:
        answer.close()
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    # The header counts whole seconds: on the average it is half a second old.
    here = datetime.fromtimestamp((asked + answered) / 2, UTC)
    yield skew((here - date).total_seconds() - 0.5, subject)
