"""The process of the stand-in for Azure Event Hubs. It ends when its standard input does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from lytics_azure_tui.sandbox.event_hub.namespace import Namespace
from lytics_azure_tui.sandbox.event_hub.service import serve
from lytics_azure_tui.sandbox.event_hub.tokens import Policy


def main() -> None:
    """Serves the folder, on the port, that the command line names; policies come by the environment, as JSON."""
    folder, port, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    policies = {
        name: Policy(key, frozenset(rights))
        for name, (key, rights) in json.loads(os.environ.pop("LYAZURE_HUB_POLICIES")).items()
    }
    asyncio.run(serve(Namespace(folder / "hubs", policies, size), port))


if __name__ == "__main__":
    main()
