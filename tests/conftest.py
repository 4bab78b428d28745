"""What all tests share: a real Azurite, and a home of their own so that no test touches the person's."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from tests.hubs import hasten

# A shell starts its background jobs, and so this suite among them, with SIGINT ignored. What the tests start would
# inherit that and never hear the Ctrl+C that they send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ODD = "Åpp Süpport [1] {a,b} 100% #x? k=v \"'"
"""The name of every test's folder: blanks, letters beyond ASCII, patterns, escapes, and a partition of Hive's."""

# As for the screens.
gc.set_threshold(10_000)

# A busy machine is slow, not wrong.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Configuration and data folders for the tests alone, and no way to the person's keyring.

    The cache folder stays the person's: it holds what is fetched once and means nothing.
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
        for name in [name for name in os.environ if name.startswith("LYAZURE_")]:
            patch.delenv(name)
        yield home


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Blob Storage for all tests of this process. It is installed when the machine has none."""
    with Azurite() as azurite:
        yield azurite


@pytest.fixture(scope="session")
def event_hubs() -> Iterator[EventHubServer]:
    """Event Hubs for all tests of this process."""
    with EventHubServer() as server, pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield server


@dataclass(frozen=True, slots=True)
class Storage:
    """A container of a test's own, in a real storage account.

    Attributes:
        connection_string: of the account.
        container: the name of the test's container, empty at first.
    """

    connection_string: Secret
    container: str
    uploader: Uploader

    def put(self, name: str, data: bytes | str | Path) -> None:
        """Writes a blob into the container; text as UTF-8."""
        self.uploader.put(self.container, name, data.encode() if isinstance(data, str) else data)

    def delete(self, name: str) -> None:
        """Removes a blob from the container."""
        self.uploader.delete(self.container, name)

    def authorization(self, id: str = "storage") -> AzureStorage:
        """An authorization for the account, its secret filled in."""
        return AzureStorage(id=id, label="Storage", connection_string=self.connection_string)


@pytest.fixture
def storage(azurite: Azurite) -> Iterator[Storage]:
    """A fresh, empty container."""
    container = f"test-{uuid.uuid4().hex}"
    with Uploader(azurite.connection) as uploader:
        uploader.create_container(container)
        yield Storage(azurite.connection_string, container, uploader)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """A folder with an odd name: macOS' own for data has a blank, and people have worse."""
    folder = tmp_path / ODD
    folder.mkdir()
    return folder
