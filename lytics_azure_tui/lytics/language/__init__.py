"""Filters and expressions as DuckDB's SQL."""
