"""Puts whole files into Blob Storage: what the sandbox and the tests fill a storage account with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Self

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContentSettings

from lytics_azure_tui.azure.client import service
from lytics_azure_tui.azure.errors import translated
from lytics_azure_tui.model.connection_string import StorageConnection


class Uploader:
    """Writes to one storage account. Safe to use from several threads."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._service = service(connection)

    def create_container(self, name: str) -> None:
        """Makes a container; one that is there already is left as it is."""
        with translated(f"The container {name} could not be created", self._connection), suppress(ResourceExistsError):
            self._service.create_container(name)

    def put(self, container: str, name: str, data: bytes | Path, content_type: str = "text/csv") -> None:
        """Writes a blob, over one that is there.

        Args:
            data: the content, or the local file that holds it.
        """
        blob = self._service.get_blob_client(container, name)
        settings = ContentSettings(content_type=content_type)
        with translated(f"{name} could not be written to the container {container}", self._connection):
            if isinstance(data, Path):
                with data.open("rb") as file:
                    blob.upload_blob(file, overwrite=True, content_settings=settings, max_concurrency=2)
            else:
                blob.upload_blob(data, overwrite=True, content_settings=settings)

    def delete(self, container: str, name: str) -> None:
        """Removes a blob."""
        with translated(f"{name} could not be removed from the container {container}", self._connection):
            self._service.get_blob_client(container, name).delete_blob()

    def close(self) -> None:
        """Lets go of the connections."""
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
