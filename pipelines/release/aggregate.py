"""``aggregate``: sums of a table's rows with the right error, because readers will sum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from dp.errors import MurmurationError
from pipelines.release.level_sums import NODE, Levels, read_levels, variances

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

FIGURES = ("value", "sd", "lo95", "hi95", "status", NODE)
_FROM_KEYS = ("bin_start",)
_NOT_MEASURED = frozenset({"level", "measure"})
_LAPLACE_EXCESS = 3.0


class AggregateError(MurmurationError):
    """Rows whose sum would be wrong, or whose error could not be told."""

    exit_code = 2


def aggregate(
    frame: pd.DataFrame,
    by: str | Sequence[str] = (),
    *,
    max_relative_sd: float = 0.3,
    levels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return sums of rows of one measured table, with the sd and the interval of each sum.

    The noise of different rows of a table with zones alone is independent: values add, squares of
    sd add. Rows of a table at several levels share noise (they have a column ``node``): the exact
    variance follows from the table's file of levels. Where that noise is Laplace's, the interval
    of a sum is that of a single draw's tails, so it holds with 95% or more.

    Negative values are kept; dropping them would make every sum too large. Where one person may
    count in several rows (visits over zones, trips over dates), the sum counts that person in
    each. Two results over common rows are not independent: their covariance is the sum of the
    common rows' sd^2.

    Args:
        frame: Rows of one measured table, as ``read_release`` gives them or filtered.
        by: Key columns to keep; none for one sum.
        max_relative_sd: A sum whose sd is a larger part of it is ``low_precision``.
        levels: ``release.levels(table)``, for rows with a column ``node`` that have lost where they
            were read from.

    Returns:
        One row for each group, in published order: ``by``, ``rows``, ``value``, ``sd``, ``lo95``,
        ``hi95``, ``status``. A group with a ``not_released`` row has no value (nan); one with a
        ``no_data`` or ``partial`` row is ``partial``.

    Raises:
        AggregateError: biased rows (``for_models``), rows picked by a threshold,
            dependent rows (derived tables), a row twice, a column that is not there, or rows that
            share noise and no word of how.
    """
    import pandas as pd

    names = [by] if isinstance(by, str) else list(by)
    _refuse(frame, names)
    z = NormalDist().inv_cdf(0.975)
    laplace = frame.attrs.get("noise") == "discrete_laplace"
    plain = pd.DataFrame({name: frame[name] for name in names}, index=frame.index)
    plain["rows"] = 1
    blank = frame["value"].isna() | (frame["status"] == "not_released")
    plain["value"] = frame["value"].mask(blank, 0.0)
    plain["_blank"] = blank.astype(int)
    plain["_variance"] = frame["sd"] ** 2
    plain["_fourth"] = _LAPLACE_EXCESS * frame["sd"] ** 4 if laplace else 0.0
    status = frame["status"].astype(str)
    plain["_zero"] = (status == "structural_zero").astype(int)
    plain["_dark"] = status.isin(["no_data", "partial"]).astype(int)
    sums = _summed(plain, names)
    if NODE in frame.columns:
        sums["_variance"] = _shared(frame, names, levels)
        sums["_fourth"] = _LAPLACE_EXCESS * sums["_variance"] ** 2 if laplace else 0.0
    sd = np.sqrt(sums["_variance"])
    excess = np.where(sd > 0, sums["_fourth"] / sums["_variance"].where(sd > 0, 1.0) ** 2, 0.0)
    half = sd * (z + (z**3 - 3.0 * z) * excess / 24.0)
    out = sums[[*names, "rows", "value"]].copy()
    # a missing value is not 0: neither is a sum that holds one
    out["value"] = out["value"].mask(sums["_blank"] > 0)
    out["sd"], out["lo95"], out["hi95"] = sd, out["value"] - half, out["value"] + half
    out["status"] = np.select(
        [
            sums["_blank"] > 0,
            sums["_zero"] == sums["rows"],
            sums["_dark"] > 0,
            sd > max_relative_sd * out["value"],
        ],
        ["not_released", "structural_zero", "partial", "low_precision"],
        "ok",
    )
    out.attrs = {**frame.attrs, "layer": "aggregate"}
    return out


def _shared(frame: pd.DataFrame, names: list[str], given: pd.DataFrame | None) -> NDArray[Any]:
    """Return the variance of each group's sum where rows share noise."""
    levels = Levels.of(_levels_of(frame, given))
    codes = frame.groupby(names, observed=True, sort=True, dropna=False).ngroup() if names else None
    apart = [c for c in _keys(frame) if c not in levels.zoned]
    if "date" not in apart or not set(levels.zoned) <= set(frame.columns):
        raise AggregateError(
            "these rows share noise, and which ones do is told by their keys: keep all key columns"
            f" (date, {', '.join(levels.zoned)} and the table's others)"
        )
    zeros = np.zeros(len(frame), dtype=np.int64)
    group = zeros if codes is None else np.asarray(codes, dtype=np.int64)
    dates = frame["date"].to_numpy()
    return variances(
        levels,
        group=group,
        apart=np.asarray(frame.groupby(apart, observed=True, dropna=False).ngroup(), np.int64),
        node=levels.positions(dates, frame[NODE].to_numpy(np.int64)),
        sd=frame["sd"].to_numpy(np.float64),
        size=int(group.max(initial=-1)) + 1 if names else 1,
    )


def _levels_of(frame: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    if given is not None:
        return given
    place = frame.attrs.get("levels")
    if not place or not Path(place).is_file():
        raise AggregateError(
            "these rows share noise (their table has several levels), and it is not known how: give"
            " levels = release.levels(table), or rows as read_release gives them"
        )
    return read_levels(place)


def _keys(frame: pd.DataFrame) -> list[str]:
    return [c for c in frame.columns if c not in FIGURES and c not in _FROM_KEYS]


def _summed(plain: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    figures = [name for name in plain.columns if name not in names]
    if not names:
        return plain[figures].sum().to_frame().T.astype({"rows": "int64"})
    return plain.groupby(names, observed=True, sort=True, dropna=False)[figures].sum().reset_index()


def _refuse(frame: pd.DataFrame, names: list[str]) -> None:
    biased = [str(name) for name in frame.columns if str(name).startswith("biased_")]
    if frame.attrs.get("layer") == "for_models" or biased:
        raise AggregateError(
            "these rows are from for_models/: they are biased, and their errors are not"
            " independent, so a sum is wrong. Sum the rows of tables/ instead"
        )
    if frame.attrs.get("layer") == "thresholded" or "released_from" in frame.columns:
        raise AggregateError(
            "these rows were released for being large, and a cell without a row is not 0: a sum of"
            ' them is biased by an unknown amount. Release the table with keys = "all" over coarser'
            " zones, and sum that"
        )
    missing = [name for name in ("value", "sd", "status", *names) if name not in frame.columns]
    if missing:
        known = ", ".join(map(str, frame.columns))
        raise AggregateError(f"there is no column {missing[0]!r}; the columns are {known}")
    if frame.attrs.get("layer") not in {None, "measured"} or _NOT_MEASURED & set(frame.columns):
        raise AggregateError(
            "these rows are derived or summed: they share noise, so squares of sd do not add. Sum"
            " the rows of the measured table that they come from"
        )
    wrong = [name for name in names if name in FIGURES]
    if wrong:
        raise AggregateError(f"{wrong[0]!r} is no key: give key columns, such as 'date'")
    if frame.duplicated(_keys(frame)).any():
        raise AggregateError(
            "a row is there twice (the same keys): its noise is not independent of itself. Drop"
            " the duplicates, or sum each release by itself"
        )
