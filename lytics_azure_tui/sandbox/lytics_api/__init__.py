"""A stand-in for Lytics' REST API: the documented subset on loopback, over an embedded workspace."""

from lytics_azure_tui.sandbox.lytics_api.faults import Fault
from lytics_azure_tui.sandbox.lytics_api.server import LyticsApi

__all__ = ["Fault", "LyticsApi"]
