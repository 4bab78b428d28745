"""/api/segment and /v2/segment: the audiences. docs.lytics.com/reference/segmentlist"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.workspace.memberships import scope_of
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.limits import ACCOUNT_ID, AID
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, moment, v1, v2


class Segments:
    """Tells about audiences; sizes are those of the newest build, 0 before an audience was evaluated.

    A filter is valid that can be read and names nothing that is not there.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._sizing = threading.Lock()
        self._sized = float("-inf")

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/api/segment", lambda call: v1(self._list(call))),
            Path("GET", "/api/segment/sizes", self.sizes),
            Path("POST", "/api/segment/validate", self.validate),
            Path("POST", "/api/segment/size", self.size),
            Path("GET", "/api/segment/{id}", lambda call: v1(self._about(self.find(call.path["id"])))),
            Path("GET", "/api/segment/{id}/size", self.saved_size),
            Path("GET", "/v2/segment", self.list_v2),
            Path("GET", "/v2/segment/{id}", self.get_v2),
        ]

    def list_v2(self, call: Call) -> Answer:
        return v2(self._list(call, self._sizes() if call.flag("sizes") else None))

    def get_v2(self, call: Call) -> Answer:
        return v2(self._about(self.find(call.path["id"]), self._sizes() if call.flag("sizes") else None))

    def sizes(self, call: Call) -> Answer:
        """Of those that are asked for, by ids=; of all if none are."""
        wanted, sizes = call.many("ids"), self._sizes()
        audiences = [self.find(one) for one in wanted] if wanted else self._account.definitions.audiences
        return v1([_sized(audience, sizes) for audience in audiences])

    def saved_size(self, call: Call) -> Answer:
        return v1(_sized(self.find(call.path["id"]), self._sizes()))

    def validate(self, call: Call) -> Answer:
        self.condition(call.text())
        return v1(None)

    def size(self, call: Call) -> Answer:
        """Of a filter that is not saved; one in ten seconds."""
        with self._sizing:
            now = time.monotonic()
            if now - self._sized < self._account.limits.size_seconds:
                raise Refused(429, "Rate limit exceeded")
            self._sized = now
        text = call.text()
        try:
            found = self._account.workspace.estimate(text, self._account.definitions, members=0)
        except BadConfiguration as error:
            raise _unreadable(error.why) from None
        alias = parse_filter(text).alias or ""
        return v1({"id": "", "name": alias, "slug_name": alias, "size": found.size})

    def find(self, name: str) -> Audience:
        """An audience by its id or its slug.

        Raises:
            Refused: it is not there.
        """
        for audience in self._account.definitions.audiences:
            if name in (audience.slug, id_of(audience)):
                return audience
        raise Refused(404, f"The segment {name} does not exist", "NOTFOUND-003")

    def condition(self, text: str) -> str:
        """A filter as SQL over profiles.

        Raises:
            Refused: it is not valid.
        """
        try:
            return condition_sql(parse_filter(text).condition, scope_of(self._account.definitions, "now()"))
        except ValueError as error:
            raise _unreadable(str(error)) from None

    def _list(self, call: Call, sizes: dict[str, int] | None = None) -> list[dict[str, Any]]:
        if call.one("table", "user") != "user" or call.one("kind", "segment") not in ("segment", "all"):
            return []
        found = [self._about(audience, sizes) for audience in self._account.definitions.audiences]
        valid = call.one("valid", "all").lower()
        return [one for one in found if valid == "all" or one["invalid"] == (valid == "false")]

    def _about(self, audience: Audience, sizes: dict[str, int] | None = None) -> dict[str, Any]:
        reason = ""
        try:
            self.condition(audience.filter)
        except Refused as error:
            reason = str(error)
        at = moment(self._account.created)
        size = {} if sizes is None else {"size": sizes.get(audience.slug, 0)}
        return {
            "id": id_of(audience),
            "account_id": ACCOUNT_ID,
            "aid": AID,
            "name": audience.label,
            "slug_name": audience.slug,
            "description": audience.description,
            "kind": "segment",
            "table": "user",
            "segment_ql": audience.filter,
            "is_public": True,
            "author_id": ACCOUNT_ID,
            "created": at,
            "updated": at,
            "tags": [],
            "invalid": bool(reason),
            "invalid_reason": reason,
            **size,
        }

    def _sizes(self) -> dict[str, int]:
        return {info.slug: info.size or 0 for info in self._account.workspace.audiences()}


def id_of(audience: Audience) -> str:
    """The id that Lytics has assigned: 32 hexadecimal digits, always the same for a slug."""
    return hashlib.md5(audience.slug.encode(), usedforsecurity=False).hexdigest()


def _sized(audience: Audience, sizes: dict[str, int]) -> dict[str, Any]:
    return {
        "id": id_of(audience),
        "name": audience.label,
        "slug_name": audience.slug,
        "size": sizes.get(audience.slug, 0),
    }


def _unreadable(why: str) -> Refused:
    return Refused(400, f"Failed parsing segment QL {why}")
