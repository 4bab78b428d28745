"""Secrets in a real Secret Service: gnome-keyring on a message bus of its own, unlocked, locked, silent."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

MISSING = [program for program in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(program) is None]
STRING = "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://open-sesame-1001"
PASSWORD = "the desktop's password"

needs_keyring = pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)}")

BEGINNING = f"""
import json, sys, time
from pathlib import Path
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.secrets import open_store, remove, save, unlock
from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.secret import Secret
folder = Folder.open(Path(sys.argv[1]))
authorization = AzureStorage(id="storage", label="Storage", connection_string=Secret({STRING!r}))
began = time.monotonic()
answer = {{}}
def attempt(call):
    try:
        return call()
    except LyazureError as error:
        return [type(error).__name__, str(error)]
"""


class Desktop:
    """A home with a keyring in it, in which pieces of Python can be run as in a desktop session."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "configuration"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "DISPLAY", "WAYLAND"))
        }
        self.environment |= {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
        self.environment |= {"XDG_RUNTIME_DIR": str(home / "run")}
        (home / "run").mkdir(mode=0o700)

    def unlocked(self, code: str) -> dict[str, object]:
        """Runs code where the keyring was opened with the password."""
        open_it = 'eval "$(gnome-keyring-daemon --unlock --components=secrets)"; exec "$@"'
        return self._run(["dbus-run-session", "--", "sh", "-c", open_it, "sh"], code, PASSWORD)

    def locked(self, code: str) -> dict[str, object]:
        """Runs code where the keyring is locked and nobody can be asked for its password."""
        return self._run(["dbus-run-session", "--"], code, "")

    def alone(self, code: str, **environment: str) -> dict[str, object]:
        """Runs code without a message bus."""
        self.environment |= environment
        return self._run([], code, "")

    def files(self) -> bytes:
        """All bytes of all files of the home."""
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file() and not path.is_symlink())

    def _run(self, prefix: list[str], code: str, typed: str) -> dict[str, object]:
        program = BEGINNING + textwrap.dedent(code) + "\nprint('\\n' + json.dumps(answer))"
        # No line break after the password: it would be part of it.
        done = subprocess.run(
            [*prefix, sys.executable, "-c", program, str(self.folder)],
            input=typed,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "open-sesame" not in done.stderr
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    # A socket's path has at most 108 bytes.
    return Desktop(tmp_path.parent)


@needs_keyring
def test_a_secret_is_in_the_keyring_and_in_no_file_as_plain_text(desktop: Desktop) -> None:
    answer = desktop.unlocked(
        """
        store = open_store(folder)
        save(folder, store, authorization)
        answer["described"] = store.describe()
        """
    )
    assert answer["described"] == (
        f"Secrets are in this system's keyring (SecretService Keyring) under the name lyazure-tui {desktop.folder}"
    )
    assert b"open-sesame" not in desktop.files()
    assert PASSWORD.encode() not in desktop.files()
    assert not (desktop.folder / "secrets.crypt").exists()

    answer = desktop.unlocked(
        """
        store = open_store(folder)
        answer["same"] = unlock(folder, store, "storage") == authorization
        remove(folder, store, "storage")
        answer["after"] = store.get("storage", "connection_string") is None
        """
    )
    assert answer == {"same": True, "after": True}


@needs_keyring
def test_two_folders_do_not_share_their_secrets(desktop: Desktop) -> None:
    answer = desktop.unlocked(
        """
        save(folder, open_store(folder), authorization)
        other = Folder.open(folder.root.parent / "other")
        answer["other"] = open_store(other).get("storage", "connection_string") is None
        """
    )
    assert answer == {"other": True}


@needs_keyring
def test_a_locked_keyring_is_said_with_the_other_way(desktop: Desktop) -> None:
    desktop.unlocked("save(folder, open_store(folder), authorization)")
    answer = desktop.locked(
        """
        store = open_store(folder)
        answer["get"] = attempt(lambda: unlock(folder, store, "storage"))
        answer["set"] = attempt(lambda: store.set("storage", "connection_string", Secret("x")))
        """
    )
    for found in (answer["get"], answer["set"]):
        assert isinstance(found, list)
        kind, text = found
        assert kind == "NotAuthorised"
        assert text.startswith("The keyring is locked. Unlock it and try again")
        assert 'backend = "file"' in text


def test_without_a_message_bus_the_encrypted_file_is_used(desktop: Desktop) -> None:
    answer = desktop.alone(
        """
        answer["asked"] = attempt(lambda: open_store(folder))
        store = open_store(folder, Keys(Secret("correct horse")))
        save(folder, store, authorization)
        answer["described"] = store.describe()
        """
    )
    assert isinstance(answer["asked"], list)
    assert answer["asked"][0] == "NewPassphraseNeeded"
    assert "No keyring can be used in this session" in answer["asked"][1]
    assert (
        answer["described"]
        == f"Secrets are in the encrypted file {desktop.folder}/secrets.crypt, opened by a passphrase"
    )
    assert b"open-sesame" not in desktop.files()


@needs_keyring
def test_the_encrypted_file_stays_in_use_when_a_keyring_appears(desktop: Desktop) -> None:
    desktop.alone("save(folder, open_store(folder, Keys(Secret('correct horse'))), authorization)")
    answer = desktop.unlocked(
        """
        answer["asked"] = attempt(lambda: open_store(folder))
        answer["same"] = unlock(folder, open_store(folder, Keys(Secret("correct horse"))), "storage") == authorization
        """
    )
    assert isinstance(answer["asked"], list)
    assert answer["asked"][0] == "PassphraseNeeded"
    assert answer["same"] is True


def test_a_bus_that_never_answers_does_not_hold_the_program(desktop: Desktop) -> None:
    desktop.folder.mkdir(mode=0o700)
    settings = desktop.folder / "settings.toml"
    path = desktop.home / "bus"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        for backend, kind in (("auto", "NewPassphraseNeeded"), ("keyring", "RetryLater")):
            settings.write_text(f'[secrets]\nbackend = "{backend}"\ntimeout_seconds = 0.5\n')
            began = time.monotonic()
            answer = desktop.alone(
                """
                answer["found"] = attempt(lambda: open_store(folder))
                answer["seconds"] = time.monotonic() - began
                """,
                DBUS_SESSION_BUS_ADDRESS=f"unix:path={path}",
            )
            assert isinstance(answer["found"], list)
            assert answer["found"][0] == kind, answer
            assert "The keyring did not answer within 0.5 seconds" in answer["found"][1]
            assert isinstance(answer["seconds"], float)
            assert answer["seconds"] < 5
            assert time.monotonic() - began < 20  # the thread that waits on does not hold the program's end
