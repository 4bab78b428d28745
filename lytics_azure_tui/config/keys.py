"""What opens the secrets: the passphrase of the encrypted file, and secrets that environment variables give.

From one process of this program to the next they go through pipes and the runner's control socket, never through a
file, an argument or an environment, which lists of processes show.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from lytics_azure_tui.errors import BadConfiguration, NotAuthorised
from lytics_azure_tui.model.secret import Secret

VARIABLE = "LYAZURE_PASSPHRASE"
DESCRIPTOR = "LYAZURE_PASSPHRASE_FD"
"""Names a file descriptor, such as a pipe's reading end, from which the passphrase is read once."""
PREFIX = "LYAZURE_SECRET_"
HANDED = "LYAZURE_KEYS_FD"
"""Names the pipe through which a process of this program gets its keys; set by the program alone."""


class PassphraseNeeded(NotAuthorised):
    """The encrypted file needs a passphrase, or another one: ask the person for it, and open again."""


class NewPassphraseNeeded(PassphraseNeeded):
    """There is no encrypted file yet: have the person choose a passphrase, and type it twice."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a process can open secrets with.

    Attributes:
        passphrase: of the encrypted file; None when it is not known.
        variables: secrets by the name of their environment variable, `LYAZURE_SECRET_…`.
    """

    passphrase: Secret | None = None
    variables: Mapping[str, Secret] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.passphrase or self.variables)

    def over(self, others: Keys) -> Keys:
        """These, and of the others what is not among these."""
        return Keys(self.passphrase or others.passphrase, {**others.variables, **self.variables})

    def to_json(self) -> str:
        """The keys in plain text, for a pipe or a socket."""
        variables = {name: secret.reveal() for name, secret in self.variables.items()}
        return json.dumps({"passphrase": self.passphrase.reveal() if self.passphrase else None, "variables": variables})

    @classmethod
    def from_json(cls, text: str | bytes) -> Keys:
        """The keys that `to_json` wrote. Raises `ValueError`, without their text, for anything else."""
        try:
            values = json.loads(text)
            word = values["passphrase"]
            variables = {str(name): Secret(str(value)) for name, value in values["variables"].items()}
            return cls(None if word is None else Secret(str(word)), variables)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        raise ValueError("no keys")


def known() -> Keys:
    """The keys that this process was started with.

    Raises:
        BadConfiguration: the passphrase is not text, or the descriptor that is named cannot be read.
    """
    number = os.environ.get(DESCRIPTOR, "")
    word = _read(number) if number else Secret(os.environ.get(VARIABLE, "").rstrip("\r\n"))
    found = {name: Secret(value) for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    own = Keys(printable(word), found)
    return _handed().over(own)


def printable(word: Secret) -> Secret | None:
    """The passphrase; None when it is blank.

    Raises:
        BadConfiguration: it holds what a keyboard cannot type.
    """
    if not word.reveal().isprintable():
        raise BadConfiguration("The passphrase holds characters that cannot be printed", fix="Give another one")
    return word if word.reveal().strip() else None


def filled_pipe(keys: Keys) -> int:
    """The reading end of a pipe that gives the keys; close it after use."""
    reading, writing = os.pipe()
    try:
        # Secrets are far smaller than a pipe's buffer; where they are not, this fails instead of waiting for a reader.
        os.set_blocking(writing, False)
        data = keys.to_json().encode()
        if os.write(writing, data) < len(data):
            raise BlockingIOError
    except BlockingIOError:
        os.close(reading)
        raise BadConfiguration(
            f"The secrets in the variables {PREFIX}… are too large to be handed over",
            fix="Keep them in the keyring or in the encrypted file: save the authorization in the screens",
        ) from None
    finally:
        os.close(writing)
    return reading


def environment() -> dict[str, str]:
    """The environment of this process without keys, for a process that gets them through a pipe."""
    names = (VARIABLE, DESCRIPTOR, HANDED)
    return {name: value for name, value in os.environ.items() if name not in names and not name.startswith(PREFIX)}


@functools.cache  # A pipe gives its content once.
def _read(number: str) -> Secret:
    try:
        with os.fdopen(int(number), "rb") as file:
            data = file.read(64 * 1024)
        return Secret(data.decode().rstrip("\r\n"))
    except (OSError, TypeError, ValueError, OverflowError):
        pass
    raise BadConfiguration(
        f"The passphrase cannot be read from the file descriptor that {DESCRIPTOR} names",
        fix=f"Open it for the program, as in: {DESCRIPTOR}=3 lyazure-tui 3<file",
    )


@functools.cache
def _handed() -> Keys:
    # Taken out, as another file may have that number in a process that is started from here.
    number = os.environ.pop(HANDED, "")
    if not number:
        return Keys()
    try:
        with os.fdopen(int(number), "rb") as file:
            return Keys.from_json(file.read())
    except (OSError, TypeError, ValueError, OverflowError):
        pass
    raise BadConfiguration(
        f"The file descriptor that {HANDED} names gives no keys", fix=f"Unset {HANDED}: only the program sets it"
    )
