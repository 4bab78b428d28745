"""pytds' own connection to the SQL stand-in: for tests that look at the server without what the program adds.

It reads replies by itself here, so that the stand-in is understood by a reader that nobody here wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytds
from pytds import tds_session, tds_socket

from lytics_azure_tui.azure import sql_wire
from lytics_azure_tui.sandbox.tds import SqlServer


@contextmanager
def connect(server: SqlServer, **options: Any) -> Iterator[Any]:
    """A connection with TLS and the certificate checked.

    Args:
        options: user, password, database, autocommit and others of pytds.connect.
    """
    options = {
        "user": server.user,
        "password": server.password.reveal(),
        "database": server.database,
        "autocommit": True,
        "timeout": 60,
        "login_timeout": 30,
        **options,
    }
    sql_wire.install()
    with patch.object(tds_socket, "_TdsSession", tds_session._TdsSession):
        connection = pytds.connect(server.host, port=server.port, cafile=str(server.ca_file), **options)
    try:
        yield connection
    finally:
        # One that broke off cannot be closed in order, and what broke it is the error to see.
        with suppress(Exception):
            connection.close()
