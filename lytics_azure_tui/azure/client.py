"""The SDK's client for a storage account, set up for this program."""

from __future__ import annotations

from typing import Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import BlobServiceClient, LinearRetry

from lytics_azure_tui import __version__
from lytics_azure_tui.model.connection_string import StorageConnection

LARGEST_GET = 64 * 1024 * 1024
"""Bytes; a range up to this is one request."""
_SOCKET_READ = 16 * 1024 * 1024

# Seconds. A person may be waiting, and a run has retries of its own.
_CONNECT = 10
_READ = 20
_RETRIES = 1


def service(connection: StorageConnection) -> BlobServiceClient:
    """A client for the account; it opens no connection yet. Proxies and certificates are those of the environment."""
    credential: Any = None
    if connection.key:
        credential = AzureNamedKeyCredential(connection.account, connection.key.reveal())
    elif connection.sas:
        credential = AzureSasCredential(connection.sas.reveal())
    return BlobServiceClient(
        connection.endpoint,
        credential=credential,
        user_agent=f"lyazure-tui/{__version__}",
        connection_timeout=_CONNECT,
        read_timeout=_READ,
        retry_policy=LinearRetry(backoff=1, retry_total=_RETRIES, random_jitter_range=1),
        max_single_get_size=LARGEST_GET,
        # The body of a range is read in one piece: with the SDK's small pieces, joining them costs as much as the rest.
        connection_data_block_size=_SOCKET_READ,
    )
