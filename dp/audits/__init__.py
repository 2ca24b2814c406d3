"""Audits: bad shapes, neighbours and distances that hold a claim against what persons can do.

Nothing here draws noise or writes a ledger. Whoever audits a pipeline of their own starts with
``shapes`` (records on which wrong bounds break), takes persons out with ``neighbours``, runs the
pipeline on both, and asks ``distance`` how far it moved.
"""
