"""Both kinds of Lytics, filled alike: the embedded one, and an account behind the stand-in for Lytics' API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lytics_azure_tui.lytics.cloud.api import Account, Api
from lytics_azure_tui.lytics.cloud.cloud import Cloud
from lytics_azure_tui.lytics.protocol import Lytics
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from lytics_azure_tui.sandbox.lytics_api import LyticsApi
from tests.integration.builds import START, Event, Place

DEFINITIONS = Definitions(
    (
        StreamMapping(
            stream="people",
            fields=[
                FieldRule(field="email", expression="email(email)", identifier=True),
                FieldRule(field="city", expression="city"),
                FieldRule(field="visits", expression="visits", kind=FieldKind.INT, merge=Merge.MAX),
                FieldRule(field="seen", expression="todate(seen)", kind=FieldKind.DATE, merge=Merge.MAX),
                FieldRule(field="vip", expression="vip", kind=FieldKind.BOOL),
                FieldRule(field="tags", expression="tags", kind=FieldKind.STRINGS),
                FieldRule(field="bought", expression="map(city, visits)", kind=FieldKind.MAP_INT),
            ],
        ),
    ),
    (
        Audience(slug="berliners", label="Berliners", filter='FILTER city = "Berlin"'),
        Audience(slug="regulars", label="Regulars", filter="FILTER visits > 5"),
    ),
)
Row = dict[str, str | None]


def person(number: int, **values: str | None) -> Row:
    """Of the even ones, who are Berliners."""
    return {
        "email": f"p{number:04}@example.com",
        "city": "Paris" if number % 2 else "Berlin",
        "visits": str(number),
        "seen": f"2026-02-{number % 28 + 1:02}T10:00:00Z",
        "vip": "t" if number % 3 == 0 else "false",
        "tags": "red, gr\u00fcn" if number % 5 == 0 else None,
        **values,
    }


@dataclass
class Ground:
    """One Lytics and the way to fill it."""

    lytics: Lytics
    place: Place
    api: LyticsApi | None = None
    _minutes: int = field(default=0, repr=False)

    def fill(self, rows: Sequence[Row], *, stream: str = "people") -> None:
        """Brings events, makes profiles of them, and evaluates audiences."""
        self._minutes -= 1
        self.place.now = max(self.place.now, datetime.now(UTC)) + timedelta(seconds=1)
        self.place.bring(stream, [Event(self._minutes, row, number) for number, row in enumerate(rows, 1)])
        self.place.build()

    def refresh(self, scratch: Path, *slugs: str) -> None:
        """What a run does before it reads audiences."""
        scratch.mkdir(parents=True, exist_ok=True)
        self.lytics.refresh(slugs, "run", scratch, lambda _, __: None, memory=256 << 20)


@contextmanager
def embedded(root: Path) -> Iterator[Ground]:
    place = Place(root, DEFINITIONS)
    yield Ground(place.workspace, place)


@contextmanager
def cloud(root: Path, definitions: Definitions = DEFINITIONS) -> Iterator[Ground]:
    with LyticsApi(root / "account", definitions) as api:
        yield Ground(client(api, root / "cloud"), Place(root / "account", definitions, now=START), api)


def client(api: LyticsApi, root: Path, *, patience: float = 5.0) -> Cloud:
    account = Account(api.url, api.bulk_url, lambda: api.token)
    return Cloud(Api(account, patience=patience), root)
