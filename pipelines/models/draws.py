"""Plausible truths given what was published, for models that carry uncertainty.

This is the one module outside the mechanisms and the twin that draws at random, and it has nothing
to do with noise: it starts from published numbers, so whoever runs it could write it themselves.
Its seed is public and repeats the draws. Neither the release nor the door can reach it.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from pipelines.models.counts import Floats

_TAIL = 0.5  # from here on the exponential proposal accepts more often than the normal one


def stream(seed: int, *, draw: int, name: str) -> Generator:
    """Return the random stream of one name in one draw: the same whatever else is drawn.

    Raises:
        ValueError: a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    return Generator(PCG64(SeedSequence([seed, draw, zlib.crc32(name.encode())])))


def plausible(mean: Floats, sd: Floats, *, rng: Generator) -> Floats:
    """Return one draw of each N(mean, sd^2) given that it is 0 or more; ``mean`` where sd is 0.

    Source: Robert, Simulation of truncated normal variables, Stat. Comput. 5, 1995 (prop. 2.3:
    exponential proposals in the tail).
    """
    out = np.clip(mean, 0.0, None)
    waiting = np.flatnonzero(sd > 0.0)
    low = np.zeros_like(mean)
    low[waiting] = -mean[waiting] / sd[waiting]
    while len(waiting):
        cut = low[waiting]
        far = cut > _TAIL
        rate = (cut + np.sqrt(cut**2 + 4.0)) / 2.0
        tail = cut + rng.exponential(size=len(cut)) / rate
        tried = np.where(far, tail, rng.normal(size=len(cut)))
        chance = np.where(far, np.exp(-0.5 * (tail - rate) ** 2), tried >= cut)
        taken = rng.uniform(size=len(cut)) < chance
        at = waiting[taken]
        out[at] = mean[at] + sd[at] * tried[taken]
        waiting = waiting[~taken]
    return np.clip(out, 0.0, None)


def plausible_counts(mean: Floats, sd: Floats, zero: Floats, *, rng: Generator) -> Floats:
    """Return one draw of each count from what is known of it: mean, sd and the chance that it is 0.

    With that chance it is 0. Otherwise it is a Gamma number of the mean and variance that are then
    left, which is as lopsided as a count's posterior is, rounded to 1 or more. Where the chance is
    0 nothing but a noisy value is known, or the count is large: then ``plausible``.
    """
    out = plausible(mean, sd, rng=rng)
    some = np.flatnonzero((zero > 0.0) & (sd > 0.0))
    stays = np.clip(1.0 - zero[some], 1e-12, None)
    centre = np.maximum(mean[some] / stays, 1.0)
    second = (sd[some] ** 2 + mean[some] ** 2) / stays
    variance = np.maximum(second - centre**2, 1e-6 * centre)
    drawn = rng.gamma(centre**2 / variance, variance / centre)
    kept = rng.uniform(size=len(some)) < stays
    out[some] = np.where(kept, np.maximum(np.rint(drawn), 1.0), 0.0)
    return out


def shared_error(seed: int, *, draw: int, groups: int) -> Floats:
    """Return one standard normal per group: what all tables and dates of a draw have in common."""
    return np.asarray(stream(seed, draw=draw, name="weights").normal(size=groups))
