"""What tests of the imports share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lytics_azure_tui.sandbox.tds import SqlServer
from tests.conftest import Storage
from tests.integration.imports import Importer, csv_importer
from tests.integration.tables import Tables


@pytest.fixture
def importer(storage: Storage, tmp_path: Path) -> Callable[..., Importer]:
    """Makes an importer: `importer(filename="x.csv", …)`."""
    return lambda **settings: csv_importer(storage, tmp_path, settings)


@pytest.fixture(scope="session")
def sql_server() -> Iterator[SqlServer]:
    """A SQL server for all tests of this process."""
    with SqlServer() as server:
        yield server


@pytest.fixture
def tables(sql_server: SqlServer) -> Tables:
    """A fresh, empty schema."""
    found = Tables(sql_server, f"s{uuid.uuid4().hex[:12]}")
    found.run("CREATE SCHEMA {s}")
    return found
