"""Spark: the same statements on one machine or on a cluster, for who outgrows DuckDB."""
