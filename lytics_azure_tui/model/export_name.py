"""How exported files are called: the timestamp's formats, and the extensions that say what has to be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

Compression = Literal["gzip", "zip", "none"]
COMPRESSIONS = {"gzip": "gzip", "zip": "zip", "none": "None"}

TimeFormat = Literal[
    "yyyyMMddHHmmss",
    "yyyy-MM-ddTHHmmss",
    "yyyyMMddHHmm",
    "yyyyMMdd",
    "yyyy-MM-dd",
    "yyyy/MM/dd/HHmmss",
    "unix",
    "unix_ms",
]

PLACEHOLDER = "{TIMESTAMP}"
LONGEST = 1024
"""Characters of a blob's name: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""

_FORMATS: Mapping[TimeFormat, Callable[[datetime], str]] = {
    "yyyyMMddHHmmss": lambda moment: f"{moment:%Y%m%d%H%M%S}",
    "yyyy-MM-ddTHHmmss": lambda moment: f"{moment:%Y-%m-%dT%H%M%S}",
    "yyyyMMddHHmm": lambda moment: f"{moment:%Y%m%d%H%M}",
    "yyyyMMdd": lambda moment: f"{moment:%Y%m%d}",
    "yyyy-MM-dd": lambda moment: f"{moment:%Y-%m-%d}",
    "yyyy/MM/dd/HHmmss": lambda moment: f"{moment:%Y/%m/%d/%H%M%S}",
    "unix": lambda moment: str(int(moment.timestamp())),
    "unix_ms": lambda moment: str(int(moment.timestamp() * 1000)),
}
DAYS: tuple[TimeFormat, ...] = ("yyyyMMdd", "yyyy-MM-dd")
"""Formats that tell days apart, and not the hours of one."""

_EXAMPLE = datetime(2026, 1, 31, 6, 30, 59, tzinfo=UTC)
_WORDS = {"unix": "Unix seconds", "unix_ms": "Unix milliseconds"}
TIME_FORMATS = {name: f"{_WORDS.get(name, name)}: {made(_EXAMPLE)}" for name, made in _FORMATS.items()}
"""Words for each: MM is the month, mm the minute."""


def blob_name(pattern: str, time_format: TimeFormat, moment: datetime, extension: str) -> str:
    """A blob's name.

    Args:
        pattern: with folders, and {TIMESTAMP} where the time belongs; a slash at its front adds nothing.
        moment: of the run; names are in UTC.
        extension: from `extension`; one that the pattern ends with already is not added again.
    """
    name = pattern.strip().lstrip("/").replace(PLACEHOLDER, _FORMATS[time_format](moment.astimezone(UTC)))
    # "x.csv" and ".csv.gz" make "x.csv.gz".
    parts = extension.split(".")
    for count in range(len(parts), 1, -1):
        there = ".".join(parts[:count])
        if name.endswith(there):
            return name.removesuffix(there) + extension
    return name + extension


def extension(kind: str, compression: Compression, *, encrypted: bool, compress_first: bool) -> str:
    """What was done to a file, in order: .csv.pgp.gz was encrypted, then compressed.

    Args:
        kind: csv or json.
    """
    compressed = {"gzip": ".gz", "zip": ".zip", "none": ""}[compression]
    hidden = ".pgp" if encrypted else ""
    return f".{kind}" + (compressed + hidden if compress_first else hidden + compressed)


def require_pattern(pattern: str) -> str:
    """A pattern that makes names of blobs; raises `ValueError` with what is wrong otherwise."""
    found = pattern.strip()
    wrong = re.search(r"\{[^}]*\}?", found.replace(PLACEHOLDER, ""))
    if wrong:
        raise ValueError(f"{wrong[0]} stands for nothing; only {PLACEHOLDER} is replaced, written so")
    bare = found.strip("/")
    if not bare or found.endswith("/"):
        raise ValueError("a file name is missing behind the folder")
    if "\\" in found or any(ord(letter) < 32 or ord(letter) == 127 for letter in found):
        raise ValueError("folders are written with /, and control characters cannot be in a name")
    if any(part in (".", "..") or part.endswith(".") for part in bare.split("/")):
        raise ValueError("no part of the name may end with a dot")
    if "//" in bare:
        raise ValueError("a folder's name is missing between two slashes")
    if len(found) > LONGEST - 100:
        raise ValueError(f"a blob's name has at most {LONGEST} characters, with the timestamp and the extension")
    return found
