"""Keeps secrets out of the files that people edit, copy and version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lytics_azure_tui.config.complaints import complaint
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.authorization import METHODS
from lytics_azure_tui.model.secret import Secret

_SECRET_KEYS = frozenset(field for method in METHODS.values() for field in method.secret_fields())
_LOOKS_SECRET = re.compile(
    r"(AccountKey|SharedAccessKey|SharedAccessSignature|\bsig|Password|\bPwd)\s*=\s*[^\s;&]{8}|-BEGIN PGP PRIVATE KEY",
    re.IGNORECASE,
)


def secret_keys(name: str, text: str, values: Mapping[str, Any], under: tuple[str, ...] = ()) -> list[BadConfiguration]:
    """An error for each key of a file that names a secret."""
    found = []
    for key, value in values.items():
        if key in _SECRET_KEYS:
            fix = (
                "Take the line out and save the secret by lyazure-tui, Authorizations, Edit. "
                "If others could read the file, renew the secret"
            )
            found.append(complaint(name, text, (*under, key), "a secret is never kept in this file", fix))
        elif isinstance(value, Mapping):
            found += secret_keys(name, text, value, (*under, key))
    return found


def no_secret_in(values: Mapping[str, Any], secrets: Iterable[Secret | None] = ()) -> None:
    """Refuses values that hold a secret, or look like one.

    Args:
        values: what is to be written.
        secrets: those that are known; long ones are looked for inside the values.

    Raises:
        BadConfiguration: names the key, never the value.
    """
    known = [secret for secret in secrets if secret is not None]
    for key, value in _texts(values, ""):
        if not is_no_secret_key(key.rpartition(".")[2]) or not is_free_of_secrets(value, known):
            break
    else:
        return
    raise BadConfiguration(f"The value of {key} holds a secret", fix="Secrets belong into their own field only")


def is_no_secret_key(key: str) -> bool:
    """Whether a value may stand under a key at all."""
    return key not in _SECRET_KEYS


def is_free_of_secrets(text: str, known: Iterable[Secret]) -> bool:
    """Whether a text neither looks like a secret nor holds one of those that are known."""
    if _LOOKS_SECRET.search(text):
        return False
    plain = [secret.reveal() for secret in known]
    return not any(secret == text or (len(secret) >= 8 and secret in text) for secret in plain)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _texts(item, f"{key}.{inner}".strip("."))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
