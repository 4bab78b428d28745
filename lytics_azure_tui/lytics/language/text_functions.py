"""Functions of text: letters, e-mail and web addresses, hashes."""

from __future__ import annotations

import re
from collections.abc import Callable

from lytics_azure_tui.lytics.duck import literal
from lytics_azure_tui.lytics.language.compare import Operand
from lytics_azure_tui.lytics.language.kinds import as_text
from lytics_azure_tui.lytics.language.scope import Scope, Typed
from lytics_azure_tui.model.user_field import FieldKind

Builder = Callable[..., Typed]

_SPACES = literal(" \n\t\r")
_ADDRESS = r"[^\s<>@,;:\"()]+@[^\s<>@,;:\"()]+"
_ALONE = literal(_ADDRESS)
_AMONG_SPACES = literal(rf"\s*{_ADDRESS}\s*")
_WITH_NAME = literal(rf"^([^<>@]*)<\s*({_ADDRESS})\s*>\s*$")
_AROUND_NAME = literal(' "\t')
# Countries under which names are given out one level deeper: the domain of www.example.co.uk is example.co.uk.
_DEEPER = (
    "'ac', 'asn', 'co', 'com', 'edu', 'gen', 'go', 'gob', 'gouv', 'gov', 'gv', 'id', 'ind', 'mil', 'ne', 'net', 'nhs', "
    "'nom', 'or', 'org', 'plc', 'police', 'sch'"
)


def text(sql: str) -> Typed:
    """SQL that gives text."""
    return Typed(sql, FieldKind.STRING)


def truth(sql: str) -> Typed:
    """SQL that gives true or false."""
    return Typed(sql, FieldKind.BOOL)


def _trimmed(sql: str) -> str:
    return f"trim({sql}, {_SPACES})"


def _replaced(_: Scope, x: Operand, old: Operand, new: Operand | None = None) -> Typed:
    return text(f"replace({x.sql}, {old.sql}, {new.sql if new else literal('')})")


def _joined(_: Scope, *values: Operand) -> Typed:
    *parts, separator = values
    lists = [value.sql if value.kind.is_list else f"[{as_text(value.value)}]" for value in parts]
    whole = lists[0] if len(lists) == 1 else f"list_concat({', '.join(lists)})"
    kept = f"list_filter({whole}, lambda _part: _part <> '')"
    return text(f"nullif(array_to_string({kept}, {as_text(separator.value)}), '')")


def _substring(_: Scope, x: Operand, start: Operand, end: Operand | None = None) -> Typed:
    first, last = f"CAST({start.sql} AS BIGINT)", f"CAST({end.sql} AS BIGINT)" if end else f"length({x.sql})"
    return text(
        f"CASE WHEN {first} >= 0 AND {last} BETWEEN {first} AND length({x.sql}) "
        f"THEN substring({x.sql}, {first} + 1, {last} - {first}) END"
    )


def _email(x: str) -> str:
    # Most addresses stand alone; to take the others apart costs five times as much.
    return (
        f"CASE WHEN regexp_full_match({x}, {_ALONE}) THEN lower({x}) "
        f"WHEN contains({x}, '<') THEN nullif(lower(regexp_extract({x}, {_WITH_NAME}, 2)), '') "
        f"WHEN regexp_full_match({x}, {_AMONG_SPACES}) THEN lower({_trimmed(x)}) END"
    )


def _email_name(x: str) -> str:
    name = f"trim(regexp_extract({x}, {_WITH_NAME}, 1), {_AROUND_NAME})"
    return f"nullif({name}, '')"


def _once(sql: str, make: Callable[[str], str]) -> str:
    """SQL that names a value several times, without having it made several times."""
    return f"list_transform([{sql}], lambda _it: {make('_it')})[1]"


def _behind_scheme(x: str) -> str:
    """A web address from its host on. Looking for marks is several times as fast as a regular expression."""
    scheme = f"strpos({x}, '://')"
    return f"CASE WHEN {scheme} > 1 AND strpos({x}, '/') = {scheme} + 1 THEN substring({x}, {scheme} + 3) ELSE {x} END"


def _part(x: str, mark: str, place: int) -> str:
    """What stands between marks; NULL where there are not so many. split_part would make its text twice."""
    return f"string_split({x}, {literal(mark)})[{place}]"


def _before_query(x: str) -> str:
    return _part(_part(x, "?", 1), "#", 1)


def _host(x: str) -> str:
    authority = _before_query(_part(_behind_scheme(x), "/", 1))
    return f"lower(trim({_part(authority, '@', -1)}))"


def _domain(x: str) -> str:
    def of(labels: str) -> str:
        top, second, third = (f"{labels}[{-place}]" for place in (1, 2, 3))
        deeper = f"length({top}) = 2 AND {second} IN ({_DEEPER}) AND {third} <> ''"
        return (
            f"CASE WHEN {top} = '' OR {second} = '' OR try_cast({top} AS INTEGER) IS NOT NULL THEN NULL "
            f"WHEN {deeper} THEN {third} || '.' || {second} || '.' || {top} ELSE {second} || '.' || {top} END"
        )

    return _once(f"string_split({_part(_host(x), ':', 1)}, '.')", of)


def _decoded(x: str) -> str:
    """Text with its escapes decoded. What is no UTF-8 then is an error to DuckDB, and no value to us."""
    return f"CASE WHEN contains({x}, '%') THEN try(url_decode({x})) ELSE {x} END"


def _path(x: str) -> str:
    def of(address: str) -> str:
        path = _decoded(f"lower(substring({address}, strpos({address}, '/')))")
        return f"CASE WHEN contains({address}, '/') THEN nullif({path}, '') END"

    return _once(_before_query(_behind_scheme(x)), of)


def _parameter(_: Scope, x: Operand, name: Operand) -> Typed:
    mark = f"&{name.text or ''}="
    query = _part(f"substring({x.sql}, nullif(strpos({x.sql}, '?'), 0) + 1)", "#", 1)
    value = _part(_part(f"'&' || {query}", mark, 2), "&", 1)
    value = f"replace({value}, '+', ' ')"
    return text(f"nullif({_once(value, _decoded)}, '')")


def _without_parameter(_: Scope, x: Operand, name: Operand) -> Typed:
    pattern = literal(rf"([?&]){re.escape(name.text or '')}(?:=[^&#]*)?(?:&|(#|$))")
    return text(f"regexp_replace(regexp_replace({x.sql}, {pattern}, '\\1\\2', 'g'), '[?&](#|$)', '\\1')")


def _plain(make: Callable[[str], str]) -> Builder:
    """A function of one text that gives text."""

    def build(_: Scope, x: Operand) -> Typed:
        if len(x.sql) <= 200:
            return text(make(x.sql))
        # What names its text several times would grow with each function around it.
        return text(_once(x.sql, make))

    return build


BUILDERS: dict[str, Builder] = {
    "tolower": _plain(lambda x: f"lower({x})"),
    "toupper": _plain(lambda x: f"upper({x})"),
    "trim": _plain(_trimmed),
    "replace": _replaced,
    "split": lambda _, x, separator: Typed(
        f"CASE WHEN {x.sql} <> '' THEN string_split({x.sql}, {separator.sql}) END", FieldKind.STRINGS
    ),
    "join": _joined,
    "string.substr": _substring,
    "string.index": lambda _, x, part: Typed(f"nullif(strpos({x.sql}, {part.sql}), 0) - 1", FieldKind.INT),
    "contains": lambda _, x, part: truth(f"contains({x.sql}, {part.sql})"),
    "hasprefix": lambda _, x, prefix: truth(f"starts_with({x.sql}, {prefix.sql})"),
    "hassuffix": lambda _, x, suffix: truth(f"ends_with({x.sql}, {suffix.sql})"),
    "email": _plain(_email),
    "emaildomain": _plain(lambda x: _part(_email(x), "@", 2)),
    "emailname": _plain(_email_name),
    "host": _plain(lambda x: f"nullif({_host(x)}, '')"),
    "domain": _plain(_domain),
    "path": _plain(_path),
    "qs": _parameter,
    "urlmain": _plain(lambda x: _before_query(_behind_scheme(x))),
    "urlminusqs": _without_parameter,
    "urldecode": _plain(lambda x: _decoded(f"replace({x}, '+', ' ')")),
    # 63 bits, for BIGINT has no more that are positive.
    "hash": lambda _, x: Typed(f"CAST(md5_number_lower({x.sql}) >> 1 AS BIGINT)", FieldKind.INT),
    "md5": _plain(lambda x: f"md5({x})"),
    "sha1": _plain(lambda x: f"sha1({x})"),
    "sha256": _plain(lambda x: f"sha256({x})"),
    "encoding.b64encode": _plain(lambda x: f"to_base64(encode({x}))"),
    "encoding.b64decode": _plain(lambda x: f"try(decode(from_base64({x})))"),
}
