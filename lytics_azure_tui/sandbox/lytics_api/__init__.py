"""A stand-in for Lytics' REST API: the documented subset on loopback, over an embedded workspace.

`LyticsApi` is served by a thread of this process, and does wrong on order; `LyticsApiServer` is a process of its own.
"""

from lytics_azure_tui.sandbox.lytics_api.faults import Fault
from lytics_azure_tui.sandbox.lytics_api.process import LyticsApiServer
from lytics_azure_tui.sandbox.lytics_api.server import LyticsApi

__all__ = ["Fault", "LyticsApi", "LyticsApiServer"]
