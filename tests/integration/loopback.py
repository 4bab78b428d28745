"""Servers on the loopback that behave badly: one cuts connections, one gives a fixed answer."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret


class Cutter:
    """Stands before a storage account and cuts answers in their middle.

    Args:
        connection_string: of the account.
        cuts: of so many answers; the rest passes whole.
    """

    def __init__(self, connection_string: Secret, cuts: int = 0) -> None:
        behind = StorageConnection.parse(connection_string)
        url = urlsplit(behind.endpoint)
        self._target = (url.hostname or "", url.port or 80)
        self._cuts = cuts
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests = 0
        here = f"http://127.0.0.1:{self._listener.getsockname()[1]}{url.path}"
        self.connection = StorageConnection(behind.account, here, behind.key, behind.sas)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
            passed = 0
            while data := server.recv(65536):
                passed += len(data)
                if passed > 60_000 and self._cut():
                    client.sendall(data[:1000])
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                with self._lock:
                    self.requests += data.count(b"GET /")
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _cut(self) -> bool:
        with self._lock:
            self._cuts -= 1
            return self._cuts >= 0


@dataclass(frozen=True)
class Answer:
    """What a `Responder` says to everything."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def error(cls, status: int, code: str, **headers: str) -> Answer:
        """As Azure says it."""
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>Words.</Message></Error>'.encode()
        return cls(status, body, {"x-ms-error-code": code, "Content-Type": "application/xml", **headers})


class Responder:
    """A server that gives every request the same answer, and counts them."""

    def __init__(self, answer: Answer, *, sas: str = "") -> None:
        responder = self
        self.requests = 0
        self.paths: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                responder.requests += 1
                responder.paths.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response_only(answer.status)
                if "Date" not in answer.headers:
                    self.send_header("Date", self.date_time_string())
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_PUT = do_HEAD = do_DELETE = _any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.connection = StorageConnection(
            "contoso",
            f"http://127.0.0.1:{self._server.server_port}/contoso",
            key=None if sas else Secret("c2VjcmV0"),
            sas=Secret(sas) if sas else None,
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


Fault = Literal["pass", "busy", "reset", "lose"]
"""What happens to a request: it gets through; 503; the line is cut before it, or after it and before the answer."""


class Faulty:
    """Stands before a storage account, and has requests fail.

    Args:
        connection_string: of the account.
        fault: for a method and a path with its query, what happens to the request.
    """

    def __init__(self, connection_string: Secret, fault: Callable[[str, str], Fault]) -> None:
        behind = StorageConnection.parse(connection_string)
        url = urlsplit(behind.endpoint)
        faulty = self
        self.requests: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                faulty.requests.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                what = fault(self.command, self.path)
                if what in ("pass", "lose"):
                    line = http.client.HTTPConnection(url.hostname or "", url.port)
                    line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        line.putheader(name, value)
                    line.endheaders(body)
                    answer = line.getresponse()
                    status, headers, said = answer.status, answer.getheaders(), answer.read()
                    line.close()
                else:
                    busy = Answer.error(503, "ServerBusy")
                    status, headers, said = busy.status, list(busy.headers.items()), busy.body
                if what in ("reset", "lose"):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said)

            do_GET = do_PUT = do_HEAD = do_DELETE = _any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        here = f"http://127.0.0.1:{self._server.server_port}{url.path}"
        self.connection = StorageConnection(behind.account, here, behind.key, behind.sas)
        key = behind.key.reveal() if behind.key else ""
        self.connection_string = Secret(f"BlobEndpoint={here};AccountName={behind.account};AccountKey={key}")

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
