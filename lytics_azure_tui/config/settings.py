"""settings.toml: what holds for the whole program."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_LEAST_MEMORY = 128 * 2**20


def size(value: Any) -> int:
    """Bytes from a number, or from text such as "512MiB" or "1 GB"."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a size such as 512MiB or 1GB")
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", str(value).strip().lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError("write a size such as 512MiB or 1GB")
    return int(float(found[1]) * _UNITS[found[2]])


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Engine(_Section):
    """How runs are done.

    Attributes:
        runs_at_once: runs side by side; further ones wait.
        memory: bytes that one run may use, about.
        threads: processor threads that one run may use.
        sessions: connections to a database that one run may hold at once.
        cancel_grace_seconds: between asking a run to end and ending it.
        nice: added to the niceness of runs and their workers, so that screens stay quick on a busy machine.
    """

    runs_at_once: int = Field(default=2, ge=1, le=64)
    memory: Annotated[int, BeforeValidator(size), Field(ge=_LEAST_MEMORY)] = 384 * 2**20
    threads: int = Field(default_factory=processors, ge=1, le=1024)
    sessions: int = Field(default_factory=lambda: min(4, processors()), ge=1, le=64)
    cancel_grace_seconds: float = Field(default=20, ge=0, le=3600)
    nice: int = Field(default=10, ge=0, le=19)


class Storage(_Section):
    """Attributes:
    folder: where data lies; None for the place that this system has for it.
    """

    folder: str | None = Field(default=None, min_length=1)


class Secrets(_Section):
    """Where secrets are kept.

    Attributes:
        backend: "auto" takes the keyring where one can be used, and an encrypted file elsewhere.
        command: for "command": a program and its arguments; {owner} and {field} are filled in.
        timeout_seconds: how long a keyring or a command may take.
    """

    backend: Literal["auto", "keyring", "file", "command"] = "auto"
    command: list[str] = Field(default_factory=list)
    timeout_seconds: float = Field(default=10, gt=0, le=600)

    @model_validator(mode="after")
    def _command_is_there(self) -> Secrets:
        if self.backend == "command" and not self.command:
            raise ValueError('backend = "command" needs a command, such as ["pass", "show", "{owner}/{field}"]')
        return self


def _web_address(value: str) -> str:
    """An address that a token may be sent to: in the clear only on this machine."""
    url = urlsplit(value)
    here = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and here)):
        raise ValueError("write an address such as https://api.lytics.io")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("write the address alone: a token is entered with lyazure-tui --lytics-token")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]


class Lytics(_Section):
    """Which Lytics the jobs and screens work with.

    Attributes:
        kind: "embedded" is a folder of this machine, "cloud" an account, by its REST API.
        url: of the account's API.
        bulk_url: where events are uploaded to; the API itself takes no more than 10 MB at once.
    """

    kind: Literal["embedded", "cloud"] = "embedded"
    url: WebAddress = "https://api.lytics.io"
    bulk_url: WebAddress = "https://bulk.lytics.io"


class Screen(_Section):
    """Attributes:
    theme: the name of a theme; None for the program's own.
    """

    theme: str | None = Field(default=None, min_length=1)


class Settings(_Section):
    """All sections; each and every key may be left out."""

    engine: Engine = Field(default_factory=Engine)
    storage: Storage = Field(default_factory=Storage)
    secrets: Secrets = Field(default_factory=Secrets)
    lytics: Lytics = Field(default_factory=Lytics)
    screen: Screen = Field(default_factory=Screen)
