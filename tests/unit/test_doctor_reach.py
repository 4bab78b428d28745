"""The way to a service, looked at on real sockets of this machine."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lytics_azure_tui.runner.doctor import State
from lytics_azure_tui.runner.doctor import reach as reaching
from lytics_azure_tui.runner.doctor.reach import SKEW_NOTED, SKEW_REFUSED, Endpoint, reach, skew


@contextmanager
def _service(ahead: dt.timedelta = dt.timedelta(), tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """An HTTP service that refuses everybody, with a clock of its own; gives its port."""

    class Refusing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(403)
            self.send_header("Date", format_datetime(dt.datetime.now(dt.UTC) + ahead, usegmt=True))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _endpoint(port: int, *, tls: bool = False, host: str = "127.0.0.1") -> Endpoint:
    return Endpoint(host, port, tls=tls, http=True)


def test_a_service_that_answers_is_well_and_its_clock_too() -> None:
    with _service() as port:
        network, clock = reach(_endpoint(port), "Storage")
    assert (network.name, network.state, network.subject) == ("network", State.OK, "Storage")
    assert "no TLS" in network.about
    assert (clock.name, clock.state) == ("clock", State.OK)


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [
        (dt.timedelta(minutes=20), State.PROBLEM, "behind"),
        (dt.timedelta(minutes=-20), State.PROBLEM, "ahead of"),
        (dt.timedelta(minutes=5), State.WARNING, "behind"),
    ],
)
def test_a_clock_that_is_off_is_told_with_the_fix(ahead: dt.timedelta, state: State, words: str) -> None:
    with _service(ahead) as port:
        clock = list(reach(_endpoint(port), ""))[1]
    assert (clock.name, clock.state) == ("clock", state)
    assert words in clock.about
    assert "timedatectl" in clock.fix


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (0, State.OK),
        (SKEW_NOTED - 1, State.OK),
        (SKEW_NOTED, State.WARNING),
        (-SKEW_NOTED, State.WARNING),
        (SKEW_REFUSED, State.PROBLEM),
        (-SKEW_REFUSED, State.PROBLEM),
    ],
)
def test_how_far_off_matters(seconds: float, state: State) -> None:
    assert skew(seconds, "").state is state


def test_a_name_that_dns_does_not_know() -> None:
    (check,) = reach(_endpoint(443, tls=True, host="account.invalid"), "")
    assert check.state is State.PROBLEM
    assert "account.invalid is not known" in check.about
    assert check.fix


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (check,) = reach(_endpoint(unused.getsockname()[1]), "")
    assert check.state is State.PROBLEM
    assert "refused" in check.about.lower()


def test_a_service_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "PATIENCE", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        last = list(reach(_endpoint(silent.getsockname()[1], tls=True), ""))[-1]
    assert last.state is State.PROBLEM
    assert "does not answer" in last.about


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with _service(tls=_self_signed(tmp_path)) as port:
        (check,) = reach(_endpoint(port, tls=True), "")
    assert check.state is State.PROBLEM
    assert "certificate" in check.about
    assert "SSL_CERT_FILE" in check.fix


def test_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = _self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "service.pem"))
    with _service(tls=context) as port:
        network, clock = reach(_endpoint(port, tls=True), "")
    assert network.state is State.OK
    assert "TLSv1" in network.about
    assert clock.state is State.OK


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:hunter2@proxy.example:3128")
    (check,) = reach(_endpoint(443, tls=True, host="account.blob.example"), "")
    assert check.state is State.OK
    assert "proxy.example:3128" in check.about
    assert "hunter2" not in str(check)


def _self_signed(folder: Path) -> ssl.SSLContext:
    """A context for a service on 127.0.0.1, whose certificate is in service.pem."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "service.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "service.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "service.pem", folder / "service.key")
    return context
