"""Audits: bad shapes and distances that hold a claim against what persons can do, and attacks.

Nothing here draws noise or writes a ledger, and nothing knows what a cell stands for. Whoever
audits a pipeline of their own starts with ``shapes`` (records on which wrong bounds break), takes
persons out with ``neighbours``, runs the pipeline on both, and asks ``distance`` how far it moved.
``lower_bound``, ``membership``, ``recovery`` (paths from counts, with ``scores`` and ``transport``)
and ``reconstruction`` say what attacks on the noisy result achieve, and ``finding`` holds what they
found beside the bound that they must respect.
"""
