"""Secrets in the operating system's keyring. It may block on its bus or on a dialog, so every call has a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lytics_azure_tui.errors import BadConfiguration, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

_ELSEWHERE = 'set backend = "file" under [secrets] in settings.toml for an encrypted file'


class KeyringStore:
    """The keyring.

    Args:
        backend: which one.
        service: the name that the secrets have there in common.
        timeout: seconds for one call.
    """

    def __init__(self, backend: KeyringBackend, service: str, timeout: float) -> None:
        self._backend = backend
        self._service = service
        self._timeout = timeout

    def get(self, owner: str, field: str) -> Secret | None:
        found = _within(self._timeout, lambda: self._backend.get_password(self._service, f"{owner}/{field}"))
        return Secret(found) if found else None

    def set(self, owner: str, field: str, secret: Secret) -> None:
        _within(self._timeout, lambda: self._backend.set_password(self._service, f"{owner}/{field}", secret.reveal()))

    def delete(self, owner: str, field: str) -> None:
        from keyring.errors import PasswordDeleteError

        def delete() -> None:
            try:
                self._backend.delete_password(self._service, f"{owner}/{field}")
            except PasswordDeleteError:
                if self._backend.get_password(self._service, f"{owner}/{field}") is not None:
                    raise

        _within(self._timeout, delete)

    def describe(self) -> str:
        return f"Secrets are in this system's keyring ({self._backend.name}) under the name {self._service}"


def usable_keyring(timeout: float) -> KeyringBackend | LyazureError:
    """The keyring of this session, or why there is none. One that stores plain text counts as none."""
    try:
        return _within(timeout, _find)
    except LyazureError as error:
        return error


def _find() -> KeyringBackend:
    import keyring
    from keyring.backends import chainer

    backend = keyring.get_keyring()
    # Of several, the first is taken, so that it can be said which.
    found = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
    usable = next((one for one in found if not _module(one).startswith(_NOT_A_KEYRING)), None)
    if usable is not None:
        return usable
    plain = next((_module(one) for one in found if _module(one).startswith("keyrings.alt")), "")
    raise BadConfiguration(
        "No keyring can be used in this session",
        why=f"{plain} is no keyring: it does not protect what it stores"
        if plain
        else "This process reaches no Secret Service, KWallet or Keychain",
        fix=f"Log in where the keyring runs, or {_ELSEWHERE}",
    )


# Stand-ins for a keyring: none, plain text, and the encrypted file, which this program handles by itself.
_NOT_A_KEYRING = (
    "keyring.backends.chainer",
    "keyring.backends.fail",
    "keyring.backends.null",
    "keyrings.alt",
    "keyrings.cryptfile",
)


def _module(backend: KeyringBackend) -> str:
    return type(backend).__module__


def _within(timeout: float, call: Callable[[], T]) -> T:
    """Runs a call in a thread of its own and waits no longer than that; the thread cannot be ended, only left."""
    from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError

    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(call())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(timeout)
    if done:
        return done[0]
    if not failed:
        raise RetryLater(
            f"The keyring did not answer within {timeout:g} seconds",
            why="It may be waiting for its password in a dialog",
            fix=f"Unlock it and try again, or {_ELSEWHERE}",
        )
    match failed[0]:
        case LyazureError() as known:
            raise known
        case KeyringLocked() | InitError():
            raise NotAuthorised("The keyring is locked", fix=f"Unlock it and try again, or {_ELSEWHERE}")
        case NoKeyringError():
            raise BadConfiguration("There is no keyring in this session", fix=f"Log in where it runs, or {_ELSEWHERE}")
        case KeyringError() as error:
            why = type(error).__name__
        case error:
            why = type(error).__name__
    # The error's own text is left out: some backends quote what they were given.
    raise BadConfiguration("The keyring failed", why=f"It reported {why}", fix=f"Look at it, or {_ELSEWHERE}")
