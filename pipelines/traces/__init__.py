"""Positions, stays, trips and overnight zones, as statements in DuckDB's dialect."""
