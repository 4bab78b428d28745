"""/api/segment/scan: the members of an audience, page by page. docs.lytics.com/reference/segmentscan"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from lytics_azure_tui.lytics.duck import quoted
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.protocol import Profile
from lytics_azure_tui.lytics.workspace.memberships import scope_of
from lytics_azure_tui.lytics.workspace.reader import Opened
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.profiles import as_json
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, v1
from lytics_azure_tui.sandbox.lytics_api.segments import Segments

_ROWS = 10


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a scan goes on.

    Attributes:
        members: of the whole scan, as they were at its beginning, in order.
        at: how many of them have been given.
        given: when the cursor was, by the monotonic clock.
    """

    members: tuple[str, ...]
    at: int
    given: float


class Scans:
    """Gives members; a scan sees who was in the audience when it began, with the fields of now.

    A page asked for again by its `start` is the same page. A start that is too old, or that nobody gave, is answered by
    400. Members who became part of another profile meanwhile are left out, so that a page may be short, or empty with
    a `_next`; only an empty `_next` is the end.
    """

    def __init__(self, account: Account, segments: Segments) -> None:
        self._account = account
        self._segments = segments
        self._lock = threading.Lock()
        self._cursors: dict[str, _Cursor] = {}

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/api/segment/scan", self.scan),
            Path("POST", "/api/segment/scan", self.scan),
            Path("GET", "/api/segment/{id}/scan", self.scan),
        ]

    def expire(self) -> None:
        """Has every scan that is under way end here."""
        with self._lock:
            self._cursors.clear()

    def scan(self, call: Call) -> Answer:
        """A page of an audience by id or slug, in the path or by id=, or of a filter in the body or by segments=."""
        limit = self._limit(call)
        start = call.one("start")
        cursor = self._cursor(start) if start else _Cursor(self._members(call), 0, 0)
        page = cursor.members[cursor.at : cursor.at + limit]
        end = cursor.at + len(page)
        onward = self._give(cursor.members, end) if end < len(cursor.members) else ""
        fields = call.many("fields")
        rows = [as_json(profile, fields) for profile in self._profiles(page)]
        return v1(rows, _next=onward, total=len(cursor.members))

    def _limit(self, call: Call) -> int:
        """More than the most is the most."""
        text = call.one("limit", str(_ROWS))
        if not text.isdecimal() or int(text) == 0:
            raise Refused(400, "limit is a number from 1 on")
        return min(int(text), self._account.limits.page)

    def _cursor(self, start: str) -> _Cursor:
        with self._lock:
            found = self._cursors.get(start)
        if found is None or time.monotonic() - found.given > self._account.limits.cursor_seconds:
            raise Refused(400, "start is of no recent scan")
        return found

    def _give(self, members: tuple[str, ...], at: int) -> str:
        name, now = secrets.token_urlsafe(12), time.monotonic()
        with self._lock:
            oldest = now - self._account.limits.cursor_seconds
            self._cursors = {name: one for name, one in self._cursors.items() if one.given >= oldest}
            self._cursors[name] = _Cursor(members, at, now)
        return name

    def _members(self, call: Call) -> tuple[str, ...]:
        """The ids of all members, in the order that is asked for."""
        name = call.path.get("id") or call.one("id")
        text = "" if name else call.one("segments") or call.text()
        audience = self._segments.find(name) if name else None
        if audience is None:
            self._segments.condition(text)
        with self._account.reader.opened() as opened:
            if opened is None:
                return ()
            if audience is not None:
                source = "profiles p JOIN memberships m USING (_id) WHERE list_contains(m._segments, ?)"
                values: list[str] = [audience.slug]
            else:
                source, values = f"profiles p WHERE {self._condition(opened, text)}", []
            rows = opened.ask(f"SELECT _id FROM {source} ORDER BY {self._order(call, opened)}", values)
        members = tuple(str(row[0]) for row in rows)
        return members[: parse_filter(text).limit] if text else members

    def _condition(self, opened: Opened, text: str) -> str:
        # The columns that there are, and the audiences as they are written now.
        definitions = Definitions(opened.head.defined().mappings, self._account.definitions.audiences)
        try:
            return condition_sql(parse_filter(text).condition, scope_of(definitions, "now()"))
        except ValueError as error:
            raise Refused(400, f"Failed parsing segment QL {error}") from None

    def _order(self, call: Call, opened: Opened) -> str:
        field, direction = call.one("sortfield"), call.one("sortorder", "asc").lower()
        if direction not in ("asc", "desc"):
            raise Refused(400, "sortorder is asc or desc")
        if not field:
            return "_id"
        there = {row[0] for row in opened.ask("DESCRIBE SELECT * FROM profiles")}
        # Of a field that nobody has, nobody comes first.
        return f"p.{quoted(field)} {direction} NULLS LAST, _id" if field in there else "_id"

    def _profiles(self, ids: Sequence[str]) -> list[Profile]:
        if not ids:
            return []
        with self._account.reader.opened() as opened:
            if opened is None:
                return []
            return opened.profiles(
                "SELECT * FROM profiles WHERE list_contains($1, _id) ORDER BY list_position($1, _id)", [list(ids)]
            )
