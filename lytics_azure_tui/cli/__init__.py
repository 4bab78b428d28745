"""The command line: options lead to the screens, to runs without them, or to an answer on stdout."""

from lytics_azure_tui.cli.command import main

__all__ = ["main"]
