"""Where secrets are kept when there is no keyring: the encrypted file, a command, the environment."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordSetError
from keyrings.cryptfile.cryptfile import CryptFileKeyring

from lytics_azure_tui.config import keys
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys, PassphraseNeeded
from lytics_azure_tui.config.secret_keyring import KeyringStore
from lytics_azure_tui.config.secrets import open_store, remove, save, unlock
from lytics_azure_tui.errors import BadConfiguration, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.secret import Secret

WORD = Secret("correct horse")
STRING = "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://open-sesame-1001"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    # The work factors of the encryption; the tests with a real keyring keep those that are used.
    monkeypatch.setattr(CryptFileKeyring, "time_cost", 1)
    monkeypatch.setattr(CryptFileKeyring, "memory_cost", 1024)
    # As on a box without a desktop, whatever this machine is.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return Folder.open(tmp_path / "configuration")


def storage(connection_string: str | None = STRING) -> AzureStorage:
    secret = Secret(connection_string) if connection_string else None
    return AzureStorage(id="storage", label="Storage", connection_string=secret)


def settings(folder: Folder, text: str) -> None:
    (folder.root / "settings.toml").write_text(text)


def all_bytes(folder: Folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.root.rglob("*") if path.is_file())


# The encrypted file


def test_without_a_keyring_secrets_go_into_an_encrypted_file(folder: Folder) -> None:
    store = open_store(folder, Keys(WORD))
    save(folder, store, storage())
    path = folder.root / "secrets.crypt"
    assert store.describe() == f"Secrets are in the encrypted file {path}, opened by a passphrase"
    assert path.stat().st_mode & 0o777 == 0o600
    assert unlock(folder, open_store(folder, Keys(WORD)), "storage") == storage()
    for word in (b"open-sesame", b"correct horse"):
        assert word not in all_bytes(folder)
    assert {item.name for item in folder.root.iterdir()} == {"authorizations", "jobs", "secrets.crypt"}


def test_without_a_passphrase_it_says_what_is_missing_and_the_ways_to_give_it(folder: Folder) -> None:
    with pytest.raises(PassphraseNeeded) as caught:
        open_store(folder)
    assert str(folder.root / "secrets.crypt") in caught.value.what
    assert "No keyring can be used" in caught.value.why
    assert "LYAZURE_PASSPHRASE" in caught.value.fix
    assert list(folder.root.glob("secrets*")) == []


def test_a_wrong_passphrase_is_said_and_changes_nothing(folder: Folder) -> None:
    save(folder, open_store(folder, Keys(WORD)), storage())
    before = all_bytes(folder)
    with pytest.raises(PassphraseNeeded, match="The passphrase does not open") as caught:
        open_store(folder, Keys(Secret("incorrect horse")))
    assert "incorrect horse" not in str(caught.value)
    assert caught.value.__context__ is None
    assert all_bytes(folder) == before


def test_the_environment_gives_the_passphrase(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.VARIABLE, f"{WORD.reveal()}\n")
    save(folder, open_store(folder), storage())
    monkeypatch.setenv(keys.VARIABLE, "another")
    assert unlock(folder, open_store(folder, Keys(WORD)), "storage") == storage()


def test_an_inherited_pipe_gives_the_passphrase_as_often_as_it_is_asked(folder: Folder) -> None:
    save(folder, open_store(folder, Keys(WORD)), storage())
    reading, writing = os.pipe()
    os.write(writing, WORD.reveal().encode())
    os.close(writing)
    code = (
        "import sys; from pathlib import Path; from keyrings.cryptfile.cryptfile import CryptFileKeyring as File;"
        "File.time_cost, File.memory_cost = 1, 1024; from lytics_azure_tui.config.folder import Folder;"
        "from lytics_azure_tui.config.secrets import open_store;"
        "folder = Folder.open(Path(sys.argv[1]));"
        "print([open_store(folder).get('storage', 'connection_string').reveal() for _ in range(2)])"
    )
    environment = {**os.environ, keys.DESCRIPTOR: str(reading)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.root)],
        env=environment,
        pass_fds=[reading],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(reading)
    assert done.stdout.strip() == str([STRING, STRING]), done.stderr


@pytest.mark.parametrize("word", ["", " ", "\n"])
def test_a_blank_passphrase_is_none(folder: Folder, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv(keys.VARIABLE, word)
    with pytest.raises(PassphraseNeeded, match="needs a passphrase"):
        open_store(folder)


def test_a_passphrase_that_is_not_text_is_said(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.VARIABLE, "word\udcff")
    with pytest.raises(BadConfiguration, match="cannot be printed"):
        open_store(folder)


def test_a_descriptor_that_is_not_open_is_said(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("991", "three", "99999999999999999999"):
        monkeypatch.setenv(keys.DESCRIPTOR, wrong)
        with pytest.raises(BadConfiguration, match="cannot be read from the file descriptor"):
            open_store(folder)


@pytest.mark.parametrize("content", [b"", b"not one of ours", b"[a]\nb", b"\xff\xfe\x00"])
def test_a_file_that_is_not_one_of_ours_is_left_alone(folder: Folder, content: bytes) -> None:
    path = folder.root / "secrets.crypt"
    path.write_bytes(content)
    with pytest.raises(BadConfiguration, match="is not an encrypted file of this program, or it is damaged"):
        open_store(folder, Keys(WORD))
    assert path.read_bytes() == content


def test_a_damaged_file_is_said(folder: Folder) -> None:
    save(folder, open_store(folder, Keys(WORD)), storage())
    path = folder.root / "secrets.crypt"
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(LyazureError, match=r"is damaged|does not open"):
        open_store(folder, Keys(WORD))


def test_a_secret_read_once_is_there_at_once_until_the_file_changes(folder: Folder) -> None:
    store, other = open_store(folder, Keys(WORD)), open_store(folder, Keys(WORD))
    store.set("a", "field", Secret("one"))
    assert other.get("a", "field") == Secret("one")
    began = time.thread_time()
    assert all(other.get("a", "field") == Secret("one") for _ in range(100))
    assert time.thread_time() - began < 0.2
    store.set("a", "field", Secret("two"))
    assert other.get("a", "field") == Secret("two")
    store.delete("a", "field")
    store.delete("a", "field")
    assert other.get("a", "field") is None
    assert list(folder.root.glob(".secrets*")) == []


def test_a_link_to_a_file_kept_elsewhere_stays_one(folder: Folder, tmp_path: Path) -> None:
    kept = tmp_path / "kept.crypt"
    (folder.root / "secrets.crypt").symlink_to(kept)
    open_store(folder, Keys(WORD)).set("a", "field", Secret("one"))
    assert (folder.root / "secrets.crypt").is_symlink()
    assert open_store(folder, Keys(WORD)).get("a", "field") == Secret("one")


# A command


def command(folder: Folder, *parts: str, timeout: float = 10) -> None:
    settings(folder, f'[secrets]\nbackend = "command"\ntimeout_seconds = {timeout}\ncommand = {json.dumps(parts)}\n')


def test_a_command_prints_the_secret(folder: Folder) -> None:
    command(folder, sys.executable, "-c", "import sys; print('secret of ' + sys.argv[1])", "{owner}/{field}")
    store = open_store(folder)
    assert store.get("storage", "connection_string") == Secret("secret of storage/connection_string")
    assert "Secrets come from the command: " in store.describe()


def test_no_shell_reads_the_command(folder: Folder, tmp_path: Path) -> None:
    command(folder, "echo", "$(touch", f"{tmp_path}/made);", "{owner}; x")
    assert open_store(folder).get("a", "b") == Secret(f"$(touch {tmp_path}/made); a; x")


def test_a_command_need_not_know_secrets_that_may_be_missing(folder: Folder) -> None:
    command(folder, "sh", "-c", '[ "$0" = connection_string ] && echo UseDevelopmentStorage=true', "{field}")
    folder.save_authorization(storage())
    unlocked = unlock(folder, open_store(folder), "storage")
    assert unlocked == storage("UseDevelopmentStorage=true")


def test_a_command_is_asked_once(folder: Folder, tmp_path: Path) -> None:
    command(folder, sys.executable, "-c", f"open({str(tmp_path / 'count')!r}, 'a').write('x'); print('y')")
    store = open_store(folder)
    assert [store.get("a", "b"), store.get("a", "b")] == [Secret("y")] * 2
    assert (tmp_path / "count").read_text() == "x"


def test_a_command_that_fails_is_said_without_what_it_printed(folder: Folder) -> None:
    command(folder, "sh", "-c", "echo open-sesame-1001; echo open-sesame-1001 >&2; exit 3", "{owner}")
    with pytest.raises(NotAuthorised, match="exit code 3") as caught:
        open_store(folder).get("storage", "connection_string")
    assert caught.value.fix.startswith("Run it to see: sh -c ")
    assert caught.value.fix.endswith(" storage")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(folder: Folder, tmp_path: Path) -> None:
    command(folder, "sh", "-c", f"sleep 60 & echo $! > {shlex.quote(str(tmp_path))}/pid; wait", timeout=0.5)
    began = time.monotonic()
    with pytest.raises(RetryLater, match=r"did not end within 0\.5 seconds"):
        open_store(folder).get("a", "b")
    assert time.monotonic() - began < 5
    pid = (tmp_path / "pid").read_text().strip()
    until = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: str) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (("/nowhere/at/all",), "No such file"),
        ((sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes([255]))"), "not text"),
        ((sys.executable, "-c", "print('x' * 100_000)"), "not text"),
    ],
)
def test_a_command_that_cannot_be_used_is_said(folder: Folder, parts: tuple[str, ...], why: str) -> None:
    command(folder, *parts)
    with pytest.raises(BadConfiguration, match=why):
        open_store(folder).get("a", "b")


def test_a_command_that_prints_nothing_has_no_secret(folder: Folder) -> None:
    command(folder, "true")
    assert open_store(folder).get("a", "b") is None


def test_a_command_is_never_written_to(folder: Folder) -> None:
    command(folder, "pass", "show", "{owner}/{field}")
    with pytest.raises(BadConfiguration, match=r"prints it: pass show storage/connection_string"):
        open_store(folder).set("storage", "connection_string", Secret("x"))


# The environment


def test_a_secret_in_the_environment_goes_first(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder, open_store(folder, Keys(WORD)), storage())
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")
    store = open_store(folder, Keys(WORD))
    assert unlock(folder, store, "storage") == storage("UseDevelopmentStorage=true")
    assert "environment go first (LYAZURE_SECRET_STORAGE_CONNECTION_STRING)" in store.describe()
    assert "UseDevelopment" not in store.describe()


def test_what_the_environment_holds_is_kept_all_the_same(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", STRING)
    save(folder, open_store(folder, Keys(WORD)), storage())
    monkeypatch.delenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING")
    assert unlock(folder, open_store(folder, Keys(WORD)), "storage") == storage()


def test_with_all_secrets_in_the_environment_no_store_is_needed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save_authorization(storage())
    monkeypatch.setenv("LYAZURE_SECRET_STORAGE_CONNECTION_STRING", STRING)
    store = open_store(folder)
    assert unlock(folder, store, "storage") == storage()
    assert "There is no store for secrets" in store.describe()
    with pytest.raises(PassphraseNeeded):
        store.get("another", "connection_string")


# Authorizations and their secrets


def test_a_secret_that_is_not_there_is_said_with_the_ways_to_give_it(folder: Folder) -> None:
    save(folder, open_store(folder, Keys(WORD)), storage(None))
    with pytest.raises(NotAuthorised) as caught:
        unlock(folder, open_store(folder, Keys(WORD)), "storage")
    assert "connection_string of the authorization Storage is not stored" in caught.value.what
    assert "secrets.crypt" in caught.value.why
    assert "LYAZURE_SECRET_STORAGE_CONNECTION_STRING" in caught.value.fix


def test_an_edit_without_the_secret_keeps_it(folder: Folder) -> None:
    store = open_store(folder, Keys(WORD))
    save(folder, store, storage())
    save(folder, store, storage(None).model_copy(update={"label": "Renamed"}))
    assert unlock(folder, store, "storage") == storage().model_copy(update={"label": "Renamed"})


def test_deleting_takes_the_secret_along_but_not_while_a_job_uses_it(folder: Folder) -> None:
    store = open_store(folder, Keys(WORD))
    save(folder, store, storage())
    config = CsvImport(stream="s", container="abc", filename="a.csv")
    folder.save_job(Job(id="a", label="A", workflow="AzureCsvImport", authorization="storage", config=config))
    with pytest.raises(BadConfiguration, match="is used by A"):
        remove(folder, store, "storage")
    assert store.get("storage", "connection_string") == Secret(STRING)
    folder.delete_job("a")
    remove(folder, store, "storage")
    assert store.get("storage", "connection_string") is None
    assert folder.authorizations() == []


# Which store


def test_a_keyring_in_plain_text_is_never_used(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """keyrings.alt is not installed: a module of its name stands in for it."""
    package = tmp_path / "modules" / "keyrings" / "alt"
    package.mkdir(parents=True)
    (package / "file.py").write_text(
        "from keyring.backends.null import Keyring\nclass PlaintextKeyring(Keyring):\n    priority = 9\n"
    )
    code = (
        "import sys; from pathlib import Path; from lytics_azure_tui.config.secret_keyring import usable_keyring;"
        "import keyrings; keyrings.__path__.append(sys.argv[1]); print(usable_keyring(10))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(package.parent)],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "keyrings.alt.file is no keyring: it does not protect what it stores" in done.stdout, done.stderr


def test_a_keyring_that_was_asked_for_and_is_not_there_is_said(folder: Folder) -> None:
    settings(folder, '[secrets]\nbackend = "keyring"\n')
    with pytest.raises(BadConfiguration, match="No keyring can be used in this session") as caught:
        open_store(folder, Keys(WORD))
    assert 'set backend = "file"' in caught.value.fix


class Failing:
    """A keyring that fails in one way, and quotes what it was given. Not a real subclass: those register themselves."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error(f"no {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error(f"cannot store {password}")

    def delete_password(self, service: str, username: str) -> None:
        raise self.error(f"cannot delete {username}")


@pytest.mark.parametrize(
    ("error", "kind", "why"),
    [
        (KeyringLocked, NotAuthorised, "is locked"),
        (InitError, NotAuthorised, "is locked"),
        (NoKeyringError, BadConfiguration, "There is no keyring"),
        (PasswordSetError, BadConfiguration, "It reported PasswordSetError"),
        (RuntimeError, BadConfiguration, "It reported RuntimeError"),
    ],
)
def test_a_failing_keyring_is_said_without_what_it_quotes(
    error: type[Exception], kind: type[LyazureError], why: str
) -> None:
    store = KeyringStore(cast(KeyringBackend, Failing(error)), "lyazure-tui", 5)
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.get("a", "b"),
        lambda: store.set("a", "b", Secret("open-sesame-1001")),
        lambda: store.delete("a", "b"),
    )
    for call in calls:
        with pytest.raises(kind, match=why) as caught:
            call()
        assert 'backend = "file"' in caught.value.fix
        assert "sesame" not in f"{caught.value!r} {caught.value} {caught.value.__context__!r}"
