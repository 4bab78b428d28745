"""What there is to ask about audiences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.compile import condition_sql
from lytics_azure_tui.lytics.protocol import AudienceInfo, AudienceSize, Estimate, Stopper
from lytics_azure_tui.lytics.workspace.memberships import scope_of
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.model.language.parse import parse_filter
from lytics_azure_tui.model.language.tree import field_names
from lytics_azure_tui.model.mapping import Definitions


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
