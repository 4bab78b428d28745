"""Removes a person from everything that is kept: streams, profiles, memberships and quarantined rows.

For the screens it is a process of its own: `python -m lytics_azure_tui.runner.forgetting --config DIR`, which reads the
value from its standard input, where no list of processes shows it, and answers in JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import Keys
from lytics_azure_tui.config.lytics import open_lytics
from lytics_azure_tui.config.secrets import SecretStore, open_store
from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, RetryLater
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.runner import lock, places
from lytics_azure_tui.runner.spawn import handed

LEAST = 6
"""A row in quarantine is told by the value that was given, and by the person's other identifiers that are so long."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was removed.

    Attributes:
        identifiers: by which the person was known, "email=ada@example.com".
        profiles: how many.
        events: by stream.
        memberships: entries, enters and exits.
        quarantined: rows.
    """

    identifiers: tuple[str, ...]
    profiles: int
    events: dict[str, int]
    memberships: int
    quarantined: int


def forget(folder: Folder, value: str, secrets: Callable[[], SecretStore] | None = None) -> Report:
    """Removes everyone who has an identifier of this value. What was cut off goes on when it is called again.

    Args:
        secrets: opens the store, if the token of an account is needed.

    Raises:
        BadConfiguration: nobody has, and no quarantined row holds it.
        RetryLater: runs are at work.
    """
    value = value.strip()
    if not value:
        raise BadConfiguration("No identifier was given")
    lytics = open_lytics(folder, secrets or (lambda: open_store(folder)))
    with lock.workspace(folder.data, alone=True):
        named = lytics.identifiers(value)
        known, events, profiles, memberships = set(named), Counter[str](), 0, 0
        for identifier in named:
            done = lytics.forget(identifier)
            known.update(done.identifiers)
            events.update(done.events)
            profiles += done.profiles
            memberships += done.memberships
        words = {value} | {item.value for item in known if len(item.value) >= LEAST}
        rows = sum(quarantine.remove(path, sorted(words)) for path in _quarantines(folder))
    if not named and not rows:
        raise BadConfiguration(
            f"Nobody is known by {value}", why="No profile has an identifier of this value, and no quarantined row it"
        )
    return Report(
        tuple(sorted(f"{item.field}={item.value}" for item in known)), profiles, dict(events), memberships, rows
    )


def forget_apart(folder: Folder, value: str, keys: Keys) -> Report:
    """The same in a process of its own.

    Args:
        keys: to open the secrets with, if they are needed.
    """
    command = [sys.executable, "-m", "lytics_azure_tui.runner.forgetting", "--config", str(folder.root)]
    with handed(keys) as (environment, pipes):
        done = subprocess.run(
            command, input=value, capture_output=True, text=True, check=False, start_new_session=True,
            env=environment, pass_fds=pipes,
        )  # fmt: skip
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise Fatal("The person could not be forgotten", why="The process that was to do it ended early") from None
    if "error" in answer:
        kind = {item.__name__: item for item in (BadConfiguration, RetryLater)}.get(answer.pop("error"), Fatal)
        raise kind(answer["what"], why=answer["why"], fix=answer["fix"])
    return Report(**{**answer, "identifiers": tuple(answer["identifiers"])})


def _quarantines(folder: Folder) -> list[Path]:
    return sorted({path.parent for path in places.keep(folder).glob("*/quarantine/**/*.parquet")})


def main(arguments: list[str] | None = None) -> int:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        answer = asdict(forget(Folder.open(options.config), sys.stdin.read()))
    except LyazureError as error:
        answer = {"error": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}
    sys.stdout.write(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
