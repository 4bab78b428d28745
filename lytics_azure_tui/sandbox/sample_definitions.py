"""What the demo's shop says about its customers: a mapping for each stream that its jobs fill, and three audiences."""

from __future__ import annotations

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge


def write(folder: Folder) -> None:
    """Writes them into a configuration folder."""
    for mapping in MAPPINGS:
        definitions.save_mapping(folder, mapping)
    for audience in AUDIENCES:
        definitions.save_audience(folder, audience)


def _rule(field: str, expression: str, kind: FieldKind = FieldKind.STRING, merge: Merge | None = None) -> FieldRule:
    return FieldRule(field=field, expression=expression, kind=kind, merge=merge)


def _identifier(field: str, expression: str, rank: int) -> FieldRule:
    return FieldRule(field=field, expression=expression, identifier=True, rank=rank)


_NAMED = (_rule("first_name", "first_name"), _rule("last_name", "last_name"))
_PLACED = (_rule("city", "city"), _rule("country", "country"))

MAPPINGS = (
    StreamMapping(
        stream="customers",
        fields=[
            _identifier("email", "email(email)", 1),
            _identifier("customer_number", "customer_id", 2),
            *_NAMED,
            *_PLACED,
            _rule("segment", "segment"),
            _rule("lifetime_value", "lifetime_value", FieldKind.NUMBER),
            _rule("newsletter", "newsletter", FieldKind.BOOL),
        ],
    ),
    StreamMapping(
        stream="contacts",
        fields=[
            _identifier("email", "email(email)", 1),
            _rule("company", "company"),
            _rule("city", "city"),
            _rule("last_contact", "todate(last_contact)", FieldKind.DATE, Merge.MAX),
        ],
    ),
    StreamMapping(
        stream="web_events",
        fields=[
            _identifier("customer_number", "user_id", 2),
            _rule("actions", "event", FieldKind.MAP_INT, Merge.VALUECT),
            _rule("devices", "device", FieldKind.STRINGS),
            _rule("last_seen", "todate(event_time)", FieldKind.DATE, Merge.MAX),
            FieldRule(
                field="bought",
                expression="product",
                kind=FieldKind.STRINGS,
                merge=Merge.CAPPED,
                cap=20,
                guard='event = "purchase"',
            ),
        ],
        affinities=[Affinity(field="interests", expression="page", guard='event = "view"')],
    ),
    StreamMapping(
        stream="azuresql_activity",
        fields=[
            _identifier("email", "email(email)", 1),
            _identifier("customer_id", "user_id", 3),
            _rule("last_seen", "todate(occurred_at)", FieldKind.DATE, Merge.MAX),
            _rule("spent_online", "amount", FieldKind.NUMBER, Merge.SUM),
        ],
        affinities=[Affinity(field="categories", expression="category")],
    ),
    StreamMapping(
        stream="orders",
        fields=[
            _identifier("customer_id", "customer_id", 3),
            _rule("orders", "order_id", FieldKind.INT, Merge.COUNT),
            _rule("ordered", "total", FieldKind.NUMBER, Merge.SUM),
            _rule("last_order", "todate(created_at)", FieldKind.DATE, Merge.MAX),
        ],
    ),
)

AUDIENCES = (
    Audience(
        slug="newsletter_readers",
        label="Newsletter readers",
        description="May be written to, and are worth it.",
        filter="FILTER AND (\n    newsletter = true\n    EXISTS email\n    lifetime_value > 100\n)",
    ),
    Audience(
        slug="big_spenders",
        label="Big spenders",
        description="By what they have spent so far, wherever that was.",
        filter="FILTER OR (\n    lifetime_value >= 500\n    ordered >= 500\n)",
    ),
    Audience(
        slug="quiet_big_spenders",
        label="Big spenders who went quiet",
        description="Not seen on the web site for 30 days: somebody should call.",
        filter='FILTER AND (\n    INCLUDE big_spenders\n    last_seen < "now-30d"\n)',
    ),
)
