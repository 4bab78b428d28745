"""The process of the stand-in for Lytics. It ends when its standard input does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.lytics_api.process import DEFINITIONS, TOKEN
from lytics_azure_tui.sandbox.lytics_api.server import LyticsApi


def main() -> None:
    """Serves the folder, on the ports, that the command line names; the token comes by the environment."""
    folder, ports, build_after = Path(sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3])), float(sys.argv[4])
    definitions = Definitions.load(json.loads((folder / DEFINITIONS).read_text(encoding="utf-8")))
    token = Secret(os.environ.pop(TOKEN))
    with LyticsApi(folder, definitions, build_after=build_after, token=token, ports=ports) as api:
        sys.stdout.write(json.dumps({"ports": api.ports}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
