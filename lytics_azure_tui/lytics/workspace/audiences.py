"""What there is to ask about audiences, and what exports take: members, and who came and left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.protocol import AudienceInfo, AudienceSize, Estimate, Profile, Stopper
from lytics_azure_tui.lytics.workspace.memberships import scope_of
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.language.tree import field_names
from lytics_azure_tui.model.mapping import Definitions


@dataclass(frozen=True, slots=True)
class Transition:
    """Someone came into an audience, or left it.

    Attributes:
        build, seq: its place among all: greater than that of all before it.
        audience: the slug.
        profile: the id that the profile had at that time; it may have become part of another since.
        enter: came; left otherwise.
        at: the moment, UTC: of the build, or the one at which a date passed.
        backfill: was in the audience when that was evaluated for the first time.
    """

    build: int
    seq: int
    audience: str
    profile: str
    enter: bool
    at: datetime
    backfill: bool


@dataclass(frozen=True, slots=True)
class Audiences:
    """The audiences, as screens ask for them; see `lytics.protocol.Lytics`."""

    reader: Reader

    def audiences(self) -> list[AudienceInfo]:
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        with self.reader.opened() as opened:
            if opened is None:
                return []
            rows = opened.ask(
                "SELECT audience, count(*) FILTER (enter), count(*) FILTER (NOT enter) FROM transitions"
                f' WHERE "at" > TIMESTAMPTZ {literal(since)} GROUP BY audience'
            )
            crossed = {slug: (entered, left) for slug, entered, left in rows}
            return [
                AudienceInfo(slug, size, *crossed.get(slug, (0, 0))) for slug, size in sorted(opened.head.sizes.items())
            ]

    def sizes(self, slug: str, limit: int = 200) -> list[AudienceSize]:
        with self.reader.opened() as opened:
            if opened is None:
                return []
            rows = opened.ask(
                'SELECT "at", size FROM sizes WHERE audience = ? ORDER BY "at" DESC LIMIT ?', [slug, limit]
            )
        return [AudienceSize(at, size) for at, size in reversed(rows)]

    def estimate(
        self, text: str, definitions: Definitions, *, members: int = 10, stopper: Stopper | None = None
    ) -> Estimate:
        now = f"TIMESTAMPTZ {literal(datetime.now(UTC).isoformat())}"
        with self.reader.opened(stopper) as opened:
            # The columns that there are, and the audiences as they are written now.
            mappings = definitions.mappings if opened is None else opened.head.defined().mappings
            try:
                wanted = parse_filter(text)
                condition = condition_sql(wanted.condition, scope_of(Definitions(mappings, definitions.audiences), now))
            except ValueError as error:
                raise BadConfiguration("The filter cannot be used", why=str(error)) from error
            if opened is None:
                return Estimate(0, 0, ())
            size = int(opened.ask(f"SELECT count(*) FROM profiles WHERE {condition}")[0][0])
            shown = opened.profiles(
                f"SELECT * FROM profiles WHERE {condition} LIMIT ?", [members], field_names(wanted.condition)
            )
            size = size if wanted.limit is None else min(size, wanted.limit)
            return Estimate(size, opened.head.profiles, tuple(shown))

    # For exports

    def members(self, slug: str, size: int = 1000) -> Iterator[list[Profile]]:
        """The members of an audience as of one build, so many at a time, by id."""
        with self.reader.opened() as opened:
            if opened is None:
                return
            opened.connection.execute(
                "CREATE TEMP TABLE chosen AS SELECT _id, row_number() OVER (ORDER BY _id) AS n"
                f" FROM memberships WHERE list_contains(_segments, {literal(slug)})"
            )
            first = 0
            while found := opened.profiles(
                "SELECT p.* FROM profiles p JOIN chosen USING (_id) WHERE n > $1 AND n <= $2 ORDER BY n",
                [first, first + size],
            ):
                yield found
                first += size

    def transitions(
        self, after: tuple[int, int], slugs: Sequence[str] | None = None, limit: int = 10_000
    ) -> list[Transition]:
        """Who came and who left, in order.

        Args:
            after: (build, seq) of the last one that is known; (0, 0) for all.
            slugs: the audiences; None for all.
            limit: no more than so many.
        """
        with self.reader.opened() as opened:
            if opened is None:
                return []
            rows = opened.ask(
                'SELECT build, seq, audience, profile, enter, "at", backfill FROM transitions'
                " WHERE (build > $1 OR (build = $1 AND seq > $2)) AND ($3 IS NULL OR list_contains($3, audience))"
                " ORDER BY build, seq LIMIT $4",
                [*after, None if slugs is None else list(slugs), limit],
            )
        return [Transition(*row) for row in rows]
