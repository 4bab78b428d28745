"""Azurite, Microsoft's own stand-in for Blob Storage: installed once, run on a loopback port for as long as we live."""

from __future__ import annotations

import base64
import http.client
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.cache import cache_folder, make_once
from lytics_azure_tui.sandbox.node import find_node, run_installer

VERSION = "3.35"
ACCOUNT = "lyazuredemo"
START_SECONDS = 30.0
STOP_SECONDS = 15.0

# Azurite's standard input is a pipe of which we alone hold the other end. When it closes, by stop() or because this
# process was killed, Azurite ends as by SIGTERM, which keeps all that was written.
_RUN = """
process.stdin.resume().on('end', () => process.kill(process.pid, 'SIGTERM'));
process.argv.splice(1, 0, process.env.LYAZURE_AZURITE);
require(process.env.LYAZURE_AZURITE);
"""


def _silent(text: str) -> None:
    pass


class Azurite:
    """One Azurite process on a free port of 127.0.0.1, with an account and a key of its own.

    Use it as a context manager, or call `start` and `stop`. It never outlives the process that started it.

    Attributes:
        folder: where the data lies; the log, azurite.log, is in it too.
    """

    def __init__(self, folder: Path | None = None, *, say: Callable[[str], None] = _silent) -> None:
        """Prepares, without starting anything.

        Args:
            folder: keeps the data between two starts; None for a temporary one that goes when Azurite stops. Only one
                Azurite at a time may use a folder.
            say: is told, in a short sentence, what takes long.
        """
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lyazure-azurite-"))
        self._say = say
        self._key = base64.b64encode(secrets.token_bytes(64)).decode()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def log(self) -> Path:
        """What Azurite wrote."""
        return self.folder / "azurite.log"

    @property
    def port(self) -> int:
        """The port; 0 before the start."""
        return self._port

    @property
    def pid(self) -> int | None:
        """Azurite's process; None while there is none."""
        return self._process.pid if self._process else None

    @property
    def connection_string(self) -> Secret:
        """For the account, with its key."""
        return Secret(
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self._key};"
            f"BlobEndpoint=http://127.0.0.1:{self._port}/{ACCOUNT};"
        )

    @property
    def connection(self) -> StorageConnection:
        """The connection string, taken apart."""
        return StorageConnection.parse(self.connection_string)

    def start(self) -> Self:
        """Installs Azurite if need be, starts it, and waits until it answers.

        Raises:
            Fatal: it could not be installed or did not start.
        """
        node = find_node(self._say)
        main = _installed(node.npm, self._say)
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(self.folder)]
        options += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [node.node, "-e", _RUN, "--", *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                # By the environment, not by the command line: that one every user of the machine may read.
                env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self._key}", "LYAZURE_AZURITE": str(main)},
                # Ctrl+C is for us; we then end Azurite in order.
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends Azurite; everything written is kept in its folder, unless that is a temporary one."""
        self._end()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            said = self.log.read_text(errors="replace")
            address = re.search(r"successfully listens on http://127\.0\.0\.1:(\d+)", said)
            if address:
                self._port = int(address[1])
                if self._answers():
                    return
            time.sleep(0.02)
        said = self.log.read_text(errors="replace").strip()
        raise Fatal(
            "Azurite did not start",
            why=said.splitlines()[-1] if said else f"it said nothing for {START_SECONDS:.0f} seconds",
            fix=f"Delete the folder {cache_folder()} and try again: it holds nothing that is not made anew",
        )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", f"/{ACCOUNT}?comp=list")
            # Without a signature it is refused, which only a working service does.
            return connection.getresponse().status == http.HTTPStatus.FORBIDDEN
        except OSError:
            return False
        finally:
            connection.close()

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


def _installed(npm: tuple[str, ...], say: Callable[[str], None]) -> Path:
    """Azurite's program for blobs, installed from npm into the cache folder if it is not there.

    Raises:
        Fatal: it could not be installed.
    """

    def install(folder: Path) -> None:
        say("Installing Azurite, once; it takes about half a minute…")
        options = ["--prefix", str(folder), "--ignore-scripts", "--omit=dev", "--no-package-lock", "--no-audit"]
        # Without a network npm would wait for more than a minute before it says so.
        options += ["--no-fund", "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
        run_installer(
            [*npm, "install", *options, f"azurite@~{VERSION}.0"],
            folder,
            what="Azurite could not be installed from npm",
            fix="Look whether npm reaches its package registry (npm ping), then try again",
        )

    folder = make_once(cache_folder() / f"azurite-{VERSION}", install)
    return folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
