"""Which file of a sequence comes next: names of one root and a timestamp, in order of that timestamp."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

# A stamp is a date with or without a time, with any separators, or unix seconds or milliseconds.
_STAMP = (
    r"(?:(?P<stamp_y>(?:19|20)\d\d)[-_.]?(?P<stamp_m>0[1-9]|1[0-2])[-_.]?(?P<stamp_d>0[1-9]|[12]\d|3[01])"
    r"(?:[-_.T ]?(?P<stamp_H>[01]\d|2[0-3])[-_.:]?(?P<stamp_M>[0-5]\d)(?:[-_.:]?(?P<stamp_S>[0-5]\d))?Z?)?"
    r"|(?P<stamp_unix>\d{13}|\d{10}))"
)
_EXTENSIONS = r"(?:\.[A-Za-z0-9]{1,8})*"
_NAME = re.compile(rf"(?P<stamp_root>.*?(?<!\d)){_STAMP}{_EXTENSIONS}", re.DOTALL)
_FLAGS = re.compile(r"\(\?[aimsux]+\)")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a file stands in its sequence: compared from left to right."""

    first: datetime
    second: datetime
    name: str

    def to_data(self) -> list[str]:
        """As JSON values."""
        return [self.first.isoformat(), self.second.isoformat(), self.name]

    @classmethod
    def of(cls, data: list[str]) -> Place:
        """From what `to_data` gave."""
        return cls(datetime.fromisoformat(data[0]), datetime.fromisoformat(data[1]), data[2])


def split_name(name: str) -> tuple[str, datetime] | None:
    """(all before the timestamp, the timestamp) of a file's name; None when it does not end in one."""
    folder, slash, base = name.rpartition("/")
    match = _NAME.fullmatch(base)
    moment = _moment(match) if match else None
    return (folder + slash + match["stamp_root"], moment) if match and moment else None


def _moment(match: re.Match[str]) -> datetime | None:
    if unix := match["stamp_unix"]:
        return datetime.fromtimestamp(int(unix) / (1000 if len(unix) == 13 else 1), UTC)
    try:
        parts = [int(match[f"stamp_{unit}"] or 0) for unit in "ymdHMS"]
        return datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], tzinfo=UTC)
    except ValueError:
        return None


def prefixes(name: str) -> list[str]:
    """Regular expressions for the root of a file's name, the likeliest first; empty when it has no timestamp."""
    split = split_name(name)
    if split is None:
        return []
    root = split[0]
    folder, _, base = root.rpartition("/")
    found = [re.escape(base)]
    if folder:
        found.append(re.escape(root))
        general = re.sub(r"\d+", lambda digits: rf"\d{{{len(digits[0])}}}", re.escape(folder))
        if general != re.escape(folder):
            # Folders by year, month and day go on with the files: the next one lies in another.
            dated = all(digits in name[len(root) :] for digits in re.findall(r"\d+", folder))
            found.insert(0 if dated else len(found), f"{general}/{re.escape(base)}")
    return list(dict.fromkeys(found))


class FileSequence:
    """The files that follow each other in a container.

    Args:
        filename: the file that the operator chose, the first of the sequence.
        prefix: a regular expression up to the timestamp; None works it out from the file. One without a slash looks
            at the names in the chosen file's folder, one with a slash at whole names.
        order_by: "name" by the stamps; "modified" by the time of the last upload, ties by the stamps.
    """

    def __init__(self, filename: str, prefix: str | None, order_by: Literal["name", "modified"]) -> None:
        if prefix is None:
            found = prefixes(filename)
            prefix = found[0] if found else re.escape(filename.rpartition("/")[2])
        self.prefix = prefix
        self.order_by = order_by
        self._whole = "/" in prefix
        self._folder = "" if self._whole else filename[: filename.rfind("/") + 1]
        flags = _FLAGS.match(prefix)
        inner = prefix[flags.end() :] if flags else prefix
        ahead = flags[0] if flags else ""
        self._stamped = re.compile(f"{ahead}(?:{inner}){_STAMP}{_EXTENSIONS}")
        self._bare = re.compile(f"{ahead}(?:{inner}){_EXTENSIONS}")

    @property
    def listing(self) -> str:
        """What all names of the sequence begin with: the filter that the server can apply."""
        literal = re.match(r"(?:\\[^A-Za-z0-9]|[^\\.^$*+?{}\[\]|()])*", self.prefix)
        text = literal[0] if literal else ""
        if literal and literal.end() < len(self.prefix) and self.prefix[literal.end()] in "*?{":
            text = re.sub(r"(?:\\.|.)\Z", "", text, flags=re.DOTALL)
        if "|" in self.prefix:
            text = ""
        return self._folder + re.sub(r"\\(.)", r"\1", text)

    def place(self, name: str, modified: datetime) -> Place | None:
        """Where a blob stands; None when it is not of the sequence."""
        if not name.startswith(self._folder):
            return None
        local = name[len(self._folder) :]
        if not self._whole and "/" in local:
            return None
        match = self._stamped.fullmatch(local)
        stamp = _moment(match) if match else None
        if self.order_by == "modified":
            return Place(modified, stamp or modified, name) if stamp or self._bare.fullmatch(local) else None
        return Place(stamp, stamp, name) if stamp else None


def newer(
    blobs: Iterable[tuple[Place, str]], last: Place | None, imported: dict[str, str]
) -> tuple[list[Place], list[str]]:
    """(places to import in order, names that were replaced too late).

    Args:
        blobs: (place, ETag) of each file of the sequence.
        last: the place of the newest file that was imported, or of the chosen file before there is one.
        imported: name → ETag of files that were imported.
    """
    fresh, replaced = [], []
    for place, etag in blobs:
        seen = imported.get(place.name)
        if seen == etag:
            continue
        if last is None or (place.first, place.second) >= (last.first, last.second):
            fresh.append(place)
        elif seen is not None:
            replaced.append(place.name)
    return sorted(fresh), sorted(replaced)
