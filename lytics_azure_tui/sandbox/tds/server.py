"""The stand-in for Azure SQL Database as a process of its own, held by the one that started it."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.held import HeldServer

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql import SqlSession

START_SECONDS = 30.0
HOST = "localhost"
OWNER = "lyazure"
READER = "reader"
OPERATOR = "operator"
DATABASE = "demo"


class SqlServer(HeldServer):
    """One server on a free port of 127.0.0.1, with logins and a certificate authority of its own.

    Attributes:
        host: to connect to; the certificate is for it.
        user: the login that owns everything.
        password: of that login.
        reader: a login that may only SELECT, and only in the schema sales.
        reader_password: of that login.
        database: the first one.
    """

    host = HOST
    user = OWNER
    reader = READER
    database = DATABASE

    def __init__(self, folder: Path | None = None) -> None:
        """See `HeldServer`."""
        super().__init__(folder, "lyazure-sql-", "server.log")
        self.password = Secret(secrets.token_urlsafe(18))
        self.reader_password = Secret(secrets.token_urlsafe(18))
        self._operator_password = Secret(secrets.token_urlsafe(18))
        self._ca_file = self.folder / "tls" / "ca.pem"

    @property
    def ca_file(self) -> Path:
        """The certificate of its authority, PEM; another one after each start."""
        return self._ca_file

    def _begin(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        passwords = {self.user: self.password, self.reader: self.reader_password, OPERATOR: self._operator_password}
        logins = {user: password.reveal() for user, password in passwords.items()}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "lytics_azure_tui.sandbox.tds", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # By the environment, not by the command line: that one every user of the machine may read.
                env={**os.environ, "LYAZURE_SQL_LOGINS": json.dumps(logins)},
                # Ctrl+C is for us; we then end the server in order.
                start_new_session=True,
            )

    @contextmanager
    def session(self) -> Iterator[SqlSession]:
        """A session of a login that owns everything, and that no ordered fault meets."""
        from lytics_azure_tui.azure.sql import SqlSession
        from lytics_azure_tui.model.authorization import AzureSql

        authorization = AzureSql(
            id="sandbox",
            label="Sandbox",
            server=self.host,
            port=self.port,
            database=self.database,
            user=OPERATOR,
            password=self._operator_password,
            ca_file=str(self.ca_file),
        )
        with SqlSession(authorization) as session:
            yield session

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        assert process.stdout is not None  # noqa: S101
        while time.monotonic() < deadline and process.poll() is None:
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            if ready:
                line = process.stdout.readline()
                if line:
                    said = json.loads(line)
                    self._port, self._ca_file = int(said["port"]), Path(said["ca_file"])
                    return
        words = self.log.read_text(errors="replace").strip()
        raise Fatal(
            "The stand-in for Azure SQL Database did not start",
            why=words.splitlines()[-1] if words else f"it said nothing for {START_SECONDS:.0f} seconds",
            fix=f"Look whether another server uses the folder {self.folder}",
        )
