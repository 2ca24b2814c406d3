"""``draws``: plausible truths across tables and dates, for models that carry uncertainty.

Each draw is one set of tables that could be true given everything that was published. Run a model
once on each; the spread of its answers is the uncertainty that the release leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.models.counts import Floats
from pipelines.models.draws import plausible, plausible_counts, shared_error, stream
from pipelines.release.level_draws import TotalDraws
from pipelines.release.read import Release, read_release

if TYPE_CHECKING:
    import pandas as pd

Of = Literal["panel", "population"]
_FIGURES = frozenset({"value", "sd", "lo95", "hi95", "node"})
_UNTOLD = ("no_data", "not_released")


def draws(
    release: Release | str | Path,
    n: int,
    *,
    seed: int = 0,
    tables: Sequence[str] | None = None,
    of: Of = "panel",
) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield ``n`` plausible sets of the measured tables; costs nothing.

    A table with a file in ``for_models/`` is drawn from that posterior (0 with its own chance, and
    lopsided where it is), any other from its value
    and sd under a flat prior on 0 or more. Cells are drawn on their own: given what was published
    their noise was independent. Cells of a table at several levels are then scaled to totals of
    parents and the city that are drawn from their own estimates (``level_draws``). What tables and
    dates have in common is the error of the weights: with ``of="population"`` a draw takes one
    error for all of them (one for each zone and date with panel weights, whose noise is
    independent there), and draws who was in the panel anew.
    Selection bias is in none of the draws.

    The seed is public and about these draws alone: it repeats them, and the same numbers come out
    for a table whichever other tables are asked for.

    Args:
        release: A release, or its folder.
        n: How many draws.
        seed: 0 or more.
        tables: Which measured tables; all when left out.
        of: The panel, or the population, for which the release needs ``estimates/``.

    Yields:
        Table name to frame: key columns, ``draw``, ``value`` (0 or more; nan where the status is
        no_data or not_released) and ``status``. ``frame.attrs["biased"]`` is True.

    Raises:
        ValueError: n below 1, a negative seed, another word for ``of``, no weights, or a table with
            a threshold, of which most cells are not released.
        KeyError: an unknown table.
    """
    held = release if isinstance(release, Release) else read_release(release)
    if n < 1 or seed < 0 or of not in {"panel", "population"}:
        raise ValueError(
            f'n must be 1 or more, seed 0 or more and of "panel" or "population",'
            f" got {n}, {seed} and {of!r}"
        )
    names = tuple(held.manifest["tables"]) if tables is None else tuple(tables)
    if of == "population" and not held.manifest["spec"].get("estimates"):
        raise ValueError(
            f"{held.id} has no estimates/: write [estimates] weights in its spec and release again,"
            " which costs nothing"
        )
    few = [name for name in names if name in held.thresholded]
    if few:
        raise ValueError(
            f"{few[0]} has rows for cells that reached a threshold alone: what the others may be is"
            " not known, so no plausible truth of it can be drawn. Leave it out of tables"
        )
    known = {name: _Known(held, name, of=of) for name in names}

    def made() -> Iterator[dict[str, pd.DataFrame]]:
        for number in range(n):
            yield {name: one.draw(seed, number) for name, one in known.items()}

    return made()


class _Known:
    """What is published of one table, ready to be drawn from."""

    def __init__(self, release: Release, name: str, *, of: Of) -> None:
        self._name = name
        base = release[name]
        self._keys = base[[c for c in base.columns if c not in _FIGURES]]
        mean, sd = base["value"], base["sd"]
        self._zero = np.zeros(len(base))
        if f"for_models/{name}_biased.parquet" in release.manifest["files"]:
            biased = release.for_models(name)
            mean, sd = biased["biased_mean"], biased["biased_sd"]
            self._zero = _numbers(biased["biased_zero"])
        self._mean, self._sd = _numbers(mean), _numbers(sd)
        levels = release.levels(name)
        self._totals = None if levels is None else TotalDraws.of(base, levels)
        self._untold = self._keys["status"].isin(_UNTOLD).to_numpy()
        self._scale = _Scale(release, name) if of == "population" else None

    def draw(self, seed: int, number: int) -> pd.DataFrame:
        rng = stream(seed, draw=number, name=self._name)
        value = plausible_counts(self._mean, self._sd, self._zero, rng=rng)
        if self._totals is not None:
            value = self._totals.fitted(value, seed=seed, number=number, name=self._name)
        if self._scale is not None:
            value = self._scale.drawn(value, seed=seed, number=number, name=self._name)
        value[self._untold] = np.nan
        status = self._keys["status"]
        frame = self._keys.drop(columns="status").assign(draw=number, value=value, status=status)
        frame.attrs.update(
            {"table": self._name, "layer": "for_models", "biased": True, "draw": number}
        )
        return frame


class _Scale:
    """From the panel to the population: weights with their common error, and who is in the panel.

    A panel member adds up to ``spread`` to a cell, so the truth given a panel count of theta has
    variance (w - 1) w theta spread (see ``pipelines.estimates.population``).
    """

    def __init__(self, release: Release, name: str) -> None:
        frame = release.estimates(name)
        value = _numbers(release[name]["value"])
        self._weight = _numbers(frame["weight"])
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = np.abs(_numbers(frame["sd_weight"]) / value)
            sampled = _numbers(frame["sd_sampling"]) ** 2 / np.clip(value, 0.0, None)
        self._sd_weight = np.where(np.isfinite(sd), sd, 0.0)
        # a cell whose noisy value is 0 or less says nothing of its own sampling: a count's then
        plain = self._weight * (self._weight - 1.0)
        self._sampled = np.where(np.isfinite(sampled), sampled, plain)
        self._group, self._groups = _groups(release, frame)

    def drawn(self, value: Floats, *, seed: int, number: int, name: str) -> Floats:
        common = shared_error(seed, draw=number, groups=self._groups)[self._group]
        weight = np.clip(self._weight + self._sd_weight * common, 1.0, None)
        mean, sd = weight * value, np.sqrt(self._sampled * value)
        told = np.isfinite(mean)
        rng = stream(seed, draw=number, name=f"{name} of the population")
        full = plausible(np.where(told, mean, 0.0), np.where(told, sd, 0.0), rng=rng)
        return np.where(told, full, np.nan)


def _groups(release: Release, frame: pd.DataFrame) -> tuple[NDArray[np.int64], int]:
    """Return which rows share the error of their weight: all, or those of a zone and date."""
    panel = release.manifest["spec"]["estimates"] == {"weights": "panel"}
    if not panel or "overnight" not in frame.columns:
        return np.zeros(len(frame), dtype=np.int64), 1
    dates = np.unique(frame["date"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    labels = frame["overnight"].cat.categories
    codes = frame["overnight"].cat.codes.to_numpy(dtype=np.int64)
    return dates * len(labels) + codes, int(dates.max() + 1) * len(labels)


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(dtype=np.float64)).copy()
