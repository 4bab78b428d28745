"""The TOML files of a configuration folder, each checked against a model: what all kinds of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lytics_azure_tui.config import guard, toml
from lytics_azure_tui.config.complaints import complaints
from lytics_azure_tui.errors import BadConfiguration


def files(folder: Path) -> list[Path]:
    """The TOML files in a folder, by name; none when it is not there."""
    try:
        return sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))
    except OSError:
        return []


def name(path: Path) -> str:
    """How errors call a file: jobs/daily.toml."""
    return f"{path.parent.name}/{path.name}"


def existing(folder: Path, item_id: str, noun: str) -> Path:
    """The file of a job, an authorization …; raises `BadConfiguration` when there is none."""
    path = folder / f"{item_id}.toml"
    if path.parent != folder or not path.is_file():
        raise BadConfiguration(f"There is no {noun} {item_id}", fix=f"Look at the files in {folder}")
    return path


def private_folder(path: Path) -> None:
    """Makes a folder for its owner only, where it is not there. Raises `BadConfiguration`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = "A file is in its place" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise BadConfiguration(
            f"The folder {path} cannot be made", why=why or "", fix="Name another folder, or change its owner"
        ) from None


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """What holds for keys that are not written."""
    values = {
        key: info.get_default(call_default_factory=True)
        for key, info in model.model_fields.items()
        if not info.is_required()
    }
    return {key: value.value if isinstance(value, Enum) else value for key, value in values.items()}


def save(path: Path, called: str, values: Mapping[str, Any], unwritten: Mapping[str, Any]) -> None:
    """Writes a file, or changes in it what differs; comments and order stay.

    Args:
        called: how errors call it.
        values: what it is to say.
        unwritten: see `config.edit.merged`.
    """
    guard.no_secret_in(values)
    private_folder(path.parent)
    text = toml.read_text(path, called) if path.exists() else ""
    from lytics_azure_tui.config.edit import merged  # tomlkit is loaded by those who write

    changed = merged(text, values, unwritten, called)
    if changed != text or not path.exists():
        toml.write(path, changed)


def of_file(error: ValidationError, model: type[BaseModel], text: str, path: Path, key: str) -> list[BadConfiguration]:
    """Complaints about a file; one about the key that its name is, is one about its name."""
    called = name(path)
    if any(detail["loc"] == (key,) for detail in error.errors(include_input=False)):
        what = f"{called} has a name that cannot be used"
        return [BadConfiguration(what, fix="Use lower case letters, digits, hyphens and underscores")]
    return complaints(error, model, name=called, text=text)
