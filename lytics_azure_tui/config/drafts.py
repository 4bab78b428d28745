"""Drafts: what was entered in a form that was never saved, kept in a file of its owner's own. Never with a secret."""

from __future__ import annotations

import contextlib
import json
import secrets as random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.config import files, guard, toml
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.secret import Secret

_LARGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """One of them.

    Attributes:
        form: which form it is of, such as "job".
        item: the id of what was edited; empty for something new.
        title: the form's, for people.
        kept: when, in UTC.
        values: of the form, as JSON values.
        path: its file; None before it has one.
    """

    form: str
    item: str
    title: str
    kept: datetime
    values: Mapping[str, Any]
    path: Path | None = None


def keep(folder: Folder, draft: Draft, secrets: Iterable[Secret | None] = ()) -> Path:
    """Writes a draft, over the file that it has. Values that hold a secret, or look like one, are left out.

    Args:
        secrets: those that were entered; they are looked for in all values.

    Raises:
        BadConfiguration: it cannot be written.
    """
    known = [secret for secret in secrets if secret is not None]
    said = {
        "form": draft.form,
        "item": draft.item,
        "title": draft.title if guard.is_free_of_secrets(draft.title, known) else draft.form,
        "kept": draft.kept.isoformat(),
        "values": _without_secrets(draft.values, known),
    }
    path = draft.path or _folder(folder) / f"{draft.form}-{random.token_hex(8)}.json"
    files.private_folder(path.parent)
    toml.write(path, json.dumps(said, indent=1))
    return path


def every(folder: Folder) -> list[Draft]:
    """All that can be read, the newest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in _folder(folder).glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                if path.stat().st_size <= _LARGEST:
                    said = json.loads(path.read_text("utf-8"))
                    kept = datetime.fromisoformat(said["kept"])
                    found.append(Draft(said["form"], said["item"], said["title"], kept, dict(said["values"]), path))
    return sorted(found, key=lambda draft: draft.kept, reverse=True)


def newest(folder: Folder, form: str, item: str) -> Draft | None:
    """The last one of a form and what is edited in it."""
    return next((draft for draft in every(folder) if (draft.form, draft.item) == (form, item)), None)


def forget(draft: Draft) -> None:
    """Removes its file."""
    if draft.path is not None:
        with contextlib.suppress(OSError):
            draft.path.unlink(missing_ok=True)


def _folder(folder: Folder) -> Path:
    return folder.data_place / "drafts"


def _without_secrets(value: Any, known: list[Secret]) -> Any:
    if isinstance(value, Mapping):
        kept = {str(key): _without_secrets(item, known) for key, item in value.items() if not isinstance(item, Secret)}
        return {key: item for key, item in kept.items() if guard.is_no_secret_key(key)}
    if isinstance(value, list | tuple):
        return [_without_secrets(item, known) for item in value]
    return value if not isinstance(value, str) or guard.is_free_of_secrets(value, known) else None
