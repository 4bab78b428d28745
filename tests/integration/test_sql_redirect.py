"""Azure's gateway sends a login on to the server that has the database."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lytics_azure_tui.azure.sql import SqlSession
from lytics_azure_tui.errors import BadConfiguration, RetryLater
from lytics_azure_tui.sandbox.tds import SqlServer
from lytics_azure_tui.sandbox.tds.faults import FaultOrders, faults
from tests.integration.tables import Tables


@pytest.fixture
def gateway(tables: Tables) -> Iterator[FaultOrders]:
    orders = faults(tables.server)
    yield orders
    orders.reset()


@pytest.fixture
def other_port(tables: Tables) -> Iterator[tuple[int, list[str]]]:
    """Another port at which the server answers, and who came there."""
    listener, came = socket.create_server(("127.0.0.1", 0)), list[str]()

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, (address, _) = listener.accept()
                came.append(address)
                server = socket.create_connection(("127.0.0.1", tables.server.port))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], came
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_login_is_sent_on_and_works_there(
    tables: Tables, gateway: FaultOrders, other_port: tuple[int, list[str]]
) -> None:
    port, came = other_port
    gateway.redirect(port, times=2)
    for _ in range(2):
        with SqlSession(tables.authorization()) as session:
            assert list(session.texts("SELECT 1 AS n UNION SELECT 2 ORDER BY n")) == [[["1", "2"]]]
    assert len(came) == 2


def test_servers_that_send_to_each_other_are_given_up(tables: Tables, gateway: FaultOrders) -> None:
    gateway.redirect(tables.server.port, times=50)
    with pytest.raises(RetryLater, match="redirect the connection to each other"):
        SqlSession(tables.authorization())


def test_where_a_login_is_sent_nobody_listens(tables: Tables, gateway: FaultOrders) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gateway.redirect(port)
    with pytest.raises(RetryLater, match="could not be opened"):
        SqlSession(tables.authorization())


def test_the_server_that_a_login_is_sent_to_shows_a_certificate_of_its_own(
    tables: Tables, gateway: FaultOrders
) -> None:
    with SqlServer() as other:
        gateway.redirect(other.port)
        with pytest.raises(BadConfiguration, match="could not be opened") as told:
            SqlSession(tables.authorization())
    assert "not signed by an authority" in told.value.why


def test_a_server_that_answers_a_login_byte_by_byte_is_given_up(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lytics_azure_tui.azure.sql._CONNECT_SECONDS", 0.5)
    listener, sent = socket.create_server(("127.0.0.1", 0)), list[int]()

    def dribble() -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            for byte in b"\x04\x00\x40\x00" + bytes(10_000):
                client.send(bytes([byte]))
                sent.append(byte)
                time.sleep(0.05)

    threading.Thread(target=dribble, daemon=True).start()
    with listener, pytest.raises(RetryLater, match="could not be opened"):
        SqlSession(tables.authorization(port=listener.getsockname()[1]))
    assert len(sent) < 1_000, "before its first packet was whole"
