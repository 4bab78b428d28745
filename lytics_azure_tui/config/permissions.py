"""Whether other users of the machine can reach files of the configuration."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_ALONE = 3
"""So many are told one by one."""


def open_to_others(root: Path, paths: Iterable[Path]) -> Iterator[str]:
    """A sentence and its fix for what others can reach, and for what belongs to another user.

    Many are told by one line: in a folder that came from version control, all of them may be open.

    Args:
        root: the configuration folder.
        paths: to look at; those that are not there are left out.
    """
    known = [(path, path.stat()) for path in paths if path.exists()]
    opened = [(path, stat.S_IMODE(status.st_mode)) for path, status in known if status.st_mode & 0o077]
    foreign = [path for path, status in known if status.st_uid != os.getuid()]
    if len(opened) > _ALONE:
        places = _places(root, [path for path, _ in opened])
        about = f"{len(opened)} files and folders are open to other users, such as {opened[0][0]}"
        yield f"{about}. Run: chmod -R go= {places}"
    else:
        for path, mode in opened:
            right = "0700" if path.is_dir() else "0600"
            yield f"{path} is open to other users (mode {mode:04o}). Run: chmod {right} '{path}'"
    if foreign:
        number = "" if len(foreign) == 1 else f" and {len(foreign) - 1} more"
        verb = "belongs" if len(foreign) == 1 else "belong"
        yield f"{foreign[0]}{number} {verb} to another user. Run: sudo chown -R {os.getuid()} {_places(root, foreign)}"


def _places(root: Path, paths: list[Path]) -> str:
    """What a command has to be given: the configuration folder, and what lies elsewhere."""
    outside = [path for path in paths if not path.is_relative_to(root)]
    return " ".join(f"'{path}'" for path in ([root] if len(outside) < len(paths) else []) + outside)
