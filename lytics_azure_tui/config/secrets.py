"""Where secrets are kept, and how they come to an authorization. Which store is used is decided here alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol

from lytics_azure_tui.config.folder import APP, Folder
from lytics_azure_tui.config.keys import (
    DESCRIPTOR,
    PREFIX,
    VARIABLE,
    Keys,
    NewPassphraseNeeded,
    PassphraseNeeded,
    known,
    printable,
)
from lytics_azure_tui.config.secret_command import CommandStore
from lytics_azure_tui.errors import LyazureError, NotAuthorised
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.secret import Secret


class SecretStore(Protocol):
    """Secrets by the id of their authorization and the name of their field.

    Raises:
        NotAuthorised: the store is locked or refuses.
        RetryLater: it does not answer.
        BadConfiguration: it cannot be used, or cannot be written.
    """

    def get(self, owner: str, field: str) -> Secret | None:
        """The secret; None when there is none."""

    def set(self, owner: str, field: str, secret: Secret) -> None:
        """Keeps a secret in place of an earlier one."""

    def delete(self, owner: str, field: str) -> None:
        """Forgets a secret; nothing happens when there is none."""

    def describe(self) -> str:
        """Where secrets are, in one sentence without a full stop."""


def open_store(folder: Folder, given: Keys | None = None) -> SecretStore:
    """The store that the settings name; secrets from environment variables are looked at before it.

    Args:
        given: keys that go before those that this process was started with.

    Raises:
        PassphraseNeeded: the encrypted file is to be used, and the passphrase is missing or wrong.
        NotAuthorised, BadConfiguration: the store cannot be used.
    """
    keys = (given or Keys()).over(known())
    word, variables = keys.passphrase, keys.variables
    # Where the environment may hold all that is needed, the store behind it can be missing, and costs nothing.
    return EnvironmentFirst(variables, Later(lambda: _open(folder, word)) if variables else _open(folder, word))


def _open(folder: Folder, word: Secret | None) -> SecretStore:
    settings = folder.settings().secrets
    if settings.backend == "command":
        return CommandStore(tuple(settings.command), settings.timeout_seconds)
    path = encrypted_file(folder)
    why = ""
    # Once there is a file it stays in use: the same secrets over SSH, from cron and on the desktop.
    if settings.backend == "keyring" or (settings.backend == "auto" and not path.exists()):
        from lytics_azure_tui.config.secret_keyring import KeyringStore, usable_keyring

        keyring = usable_keyring(settings.timeout_seconds)
        if not isinstance(keyring, LyazureError):
            return KeyringStore(keyring, service_of(folder), settings.timeout_seconds)
        if settings.backend == "keyring":
            raise keyring
        why = keyring.what
    return _encrypted_file(path, word, why)


def _encrypted_file(path: Path, word: Secret | None, why: str) -> SecretStore:
    from lytics_azure_tui.config.secret_file import FileStore

    word = printable(word) if word else None
    if word is not None:
        return FileStore(path, word)
    fix = (
        f"Type it when asked, or give it in the variable {VARIABLE}, or by {DESCRIPTOR}; or set "
        'backend = "command" under [secrets] in settings.toml'
    )
    if path.exists():
        raise PassphraseNeeded(f"The encrypted file for secrets, {path}, needs a passphrase", why=why, fix=fix)
    raise NewPassphraseNeeded(
        f"Secrets will be kept in an encrypted file, {path}, and it needs a passphrase", why=why, fix=fix
    )


def encrypted_file(folder: Folder) -> Path:
    """Where the encrypted file is, if there is one."""
    return folder.root / "secrets.crypt"


def opens(folder: Folder, word: Secret) -> bool:
    """Whether a passphrase opens the encrypted file; any does while there is none. Takes about half a second."""
    path = encrypted_file(folder)
    if not path.exists():
        return True
    try:
        _encrypted_file(path, word, "")
    except LyazureError:
        return False
    return True


def service_of(folder: Folder) -> str:
    """The name of the folder's secrets in the keyring: each folder has its own."""
    return APP if folder.default else f"{APP} {folder.root}"


def variable(owner: str, field: str) -> str:
    """The environment variable that goes before the store."""
    return PREFIX + re.sub(r"[^A-Z0-9]", "_", f"{owner}_{field}".upper())


class EnvironmentFirst:
    """Secrets from environment variables, by the variable's name, and a store behind them."""

    def __init__(self, variables: Mapping[str, Secret], store: SecretStore) -> None:
        self._variables = variables
        self._store = store

    def get(self, owner: str, field: str) -> Secret | None:
        return self._variables.get(variable(owner, field)) or self._store.get(owner, field)

    def set(self, owner: str, field: str, secret: Secret) -> None:
        self._store.set(owner, field, secret)

    def delete(self, owner: str, field: str) -> None:
        self._store.delete(owner, field)

    def describe(self) -> str:
        names = sorted(self._variables)
        first = f"Secrets in the environment go first ({', '.join(names)}). " if names else ""
        return first + self._store.describe()


class Later:
    """A store that is opened by the first who asks it for something."""

    def __init__(self, opened: Callable[[], SecretStore]) -> None:
        self._opened = opened

    @cached_property
    def _store(self) -> SecretStore:
        return self._opened()

    def get(self, owner: str, field: str) -> Secret | None:
        return self._store.get(owner, field)

    def set(self, owner: str, field: str, secret: Secret) -> None:
        self._store.set(owner, field, secret)

    def delete(self, owner: str, field: str) -> None:
        self._store.delete(owner, field)

    def describe(self) -> str:
        try:
            return self._store.describe()
        except LyazureError as error:
            # What to do about it is said beside this.
            return f"There is no store for secrets: {'. '.join(filter(None, (error.what, error.why)))}"


def unlock(folder: Folder, store: SecretStore, authorization_id: str) -> Authorization:
    """An authorization with its secrets.

    Raises:
        NotAuthorised: a secret is not there, or the store does not give it out.
        BadConfiguration: there is no such authorization.
    """
    authorization = folder.authorization(authorization_id)
    needed = authorization.required_secrets()
    secrets = {field: store.get(authorization_id, field) for field in needed}
    for field in needed:
        if not secrets[field]:
            raise NotAuthorised(
                f"The {field} of the authorization {authorization.label} is not stored",
                why=store.describe(),
                fix=f"Edit the authorization and enter it, or set {variable(authorization_id, field)}",
            )
    for field in authorization.secret_fields():
        if field not in needed:
            # The store has given out what is needed: a command that fails for one that may be missing has none.
            with suppress(NotAuthorised):
                secrets[field] = store.get(authorization_id, field)
    return authorization.model_copy(update=secrets)


def save(folder: Folder, store: SecretStore, authorization: Authorization) -> None:
    """Keeps an authorization: its secrets in the store, the rest in its file. A secret of None stays as it was."""
    given = known().variables
    for field in authorization.secret_fields():
        secret = getattr(authorization, field)
        # What the environment holds is not kept by that.
        if secret and (variable(authorization.id, field) in given or secret != store.get(authorization.id, field)):
            store.set(authorization.id, field, secret)
    folder.save_authorization(authorization)


def remove(folder: Folder, store: SecretStore, authorization_id: str) -> None:
    """Deletes an authorization and its secrets. Raises `BadConfiguration` while a job uses it."""
    fields = folder.authorization(authorization_id).secret_fields()
    folder.delete_authorization(authorization_id)
    for field in fields:
        store.delete(authorization_id, field)
