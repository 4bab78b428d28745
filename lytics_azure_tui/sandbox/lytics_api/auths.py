"""/v2/auth: authorizations for other services, which jobs name. docs.lytics.com/reference/get_auth"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from lytics_azure_tui.sandbox.lytics_api.limits import ACCOUNT_ID
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, moment, v2

TYPES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "azure_storage_connection": (frozenset({"connection_string"}), frozenset({"pgppublickey", "aes_key", "aes_iv"})),
    "azure_event_hub": (frozenset({"connection_string"}), frozenset()),
    "azuresql_db": (frozenset({"server", "database", "user", "password"}), frozenset({"port"})),
}
"""The keys of each type's config: those that have to be there, and those that may be."""


class Auths:
    """Keeps authorizations, as long as the server lives. A config can be written and never read: it is not even kept.

    A type is written with underscores, or with hyphens, as the paths of the documentation are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, Any]] = {}

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/v2/auth", self.all),
            Path("POST", "/v2/auth", self.create),
            Path("GET", "/v2/auth/{id}", self.get),
            Path("POST", "/v2/auth/{type}", self.create),
            Path("GET", "/v2/auth/{type}/{id}", self.get),
            Path("PUT", "/v2/auth/{type}/{id}", self.update),
            Path("DELETE", "/v2/auth/{id}", self.delete),
        ]

    def all(self, call: Call) -> Answer:
        with self._lock:
            return v2(list(self._kept.values()))

    def get(self, call: Call) -> Answer:
        return v2(self.find(call.path["id"]))

    def create(self, call: Call) -> Answer:
        """Looks at the keys of the config, and believes the rest."""
        kind, label, given = self._given(call)
        now = moment(datetime.now(UTC))
        made = {
            "id": uuid.uuid4().hex,
            "account_id": ACCOUNT_ID,
            "user_id": ACCOUNT_ID,
            "type": kind,
            "provider_id": uuid.uuid5(uuid.NAMESPACE_DNS, "azure").hex,
            "provider_slug": "azure",
            "label": label,
            "description": given.get("description", ""),
            "status": "healthy",
            "unhealthy": False,
            "created": now,
            "updated": now,
        }
        with self._lock:
            self._kept[made["id"]] = made
        return v2(made, 201)

    def update(self, call: Call) -> Answer:
        """Another label and config for one that is there."""
        found = self.find(call.path["id"])
        _, label, given = self._given(call)
        with self._lock:
            found |= {"label": label, "description": given.get("description", ""), "updated": moment(datetime.now(UTC))}
        return v2(found)

    def _given(self, call: Call) -> tuple[str, str, dict[str, Any]]:
        """The type, the label and the body.

        Raises:
            Refused: the config has not the keys of its type.
        """
        given = body_of(call, "AUTH-BADREQ-008")
        kind = slug(str(call.path.get("type") or given.get("type", "")))
        if kind not in TYPES:
            raise Refused(404, f"The auth type {kind} does not exist", "AUTHTYPE-NOTFOUND-007")
        label, config = given.get("label"), given.get("config")
        if not label or not isinstance(config, dict):
            raise Refused(400, "An auth needs a label and a config", "AUTH-BADREQ-008")
        needed, known = TYPES[kind]
        check_keys(config, needed, needed | known, "AUTH-BADREQ-008")
        return kind, str(label), given

    def delete(self, call: Call) -> Answer:
        found = self.find(call.path["id"])
        with self._lock:
            self._kept.pop(found["id"], None)
        return v2(None)

    def find(self, name: str) -> dict[str, Any]:
        """An authorization.

        Raises:
            Refused: it is not there.
        """
        with self._lock:
            found = self._kept.get(name)
        if found is None:
            raise Refused(404, f"The auth {name} does not exist", "AUTH-NOTFOUND-006")
        return found


def body_of(call: Call, code: str) -> dict[str, Any]:
    """The JSON object that is the body.

    Raises:
        Refused: it is none.
    """
    try:
        found = json.loads(call.text())
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON", "JSON-BADREQ-025") from None
    if not isinstance(found, dict):
        raise Refused(400, "The body is not a JSON object", code)
    return found


def check_keys(config: dict[str, Any], needed: frozenset[str], known: frozenset[str], code: str) -> None:
    """Whether a config has the keys that it has to have, and no others than those that are known.

    Raises:
        Refused: it does not.
    """
    unknown, missing = sorted(set(config) - known), sorted(key for key in needed if not config.get(key))
    if unknown:
        raise Refused(400, f"The config has no {', '.join(unknown)}", code)
    if missing:
        raise Refused(400, f"The config needs {', '.join(missing)}", code)


def slug(name: str) -> str:
    """azure-csv-import and azure_csv_import are the same."""
    return name.replace("-", "_")
