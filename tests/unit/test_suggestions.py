"""What a stream's columns suggest: by name, by values, and never what would make one person of many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.language.parse import parse_expression
from lytics_azure_tui.model.language.tokens import written_name
from lytics_azure_tui.model.language.tree import field_names
from lytics_azure_tui.model.mapping import Affinity, FieldRule, StreamMapping, disagreements
from lytics_azure_tui.model.suggestion import Suggestion, field_name, suggest, suggestions
from lytics_azure_tui.model.user_field import SCORES, FieldKind, Merge, UserField


def of(column: str, *values: str, stream: str = "", known: tuple[UserField, ...] = ()) -> Suggestion:
    """What one column suggests."""
    return suggest(column, values, stream=stream, known=known)


def rule(column: str, *values: str, stream: str = "") -> FieldRule:
    """The rule that it suggests."""
    made = of(column, *values, stream=stream).rule
    assert isinstance(made, FieldRule)
    return made


@pytest.mark.parametrize("column", ["email", "E-Mail", "user_email", "Email Address", "customerEmail"])
def test_an_address_becomes_the_strongest_identifier(column: str) -> None:
    made = rule(column, "Ada@example.com", "bo@example.org", "")
    assert (made.field, made.identifier, made.rank) == ("email", True, 1)
    assert made.expression == f"email({written_name(column)})"


def test_addresses_are_known_by_their_looks_but_may_be_somebody_elses() -> None:
    made = rule("friend", "ada@example.com", "bo@example.org")
    assert made.expression == "email(friend)"
    assert made.field == "friend"
    assert not made.identifier


@pytest.mark.parametrize(
    "column", ["customer_id", "userId", "Member Number", "contact_key", "customerid", "external_customer_id"]
)
def test_an_id_of_a_person_is_an_identifier(column: str) -> None:
    made = rule(column, "C1", "C2")
    assert made.identifier
    assert made.kind is FieldKind.STRING


@pytest.mark.parametrize("column", ["visitor_id", "cookieId", "device_id", "anonymous_id", "deviceid"])
def test_the_id_of_a_device_is_a_weaker_one_of_which_a_person_has_several(column: str) -> None:
    made = rule(column, "9f2c", "77ab")
    assert made.identifier
    assert made.kind is FieldKind.STRINGS
    assert made.rank > rule("customer_id").rank > rule("email").rank


@pytest.mark.parametrize(
    "column",
    [
        *("order_id", "product_id", "store_id", "session_id", "event_id", "campaign_id", "sku", "transaction_id"),
        *(
            "account_manager_id",
            "customer_group_id",
            "referrer_user_id",
            "user_agent_id",
            "member_since",
            "paid",
            "valid",
        ),
        *("customer_type", "user_country", "client_ip", "android", "void"),
    ],
)
def test_what_people_share_is_never_an_identifier(column: str) -> None:
    made = of(column, "1", "2").rule
    assert isinstance(made, Affinity) or not made.identifier


def test_an_id_alone_is_of_what_the_stream_is_about() -> None:
    assert rule("id", "7", stream="crm.customers").field == "customer_id"
    assert rule("id", "7", stream="crm.customers").identifier
    assert of("id", "7", stream="orders").plain


@pytest.mark.parametrize(
    ("column", "values", "merge"),
    [
        ("created_at", ("2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z"), Merge.MIN),
        ("first_seen", ("2026-11-01 10:00", ""), Merge.MIN),
        ("updated_at", ("2026-11-01", "2026/11/02", "3.11.2026"), Merge.MAX),
        ("birth_date", ("1815-12-10",), Merge.LATEST),
        ("when", ("Mon, 2 Nov 2026 10:00:00 GMT",), Merge.MAX),
        ("last_login", ("1794000000", "1794000001"), Merge.MAX),
    ],
)
def test_times(column: str, values: tuple[str, ...], merge: Merge) -> None:
    made = rule(column, *values)
    assert (made.kind, made.merged_by, made.expression) == (FieldKind.DATE, merge, f"todate({column})")


@pytest.mark.parametrize(
    ("column", "values", "kind", "merge"),
    [
        ("amount", ("12", "3.50"), FieldKind.NUMBER, Merge.SUM),
        ("order_total", ("12", "13"), FieldKind.NUMBER, Merge.SUM),
        ("quantity", ("1", "2"), FieldKind.INT, Merge.SUM),
        ("lifetime_value", ("120.5", "0"), FieldKind.NUMBER, Merge.LATEST),
        ("points", ("120", "0"), FieldKind.INT, Merge.LATEST),
        ("total_average", ("1.5",), FieldKind.NUMBER, Merge.LATEST),
        ("big", ("9" * 30,), FieldKind.NUMBER, Merge.LATEST),
    ],
)
def test_quantities_are_added_up_and_standings_are_not(
    column: str, values: tuple[str, ...], kind: FieldKind, merge: Merge
) -> None:
    made = rule(column, *values)
    assert (made.kind, made.merged_by) == (kind, merge)


@pytest.mark.parametrize("values", [("01234", "99999"), ("007",)])
@pytest.mark.parametrize("column", ["zip", "anything"])
def test_digits_with_a_zero_in_front_stay_text(column: str, values: tuple[str, ...]) -> None:
    assert rule(column, *values).kind is FieldKind.STRING


@pytest.mark.parametrize(
    ("column", "values"),
    [("newsletter", ("true", "false")), ("answer", ("Yes", "no", "YES")), ("is_active", ("1", "0")), ("optin", ("y",))],
)
def test_yes_and_no(column: str, values: tuple[str, ...]) -> None:
    made = rule(column, *values)
    assert (made.kind, made.expression) == (FieldKind.BOOL, f"tobool({column})")


def test_a_one_is_a_number_where_nothing_speaks_of_yes_and_no() -> None:
    assert rule("visits", "1", "0", "1").kind is FieldKind.INT


@pytest.mark.parametrize("separator", [";", ",", "|", "; ", ", "])
def test_several_values_in_a_cell_are_cut(separator: str) -> None:
    made = rule("tags", separator.join(("a", "b")), "c")
    assert (made.kind, made.merged_by) == (FieldKind.STRINGS, Merge.MERGE)
    assert made.expression == f'split(tags, "{separator}")'


def test_a_place_with_a_comma_is_one_value() -> None:
    assert rule("city", "Portland, OR", "Berlin").kind is FieldKind.STRING


@pytest.mark.parametrize("column", ["category", "product_category", "topic", "Section"])
def test_topics_become_an_interest(column: str) -> None:
    made = of(column, "boots", "tents").rule
    assert isinstance(made, Affinity)
    assert made.field.endswith("_interest")


def test_deeds_are_counted() -> None:
    made = rule("event_type", "view", "purchase")
    assert (made.field, made.kind, made.merged_by) == ("event_type_counts", FieldKind.MAP_INT, Merge.VALUECT)


def test_long_text_and_addresses_of_pages_are_left_alone() -> None:
    assert of("remarks", "It came a day early.").plain
    assert of("url", "https://example.com/a", "/b").plain
    assert of("title", "x" * 200).plain


def test_a_few_wrong_values_do_not_change_the_mind() -> None:
    values = [f"2026-11-{day:02}" for day in range(1, 20)]
    assert rule("day", *values, "n/a").kind is FieldKind.DATE
    assert rule("day", *values[:3], "n/a", "soon").kind is FieldKind.STRING


def test_a_field_that_is_mapped_elsewhere_is_the_same_here() -> None:
    spent = UserField("amount", FieldKind.INT, Merge.MAX)
    made = of("amount", "1.50", known=(spent,)).rule
    assert isinstance(made, FieldRule)
    assert (made.kind, made.merged_by) == (FieldKind.INT, Merge.MAX)


def test_a_name_that_is_an_interest_elsewhere_gets_a_number() -> None:
    assert of("boots", "1", "2", known=(UserField("boots", FieldKind.MAP_NUMBER),)).rule.field == "boots_2"


def test_all_that_a_stream_suggests_comes_once_in_the_order_of_the_columns() -> None:
    values = {"id": ["7"], "email": ["a@b.co"], "e_mail": ["c@d.eu"], "note": ["x"], "city": ["Oslo"], "spent": ["1.5"]}
    found = suggestions(list(values), values, stream="customers", taken=["Spent"])
    assert [made.rule.field for made in found] == ["customer_id", "email", "city"]


def test_columns_in_other_letters_are_told_apart_by_numbers() -> None:
    found = suggestions(["都市", "年齢"], {"都市": ["1"], "年齢": ["2.5"]})
    assert [made.rule.field for made in found] == ["field", "field_2"]
    assert field_name("Prénom") == "prenom"


@pytest.mark.parametrize("name", [*SCORES, "2024", "", "_id", "a" * 300, "Größe (cm)"])
def test_any_column_gives_a_name_that_a_rule_may_have(name: str) -> None:
    assert FieldRule(field=field_name(name), expression="x").field not in SCORES


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30) | st.sampled_from(
    [
        "email",
        "user_id",
        "created_at",
        "amount",
        "tags",
        "category",
        "zip",
        "score_recency",
        "event",
        "and",
        "a`b",
        "c.d",
    ]
)
cells = st.none() | st.text(max_size=20) | st.sampled_from(["1", "0.5", "yes", "2026-01-01", "a@b.co", "a;b", "007"])


@given(
    st.lists(st.tuples(names, st.lists(cells, max_size=6)), max_size=8, unique_by=lambda column: column[0]),
    st.text(max_size=10),
)
def test_whatever_the_columns_the_suggestions_make_a_mapping(
    columns: list[tuple[str, list[str | None]]], stream: str
) -> None:
    found = suggestions([name for name, _ in columns], dict(columns), stream=stream)
    fields = [made.rule for made in found if isinstance(made.rule, FieldRule)]
    mapping = StreamMapping(
        stream="s", fields=fields, affinities=[made.rule for made in found if isinstance(made.rule, Affinity)]
    )
    assert StreamMapping.model_validate({"stream": "s", **mapping.model_dump(mode="json")}) == mapping
    assert disagreements([mapping]) == []
    for made in found:
        assert field_names(parse_expression(made.rule.expression)) == [made.column]
