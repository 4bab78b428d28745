"""Functions of dates. All parts of a date are those in UTC."""

from __future__ import annotations

import re
from functools import lru_cache

import duckdb

from lytics_azure_tui.lytics.duck import database, literal
from lytics_azure_tui.lytics.event_time import WITHIN
from lytics_azure_tui.lytics.language.compare import Operand, date_sql
from lytics_azure_tui.lytics.language.kinds import as_date, as_text
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.lytics.language.text_functions import Builder, text
from lytics_azure_tui.model.user_field import FieldKind

# Layouts as Go has them, by which Lytics' own formats are written: a certain moment of 2006 stands for the parts.
_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|[-+]07:?00|Z07:?00|(?<=5)\.(?:0+|9+)|01|_2|02|03|04|05|06|15|PM|pm|[12345]"
)
_PARTS = {
    word: part
    for part, words in {
        "%Y": ("2006",),
        "%y": ("06",),
        "%B": ("January",),
        "%b": ("Jan",),
        "%m": ("01", "1"),
        "%A": ("Monday",),
        "%a": ("Mon",),
        "%d": ("02", "_2", "2"),
        "%H": ("15",),
        "%I": ("03", "3"),
        "%p": ("PM", "pm"),
        "%M": ("04", "4"),
        "%S": ("05", "5"),
        "%Z": ("MST",),
    }.items()
    for word in words
}


def plain(sql: str) -> str:
    """A TIMESTAMPTZ as TIMESTAMP in UTC: DuckDB's functions take a tenth of the time over those."""
    return f"make_timestamp(epoch_us({sql}))"


def _format(layout: str) -> str:
    if "%" in layout:
        return layout
    return _LAYOUT.sub(lambda found: _PARTS.get(found[0], ".%n" if found[0][0] == "." else "%z"), layout)


@lru_cache(maxsize=256)
def _usable(format: str) -> bool:
    with database(memory=64 << 20) as connection:
        try:
            connection.execute(
                f"SELECT try_strptime('', {literal(format)}), strftime(TIMESTAMP '2000-01-01', $1)", [format]
            )
        except duckdb.Error:
            return False
    return True


def _checked(format: Operand) -> str:
    written = _format(format.text or "")
    if "%" not in written or not _usable(written):
        raise format.problem(f'{format} is no form of a date; write one such as "%Y-%m-%d %H:%M:%S"')
    return literal(written)


def _to_date(scope: Scope, *arguments: Operand) -> Typed:
    value = arguments[-1]
    if value.kind not in (FieldKind.STRING, FieldKind.INT, FieldKind.NUMBER, FieldKind.DATE):
        raise value.problem(f"todate takes text, a number or a date, and {value} is none of them")
    if len(arguments) == 1:
        sql = as_date(value.value) if value.text is None else date_sql(value, value.text, scope.now)
        return Typed(sql, FieldKind.DATE)
    if value.kind is FieldKind.DATE:
        raise value.problem(f"{value} is a date already")
    moment = f"CAST(try_strptime({as_text(value.value)}, {_checked(arguments[0])}) AS TIMESTAMPTZ)"
    return Typed(f"CASE WHEN {moment} {WITHIN} THEN {moment} END", FieldKind.DATE)


def _part(template: str) -> Builder:
    def build(scope: Scope, moment: Operand | None = None) -> Typed:
        return Typed(template.format(x=plain(moment.sql if moment else scope.now)), FieldKind.INT)

    return build


def _written(_: Scope, moment: Operand, format: Operand) -> Typed:
    return text(f"strftime({plain(moment.sql)}, {_checked(format)})")


def _month_text(scope: Scope, moment: Operand | None = None) -> Typed:
    return text(f"strftime({plain(moment.sql if moment else scope.now)}, '%y%m')")


BUILDERS: dict[str, Builder] = {
    "todate": _to_date,
    "now": lambda scope: Typed(scope.now, FieldKind.DATE),
    "totimestamp": lambda _, x: Typed(f"CAST(floor(epoch_us({x.sql}) / 1000000) AS BIGINT)", FieldKind.INT),
    "yy": _part("(year({x}) % 100)::BIGINT"),
    "mm": _part("month({x})::BIGINT"),
    "monthofyear": _part("month({x})::BIGINT"),
    "yymm": _month_text,
    "dayofweek": _part("dayofweek({x})::BIGINT"),
    "hourofday": _part("hour({x})::BIGINT"),
    "hourofweek": _part("(dayofweek({x}) * 24 + hour({x}))::BIGINT"),
    "strftime": _written,
    "extract": _written,
}
