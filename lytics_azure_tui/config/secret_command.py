"""Secrets from a program of the operator's choice: a password manager, a vault's client."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess

from lytics_azure_tui.errors import BadConfiguration, NotAuthorised, RetryLater
from lytics_azure_tui.model.secret import Secret

_LARGEST = 64 * 1024


class CommandStore:
    """Runs a command, without a shell, and takes what it prints for the secret. Reads only.

    Args:
        command: the program and its arguments; {owner} and {field} are filled in.
        timeout: seconds.
    """

    def __init__(self, command: tuple[str, ...], timeout: float) -> None:
        self._command = command
        self._timeout = timeout
        self._known: dict[tuple[str, str], Secret] = {}

    def get(self, owner: str, field: str) -> Secret | None:
        if (owner, field) not in self._known:
            secret = self._ask(owner, field)
            if not secret:
                return None
            self._known[owner, field] = secret
        return self._known[owner, field]

    def set(self, owner: str, field: str, secret: Secret) -> None:
        raise BadConfiguration(
            "Secrets come from a command here, and the program cannot store one by it",
            fix=f"Store it by that program, so that this prints it: {self._shown(owner, field)}",
        )

    def delete(self, owner: str, field: str) -> None:
        """Forgets what was read; what the other program keeps is its own matter."""
        self._known.pop((owner, field), None)

    def describe(self) -> str:
        return f"Secrets come from the command: {shlex.join(self._command)}"

    def _shown(self, owner: str, field: str) -> str:
        return shlex.join(self._filled(owner, field))

    def _filled(self, owner: str, field: str) -> list[str]:
        return [part.replace("{owner}", owner).replace("{field}", field) for part in self._command]

    def _ask(self, owner: str, field: str) -> Secret | None:
        shown = self._shown(owner, field)
        try:
            process = subprocess.Popen(
                self._filled(owner, field),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # It may hold anything; the person can run the command to see it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "It is not a command"
            raise BadConfiguration(
                f"The command for secrets cannot be run: {self._command[0]}",
                why=why,
                fix="Correct command under [secrets] in settings.toml",
            ) from None
        try:
            output, _ = process.communicate(timeout=self._timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            output = None
        if output is None:
            process.communicate()
            raise RetryLater(
                f"The command for secrets did not end within {self._timeout:g} seconds",
                why="It may be waiting for a passphrase",
                fix=f"Run it to see: {shown}",
            )
        if process.returncode:
            raise NotAuthorised(
                f"The command for secrets failed with exit code {process.returncode}", fix=f"Run it to see: {shown}"
            )
        return self._secret(output, shown)

    def _secret(self, output: bytes, shown: str) -> Secret | None:
        with contextlib.suppress(UnicodeDecodeError):
            if len(output) <= _LARGEST:
                return Secret(output.decode().rstrip("\r\n")) or None
        raise BadConfiguration(
            "The command for secrets printed something that is not text", fix=f"Run it to see: {shown}"
        )
