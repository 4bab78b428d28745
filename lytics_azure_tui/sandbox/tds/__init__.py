"""A stand-in for Azure SQL Database: TDS 7.4 over TLS on loopback, T-SQL, and DuckDB behind it."""

from lytics_azure_tui.sandbox.tds.server import SqlServer

__all__ = ["SqlServer"]
