"""What tests of the imports share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Storage
from tests.integration.imports import Importer, csv_importer


@pytest.fixture
def importer(storage: Storage, tmp_path: Path) -> Callable[..., Importer]:
    """Makes an importer: `importer(filename="x.csv", …)`."""
    return lambda **settings: csv_importer(storage, tmp_path, settings)
