"""Audiences of an account, which Lytics calls segments: their sizes, and what a filter finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lytics_azure_tui.errors import BadConfiguration, Cancelled
from lytics_azure_tui.lytics.cloud.answers import items, text, whole
from lytics_azure_tui.lytics.cloud.api import Api, Refused
from lytics_azure_tui.lytics.cloud.people import CloudPeople, profile_of, schema
from lytics_azure_tui.lytics.protocol import Estimate, Stopper
from lytics_azure_tui.model.audience import Audience


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of the account.

    Attributes:
        id: Lytics' own.
        account: of which it is; empty when Lytics does not say.
        size: as Lytics counted it last; None when it has not.
    """

    id: str
    account: str
    slug: str
    label: str
    description: str
    filter: str
    size: int | None


@dataclass(frozen=True, slots=True)
class CloudAudiences:
    """See `lytics.protocol.Lytics`."""

    api: Api
    people: CloudPeople

    def segments(self) -> list[Segment]:
        """All of them, by label."""
        what = "The audiences could not be listed"
        rows = list(items(self.api.get("/v2/segment", what=what, table="user", kind="segment", sizes="true")))
        counted = {str(one.get("id")): whole(one.get("size")) for one in rows}
        if any(size is None for size in counted.values()):
            counted.update(
                (str(one.get("id")), whole(one.get("size")))
                for one in items(self.api.get("/api/segment/sizes", what=what))
            )
        found = [_segment(one, counted) for one in rows if one.get("slug_name") and one.get("deleted") is not True]
        return sorted(found, key=lambda one: one.label.casefold())

    def defined(self) -> list[Audience]:
        # Not validated: a filter that Lytics takes need not be one that the embedded engine can read.
        return [
            Audience.model_construct(slug=one.slug, label=one.label, description=one.description, filter=one.filter)
            for one in self.segments()
        ]

    def estimate(self, filter_text: str, members: int, stopper: Stopper | None) -> Estimate:
        check = _check(stopper)
        what = "The filter could not be tried"
        try:
            # A page of a scan tells how many there are, and may be asked for more often than a size.
            answer = self.api.ask("/api/segment/scan", filter_text, what=what, check=check, limit=max(members, 1))
        except Refused as error:
            raise BadConfiguration("The filter cannot be used", why=error.words or error.why) from None
        fields = schema(self.api)
        shown = (profile_of(row, fields) for row in list(items(answer))[:members])
        size = whole(answer.get("total")) or 0
        return Estimate(size, self.people.figures().profiles, tuple(one for one in shown if one is not None))


def _check(stopper: Stopper | None) -> Callable[[], None]:
    def check() -> None:
        if stopper is not None and stopper.stopped:
            raise Cancelled("The question was taken back")

    return check


def _segment(one: dict[str, Any], counted: dict[str, int | None]) -> Segment:
    slug = str(one["slug_name"])
    return Segment(
        id=str(one.get("id") or slug),
        account=text(one.get("account_id")) or "",
        slug=slug,
        label=text(one.get("name")) or slug,
        description=text(one.get("description")) or "",
        filter=text(one.get("segment_ql")) or "",
        size=counted.get(str(one.get("id"))),
    )
