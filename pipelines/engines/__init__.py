"""Engines: one folder each, one contract, one conformance suite."""
