"""The passphrase of the encrypted file: from the caller, an inherited pipe or the environment."""

from __future__ import annotations

import functools
import os

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.secret import Secret

VARIABLE = "LYAZURE_PASSPHRASE"
DESCRIPTOR = "LYAZURE_PASSPHRASE_FD"
"""Names a file descriptor, such as a pipe's reading end, from which the passphrase is read once."""


def passphrase(given: Secret | None = None) -> Secret | None:
    """The passphrase, without the line break at its end.

    Args:
        given: typed by a person just now; it goes before the others.

    Raises:
        BadConfiguration: it is not text, or the descriptor that is named cannot be read.
    """
    number = os.environ.get(DESCRIPTOR, "")
    if given:
        found = given
    elif number:
        found = _read(number)
    else:
        found = Secret(os.environ.get(VARIABLE, "").rstrip("\r\n"))
    if not found.reveal().isprintable():
        raise BadConfiguration("The passphrase holds characters that cannot be printed", fix="Give another one")
    return found if found.reveal().strip() else None


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
