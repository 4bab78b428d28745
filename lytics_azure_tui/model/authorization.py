"""The three ways to be let into Azure. Secret fields are kept in the keyring, the rest in a TOML file."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lytics_azure_tui.model.connection_string import EventHubConnection, StorageConnection
from lytics_azure_tui.model.form import Ask, Kind, questions
from lytics_azure_tui.model.secret import Secret

PROVIDER = "Microsoft Azure"


class Authorization(BaseModel):
    """What all methods share.

    Attributes:
        id: the name of its file without the ending, and its key in the keyring. Never changes.
    """

    # pydantic quotes what it was given in its errors, and that may hold a secret.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    method: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]

    id: str = Field(exclude=True, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    label: Annotated[str, Field(min_length=1), Ask("Label", "The name by which you will know this authorization.")]
    description: Annotated[str, Ask("Description", "What it is for, whom to ask about it.")] = ""

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        """The fields that live in the keyring."""
        return tuple(question.name for question in questions(cls) if question.kind is Kind.SECRET)

    @classmethod
    def required_secrets(cls) -> tuple[str, ...]:
        """Those of them without which nothing can be done."""
        return tuple(question.name for question in questions(cls) if question.kind is Kind.SECRET and question.required)


class NoAuthorization(Authorization):
    """Of the program's own jobs, which reach nothing outside this machine or its lake."""

    method = "none"
    title = "None"
    summary = "Needs none."

    id: str = Field(default="none", exclude=True)
    label: str = "None"


class AzureStorage(Authorization):
    """Blob Storage, by a connection string: imports and exports of files."""

    method = "AzureStorageConnection"
    title = "Azure Storage Connection String"
    summary = "Import files from Blob Storage, export files to it."

    connection_string: Annotated[
        Secret | None,
        Ask(
            "Connection String",
            "From the storage account's page Access keys, or with a shared access signature.",
            placeholder="DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…",
            unbroken=True,
        ),
    ] = None
    pgppublickey: Annotated[
        str | None,
        Ask(
            "PGP Key",
            "A public key in ASCII armour. When it is given, exported files are encrypted for its owner.",
            long=True,
            placeholder="-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
    ] = None

    pgpprivatekey: Annotated[
        Secret | None,
        Ask(
            "PGP Private Key",
            "Your private key in ASCII armour. When it is given, encrypted files can be imported.",
            placeholder="-----BEGIN PGP PRIVATE KEY BLOCK-----",
            long=True,
            optional=True,
        ),
    ] = None
    pgppassphrase: Annotated[
        Secret | None, Ask("PGP Passphrase", "Of the private key, if it has one.", optional=True)
    ] = None
    pgpsignerkey: Annotated[
        str | None,
        Ask(
            "PGP Signer's Key",
            "The sender's public key in ASCII armour. When it is given, encrypted files must be signed with it.",
            long=True,
            placeholder="-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
    ] = None

    @field_validator("pgppublickey", "pgpsignerkey")
    @classmethod
    def _key_is_public(cls, value: str | None) -> str | None:
        if value and "PRIVATE KEY BLOCK" in value:
            raise ValueError("this is a private key; only a public key belongs here")
        return value or None

    def connection(self) -> StorageConnection:
        """The connection string, taken apart. Raises `BadConfiguration`; the text never contains the string."""
        return StorageConnection.parse(self.connection_string)


def has_key(authorization: Authorization | None) -> bool:
    """Whether what is exported by it is encrypted."""
    return isinstance(authorization, AzureStorage) and authorization.pgppublickey is not None


class AzureEventHub(Authorization):
    """Event Hubs, by a connection string: audience triggers."""

    method = "AzureEventHub"
    title = "Azure Event Hub"
    summary = "Send the enters and exits of audiences to an event hub."

    connection_string: Annotated[
        Secret | None,
        Ask(
            "Event Hub Connection String",
            "From Shared access policies of the namespace or of the hub.",
            placeholder="Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…",
            unbroken=True,
        ),
    ] = None
    hub: Annotated[
        str | None,
        Ask(
            "Event Hub",
            "The hub's name, where the connection string is one of the whole namespace: it has no EntityPath then.",
            placeholder="audiences",
        ),
    ] = None

    @field_validator("hub")
    @classmethod
    def _hub_is_a_name(cls, value: str | None) -> str | None:
        value = (value or "").strip()
        # learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsofteventhub
        if value and not re.fullmatch(r"[A-Za-z0-9](?:[\w.-]{0,254}[A-Za-z0-9])?", value, re.ASCII):
            raise ValueError("letters, digits, periods, hyphens and underscores, such as audiences; not a URL")
        return value or None

    def connection(self) -> EventHubConnection:
        """The way to the hub. Raises `BadConfiguration`; the text never contains the connection string."""
        return EventHubConnection.parse(self.connection_string).of(self.hub)


class AzureSql(Authorization):
    """Azure SQL Database: imports of tables."""

    method = "AzureSQL"
    title = "Azure SQL Database"
    summary = "Import tables. A server with IP firewall rules must allow the address of this machine."

    server: Annotated[
        str, Field(min_length=1), Ask("Server", "The host name.", placeholder="example.database.windows.net")
    ]
    port: Annotated[int, Field(ge=1, le=65535), Ask("Port", "The TCP port of the server.")] = 1433
    database: Annotated[str, Field(min_length=1), Ask("Database", "The database's name.")]
    user: Annotated[str, Field(min_length=1), Ask("User", "The name to log in with.")]
    password: Annotated[Secret | None, Ask("Password", "Kept where all secrets are, never in a file.")] = None
    ca_file: Annotated[
        str | None,
        Ask(
            "CA File",
            "A file of certificate authorities in PEM, where the server's is one of your own. Left empty, the public "
            "authorities count, as Azure needs.",
            placeholder="/etc/ssl/our-authority.pem",
        ),
    ] = None

    @field_validator("server")
    @classmethod
    def _server_is_a_host_name(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+|[\da-fA-F:]+", value.strip(), re.ASCII):
            raise ValueError("only the host name, such as example.database.windows.net; the port has its own field")
        return value.strip()


METHODS: dict[str, type[Authorization]] = {kind.method: kind for kind in (AzureStorage, AzureEventHub, AzureSql)}
