"""What a shared access signature says about itself: until when, for what. Read from the token, without asking Azure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class SasFacts:
    """The readable part of a token; its signature is not kept.

    The letters are those of https://learn.microsoft.com/rest/api/storageservices/create-account-sas and
    https://learn.microsoft.com/rest/api/storageservices/create-service-sas.

    Attributes:
        starts, expires: in UTC; None when the token does not say (a stored access policy may say it).
        permissions: letters such as "rl"; None when the token leaves them to a policy.
        services: letters of an account token, "b" being blobs; None for a token of one container or blob.
        resource_types: letters of an account token: s(ervice), c(ontainer), o(bject); None otherwise.
        resource: "c" for a token of one container, "b" for one of one blob; None for an account token.
        addresses: the IP address or range that may use it; empty for any.
        https_only: whether plain HTTP is refused.
        policy: the name of a stored access policy; empty when there is none.
    """

    starts: datetime | None = None
    expires: datetime | None = None
    permissions: str | None = None
    services: str | None = None
    resource_types: str | None = None
    resource: str | None = None
    addresses: str = ""
    https_only: bool = False
    policy: str = ""

    @classmethod
    def of(cls, token: str) -> SasFacts:
        """Reads a token of any kind; what cannot be read stays None."""
        values = {name: found[-1] for name, found in parse_qs(token.lstrip("?"), keep_blank_values=True).items()}
        return cls(
            starts=_moment(values.get("st")),
            expires=_moment(values.get("se")),
            permissions=values.get("sp"),
            services=values.get("ss"),
            resource_types=values.get("srt"),
            resource=values.get("sr"),
            addresses=values.get("sip", ""),
            https_only=values.get("spr") == "https",
            policy=values.get("si", ""),
        )

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires

    def not_yet(self, now: datetime) -> bool:
        """Whether its time has not come."""
        return self.starts is not None and now < self.starts

    def may(self, letters: str, resource_type: str) -> bool | None:
        """Whether the token grants any of the permissions on blobs.

        Args:
            letters: permissions, one of which is enough: "l" to list, "r" to read, "cw" to write.
            resource_type: what the call is made on: "s" the account, "c" a container, "o" a blob.

        Returns:
            None when the token leaves it to a stored policy.
        """
        if self.services is not None and "b" not in self.services:
            return False
        if self.resource_types is not None and resource_type not in self.resource_types:
            return False
        if self.resource_types is None and not _covers(self.resource, resource_type):
            return False
        if self.permissions is None:
            return None
        return any(letter in self.permissions for letter in letters)


def _covers(resource: str | None, resource_type: str) -> bool:
    """A token of one container reaches the container and its blobs; one of one blob only that."""
    return resource_type in {"c": "co", "d": "co", "b": "o", "bs": "o", "bv": "o"}.get(resource or "", "sco")


def _moment(text: str | None) -> datetime | None:
    """A date or a time as Azure writes it; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
