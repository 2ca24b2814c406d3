"""The embedded default engine: DuckDB over hash(person) buckets in bounded memory."""
