"""Shares: each cell as a part of the sum over one key, such as destinations of each origin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dp.postprocess import Moments, group_sums, share
from dp.postprocess.sums import fourth_cumulant
from pipelines.derived._places import column_of, keys_of, numbers_of, zone_keys
from pipelines.derived._stack import zeroed
from pipelines.schemas.derived import Derived, Facts, KeyColumn, OfParams, Published, Rows


class ShareParams(OfParams):
    """Parameters of ``shares``."""

    over: str | None = None
    """The key whose values' shares add up to 1; the table's last key of zones when left out."""

    @property
    def output(self) -> str:
        """Name of its files."""
        return f"{super().output}_over_{self.over}" if self.over else super().output


def _over(facts: Facts, params: ShareParams) -> str:
    keys = keys_of(facts, params.of)
    return params.over or (*keys.names[-1:], *zone_keys(keys, facts.world))[-1]


def _check(facts: Facts, params: ShareParams) -> list[str]:
    names = keys_of(facts, params.of).names
    if params.over is None or params.over in names:
        return []
    return [f'over = "{params.over}" is no key of {params.of}. Write one of {", ".join(names)}.']


def _columns(facts: Facts, params: ShareParams) -> tuple[KeyColumn, ...]:
    return tuple(column_of(facts, params.of, name) for name in keys_of(facts, params.of).names)


def _compute(published: Published, params: ShareParams) -> Iterator[Rows]:
    over = _over(published.facts, params)
    for day in published.facts.days_of(params.of):
        noisy = published.noisy(params.of, day)
        groups = np.zeros(noisy.keys.size, dtype=np.int64)
        size = 1
        for key in noisy.keys.keys:
            if key.name != over:
                groups = groups * len(key) + noisy.keys.codes(key.name)
                size *= len(key)
        whole = group_sums(noisy, groups, size)
        own = noisy.sd**2
        part = share(
            Moments(noisy.values, own),
            Moments(whole.value[groups], whole.variance[groups]),
            fourth=fourth_cumulant(noisy.law),
            fourth_whole=whole.fourth[groups],
        )
        zero = ~noisy.keys.measured
        yield Rows(
            day=day,
            codes={name: numbers_of(noisy.keys, name) for name in noisy.keys.names},
            estimate=zeroed(part, zero),
            structural=zero,
            also=published.facts.also_read(params.of),
        )


TABLE = Derived(
    name="shares",
    summary="Each value as a part of the sum over one key (by default the last key of zones: the"
    " destinations of each origin, the zones of each time bin).",
    counts=lambda facts, params: f"part of the sum over {_over(facts, params)}",
    needs=frozenset(),
    params=ShareParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    bias="A ratio of unbiased figures: biased by about sd^2 of the sum / sum^2, relative to"
    " itself.",
    interval="Fieller, with the exact covariance of a cell and its sum; -inf to inf where the sum"
    " cannot be told from 0.",
    source="Fieller 1954 (J. R. Stat. Soc. B 16:175).",
)
