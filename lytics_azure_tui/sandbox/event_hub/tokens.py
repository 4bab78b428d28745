"""Shared access signatures, really checked.

learn.microsoft.com/azure/event-hubs/authenticate-shared-access-signature
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urlsplit

SEND, LISTEN = "Send", "Listen"


class Refused(Exception):
    """A token that does not let in; its text is what the service says."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A shared access policy of the namespace."""

    key: str
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token lets its bearer do.

    Attributes:
        path: the hub and what is below it; empty for the whole namespace.
        expires: seconds since 1970.
    """

    path: str
    rights: frozenset[str]
    expires: float

    def covers(self, hub: str) -> bool:
        """Whether a hub is within it."""
        return not self.path or self.path.partition("/")[0].lower() == hub.lower()


def signature(resource: str, policy: str, key: str, expires: int) -> str:
    """A signature as a client makes it. The resource is a URL such as sb://host/hub."""
    target = quote(resource, safe="")
    digest = hmac.digest(key.encode(), f"{target}\n{expires}".encode(), hashlib.sha256)
    sign = quote(base64.b64encode(digest), safe="")
    return f"SharedAccessSignature sr={target}&sig={sign}&se={expires}&skn={policy}"


def claim(token: str, policies: Mapping[str, Policy]) -> Claim:
    """What a token is good for.

    Raises:
        Refused: nothing.
    """
    words = token.strip().split(" ", 1)
    fields = dict(part.partition("=")[::2] for part in words[-1].split("&"))
    policy = policies.get(unquote_plus(fields.get("skn", "")))
    if words[0] != "SharedAccessSignature" or not fields.get("sr") or not fields.get("se", "").isdigit():
        raise Refused("MalformedToken: The token is not a shared access signature.")
    if policy is None:
        raise Refused("InvalidSignature: The token has an invalid signature.")
    expected = hmac.digest(policy.key.encode(), f"{fields['sr']}\n{fields['se']}".encode(), hashlib.sha256)
    given = unquote_plus(fields.get("sig", "").replace("+", "%2B"))
    if not hmac.compare_digest(base64.b64encode(expected), given.encode()):
        raise Refused("InvalidSignature: The token has an invalid signature.")
    if int(fields["se"]) <= time.time():
        raise Refused("ExpiredToken: The token is expired.")
    return Claim(urlsplit(unquote_plus(fields["sr"])).path.strip("/"), policy.rights, int(fields["se"]))
