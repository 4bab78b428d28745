"""Secrets in an encrypted file (Argon2 and AES-GCM, by keyrings.cryptfile), for machines without a keyring."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from configparser import Error
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lytics_azure_tui.config.keys import VARIABLE, PassphraseNeeded
from lytics_azure_tui.config.toml import write_bytes
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.secret import Secret

_SERVICE = "lyazure-tui"
_Stamp = tuple[int, int, int]


class FileStore:
    """The file at a path; it is made when the first secret is kept.

    Each look into the file takes about a second, as its encryption intends: what was read is remembered while the
    file stays the same.

    Raises:
        PassphraseNeeded: the file is there, and this is not its passphrase.
        BadConfiguration: the file is not one of these.
    """

    def __init__(self, path: Path, passphrase: Secret) -> None:
        self._path = path
        self._passphrase = passphrase
        self._known: dict[tuple[str, str], Secret | None] = {}
        self._stamp: _Stamp | None = None
        self._keyring: Any = None
        self._lock = threading.RLock()
        self._look()

    def get(self, owner: str, field: str) -> Secret | None:
        with self._lock:
            self._look()
            if self._keyring is None:
                return None
            if (owner, field) not in self._known:
                found = self._keyring.get_password(_SERVICE, f"{owner}/{field}")
                self._known[owner, field] = Secret(found) if found else None
            return self._known[owner, field]

    def set(self, owner: str, field: str, secret: Secret) -> None:
        with self._change() as keyring:
            keyring.set_password(_SERVICE, f"{owner}/{field}", secret.reveal())
            self._known[owner, field] = secret

    def delete(self, owner: str, field: str) -> None:
        with self._lock:
            if self.get(owner, field) is None:
                return
            with self._change() as keyring:
                keyring.delete_password(_SERVICE, f"{owner}/{field}")
                self._known[owner, field] = None

    def describe(self) -> str:
        return f"Secrets are in the encrypted file {self._path}, opened by a passphrase"

    def _look(self) -> None:
        """Opens the file again when it is not the one that was read."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._known.clear()
            self._keyring = None if stamp is None else _opened(self._path, self._passphrase)
            self._stamp = stamp

    @contextmanager
    def _change(self) -> Iterator[Any]:
        """The keyring over a copy of the file, which takes the file's place at the end, in one step."""
        with self._lock:
            self._look()
            with tempfile.TemporaryDirectory(dir=self._path.parent, prefix=".secrets-") as folder:
                copy = Path(folder) / "copy"
                if self._keyring is None:
                    keyring = _opened(copy, self._passphrase)
                else:
                    keyring = self._keyring
                    shutil.copyfile(self._path, copy)
                keyring.file_path = str(copy)
                try:
                    yield keyring
                finally:
                    keyring.file_path = str(self._path)
                write_bytes(self._path, copy.read_bytes())
            self._keyring = keyring
            self._stamp = _stamp(self._path)


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or type(error).__name__
    else:
        return status.st_mtime_ns, status.st_size, status.st_ino
    raise BadConfiguration(f"{path} cannot be read", why=why, fix="Look at its owner and permissions")


def _opened(path: Path, passphrase: Secret) -> Any:
    """The keyring over a file; a file that is not there is made."""
    from keyrings.cryptfile.cryptfile import CryptFileKeyring

    # Without this mark the library would write a mark of its own into whatever file it is.
    ours = not path.exists() or b"password_20reference" in path.read_bytes()
    if ours:
        keyring = CryptFileKeyring()
        keyring.file_path = str(path)
        try:
            keyring.keyring_key = passphrase.reveal()
            return keyring
        except ValueError as error:
            wrong = "MAC" in str(error) or "Incorrect Password" in str(error)
        except Error:
            wrong = False
        if wrong:
            raise PassphraseNeeded(
                f"The passphrase does not open {path}",
                fix=f"Type the one that the file was made with, or look at the variable {VARIABLE}",
            )
    raise BadConfiguration(
        f"{path} is not an encrypted file of this program, or it is damaged",
        fix="Put back a copy of it; or move it away and enter the secrets again",
    )
