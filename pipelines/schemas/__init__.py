"""The nouns of mobility that every other part speaks: days, zones, relations, tables."""
