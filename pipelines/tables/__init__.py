"""Measured tables: one declaration a file; this folder is the registry."""
