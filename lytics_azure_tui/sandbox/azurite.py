"""Azurite, Microsoft's own stand-in for Blob Storage: installed once, run on a loopback port for as long as we live."""

from __future__ import annotations

import base64
import http.client
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.cache import cache_folder, make_once
from lytics_azure_tui.sandbox.held import HeldServer
from lytics_azure_tui.sandbox.node import find_node, run_installer

VERSION = "3.35"
ACCOUNT = "lyazuredemo"
START_SECONDS = 30.0

# Azurite's standard input is a pipe of which we alone hold the other end. When it closes, by stop() or because this
# process was killed, Azurite ends as by SIGTERM, which keeps all that was written.
_RUN = """
process.stdin.resume().on('end', () => process.kill(process.pid, 'SIGTERM'));
process.argv.splice(1, 0, process.env.LYAZURE_AZURITE);
require(process.env.LYAZURE_AZURITE);
"""


def _silent(text: str) -> None:
    pass


class Azurite(HeldServer):
    """One Azurite process on a free port of 127.0.0.1, with an account and a key of its own."""

    def __init__(self, folder: Path | None = None, *, say: Callable[[str], None] = _silent) -> None:
        """See `HeldServer`. `say` is told, in a short sentence, what takes long."""
        super().__init__(folder, "lyazure-azurite-", "azurite.log")
        self._say = say
        self._key = base64.b64encode(secrets.token_bytes(64)).decode()

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

    def _begin(self) -> subprocess.Popen[bytes]:
        """Installs Azurite first, if need be."""
        node = find_node(self._say)
        main = _installed(node.npm, self._say)
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(self.folder)]
        options += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        with self.log.open("wb") as log:
            return subprocess.Popen(
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
