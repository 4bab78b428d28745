"""Which file of a sequence comes next: names of one root and a timestamp, in order of that timestamp."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from lytics_azure_tui.model.amounts import counted

# A stamp is a date with or without a time, with any separators; a month, a week; or unix seconds or milliseconds.
_STAMP = (
    r"(?:(?P<stamp_y>(?:19|20)\d\d)[-_.]?(?P<stamp_m>0[1-9]|1[0-2])[-_.]?(?P<stamp_d>0[1-9]|[12]\d|3[01])"
    r"(?:[-_.T ]?(?P<stamp_H>[01]\d|2[0-3])[-_.:]?(?P<stamp_M>[0-5]\d)(?:[-_.:]?(?P<stamp_S>[0-5]\d)"
    r"(?:[.,]?(?P<stamp_f>\d{3}))?)?(?:Z|(?P<stamp_z>[+-]\d\d:?\d\d))?)?"
    r"|(?P<stamp_week>(?:19|20)\d\d-?W(?:0[1-9]|[1-4]\d|5[0-3])(?:-?[1-7])?)"
    r"|(?P<stamp_month>(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2]))"
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


def _goes_on(digits: str) -> bool:
    return (len(digits) > 1 and digits[0] == "0") or split_name(digits) is not None


def _moment(match: re.Match[str]) -> datetime | None:
    if unix := match["stamp_unix"]:
        return datetime.fromtimestamp(int(unix) / (1000 if len(unix) == 13 else 1), UTC)
    if month := match["stamp_month"]:
        return datetime(int(month[:4]), int(month[-2:]), 1, tzinfo=UTC)
    try:
        if week := match["stamp_week"]:
            year, number, day = int(week[:4]), week.replace("-", "")[5:7], week.replace("-", "")[7:] or "1"
            return datetime.combine(date.fromisocalendar(year, int(number), int(day)), time(), UTC)
        parts = [int(match[f"stamp_{unit}"] or 0) for unit in "ymdHMS"]
        millis = int(match["stamp_f"] or 0)
        zone = match["stamp_z"] or "+0000"
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
        year, month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, second, millis * 1000, UTC) - offset
    except ValueError:
        return None


def prefixes(name: str) -> list[str]:
    """Regular expressions for the root of a file's name, the likeliest first; empty when it has no timestamp."""
    split = split_name(name)
    if split is None:
        return []
    root = split[0]
    folder, _, base = root.rpartition("/")
    # Of a range the beginning goes on with its end, and a number with leading zeros counts.
    counted = re.sub(r"\d+", lambda run: rf"\d{{{len(run[0])}}}" if _goes_on(run[0]) else run[0], re.escape(base))
    found = list(dict.fromkeys([counted, re.escape(base)]))
    if folder:
        found.append(re.escape(root))
        general = re.sub(r"\d+", lambda digits: rf"\d{{{len(digits[0])}}}", re.escape(folder))
        if general != re.escape(folder):
            # Folders by year, month and day go on with the files: the next one lies in another.
            dated = all(digits in name[len(root) :] for digits in re.findall(r"\d+", folder))
            found.insert(0 if dated else len(found), f"{general}/{found[0]}")
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
        self._near = re.compile(f"{ahead}(?i:{inner})(?:{_STAMP}|$)")
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

    def listings(self) -> list[str]:
        """What the names of the sequence begin with, and those that differ from it in the case of letters only."""
        local = self.listing[len(self._folder) :]
        forms = (local, local.lower(), local.upper(), local.capitalize())
        return [self._folder + form for form in dict.fromkeys(forms)]

    def alike(self, name: str) -> bool:
        """Whether a blob that is not of the sequence is called much like it, but for case or what stands behind."""
        local = name[len(self._folder) :]
        return name.startswith(self._folder) and bool(self._near.match(local)) and ("/" not in local or self._whole)

    def matches(self, names: Iterable[str]) -> str:
        """How many of some names are of the sequence, and how many only look so, in words."""
        fit = near = 0
        for name in names:
            if self.place(name, datetime.min.replace(tzinfo=UTC)) is not None:
                fit += 1
            else:
                near += self.alike(name)
        words = f"{counted(fit, 'file')} {'matches' if fit == 1 else 'match'}"
        return words + (
            f", {near:,} {'looks alike and does' if near == 1 else 'look alike and do'} not" if near else ""
        )

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


AHEAD = timedelta(days=1)
"""So far may a file's name be ahead of the clock: zones differ by less."""


@dataclass(frozen=True, slots=True)
class Due:
    """The files of a sequence, by what becomes of them.

    Attributes:
        fresh: to be imported, in order.
        replaced: names of older files whose content has changed since they were imported.
        late: names of files that came too late.
        ahead: names of files whose time has not come.
    """

    fresh: list[Place]
    replaced: list[str]
    late: list[str]
    ahead: list[str]


def due(
    blobs: Iterable[tuple[Place, str]],
    last: Place | None,
    imported: Mapping[str, str],
    *,
    now: datetime | None = None,
    first: Place | None = None,
    window: timedelta = timedelta(0),
) -> Due:
    """What is to be imported.

    Args:
        blobs: (place, ETag) of each file of the sequence.
        last: the place of the newest file that was imported, or of the chosen file before there is one.
        imported: name → ETag of files that were imported.
        now: files whose time is later than that by more than `AHEAD` wait; None where no name tells a time.
        first: of the chosen file, or of the oldest that is remembered; those before it are of no interest.
        window: a file that stands before the last by no more than that is imported although it is late.
    """
    found = Due([], [], [], [])
    for place, etag in blobs:
        seen = imported.get(place.name)
        if seen == etag:
            continue
        if now and place.first > now + AHEAD:
            found.ahead.append(place.name)
        elif last is None or (place.first, place.second) >= (last.first, last.second):
            found.fresh.append(place)
        elif seen is not None:
            found.replaced.append(place.name)
        elif first is not None and (place.first, place.second) >= (first.first, first.second):
            if last.first - place.first <= window:
                found.fresh.append(place)
            else:
                found.late.append(place.name)
    return Due(sorted(found.fresh), sorted(found.replaced), sorted(found.late), sorted(found.ahead))
