"""Chance for simulations: who forms a group, and what an attacker imagines. Never noise.

The one module of the audits that may use numpy.random. Nothing that makes a release can reach it.
"""

from __future__ import annotations

import numpy as np

Generator = np.random.Generator
"""A source of chance: its methods ``permutation``, ``integers`` and ``poisson`` serve elsewhere."""


def generator(*seed: int) -> Generator:
    """Return a source of chance that is fixed by whole numbers, 0 or more."""
    return np.random.default_rng(list(seed))


def picked(chance: Generator, of: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return ``count`` different numbers below ``of``, at random."""
    return chance.permutation(of)[:count]
