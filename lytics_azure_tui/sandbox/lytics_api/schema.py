"""/api/schema and /v2/schema: the fields of profiles. docs.lytics.com/reference/schemafields"""

from __future__ import annotations

from typing import Any

from lytics_azure_tui.lytics.duck import quoted
from lytics_azure_tui.lytics.workspace.reader import Opened
from lytics_azure_tui.model.language.parse import parse_expression
from lytics_azure_tui.model.language.tree import Field, walk
from lytics_azure_tui.model.mapping import StreamMapping
from lytics_azure_tui.model.user_field import UserField
from lytics_azure_tui.sandbox.lytics_api.account import Account
from lytics_azure_tui.sandbox.lytics_api.replies import Answer, Call, Path, Refused, moment, v1, v2

_TERMS = 20


class Schema:
    """Tells about user fields; the one table is `user`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def paths(self) -> list[Path]:
        """What can be called."""
        return [
            Path("GET", "/api/schema/{table}", self.fields_v1),
            Path("GET", "/api/schema/{table}/fieldinfo", self.fieldinfo),
            Path("GET", "/v2/schema/{table}/field", self.fields_v2),
            Path("GET", "/v2/schema/{table}/fieldnames", self.names),
        ]

    def names(self, call: Call) -> Answer:
        return v2([field.name for field in self._fields(call)])

    def fields_v2(self, call: Call) -> Answer:
        at = moment(self._account.created)
        return v2(
            [
                {
                    "id": field.name,
                    "type": field.kind.value,
                    "mergeop": field.merge.value if field.merge else "",
                    "is_identifier": field.identifier,
                    "is_pii": False,
                    "shortdesc": field.help,
                    "longdesc": "",
                    "created": at,
                    "modified": at,
                }
                for field in self._fields(call)
            ]
        )

    def fields_v1(self, call: Call) -> Answer:
        mappings = self._account.definitions.mappings
        return v1(
            {
                "fields": [
                    {
                        "as": field.name,
                        "is_by": field.identifier,
                        "type": field.kind.value,
                        "shortdesc": field.help,
                        "longdesc": "",
                        "froms": [mapping.stream for mapping in mappings if _columns(mapping, field.name)],
                        "identities": sorted({name for one in mappings for name in _columns(one, field.name)}),
                    }
                    for field in self._fields(call)
                ]
            }
        )

    def fieldinfo(self, call: Call) -> Answer:
        """How many profiles have each field, and its commonest values; those of maps and times are not counted."""
        text = call.one("limit", str(_TERMS))
        if not text.isdecimal():
            raise Refused(400, "limit is a number")
        wanted = set(call.many("fields"))
        fields = [field for field in self._fields(call) if not wanted or field.name in wanted]
        total = self._account.workspace.figures().profiles
        filled = {one.field.name: one.filled or 0 for one in self._account.workspace.user_fields()}
        with self._account.reader.opened() as opened:
            there = {row[0] for row in opened.ask("DESCRIBE SELECT * FROM profiles")} if opened else set()
            found = [
                {
                    "field": field.name,
                    "ents_present": filled.get(field.name, 0),
                    "ents_absent": total - filled.get(field.name, 0),
                    **_terms(opened if field.name in there else None, field, int(text)),
                }
                for field in fields
            ]
        return v1({"fields": found})

    def _fields(self, call: Call) -> list[UserField]:
        table = call.path["table"]
        if table != "user":
            raise Refused(404, f"The table {table} does not exist", "TABLE-NOTFOUND-009")
        return [field for field in self._account.definitions.user_fields() if field.name != "_segments"]


def _columns(mapping: StreamMapping, field: str) -> set[str]:
    """The columns of a stream of which a field is made."""
    made = [(rule.field, rule.expression) for rule in mapping.fields]
    made += [(affinity.field, affinity.expression) for affinity in mapping.affinities]
    expressions = (parse_expression(text) for name, text in made if name == field)
    return {node.name for one in expressions for node in walk(one) if isinstance(node, Field)}


def _terms(opened: Opened | None, field: UserField, limit: int) -> dict[str, Any]:
    """The commonest values of a field with how often each occurs."""
    if opened is None or field.kind.is_map or field.kind.element.value == "date":
        return {"terms_counts": {}, "more_terms": False, "approx_cardinality": 0}
    value = f"unnest({quoted(field.name)})" if field.kind.is_list else quoted(field.name)
    values = f"(SELECT CAST({value} AS VARCHAR) AS v FROM profiles)"
    rows = opened.ask(f"SELECT v, count(*) FROM {values} WHERE v IS NOT NULL GROUP BY v ORDER BY 2 DESC, 1")
    return {
        "terms_counts": dict(rows[:limit]),
        "more_terms": len(rows) > limit,
        "approx_cardinality": len(rows),
    }
