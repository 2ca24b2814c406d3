"""``aggregate``: sums of a table's rows with the right error, because readers will sum."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import MurmurationError

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("value", "sd", "lo95", "hi95", "status")
_FROM_KEYS = ("bin_start",)
_NOT_MEASURED = frozenset({"level", "measure"})
_LAPLACE_EXCESS = 3.0


class AggregateError(MurmurationError):
    """Rows whose sum would be wrong, or whose error could not be told."""

    exit_code = 2


def aggregate(
    frame: pd.DataFrame, by: str | Sequence[str] = (), *, max_relative_sd: float = 0.3
) -> pd.DataFrame:
    """Return sums of rows of one measured table, with the sd and the interval of each sum.

    The noise of different rows of ``tables/`` is independent: values add, squares of sd add.
    Negative values are kept; dropping them would make every sum too large. Where one person may
    count in several rows (visits over zones, trips over dates), the sum counts that person in
    each. Two results over common rows are not independent: their covariance is the sum of the
    common rows' sd^2.

    Args:
        frame: Rows of one measured table, as ``read_release`` gives them or filtered.
        by: Key columns to keep; none for one sum.
        max_relative_sd: A sum whose sd is a larger part of it is ``low_precision``.

    Returns:
        One row for each group, in published order: ``by``, ``rows``, ``value``, ``sd``, ``lo95``,
        ``hi95``, ``status``. A group with a ``not_released`` row has no value (nan); one with a
        ``no_data`` or ``partial`` row is ``partial``.

    Raises:
        AggregateError: biased rows (``for_models``), rows picked by a threshold,
            dependent rows (derived tables), a row twice, or a column that is not there.
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
    keys = [c for c in frame.columns if c not in FIGURES and c not in _FROM_KEYS]
    if frame.duplicated(keys).any():
        raise AggregateError(
            "a row is there twice (the same keys): its noise is not independent of itself. Drop"
            " the duplicates, or sum each release by itself"
        )
