"""The functions that are about server, session and catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.bind import Binder
from lytics_azure_tui.sandbox.tds.calls import Handler, constant_text
from lytics_azure_tui.sandbox.tds.errors import unsupported
from lytics_azure_tui.sandbox.tds.names import split_name
from lytics_azure_tui.sandbox.tds.types import INT, SYSNAME, SqlType
from lytics_azure_tui.sandbox.tds.values import Bound, quoted


def _object_id(binder: Binder, arguments: list[Bound]) -> Bound:
    if not arguments[0].constant:
        raise unsupported("OBJECT_ID of a value that is not known beforehand")
    kind = constant_text(arguments[1]) if len(arguments) > 1 else None
    name = constant_text(arguments[0])
    return binder.converter.literal(None if name is None else binder.world.find_object(name, kind), INT)


def _looked_up(table: str, key: str, wanted: str, of: SqlType) -> Handler:
    """The name of an id, from a catalogue table."""

    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        if not arguments:
            known = {"schemas": "dbo"}.get(table)
            return binder.converter.literal(known, of)
        alias = binder.alias()
        value = arguments[0] if arguments[0].type.text else binder.converter.convert(arguments[0], INT)
        sql = (
            f"(SELECT any_value({alias}.{wanted}) FROM {binder.world.catalogue(table)} AS {alias} WHERE "
            f"{alias}.{key} = {value.sql})"
        )
        return Bound(sql, of.maybe())

    return handler


def _object_schema_name(binder: Binder, arguments: list[Bound]) -> Bound:
    one, two = binder.alias(), binder.alias()
    sql = (
        f"(SELECT any_value({two}.name) FROM {binder.world.catalogue('objects')} AS {one} "
        f"JOIN {binder.world.catalogue('schemas')} AS {two} ON {two}.schema_id = {one}.schema_id "
        f"WHERE {one}.object_id = {arguments[0].sql})"
    )
    return Bound(sql, SYSNAME)


def _type_name(binder: Binder, arguments: list[Bound]) -> Bound:
    branches = " ".join(f"WHEN {user} THEN '{name}'" for name, (_, user) in types.TYPE_IDS.items())
    return Bound(f"CASE {arguments[0].sql} {branches} END", SYSNAME)


def _type_id(binder: Binder, arguments: list[Bound]) -> Bound:
    name = (constant_text(arguments[0]) or "").strip("[]").lower().removeprefix("sys.")
    ids = types.TYPE_IDS.get("timestamp" if name == "rowversion" else name)
    return binder.converter.literal(ids[1] if ids else None, INT)


def _col_length(binder: Binder, arguments: list[Bound]) -> Bound:
    name, column = (constant_text(one) for one in arguments)
    length: int | None = None
    if name is not None and column is not None and binder.world.find_object(name) is not None:
        found = binder.world.relation(split_name(name)).column(column)
        length = found.type.max_length if found else None
    return binder.converter.literal(length, types.SMALLINT)


def _has_perms(binder: Binder, arguments: list[Bound]) -> Bound:
    name, scope, permission = (constant_text(one) for one in arguments[:3])
    if not arguments[0].constant:
        return _has_perms_of_each(binder, arguments[0], (scope or "").upper(), (permission or "").upper())
    allowed = binder.world.has_permission(name, (scope or "DATABASE").upper(), (permission or "").upper())
    return binder.converter.literal(None if allowed is None else int(allowed), INT)


def _has_perms_of_each(binder: Binder, name: Bound, scope: str, permission: str) -> Bound:
    """Of names that are not known beforehand, written as QUOTENAME does or plain."""
    held: Mapping[tuple[str, ...], bool]
    if scope == "DATABASE":
        databases = binder.world.database_names()
        held = {(one,): bool(binder.world.has_permission(one, scope, permission)) for one in databases}
    elif scope == "OBJECT":
        held = binder.world.objects_with(permission)
    else:
        raise unsupported(f"HAS_PERMS_BY_NAME of a column and the class {scope}")
    forms: dict[bool, list[str]] = {True: [], False: []}
    for parts, allowed in held.items():
        written = ".".join("[" + one.replace("]", "]]") + "]" for one in parts)
        forms[allowed] += [quoted(form.lower()) for form in (written, ".".join(parts))]
    branches = [
        f"WHEN lower({name.sql}) IN ({', '.join(names)}) THEN {int(may)}" for may, names in forms.items() if names
    ]
    told = f"CASE {' '.join(branches)} END" if branches else "NULL"
    return Bound(f"CAST({told} AS {INT.duck})", INT)


def _server_property(binder: Binder, arguments: list[Bound]) -> Bound:
    type_, value = binder.world.property_of_server((constant_text(arguments[0]) or "").lower())
    return binder.converter.convert(binder.converter.literal(value, type_), types.SQL_VARIANT)


def _database_property(binder: Binder, arguments: list[Bound]) -> Bound:
    known = {
        "collation": types.COLLATION_NAME, "updateability": "READ_WRITE", "status": "ONLINE", "edition": "Standard",
        "serviceobjective": "S0", "recovery": "FULL", "useraccess": "MULTI_USER",
    }.get((constant_text(arguments[1]) or "").lower())  # fmt: skip
    return binder.converter.convert(binder.converter.literal(known, SYSNAME), types.SQL_VARIANT)


def _db_name(binder: Binder, arguments: list[Bound]) -> Bound:
    names = binder.world.database_names()
    if not arguments:
        return binder.converter.literal(binder.world.database, SYSNAME)
    number = arguments[0].value
    known = names[number - 1] if isinstance(number, int) and 1 <= number <= len(names) else None
    return binder.converter.literal(known, SYSNAME)


def _db_id(binder: Binder, arguments: list[Bound]) -> Bound:
    wanted = (constant_text(arguments[0]) or "") if arguments else binder.world.database
    names = [name.lower() for name in binder.world.database_names()]
    number = names.index(wanted.lower()) + 1 if wanted.lower() in names else None
    return binder.converter.literal(number, types.SMALLINT)


def _system(name: str) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        known = binder.world.system_value(name)
        if known is None:
            raise unsupported(name)
        return binder.converter.literal(known[1], known[0])

    return handler


def _known(value: int | str | None, type_: SqlType) -> Handler:
    def handler(binder: Binder, arguments: list[Bound]) -> Bound:
        return binder.converter.literal(value, type_)

    return handler


# Each with the fewest and the most arguments that it takes.
HANDLERS: dict[str, tuple[Handler, int, int]] = {
    "OBJECT_ID": (_object_id, 1, 2), "OBJECT_NAME": (_looked_up("objects", "object_id", "name", SYSNAME), 1, 2),
    "SCHEMA_NAME": (_looked_up("schemas", "schema_id", "name", SYSNAME), 0, 1),
    "SCHEMA_ID": (_looked_up("schemas", "name", "schema_id", INT), 1, 1),
    "OBJECT_SCHEMA_NAME": (_object_schema_name, 1, 2), "TYPE_NAME": (_type_name, 1, 1), "TYPE_ID": (_type_id, 1, 1),
    "COL_LENGTH": (_col_length, 2, 2), "HAS_PERMS_BY_NAME": (_has_perms, 3, 5),
    "SERVERPROPERTY": (_server_property, 1, 1), "DATABASEPROPERTYEX": (_database_property, 2, 2),
    "DB_NAME": (_db_name, 0, 1), "DB_ID": (_db_id, 0, 1), "SUSER_SNAME": (_system("SUSER_SNAME"), 0, 1),
    "SUSER_NAME": (_system("SUSER_SNAME"), 0, 1), "USER_NAME": (_system("USER_NAME"), 0, 1),
    "APP_NAME": (_system("APP_NAME"), 0, 0), "IDENT_CURRENT": (_system("SCOPE_IDENTITY"), 1, 1),
    "HAS_DBACCESS": (_known(1, INT), 1, 1), "IS_MEMBER": (_known(0, INT), 1, 1),
    "IS_ROLEMEMBER": (_known(0, INT), 1, 2), "IS_SRVROLEMEMBER": (_known(0, INT), 1, 2),
    "OBJECTPROPERTY": (_known(0, INT), 2, 2), "CONNECTIONPROPERTY": (_known(None, SYSNAME), 1, 1),
}  # fmt: skip
