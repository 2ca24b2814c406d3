"""Delphi COVIDcast: one CSV a date and signal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ExportError
from pipelines.exports._csv import numbers, write_csv
from pipelines.exports._export import NA, Export
from pipelines.exports._source import Source, absent_rows

if TYPE_CHECKING:
    import pandas as pd

_NOT_MISSING, _NOT_APPLICABLE, _CENSORED, _OTHER = "0", "1", "3", "5"
_NOT_IN_NAMES = re.compile(r"\W+")
_DAILY, _BINNED = {"date", "zone"}, {"date", "zone", "bin", "bin_start"}


def _write(source: Source, folder: Path) -> list[str]:
    written = []
    for name in source.release:
        keys = set(source.keys(name)) if source.about_zones(name, "zone") else set()
        if keys == _DAILY:
            frame, signal, what = source.table(name), name, f"`{name}` of the date"
        elif keys == {*_DAILY, "category"}:
            few = name in source.release.thresholded
            for category, rows in source.table(name).groupby("category", observed=True, sort=False):
                frame = completed(rows, source) if few else rows
                signal = f"{name}_{_NOT_IN_NAMES.sub('_', str(category))}"
                _signal(frame, folder=folder, signal=signal)
                written.append(f"Signal `{signal}`: `{name}` of the date, category {category}.")
            continue
        elif keys == _BINNED and name in source.measured:
            frame, signal = daily_mean(source.table(name)), f"{name}_mean"
            what = f"mean of the time bins of `{name}`, each with the same weight"
        else:
            continue
        if name in source.release.thresholded:
            frame = completed(frame, source)
            what += f". {absent_rows(float(source.release[name].attrs['released_from']))}"
        _signal(frame, folder=folder, signal=signal)
        written.append(f"Signal `{signal}`: {what}.")
    if not written:
        raise ExportError(
            "covidcast needs a table by zone, or by zone and time bin, such as visits or presence."
            ' Add a [[tables]] entry with table = "visits" to the spec, and release again.'
        )
    return written


def completed(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Return every zone of every date: one that reached no threshold is NA and not_released."""
    import pandas as pd

    dates = pd.DatetimeIndex(source.dates).astype(frame["date"].dtype)
    whole = pd.MultiIndex.from_product([dates, source.ids], names=["date", "zone"])
    kept = frame.assign(zone=frame["zone"].astype(str), status=frame["status"].astype(str))
    found = kept.set_index(["date", "zone"]).reindex(whole).reset_index()
    found["status"] = found["status"].fillna("not_released")
    return found


def daily_mean(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over a date's bins, its sd (noise of bins is independent) and status.

    A mean with a missing bin is missing: a mean of what is left would be of another time of day.
    """
    grouped = frame.assign(var=frame["sd"] ** 2).groupby(
        ["date", "zone"], observed=True, sort=False
    )
    mean = grouped.agg(
        value=("value", lambda part: part.sum(skipna=False)),
        var=("var", lambda part: part.sum(skipna=False)),
        bins=("value", "size"),
        status=("status", _together),
    ).reset_index()
    return mean.assign(value=mean["value"] / mean["bins"], sd=mean["var"] ** 0.5 / mean["bins"])


def _together(statuses: pd.Series) -> str:
    found = set(statuses.astype(str))
    for status in ("not_released", "no_data", "partial", "low_precision"):
        if status in found:
            return status
    return "ok"


def _signal(frame: pd.DataFrame, *, folder: Path, signal: str) -> None:
    for date, rows in frame.groupby(frame["date"].dt.strftime("%Y%m%d"), sort=True):
        statuses = rows["status"].astype(str).tolist()
        figures = {"val": _finite(rows["value"]), "se": _finite(rows["sd"])}
        codes = {
            f"missing_{name}": [_code(*pair) for pair in zip(texts, statuses, strict=True)]
            for name, texts in figures.items()
        }
        columns = {
            "geo_id": rows["zone"].astype(str).tolist(),
            **figures,
            "sample_size": [NA] * len(rows),
            **codes,
            "missing_sample_size": [_NOT_APPLICABLE] * len(rows),
        }
        write_csv(folder / f"{date}_zone_{signal}.csv", columns)


def _finite(values: pd.Series) -> list[str]:
    """Return numbers as text; an endless sd of a derived figure is as good as none."""
    return numbers(values.mask(values.abs() == float("inf")))


def _code(text: str, status: str) -> str:
    """Return why a number is missing: COVIDcast drops rows whose code and number disagree."""
    if text != NA:
        return _NOT_MISSING
    return _CENSORED if status == "not_released" else _OTHER


EXPORT = Export(
    name="covidcast",
    summary="Delphi COVIDcast: a CSV a date and signal, as its indicators are delivered.",
    needs="a table by zone, or by zone and time bin",
    writes={"YYYYMMDD_zone_SIGNAL.csv": "geo_id, val, se, sample_size and their missing codes"},
    orientation="one row a zone; no matrix.",
    units="`val` and `se` are persons (or what the table counts) of the bounded panel.",
    missing="Codes: 0 present, 1 not applicable (`sample_size`: the panel is not a sample of the"
    " cell), 3 censored (`not_released`), 5 other (`no_data`). `val` may be"
    " negative. The format has no word for `partial`: a cell partly in an outage looks whole.",
    read=(
        'import pandas as pd\nday = pd.read_csv("20260302_zone_visits.csv", dtype={"geo_id": str})'
    ),
    write=_write,
    source="Delphi Research Group, covidcast-indicators: export and not-a-number codes.",
)
