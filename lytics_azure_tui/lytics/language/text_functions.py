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
_ALONE = literal(rf"\s*{_ADDRESS}\s*")
_WITH_NAME = literal(rf"^([^<>@]*)<\s*({_ADDRESS})\s*>\s*$")
_AROUND_NAME = literal(' "\t')
_SCHEME = "^(?:[A-Za-z][A-Za-z0-9+.-]*://)?"
_HOST = literal(rf"{_SCHEME}(?:[^/?#@]*@)?([^/?#]*)")
_MAIN = literal(rf"{_SCHEME}([^?#]*)")
_PATH = literal(rf"{_SCHEME}[^/?#]*(/[^?#]*)")
# Countries under which names are given out one level deeper: the domain of www.example.co.uk is example.co.uk.
_DEEPER = "ac|asn|co|com|edu|gen|go|gob|gouv|gov|gv|id|ind|mil|ne|net|nhs|nom|or|org|plc|police|sch"
_DOMAIN = literal(rf"([^.]+\.(?:(?:{_DEEPER})\.[a-z][a-z]|[^.]*[^.0-9][^.]*))$")


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


def _part(_: Scope, x: Operand, start: Operand, end: Operand | None = None) -> Typed:
    first, last = f"CAST({start.sql} AS BIGINT)", f"CAST({end.sql} AS BIGINT)" if end else f"length({x.sql})"
    return text(
        f"CASE WHEN {first} >= 0 AND {last} BETWEEN {first} AND length({x.sql}) "
        f"THEN substring({x.sql}, {first} + 1, {last} - {first}) END"
    )


def _email(x: str) -> str:
    # Most addresses stand alone; to take one apart costs five times as much.
    return (
        f"CASE WHEN regexp_full_match({x}, {_ALONE}) THEN lower({_trimmed(x)}) "
        f"WHEN contains({x}, '<') THEN nullif(lower(regexp_extract({x}, {_WITH_NAME}, 2)), '') END"
    )


def _email_name(x: str) -> str:
    name = f"trim(regexp_extract({x}, {_WITH_NAME}, 1), {_AROUND_NAME})"
    return f"nullif({name}, '')"


def _host(x: str) -> str:
    return f"nullif(lower(regexp_extract({_trimmed(x)}, {_HOST}, 1)), '')"


def _domain(x: str) -> str:
    return f"nullif(regexp_extract(split_part({_host(x)}, ':', 1), {_DOMAIN}, 1), '')"


def _decoded(x: str) -> str:
    # What is no UTF-8 after decoding is an error, and no value.
    return f"try(url_decode(replace({x}, '+', ' ')))"


def _parameter(_: Scope, x: Operand, name: Operand) -> Typed:
    pattern = literal(rf"[?&]{re.escape(name.text or '')}=([^&#]*)")
    return text(f"nullif({_decoded(f'regexp_extract({x.sql}, {pattern}, 1)')}, '')")


def _without_parameter(_: Scope, x: Operand, name: Operand) -> Typed:
    pattern = literal(rf"([?&]){re.escape(name.text or '')}(?:=[^&#]*)?(?:&|(#|$))")
    return text(f"regexp_replace(regexp_replace({x.sql}, {pattern}, '\\1\\2', 'g'), '[?&](#|$)', '\\1')")


def _plain(make: Callable[[str], str]) -> Builder:
    """A function of one text that gives text."""

    def build(_: Scope, x: Operand) -> Typed:
        if len(x.sql) <= 200:
            return text(make(x.sql))
        # What names its text several times would grow with each function around it.
        return text(f"list_transform([{x.sql}], lambda _text: {make('_text')})[1]")

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
    "string.substr": _part,
    "string.index": lambda _, x, part: Typed(f"nullif(strpos({x.sql}, {part.sql}), 0) - 1", FieldKind.INT),
    "contains": lambda _, x, part: truth(f"contains({x.sql}, {part.sql})"),
    "hasprefix": lambda _, x, prefix: truth(f"starts_with({x.sql}, {prefix.sql})"),
    "hassuffix": lambda _, x, suffix: truth(f"ends_with({x.sql}, {suffix.sql})"),
    "email": _plain(_email),
    "emaildomain": _plain(lambda x: f"split_part({_email(x)}, '@', 2)"),
    "emailname": _plain(_email_name),
    "host": _plain(_host),
    "domain": _plain(_domain),
    "path": _plain(lambda x: f"nullif({_decoded(f'lower(regexp_extract({_trimmed(x)}, {_PATH}, 1))')}, '')"),
    "qs": _parameter,
    "urlmain": _plain(lambda x: f"regexp_extract({_trimmed(x)}, {_MAIN}, 1)"),
    "urlminusqs": _without_parameter,
    "urldecode": _plain(_decoded),
    # 63 bits, for BIGINT has no more that are positive.
    "hash": lambda _, x: Typed(f"CAST(md5_number_lower({x.sql}) >> 1 AS BIGINT)", FieldKind.INT),
    "md5": _plain(lambda x: f"md5({x})"),
    "sha1": _plain(lambda x: f"sha1({x})"),
    "sha256": _plain(lambda x: f"sha256({x})"),
    "encoding.b64encode": _plain(lambda x: f"to_base64(encode({x}))"),
    "encoding.b64decode": _plain(lambda x: f"try(decode(from_base64({x})))"),
}
