"""/api/entity, and profiles as rows of a scan. docs.lytics.com/reference/entity-api"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lytics_azure_tui.lytics.protocol import Identifier, Profile
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, moment, v1

_AUDIENCES = "segments"
"""The field in which a profile has the slugs of its audiences."""


class Entities:
    """Finds a profile by the value of an identifier.

    Whoever is not there is answered with 200 too, the message "Not Found", and a body that looks like a profile.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def paths(self) -> list[Path]:
        """What can be called."""
        return [Path("GET", "/api/entity/{table}/{field}/{value:path}", self.get)]

    def get(self, call: Call) -> Answer:
        named = [field.name for field in self._account.definitions.user_fields() if field.identifier]
        meta = {"format": "json", "name": call.path["table"], "by_fields": named}
        profile = self._find(call.path["field"], call.path["value"]) if call.path["table"] == "user" else None
        if profile is None:
            return v1({_AUDIENCES: ["not_found", "all"]}, "Not Found", meta=meta)
        return v1(as_json(profile, call.many("fields"), call.flag("segments", True)), meta=meta)

    def _find(self, field: str, value: str) -> Profile | None:
        workspace = self._account.workspace
        if field in ("_id", "_uid"):
            return workspace.profile(value)
        wanted = {Identifier(field, value), Identifier(field, value.lower())}
        return next((one for one in workspace.find(value) if wanted & set(one.identifiers)), None)


def as_json(profile: Profile, fields: Sequence[str] = (), audiences: bool = True) -> dict[str, Any]:
    """A profile as an object.

    Args:
        fields: that are wanted; none for all.
        audiences: whether those that it is in are wanted.
    """
    found = {name: plain(value) for name, value in profile.fields.items() if name != "_segments"}
    if audiences:
        found[_AUDIENCES] = list(profile.audiences)
    return {name: found[name] for name in fields if name in found} if fields else found


def plain(value: Any) -> Any:
    """A value of a field as JSON has it; times are RFC 3339."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
