"""A schema of a test's own on the sandbox's SQL server, and imports of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytds

from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.sandbox.tds import SqlServer
from tests.integration.imports import Importer


@dataclass(frozen=True, slots=True)
class Tables:
    """A schema.

    Attributes:
        server: on which it is.
        schema: its name.
    """

    server: SqlServer
    schema: str

    def authorization(self, **changes: Any) -> AzureSql:
        """For the server, with its password."""
        values = {
            "id": "database", "label": "Database", "server": self.server.host, "port": self.server.port,
            "database": self.server.database, "user": self.server.user, "password": self.server.password,
            "ca_file": str(self.server.ca_file),
        }  # fmt: skip
        return AzureSql.model_validate({**values, **changes})

    @contextmanager
    def connection(self, *, autocommit: bool = True) -> Iterator[Any]:
        """A cursor of pytds' own; without autocommit, of a transaction that only a commit ends well."""
        server = self.server
        with (
            pytds.connect(
                server.host,
                server.database,
                server.user,
                server.password.reveal(),
                port=server.port,
                cafile=str(server.ca_file),
                autocommit=autocommit,
            ) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def run(self, *statements: str) -> None:
        """Runs statements, each committed by itself; {s} is the schema."""
        with self.connection() as cursor:
            for statement in statements:
                cursor.execute(statement.replace("{s}", self.schema))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query, by pytds' own reading."""
        with self.connection() as cursor:
            cursor.execute(query.replace("{s}", self.schema))
            return [tuple(row) for row in cursor.fetchall()]

    def importer(self, root: Path, table: str = "t", **settings: Any) -> Importer:
        """Imports a table of the schema by its column `at`."""
        values = {"source": f"{self.schema}.{table}", "timestamp_field": "at", **settings}
        return Importer(self.authorization(), SqlImport, root, values)
