"""PGP messages opened by the gpg program, as streams: with the private key and the passphrase of an authorization.

gpg takes private keys from its home folder alone. That folder lies in memory where the system has a file system for
it, is for this user alone, and is gone when the message has been read.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.jobs.pipes import process, through
from lytics_azure_tui.model.authorization import Authorization, AzureStorage
from lytics_azure_tui.model.secret import Secret

_MEMORY = Path("/dev/shm")  # noqa: S108 -- a file system in memory, on Linux
_PREFIX = "lyazure-gpg-"
_ARMOUR = re.compile(r"(-----BEGIN PGP [A-Z ]+-----)(.*?)(-----END PGP [A-Z ]+-----)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Decryption:
    """The keys by which the PGP messages of an authorization are opened.

    Attributes:
        private_key: in ASCII armour.
        passphrase: of the private key, if it has one.
        signer: a public key in ASCII armour; where it is given, a message has to be signed by it.
    """

    private_key: Secret | None = None
    passphrase: Secret | None = None
    signer: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, authorization: Authorization) -> Decryption:
        """The keys of an authorization; none of one that has no files."""
        if not isinstance(authorization, AzureStorage):
            return cls()
        return cls(authorization.pgpprivatekey, authorization.pgppassphrase, authorization.pgpsignerkey)

    def __call__(self, blocks: Iterator[bytes], name: str) -> Generator[bytes, None, None]:
        """The contents of a message.

        Raises:
            BadConfiguration: the private key is not one that opens it, or its passphrase is wrong.
            Fatal: there is no private key; the message is damaged, cut off, or not signed as it has to be.
        """
        if self.private_key is None:
            raise Fatal(
                f"{name} is encrypted with PGP, and the authorization has no private key to open it with",
                fix="Edit the authorization and enter the private key; or put a decrypted copy beside the file",
            )
        with _home() as home:
            self._import(home)
            yield from self._opened(home, blocks, name)

    def check(self) -> None:
        """Tries the keys: whether gpg takes them, and whether the passphrase is that of the private key.

        Raises:
            BadConfiguration: a key cannot be used.
        """
        if self.private_key is not None:
            with _home() as home:
                message = _run(home, ["--armor", "--encrypt", "--recipient", self._import(home)], "\n")
                if "END PGP MESSAGE" not in message:
                    raise BadConfiguration(
                        "The PGP private key has no part for encryption, or has expired",
                        fix="Enter the key that files are encrypted for",
                    )
                for _ in self._opened(home, iter([message.encode()]), "A message to try the private key with"):
                    pass

    def _import(self, home: Path) -> str:
        """Returns the fingerprint of the private key."""
        key = self.private_key.reveal() if self.private_key else ""
        if "PRIVATE KEY BLOCK" not in key:
            raise BadConfiguration(
                "The PGP private key is no private key in ASCII armour",
                fix="Export it: gpg --armor --export-secret-keys ADDRESS",
            )
        status = _run(home, ["--import"], lines_of(key), self._secret())
        if "IMPORT_OK" not in status:
            raise BadConfiguration(
                "gpg does not accept the PGP private key",
                why="It may have been cut off when it was copied",
                fix="Export it again: gpg --armor --export-secret-keys ADDRESS",
            )
        fingerprint = next(line.split()[3] for line in status.splitlines() if "IMPORT_OK" in line)
        if self.signer and "IMPORT_OK" not in _run(home, ["--import"], lines_of(self.signer)):
            raise BadConfiguration(
                "gpg does not accept the signer's PGP public key", fix="Export it: gpg --armor --export ADDRESS"
            )
        return fingerprint

    def _secret(self) -> Secret:
        return self.passphrase or Secret("")

    def _opened(self, home: Path, blocks: Iterator[bytes], name: str) -> Generator[bytes, None, None]:
        with (home / "status").open("w+b") as said, _descriptor(self._secret()) as secret:
            command = [*_gpg(home, secret), "--status-fd", "2", "--output", "-", "--decrypt"]
            with process(command, said.fileno(), (secret,)) as running:
                yield from through(running, blocks)
                code = running.wait()
            said.seek(0)
            self._judge(said.read().decode(errors="replace"), code, name)

    def _judge(self, status: str, code: int, name: str) -> None:
        """Reads gpg's status lines (doc/DETAILS of GnuPG): its exit code alone says too little."""
        words = {line.split()[1] for line in status.splitlines() if line.startswith("[GNUPG:] ")}
        no_key = ("NO_SECKEY" in words or "No secret key" in status) and "DECRYPTION_OKAY" not in words
        if words & {"BAD_PASSPHRASE", "MISSING_PASSPHRASE"} or (no_key and "KEY_CONSIDERED" in words):
            # The key is there, and gpg cannot open it.
            raise BadConfiguration(
                f"{name} could not be decrypted: the passphrase of the private key is wrong or missing",
                fix="Edit the authorization and enter the passphrase",
            )
        if no_key:
            keys = sorted({line.split()[2] for line in status.splitlines() if "ENC_TO" in line})
            raise BadConfiguration(
                f"{name} is encrypted for another key than the private key of the authorization",
                why=f"It is encrypted for {', '.join(keys)}" if keys else "",
                fix="Have it encrypted for your public key, or enter the private key that belongs to it",
            )
        encrypted = "BEGIN_DECRYPTION" in words
        if (encrypted and "DECRYPTION_OKAY" not in words) or "BADMDC" in words:
            last = next((line for line in reversed(status.splitlines()) if line.startswith("gpg: ")), "")
            raise Fatal(
                f"{name} could not be decrypted; nothing of it was imported",
                why=last.removeprefix("gpg: ") or "It is damaged or cut off",
                fix="Upload the file again",
            )
        if self.signer:
            self._require_signature(words, name)
        elif "BADSIG" in words:
            raise Fatal(f"{name} has a signature that does not fit its contents", fix="Have the file sent again")
        elif code and not encrypted and "PLAINTEXT" not in words:
            raise Fatal(f"{name} is not a PGP message that gpg can read", fix="Upload the file again")

    def _require_signature(self, words: set[str], name: str) -> None:
        if "BADSIG" in words:
            raise Fatal(
                f"{name} has a signature that does not fit its contents; nothing of it was imported",
                fix="Have the file sent again, and ask its sender whether it was changed on the way",
            )
        if words & {"EXPSIG", "EXPKEYSIG", "REVKEYSIG"}:
            raise Fatal(f"{name} is signed with a key that has expired or was revoked", fix="Ask for the new key")
        if "GOODSIG" not in words or "VALIDSIG" not in words:
            raise Fatal(
                f"{name} is not signed by the signer's key of the authorization; nothing of it was imported",
                fix="Have the file signed; or take the signer's key out of the authorization",
            )


NO_KEYS = Decryption()
"""Refuses messages in words."""


def lines_of(armour: str) -> str:
    """A key in ASCII armour with its line breaks, which are lost where it was pasted as one line."""
    found = _ARMOUR.search(armour)
    if found is None or found[2].count("\n") > 2:
        return armour
    words = found[2].split()
    # Comments stand before the data, whose lines are 60 to 76 characters long.
    first = next((place for place, word in enumerate(words) if len(word) >= 60), 0)
    return "\n".join([found[1], "", *words[first:], found[3], ""])


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """A folder for gpg; its agent, which holds the private key, ends with it."""
    within = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _remove_left_behind(within)
    prefix = f"{_PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=within, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        try:
            yield home
        finally:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    ["gpgconf", "--homedir", folder, "--kill", "gpg-agent"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=10,
                    check=False,
                )


def _remove_left_behind(within: Path) -> None:
    """Removes the folders of processes that were killed: a private key lies in them."""
    for folder in within.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        # Another run may remove the same one at this moment.
        with contextlib.suppress(OSError):
            if owner.isdecimal() and folder.stat().st_uid == os.getuid() and not _lives(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _gpg(home: Path, passphrase: int) -> list[str]:
    program = shutil.which("gpg")
    if program is None:
        raise BadConfiguration(
            "The program gpg is not there", fix="Install it: apt install gnupg, or brew install gnupg"
        )
    return [
        *(program, "--homedir", str(home), "--batch", "--no-tty", "--quiet", "--trust-model", "always"),
        *("--pinentry-mode", "loopback", "--passphrase-fd", str(passphrase)),
    ]


def _run(home: Path, arguments: list[str], given: str, passphrase: Secret | None = None) -> str:
    with _descriptor(passphrase or Secret("")) as secret:
        done = subprocess.run(
            [*_gpg(home, secret), "--status-fd", "1", *arguments],
            input=given.encode(),
            capture_output=True,
            pass_fds=(secret,),
            check=False,
            timeout=120,
        )
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def _descriptor(secret: Secret) -> Iterator[int]:
    """A pipe from which a secret is read once: it is in no argument, variable or file."""
    reading, writing = os.pipe()
    try:
        # Passphrases are far shorter than what a pipe holds.
        os.write(writing, secret.reveal().encode()[:4096] + b"\n")
        os.close(writing)
        yield reading
    finally:
        os.close(reading)
