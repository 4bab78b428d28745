"""The API on two ports of this machine, served by a thread of this process."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.run import Outcome
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.app import LINE, App, Seen
from lytics_azure_tui.sandbox.lytics_api.auths import Auths
from lytics_azure_tui.sandbox.lytics_api.collect import Collect
from lytics_azure_tui.sandbox.lytics_api.faults import Faults
from lytics_azure_tui.sandbox.lytics_api.jobs import Jobs
from lytics_azure_tui.sandbox.lytics_api.limits import Limits
from lytics_azure_tui.sandbox.lytics_api.profiles import Entities
from lytics_azure_tui.sandbox.lytics_api.scans import Scans
from lytics_azure_tui.sandbox.lytics_api.schema import Schema
from lytics_azure_tui.sandbox.lytics_api.segments import Segments
from lytics_azure_tui.sandbox.lytics_api.streams import StreamList

HOST = "127.0.0.1"
START_SECONDS = 10.0
_LOOK_SECONDS = 0.005


class LyticsApi:
    """A Lytics with one account. Use it as a context manager, or call `start` and `stop`.

    Attributes:
        folder: where its workspace lies.
        token: that lets in.
        faults: what is to go wrong.
        limits: that are kept; may be set.
        jobs: the jobs of the account, which can be made to fail.
    """

    def __init__(
        self,
        folder: Path | None = None,
        definitions: Definitions | None = None,
        *,
        build_after: float | None = None,
        token: Secret | None = None,
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        """Prepares it, without starting anything.

        Args:
            folder: keeps streams and profiles between two starts; None for a temporary one that goes when it stops.
            definitions: the mappings and audiences.
            build_after: seconds after events came in, in which profiles are made of them, as the real one does by
                itself; None for only by `build`.
            token: one of its own if it is not said.
            ports: for all, and for bulk uploads; 0 for any that is free.
        """
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lyazure-lytics-"))
        self.token = token or Secret(secrets.token_hex(24))
        self.faults = Faults()
        self.limits = Limits()
        self._account = Account(self.folder, definitions or Definitions(), self.limits, build_after)
        auths = Auths()
        self.jobs = Jobs(auths, self.limits)
        segments = Segments(self._account)
        self._scans = Scans(self._account, segments)
        paths = [
            path
            for resource in (
                Collect(self._account),
                StreamList(self._account),
                Schema(self._account),
                self._scans,
                segments,
                Entities(self._account),
                auths,
                self.jobs,
            )
            for path in resource.paths()
        ]
        self._ports = ports
        self._app = App(paths, self.token, self.faults, self.limits)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def ports(self) -> tuple[int, int]:
        """For all, and for bulk uploads; those that were asked for before the start."""
        return self._ports

    @property
    def url(self) -> str:
        """What stands for https://api.lytics.io."""
        return f"http://{HOST}:{self._ports[0]}"

    @property
    def bulk_url(self) -> str:
        """What stands for https://bulk.lytics.io, where /collect alone can be called."""
        return f"http://{HOST}:{self._ports[1]}"

    @property
    def workspace(self) -> Workspace:
        """What the account holds."""
        return self._account.workspace

    @property
    def requests(self) -> list[Seen]:
        """The calls that came, in the order in which they were dealt with."""
        return list(self._app.requests)

    @property
    def definitions(self) -> Definitions:
        """The mappings and audiences."""
        return self._account.definitions

    @definitions.setter
    def definitions(self, definitions: Definitions) -> None:
        self._account.definitions = definitions
        self._account.changed()

    def build(self) -> Outcome | None:
        """Makes profiles of what came in, and evaluates the audiences; None when there was nothing to do."""
        return self._account.build()

    def expire_scans(self) -> None:
        """Has every scan that is under way end: its next page is refused."""
        self._scans.expire()

    def start(self) -> Self:
        """Starts it, and waits until it answers. Started again after `stop`, it has the same ports and token.

        Raises:
            OSError: a port is taken.
            Fatal: it did not start.
        """
        sockets = [_listener(port) for port in self._ports]
        self._ports = (sockets[0].getsockname()[1], sockets[1].getsockname()[1])
        self._app.bulk_port = self._ports[1]
        config = uvicorn.Config(
            self._app, http=_Connection, ws="none", lifespan="off", log_config=None, access_log=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), name="lytics-api", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise Fatal("The stand-in for Lytics did not start")
            time.sleep(_LOOK_SECONDS)
        self._account.open()
        return self

    def stop(self) -> None:
        """Ends it; what came in is kept in its folder, unless that is a temporary one."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None
        self._account.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listener(port: int) -> socket.socket:
    """Listens; 0 for any port that is free."""
    listener = socket.create_server((HOST, port))
    # Connections inherit it. Without it the head of an answer waits 40 ms for an acknowledgement before its body goes.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Connection(H11Protocol):
    """Lets the application break the connection off."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, LINE: transport}
        super().connection_made(transport)
