"""What the server says of itself and of a session: @@VERSION, SERVERPROPERTY, CURRENT_USER and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.tokens import SERVER
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.tds.session import Session

VERSION = (
    "Microsoft SQL Azure (RTM) - 12.0.2000.8 \n\tSep 18 2025 08:26:53 \n\tCopyright (C) 2025 Microsoft Corporation\n"
)
PROPERTIES: dict[str, tuple[SqlType, Value]] = {
    "productversion": (types.nvarchar(128), "12.0.2000.8"),
    "edition": (types.nvarchar(128), "SQL Azure"),
    "engineedition": (types.INT, 5),
    "productlevel": (types.nvarchar(128), "RTM"),
    "servername": (types.nvarchar(128), SERVER),
    "machinename": (types.nvarchar(128), SERVER),
    "collation": (types.nvarchar(128), types.COLLATION_NAME),
    "isintegratedsecurityonly": (types.INT, 0),
    "productmajorversion": (types.nvarchar(128), "12"),
    "isclustered": (types.INT, 0),
    "ishadrenabled": (types.INT, 1),
}


def values_of(session: Session) -> dict[str, tuple[SqlType, Value]]:
    """By name, in upper case; those of the server have @@ in front."""
    login, user = session.user, "dbo" if session.is_owner else session.user
    name = types.nvarchar(128)
    state = 0 if not session.transaction.count else -1 if session.transaction.failed else 1
    known: dict[str, tuple[SqlType, Value]] = {
        "@@VERSION": (types.nvarchar(300), VERSION), "@@SPID": (types.SMALLINT, session.spid),
        "@@TRANCOUNT": (types.INT, session.transaction.count), "@@ROWCOUNT": (types.INT, session.row_count),
        "ROWCOUNT_BIG": (types.BIGINT, session.row_count), "@@ERROR": (types.INT, session.last_error),
        "@@SERVERNAME": (name, SERVER), "@@SERVICENAME": (name, SERVER), "@@LANGUAGE": (name, "us_english"),
        "@@IDENTITY": (types.decimal(38, 0), session.identity),
        "SCOPE_IDENTITY": (types.decimal(38, 0), session.identity),
        "@@LOCK_TIMEOUT": (types.INT, session.settings.lock_timeout), "@@NESTLEVEL": (types.INT, 0),
        "@@OPTIONS": (types.INT, 5432), "@@DATEFIRST": (types.TINYINT, 7), "@@TEXTSIZE": (types.INT, -1),
        "@@PROCID": (types.INT, 0), "@@MAX_PRECISION": (types.TINYINT, 38), "@@LANGID": (types.SMALLINT, 0),
        "@@MICROSOFTVERSION": (types.INT, 0x0C0007D0), "@@FETCH_STATUS": (types.INT, 0),
        "SUSER_SNAME": (name, login), "ORIGINAL_LOGIN": (name, login), "SYSTEM_USER": (name, login),
        "USER_NAME": (name, user), "CURRENT_USER": (name, user), "SESSION_USER": (name, user), "USER": (name, user),
        "HOST_NAME": (name, session.host), "APP_NAME": (name, session.application),
        "XACT_STATE": (types.SMALLINT, state),
    }  # fmt: skip
    return known | _of_error(session)


def _of_error(session: Session) -> dict[str, tuple[SqlType, Value]]:
    """What a CATCH block asks for."""
    caught = session.caught[-1] if session.caught else None
    return {
        "ERROR_NUMBER": (types.INT, caught.number if caught else None),
        "ERROR_MESSAGE": (types.nvarchar(4000), caught.message if caught else None),
        "ERROR_SEVERITY": (types.INT, caught.severity if caught else None),
        "ERROR_STATE": (types.INT, caught.state if caught else None),
        "ERROR_LINE": (types.INT, caught.line if caught else None),
        "ERROR_PROCEDURE": (types.nvarchar(128), None),
    }
