"""A Lytics of a few streams, profiles and audiences, in memory. Its answers stand still, so that pictures can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration, Cancelled, LyazureError
from lytics_azure_tui.lytics.protocol import (
    AudienceInfo,
    AudienceSize,
    Estimate,
    EventFiles,
    FilledField,
    Forgotten,
    Happening,
    Identifier,
    Preview,
    Profile,
    ProfileFigures,
    StagedFile,
    Stopper,
    StreamField,
    StreamInfo,
    StreamMark,
    Trial,
    Value,
    Volume,
)
from lytics_azure_tui.lytics.sending import Delivery
from lytics_azure_tui.lytics.servers import Servers
from lytics_azure_tui.lytics.workspace.audience_rows import AudienceRows
from lytics_azure_tui.lytics.workspace.build import Builds
from lytics_azure_tui.lytics.workspace.trigger_rows import Collected, Wanted
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import OWN_FIELDS, SCORES, FieldKind, Merge, UserField

AT = datetime(2026, 11, 24, 13, 5, 9, tzinfo=UTC)


@dataclass
class SmallLytics:
    """Stands where the embedded workspace does. What writes is not there; what reads is.

    Attributes:
        infos: the streams; `rows` are the newest events of each of them, `days` their volume.
        known: the profiles by id; `happened` are their events, newest first.
        fields_known: the fields of profiles.
        standing: what is said of all profiles.
        evaluated: the audiences; `grown` are their sizes by slug.
        trial: what every mapping would make.
        estimates: by filter; another filter finds fewer the longer it is.
        broken: raised by whatever is asked of profiles and audiences, while it is there.
        machines: those that run jobs for it; None where there are none.
        elsewhere: raised where mappings and audiences are to be edited, while it is there.
        gate: whoever asks about them waits until it is open, or until nobody waits for the answer.
        asked: the name of each such question, and what it was about.
        forgotten: the identifiers of those who were.
    """

    infos: list[StreamInfo] = field(default_factory=list)
    rows: Preview = field(default_factory=lambda: Preview((), ()))
    days: dict[str, list[Volume]] = field(default_factory=dict)
    known: dict[str, Profile] = field(default_factory=dict)
    happened: dict[str, list[Happening]] = field(default_factory=dict)
    fields_known: list[FilledField] = field(default_factory=list)
    standing: ProfileFigures = field(default_factory=lambda: ProfileFigures(0, None, 0, 0))
    evaluated: list[AudienceInfo] = field(default_factory=list)
    grown: dict[str, list[AudienceSize]] = field(default_factory=dict)
    trial: Trial = field(default_factory=lambda: Trial(0, (), {}, {}))
    estimates: dict[str, Estimate] = field(default_factory=dict)
    broken: LyazureError | None = None
    machines: Servers | None = None
    elsewhere: LyazureError | None = None
    gate: Event = field(default_factory=Event)
    asked: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[Identifier] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    # Streams

    def streams(self) -> list[StreamInfo]:
        return self.infos

    def columns(self, stream: str) -> list[str]:
        return list(self.rows.columns)

    def fields(self, stream: str) -> list[StreamField]:
        return [StreamField(name, 1_000_000 - 12_345 * place) for place, name in enumerate(self.rows.columns)]

    def preview(self, stream: str, limit: int = 50) -> Preview:
        return self.rows

    def events(self, stream: str, since: StreamMark | None = None) -> EventFiles | None:
        return None

    def volume(self, stream: str, days: int = 60) -> list[Volume]:
        return self.days.get(stream, [])[-days:]

    def staging(self, stream: str) -> Path:
        raise NotImplementedError

    def delivery(self, stream: str) -> Delivery | None:
        return None

    def dry_run(self, stream: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
        return ""

    def commit(self, stream: str, run_id: str, columns: Sequence[str], files: Sequence[StagedFile]) -> bool:
        raise NotImplementedError

    def discard(self, stream: str, run_id: str) -> None:
        raise NotImplementedError

    # Profiles

    def require_definitions(self) -> None:
        if self.elsewhere is not None:
            raise self.elsewhere

    @property
    def builds(self) -> Builds:
        raise NotImplementedError

    def due(self, definitions: Definitions) -> datetime | None:
        return None

    def try_mapping(
        self, mapping: StreamMapping, *, events: int = 2000, limit: int = 20, stopper: Stopper | None = None
    ) -> Trial:
        self._answer("try_mapping", mapping.stream, stopper)
        return self.trial

    def user_fields(self) -> list[FilledField]:
        self._answer("user_fields")
        return self.fields_known

    def figures(self) -> ProfileFigures:
        self._answer("figures")
        return self.standing

    def find(self, text: str, limit: int = 50) -> list[Profile]:
        self._answer("find", text)
        found = dict[str, tuple[bool, Profile]]()
        for profile in self.known.values():
            values = [profile.id, *(identifier.value for identifier in profile.identifiers)]
            if any(value.startswith((text, text.lower())) for value in values):
                found[profile.id] = (text not in values, profile)
        return [profile for _, profile in sorted(found.values(), key=lambda item: (item[0], item[1].id))][:limit]

    def profile(self, profile_id: str) -> Profile | None:
        self._answer("profile", profile_id)
        merged = {old: profile for profile in self.known.values() for old in profile.merged}
        return self.known.get(profile_id) or merged.get(profile_id)

    def happenings(self, profile_id: str, limit: int = 100) -> list[Happening]:
        self._answer("happenings", f"{profile_id} {limit}")
        return self.happened.get(profile_id, [])[:limit]

    def forget(self, identifier: Identifier) -> Forgotten:
        self._answer("forget", identifier.value)
        self.forgotten.append(identifier)
        gone = [profile for profile in self.known.values() if identifier in profile.identifiers]
        events = dict[str, int]()
        for profile in gone:
            del self.known[profile.id]
            for happening in self.happened.pop(profile.id, []):
                events[happening.stream] = events.get(happening.stream, 0) + 1
        identifiers = tuple(item for profile in gone for item in profile.identifiers)
        return Forgotten(identifiers, len(gone), events, sum(len(profile.audiences) for profile in gone))

    def identifiers(self, value: str) -> list[Identifier]:
        """Those of this value."""
        every = {one for profile in self.known.values() for one in profile.identifiers}
        return sorted((one for one in every if one.value == value), key=lambda one: one.field)

    # Audiences

    def defined(self, definitions: Definitions) -> list[Audience]:
        return sorted(definitions.audiences, key=lambda audience: audience.label.casefold())

    def audiences(self) -> list[AudienceInfo]:
        self._answer("audiences")
        return self.evaluated

    @property
    def servers(self) -> Servers:
        return self.machines or Workspace(Path()).servers

    def refresh(
        self, slugs: Sequence[str], run_id: str, scratch: Path, tell: Callable[[str, int], None], *, memory: int
    ) -> tuple[str, ...]:
        raise NotImplementedError

    def glance(self, slugs: Sequence[str], scratch: Path) -> SmallLytics:
        return self

    def audience(
        self, slug: str, *, memory: int, threads: int, spill: Path | None = None
    ) -> AbstractContextManager[AudienceRows | None]:
        raise NotImplementedError

    def triggers_state(self) -> tuple[int, frozenset[str]]:
        raise NotImplementedError

    def triggers(
        self, wanted: Wanted, target: Path, *, memory: int, threads: int, spill: Path | None = None
    ) -> Collected:
        raise NotImplementedError

    def sizes(self, slug: str, limit: int = 200) -> list[AudienceSize]:
        self._answer("sizes", slug)
        return self.grown.get(slug, [])[-limit:]

    def estimate(
        self, text: str, definitions: Definitions, *, members: int = 10, stopper: Stopper | None = None
    ) -> Estimate:
        self._answer("estimate", text, stopper)
        try:
            parse_filter(text)
        except ValueError as error:
            raise BadConfiguration("The filter cannot be read", why=str(error)) from error
        total = self.standing.profiles
        found = self.estimates.get(text) or Estimate(total // (1 + len(text)), total, tuple(self.known.values()))
        return Estimate(found.size, found.profiles, found.members[:members])

    def _answer(self, name: str, about: str = "", stopper: Stopper | None = None) -> None:
        self.asked.append((name, about))
        while not self.gate.wait(0.02):
            if stopper is not None and stopper.stopped:
                break
        if stopper is not None and stopper.stopped:
            raise Cancelled("Nobody waits for the answer any more")
        if self.broken is not None:
            raise self.broken


def populated() -> SmallLytics:
    """Two streams that became a quarter of a million profiles, of which eight are here, and four audiences."""
    lytics = SmallLytics(
        infos=[
            StreamInfo("customers", 1_998_112, AT - timedelta(hours=3), AT - timedelta(hours=2), 210_000_000),
            StreamInfo("web", 9_204_551, AT - timedelta(minutes=4), AT, 980_000_000),
        ],
        rows=_newest(),
        days={"customers": volume(), "web": volume(scale=4_000)},
        standing=ProfileFigures(253_114, AT - timedelta(minutes=12), 1_204, 3),
        fields_known=[
            *(FilledField(own, 253_114) for own in OWN_FIELDS),
            *(FilledField(user_field, filled) for user_field, filled in zip(FIELDS, FILLED, strict=True)),
        ],
        evaluated=[
            AudienceInfo("big-spenders", 12_345, 214, 87),
            AudienceInfo("gone-quiet", 48_201, 0, 1_902),
            AudienceInfo("newsletter", 181_002, 3_411, 12),
        ],
        grown={
            "big-spenders": _growth(11_200, (90, 120, -40, 210, 180, -65, 320, 150, 53, 127)),
            "gone-quiet": _growth(52_000, (-300, -500, 200, -700, -900, -1_100, -499)),
            "newsletter": _growth(181_000, (2,)),
        },
    )
    for profile, events in _profiles():
        lytics.known[profile.id] = profile
        lytics.happened[profile.id] = events
    lytics.trial = Trial(
        2_000,
        tuple(lytics.known.values()),
        {"email": 1_998, "customer_id": 2_000, "country": 1_640, "spent": 1_211, "interests": 903},
        {"spent": 4},
    )
    return lytics


def define(folder: Folder) -> None:
    """Writes the mappings and audiences behind `populated`; one audience of them has not been counted yet."""
    customers = [
        FieldRule(field="email", expression="email(email)", identifier=True, rank=1),
        FieldRule(field="customer_id", expression="customer_id", identifier=True, rank=2),
        FieldRule(field="spent", expression="tonumber(price)", kind=FieldKind.NUMBER, merge=Merge.SUM),
    ]
    cookies = FieldRule(field="cookies", expression="visitor_id", kind=FieldKind.STRINGS, identifier=True, rank=5)
    definitions.save_mapping(folder, StreamMapping(stream="customers", fields=customers))
    definitions.save_mapping(folder, StreamMapping(stream="web", fields=[cookies]))
    for audience in AUDIENCES:
        definitions.save_audience(folder, audience)


AUDIENCES = (
    Audience(
        slug="big-spenders",
        label="Big spenders",
        description="More than 1,000 euros in all, and seen in the last three months.",
        filter='FILTER AND (\n  spent > 1000\n  _modified > "now-90d"\n)',
    ),
    Audience(slug="gone-quiet", label="Gone quiet", filter='FILTER _modified < "now-30d"'),
    Audience(
        slug="newsletter", label="Readers [b]of all[/b]", description="Said yes.", filter="FILTER newsletter = true"
    ),
    Audience(
        slug="win-back",
        label="Win back",
        filter="FILTER AND (INCLUDE `big-spenders`, INCLUDE `gone-quiet`)",
    ),
)

FIELDS = (
    UserField("email", FieldKind.STRING, Merge.LATEST, identifier=True, help="Lower-cased."),
    UserField("customer_id", FieldKind.STRING, Merge.LATEST, identifier=True),
    UserField("cookies", FieldKind.STRINGS, Merge.MERGE, identifier=True),
    UserField("first_name", FieldKind.STRING, Merge.LATEST),
    UserField("country", FieldKind.STRING, Merge.LATEST),
    UserField("spent", FieldKind.NUMBER, Merge.SUM, help="In euros."),
    UserField("newsletter", FieldKind.BOOL, Merge.LATEST),
    UserField("visits", FieldKind.MAP_INT, Merge.VALUECT, help="How often each page was seen."),
    UserField("interests", FieldKind.MAP_NUMBER),
)
FILLED = (251_880, 198_340, 140_223, 197_811, 196_002, 88_412, 198_340, 140_223, 120_004)


def volume(days: int = 60, scale: int = 1_000) -> list[Volume]:
    """Events of each day: weeks that are alike, a day without any, and a peak."""
    week = (21, 25, 24, 26, 31, 14, 12)
    events = [scale * week[place % 7] // 10 for place in range(days)]
    events[days // 2], events[days - 9] = 0, scale * 9
    return [Volume(AT.date() - timedelta(days=days - 1 - place), count) for place, count in enumerate(events)]


def _growth(first: int, changes: Sequence[int]) -> list[AudienceSize]:
    sizes = [first]
    for change in changes:
        sizes.append(sizes[-1] + change)
    return [AudienceSize(AT - timedelta(hours=19 * (len(sizes) - 1 - place)), size) for place, size in enumerate(sizes)]


def _profiles() -> list[tuple[Profile, list[Happening]]]:
    return [
        _person(1, "Ada", "ada@example.com", "GB", 1_284.5, 148, 0.2, ("big-spenders", "newsletter"), merged=2),
        _person(2, "Adaeze", "adaeze.okafor12@example.org", "NL", 88.0, 12, 3, ("newsletter",)),
        _person(3, "Adèle", "adele.moreau901@example.com", "FR", 0.0, 3, 41, ("gone-quiet",)),
        _person(4, "Zoë", "zoe.kaya77@example.net", "TR", 412.25, 37, 1.5, ("newsletter",)),
        _person(5, "[b]Bo[/b]", "bo[/]bold@example.com", "SE", 19.9, 5, 6, ()),
        _person(6, None, None, None, None, 2, 0.01, ()),
        _person(7, "Ines", "ines.rossi4@example.com", "IT", 2_990.0, 61, 0.6, ("big-spenders",)),
        _person(8, "上田", "ueda@example.com", "JP", 12.0, 9, 12, ("gone-quiet", "newsletter")),
    ]


def _person(
    number: int,
    name: str | None,
    email: str | None,
    country: str | None,
    spent: float | None,
    events: int,
    days_ago: float,
    audiences: tuple[str, ...],
    *,
    merged: int = 0,
) -> tuple[Profile, list[Happening]]:
    seen = AT - timedelta(days=days_ago)
    cookies = tuple(f"ck_{number:02}{place}f9c2" for place in range(1 + merged))
    mapped: dict[str, Value | None] = {
        "cookies": cookies,
        "customer_id": f"C{number:06}" if email else None,
        "email": email,
        "first_name": name,
        "country": country,
        "spent": spent,
        "newsletter": "newsletter" in audiences if email else None,
        "visits": {"/": events // 2, "/jackets": events // 3, "/journal/packing-light": 1},
        "interests": {"camping": 1.0, "jackets": 0.6412, "journal": 0.0211},
    }
    scores = dict(zip(SCORES, (min(events, 100), 61, max(100 - int(days_ago * 2), 0), 34, 52, 12), strict=True))
    own: dict[str, Value] = {
        "_id": f"{number:02x}" * 16,
        "_created": seen - timedelta(days=200),
        "_modified": seen,
        "_num_events": events,
        "_streamnames": ("customers", "web") if email else ("web",),
        "_segments": audiences,
    }
    identifiers = [Identifier("cookies", cookie) for cookie in cookies]
    identifiers += [Identifier(key, str(mapped[key])) for key in ("customer_id", "email") if mapped[key]]
    profile = Profile(
        f"{number:02x}" * 16,
        {**own, **scores, **{key: value for key, value in mapped.items() if value is not None}},
        tuple(identifiers),
        audiences,
        tuple(f"{number:02x}" * 15 + f"{place:02x}" for place in range(200, 200 + merged)),
    )
    return profile, [_happening(place, seen, cookies[0], email, number) for place in range(events)]


def _happening(place: int, last: datetime, cookie: str, email: str | None, number: int) -> Happening:
    at = last - timedelta(hours=place * 7)
    if email and place % 5 == 2:
        order = {"order": f"O{number}{place:04}", "product": "Trail jacket, [blue]", "price": f"{29 + place}.90"}
        return Happening(at, "customers", {"customer_id": f"C{number:06}", "email": email, **order})
    page = ("/", "/jackets", "/journal/packing-light", "/cart")[place % 4]
    return Happening(at, "web", {"visitor_id": cookie, "page": page, "device": "phone", "seconds": str(3 + place)})


def _newest() -> Preview:
    names = ("customer_id", "email", "first_name", "country", "spent", "newsletter", "tags", "updated_at")
    rows = tuple(
        (
            f"C{place:06}",
            f"person{place}@example.com",
            ("Ada", "[b]Bo[/b]", "Zoë")[place % 3],
            ("NL", "TR", None)[place % 3],
            f"{place * 17}.90",
            ("true", "false")[place % 2],
            "camping; boots",
            f"2026-11-24T09:{place:02}:00Z",
        )
        for place in range(50)
    )
    return Preview(names, rows)
