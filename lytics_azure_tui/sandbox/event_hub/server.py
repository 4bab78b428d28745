"""The stand-in for Azure Event Hubs as a process of its own, held by the one that started it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.event_hub.namespace import CREDIT, IDLE_SECONDS
from lytics_azure_tui.sandbox.event_hub.tokens import LISTEN, SEND, signature
from lytics_azure_tui.sandbox.held import HeldServer

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.event_hub.faults import Fault

START_SECONDS = 30.0
HOST = "127.0.0.1"
OWNER, SENDER, LISTENER = "RootManageSharedAccessKey", "sender", "listener"
_RIGHTS = {OWNER: ("Manage", SEND, LISTEN), SENDER: (SEND,), LISTENER: (LISTEN,)}
HUB = "audiences"
_PARTITIONS = 4
STANDARD_SIZE = 1_048_576
"""Bytes; the largest message of a namespace of the standard tier."""


class EventHubServer(HeldServer):
    """A namespace on a free port of 127.0.0.1, with policies of its own, and at first one hub.

    Started again after `stop` or `kill`, it has the same port, keys and hubs, and all that was acknowledged.

    Attributes:
        host: to connect to.
        hub: the name of the first hub.
    """

    host = HOST
    hub = HUB

    def __init__(
        self,
        folder: Path | None = None,
        *,
        hubs: Mapping[str, int] | None = None,
        max_size: int = STANDARD_SIZE,
    ) -> None:
        """See `HeldServer`.

        Args:
            hubs: names, and how many partitions each has.
            max_size: bytes of the largest message.
        """
        super().__init__(folder, "lyazure-hub-", "server.log")
        self._hubs = dict(hubs or {HUB: _PARTITIONS})
        self._max_size = max_size
        self._keys = {policy: base64.b64encode(secrets.token_bytes(32)).decode() for policy in _RIGHTS}
        self._orders = Lock()

    @property
    def connection_string(self) -> Secret:
        """Of the namespace, with all rights."""
        return self.connection()

    def connection(self, hub: str = "", policy: str = OWNER) -> Secret:
        """A connection string by a policy's key.

        Args:
            hub: named in it as EntityPath; empty for one of the whole namespace.
        """
        return self._string(f"SharedAccessKeyName={policy};SharedAccessKey={self._keys[policy]}", hub)

    def signed(self, hub: str, seconds: float, policy: str = OWNER) -> Secret:
        """A connection string by a ready signature for a hub, which ends in so many seconds; or has ended."""
        token = signature(f"sb://{self.host}:{self.port}/{hub}", policy, self._keys[policy], int(time.time() + seconds))
        return self._string(f"SharedAccessSignature={token}", hub)

    def _string(self, credentials: str, hub: str) -> Secret:
        entity = f";EntityPath={hub}" if hub else ""
        return Secret(f"Endpoint=sb://{self.host}:{self.port};{credentials};UseDevelopmentEmulator=true{entity}")

    # Orders

    def create(self, name: str, partitions: int) -> None:
        """Makes a hub, or gives it more partitions."""
        self._order(do="create", name=name, partitions=partitions)

    def delete(self, name: str) -> None:
        """Removes a hub; who is connected to it is told so."""
        self._order(do="delete", name=name)

    def fail(self, fault: Fault) -> None:
        """Has the next transfers that the fault fits go wrong."""
        self._order(do="fail", **asdict(fault))

    def throttle(self, hub: str, units: float) -> None:
        """Limits a hub to throughput units of 1,000 events and 1 MB a second; 0 for no limit."""
        self._order(do="throttle", hub=hub, units=units)

    def heal(self) -> None:
        """Takes back all faults and limits."""
        self._order(do="heal")

    def limit(self, size: int) -> None:
        """Sets the largest message of links that are opened from now on, in bytes."""
        self._order(do="limit", size=size)

    def agree(self, *, credit: int = CREDIT, idle: float = IDLE_SECONDS) -> None:
        """Sets what links and connections that are opened from now on agree on.

        Args:
            credit: transfers that a producer may have on the way.
            idle: seconds without a frame after which a connection is closed.
        """
        self._order(do="agree", credit=credit, idle=idle)

    def cut(self, condition: str = "", *, links: bool = False) -> None:
        """Breaks all connections off.

        Args:
            condition: closes them in order with this error instead, as the service does before it is upgraded.
            links: closes only the consumers' links.
        """
        self._order(do="cut", condition=condition, links=links)

    def kill(self) -> None:
        """Ends the process as the system does, without a word. `start` starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

    def stored(self, hub: str = HUB) -> list[list[bytes]]:
        """What each partition of a hub holds, as encoded messages in their order."""
        from lytics_azure_tui.sandbox.event_hub.partition import stored

        return [stored(file) for file in self._files(hub)]

    def count(self, hub: str = HUB) -> int:
        """How many events a hub holds."""
        from lytics_azure_tui.sandbox.event_hub.partition import counted

        return sum(map(counted, self._files(hub)))

    def _files(self, hub: str) -> list[Path]:
        return sorted((self.folder / "hubs" / hub).glob("*.events"), key=lambda file: int(file.stem))

    def _order(self, **order: object) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: S101
        with self._orders:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            if not process.stdout.readline():
                raise Fatal("The stand-in for Azure Event Hubs has ended", why=self._last_words())

    # The process

    def _begin(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        policies = {name: (key, _RIGHTS[name]) for name, key in self._keys.items()}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "lytics_azure_tui.sandbox.event_hub",
                    str(self.folder),
                    str(self._port),
                    str(self._max_size),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # By the environment, not by the command line: that one every user of the machine may read.
                env={**os.environ, "LYAZURE_HUB_POLICIES": json.dumps(policies)},
                # Ctrl+C is for us; we then end the server in order.
                start_new_session=True,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            if ready and (line := process.stdout.readline()):
                self._port = int(json.loads(line)["port"])
                for name, partitions in self._hubs.items():
                    self.create(name, partitions)
                return
        raise Fatal(
            "The stand-in for Azure Event Hubs did not start",
            why=self._last_words() or f"it said nothing for {START_SECONDS:.0f} seconds",
            fix=f"Look whether another server uses the folder {self.folder}",
        )

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "")
