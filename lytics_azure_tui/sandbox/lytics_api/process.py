"""The stand-in for Lytics as a process of its own, held by the one that started it."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import time
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.held import HeldServer

START_SECONDS = 30.0
TOKEN = "LYAZURE_LYTICS_TOKEN"  # noqa: S105 -- the name of a variable
DEFINITIONS = "definitions.json"
"""The mappings and audiences, in the server's folder."""


class LyticsApiServer(HeldServer):
    """A Lytics with one account; profiles are made of what comes in, by itself.

    Started again after `stop`, it has the same ports, token, streams and profiles.

    Attributes:
        token: that lets in.
    """

    def __init__(
        self, folder: Path | None = None, definitions: Definitions | None = None, *, build_after: float = 1.0
    ) -> None:
        """See `HeldServer`.

        Args:
            build_after: seconds after events came in, in which profiles are made of them.
        """
        super().__init__(folder, "lyazure-lytics-", "server.log")
        self.token = Secret(secrets.token_hex(24))
        self._definitions = definitions or Definitions()
        self._build_after = build_after
        self._bulk_port = 0

    @property
    def url(self) -> str:
        """What stands for https://api.lytics.io."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def bulk_url(self) -> str:
        """What stands for https://bulk.lytics.io."""
        return f"http://127.0.0.1:{self._bulk_port}"

    def _begin(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / DEFINITIONS).write_text(json.dumps(self._definitions.dump()), encoding="utf-8")
        options = [str(self.folder), str(self._port), str(self._bulk_port), str(self._build_after)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "lytics_azure_tui.sandbox.lytics_api", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # By the environment, not by the command line: that one every user of the machine may read.
                env={**os.environ, TOKEN: self.token.reveal()},
                # Ctrl+C is for us; we then end the server in order.
                start_new_session=True,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            if ready and (line := process.stdout.readline()):
                self._port, self._bulk_port = json.loads(line)["ports"]
                return
        words = self.log.read_text(errors="replace").strip()
        raise Fatal(
            "The stand-in for Lytics did not start",
            why=words.splitlines()[-1] if words else f"it said nothing for {START_SECONDS:.0f} seconds",
            fix=f"Look whether another server uses the folder {self.folder}",
        )
