"""Which Lytics a configuration names, opened. The one place that knows that there are two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.secrets import SecretStore, variable
from lytics_azure_tui.errors import NotAuthorised
from lytics_azure_tui.model.secret import Secret

# Imported when first used: the engine takes longer to load than the screen to draw.
if TYPE_CHECKING:
    from lytics_azure_tui.lytics.protocol import Lytics

TOKEN = ("lytics", "api_token")
"""Owner and field of the API token in the store of secrets."""


def open_lytics(folder: Folder, secrets: Callable[[], SecretStore]) -> Lytics:
    """The Lytics of the settings. Reaches nothing, and makes no folder.

    Args:
        secrets: opens the store; not called before something is asked of an account.

    Raises:
        BadConfiguration: the settings cannot be read.
    """
    settings = folder.settings().lytics
    if settings.kind == "cloud":
        from lytics_azure_tui.lytics.cloud.api import Account, Api
        from lytics_azure_tui.lytics.cloud.cloud import Cloud

        account = Account(settings.url, settings.bulk_url, lambda: token(secrets()))
        return Cloud(Api(account), folder.data_place / "cloud")
    from lytics_azure_tui.lytics.workspace.workspace import Workspace

    return Workspace(folder.data_place / "workspace")


def token(store: SecretStore) -> Secret:
    """The API token.

    Raises:
        NotAuthorised: there is none, or the store does not give it out.
    """
    found = store.get(*TOKEN)
    if not found:
        raise NotAuthorised(
            "The API token of Lytics is not stored",
            why=store.describe(),
            fix=f"Enter it with: lyazure-tui --lytics-token, or set {variable(*TOKEN)}",
        )
    return found


def save_token(store: SecretStore, token: Secret) -> None:
    """Keeps an API token in place of an earlier one."""
    store.set(*TOKEN, Secret(token.reveal().strip()))
