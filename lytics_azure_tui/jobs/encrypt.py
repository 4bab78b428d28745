"""PGP of what is being written: through the gpg program by two pipes. Nothing is on a disk, and memory stays flat."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import pgp
from lytics_azure_tui.jobs.pipes import process, through


def encrypted(content: Iterable[bytes], public_key: str, scratch: Path) -> Generator[bytes, None, None]:
    """A PGP message (RFC 9580) for a key's owner. The same content gives other bytes each time.

    Args:
        public_key: in ASCII armour; `pgp.check_public_key` has looked at it.
        scratch: a folder for gpg's home, which holds the public key while this goes on.

    Raises:
        Fatal: gpg has failed.
    """
    with pgp.opened(scratch) as gpg:
        gpg.import_keys(public_key)
        # What is worth compressing is compressed before or after by whoever asked for it.
        command = [
            *(str(gpg.gpgbinary), "--homedir", str(gpg.gnupghome), "--no-autostart", "--batch", "--no-tty", "--quiet"),
            *("--trust-model", "always", "--compress-algo", "none", "--recipient", gpg.list_keys()[0]["fingerprint"]),
            *("--output", "-", "--encrypt"),
        ]
        with (scratch / "gpg.log").open("w+b") as said, process(command, said.fileno()) as running:
            yield from through(running, content)
            if running.wait() != 0:
                said.seek(0)
                words = said.read(2000).decode(errors="replace").strip().splitlines()
                why = words[-1].removeprefix("gpg: ") if words else f"It ended with {running.returncode}"
                raise Fatal("gpg could not encrypt the file", why=why, fix="Look at the key, and try again")
