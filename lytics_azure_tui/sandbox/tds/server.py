"""The stand-in for Azure SQL Database as a process of its own, held by the one that started it."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.secret import Secret

if TYPE_CHECKING:
    from lytics_azure_tui.azure.sql import SqlSession

START_SECONDS = 30.0
STOP_SECONDS = 15.0
HOST = "localhost"
OWNER = "lyazure"
READER = "reader"
OPERATOR = "operator"
DATABASE = "demo"


class SqlServer:
    """One server on a free port of 127.0.0.1, with logins and a certificate authority of its own.

    Use it as a context manager, or call `start` and `stop`. It never outlives the process that started it.

    Attributes:
        folder: where the data lies; the log, server.log, is in it too.
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
        """Prepares, without starting anything.

        Args:
            folder: keeps the data between two starts; None for a temporary one that goes when the server stops. Only
                one server at a time may use a folder.
        """
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lyazure-sql-"))
        self.password = Secret(secrets.token_urlsafe(18))
        self.reader_password = Secret(secrets.token_urlsafe(18))
        self._operator_password = Secret(secrets.token_urlsafe(18))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._ca_file = self.folder / "tls" / "ca.pem"

    @property
    def log(self) -> Path:
        """What the server wrote, if it had anything to say."""
        return self.folder / "server.log"

    @property
    def port(self) -> int:
        """The port; 0 before the start."""
        return self._port

    @property
    def ca_file(self) -> Path:
        """The certificate of its authority, PEM; another one after each start."""
        return self._ca_file

    @property
    def pid(self) -> int | None:
        """The server's process; None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Starts the server and waits until it listens.

        Raises:
            Fatal: it did not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        passwords = {self.user: self.password, self.reader: self.reader_password, OPERATOR: self._operator_password}
        logins = {user: password.reveal() for user, password in passwords.items()}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lytics_azure_tui.sandbox.tds", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # By the environment, not by the command line: that one every user of the machine may read.
                env={**os.environ, "LYAZURE_SQL_LOGINS": json.dumps(logins)},
                # Ctrl+C is for us; we then end the server in order.
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the server; everything committed is kept in its folder, unless that is a temporary one."""
        self._end()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

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

    @contextmanager
    def connect(self, **options: Any) -> Iterator[Any]:
        """A connection by pytds, with TLS and the certificate checked.

        Args:
            options: user, password, database, autocommit and others of pytds.connect.
        """
        # Loaded by its name: no part of the program may build on this way, which leaves out all that `azure` does.
        pytds = importlib.import_module("pytds")
        options = {
            "user": self.user,
            "password": self.password.reveal(),
            "database": self.database,
            "autocommit": True,
            "timeout": 60,
            "login_timeout": 30,
            **options,
        }
        connection = pytds.connect(self.host, port=self.port, cafile=str(self.ca_file), validate_host=True, **options)
        try:
            yield connection
        finally:
            # One that broke off cannot be closed in order, and what broke it is the error to see.
            with suppress(Exception):
                connection.close()

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

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
