"""One TOML file: read it, say where a key stands, replace it in one step."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lytics_azure_tui.errors import BadConfiguration

# Up to this many lines, a key's line is looked for; people's files are far below it.
_LINES = 500
_TOO_LARGE = 1_000_000


def read(path: Path, name: str) -> tuple[dict[str, Any], str]:
    """The content of a file and its text.

    Args:
        name: how errors call the file.

    Raises:
        BadConfiguration: it cannot be read, or is not TOML; then with line and column.
    """
    text = read_text(path, name)
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        where, why = _where(str(error), text)
    except RecursionError:
        where, why = "", "its values are nested too deeply"
    raise BadConfiguration(f"{name}{where}: this is not TOML", why=why, fix="Correct the file")


def read_text(path: Path, name: str) -> str:
    """The text of a file, its line ends as they are. Raises `BadConfiguration`."""
    try:
        if path.stat().st_size > _TOO_LARGE:
            raise BadConfiguration(f"{name} is too large to be a configuration file", fix="Move it elsewhere")
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadConfiguration(f"{name} cannot be read", why=why, fix="Look at its owner and permissions") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise BadConfiguration(f"{name}, line {line}: this is not UTF-8", fix="Save the file as UTF-8")


def _where(message: str, text: str) -> tuple[str, str]:
    """The place out of tomllib's message, and the rest of it as a sentence."""
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if found is None:
        return "", message
    line = found[1] or str(text.count("\n") + 1)
    column = found[2] or str(len(text) - text.rfind("\n"))
    return f", line {line}, column {column}", message[: found.start()]


def statements(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The lines of each key or header, counted from 1, and all that the file says up to there.

    The text is parsed up to each line's end: a beginning that is TOML ends where a key or a header does. So every way
    of writing TOML is understood without a parser of our own.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    start = 1
    for end in range(1, min(len(lines), _LINES) + 1):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            yield start, end, tomllib.loads("".join(lines[:end]))
            start = end + 1


def line_of(text: str, keys: tuple[str | int, ...]) -> int | None:
    """The line on which a key begins, counted from 1; None when it is not there."""
    return next((start for start, _, said in statements(text) if value_at(said, keys) is not None), None)


def value_at(said: Any, keys: tuple[str | int, ...]) -> Any:
    """The value at a path of keys, and of places in lists; None when it is not there."""
    for key in keys:
        if isinstance(key, int):
            said = said[key] if isinstance(said, list) and key < len(said) else None
        else:
            said = said.get(key) if isinstance(said, Mapping) else None
    return said


def write(path: Path, text: str) -> None:
    """Replaces a file in one step, readable by its owner only: whoever looks sees the old text or the new one.

    Raises:
        BadConfiguration: the folder cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """See `write`."""
    path = path.resolve()  # A link to a file kept elsewhere stays a link.
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadConfiguration(
            f"{path} cannot be written", why=why, fix="Look at the folder's owner, permissions and free space"
        ) from None


def _sync_folder(folder: Path) -> None:
    """The new name outlives a power cut; some file systems cannot be asked for that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
