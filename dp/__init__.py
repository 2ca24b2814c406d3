"""Differential privacy: units, loss, bounds, the one door for noise, and the ledger.

Nothing here knows what a zone, a trip or a home is. A table passes three states, one type each:
``Sensitive`` (a statement over raw records), ``Bounded`` (totals whose sensitivity is proven) and
``Noisy`` (what may leave).
"""
