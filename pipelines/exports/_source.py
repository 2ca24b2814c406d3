"""What an export reads: a verified release, with missing values told apart from 0 in one place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Collection

    import geopandas as gpd
    import pandas as pd

    from pipelines.release.read import Release

MISSING = frozenset({"no_data", "not_released", "unbounded"})
"""Statuses whose value is NA in every export; all others keep their value."""

_CLIP = (
    "Release with for_models (under [layers], the default), or give --clip: negative values are"
    " then set to 0 in files and columns named clipped_at_0, which biases every sum upwards"
)
_MODEL_FILE = "for_models/od_flows_biased.parquet"
_FIGURES = ("value", "sd", "lo95", "hi95", "whole")
CLIPPED = "clipped_at_0"
_MODELLED = (
    "Numbers are those of `for_models/od_flows_biased`: non-negative, shrunk, biased. Never sum"
    " them; read `tables/od_flows` for that."
)


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Origin-destination numbers that a consumer of non-negative numbers may read.

    Attributes:
        signed: ``date``, ``origin``, ``destination``, ``value`` (NA where missing; negative where
            the user agreed to clip), ``sd``, ``status``, modelled ones also ``whole``, the value
            in whole trips; a row a date and pair, in published order.
        modelled: Whether they come from ``for_models/``, so that none is negative.
        released_from: The threshold that each row reached, so that none is negative and a pair
            without a row is NA; None where every pair has a row.
    """

    signed: pd.DataFrame
    modelled: bool
    released_from: float | None = None

    @property
    def suffix(self) -> str:
        """What files and columns add to their names: "_clipped_at_0" where that was done."""
        return "" if self.modelled or self.released_from is not None else f"_{CLIPPED}"

    @property
    def frame(self) -> pd.DataFrame:
        """The rows with negative values set to 0; NA stays NA."""
        value = self.signed["value"]
        return self.signed.assign(value=value.mask(value < 0, 0.0))

    @property
    def remark(self) -> str:
        """What was done, for the README."""
        if self.modelled:
            return _MODELLED
        if self.released_from is not None:
            return absent_rows(self.released_from)
        below = int((self.signed["value"] < 0).sum())
        return (
            f"Clipped: {below:,} of {len(self.signed):,} noisy values were negative and are 0"
            " here, so every sum is too large. `sd` is that of the value before clipping."
        )


class Source:
    """A release folder as exports read it.

    Args:
        release: The release, its hashes checked as files are read.
        export: Name of the format, for messages.
        clip: Whether the user agreed that negative values are set to 0.
    """

    def __init__(self, release: Release, *, export: str, clip: bool) -> None:
        self.release = release
        self.export = export
        self.clip = clip

    @cached_property
    def zones(self) -> gpd.GeoDataFrame:
        """The zones: ``zone``, ``name``, ``parent``, ``population``, ``geometry`` in WGS 84."""
        return self.release.zones

    @property
    def clock(self) -> tuple[str, str]:
        """The series' time zone and the local time at which a date starts."""
        policy = self.release.privacy["guarantee"]["policy"]
        return str(policy["time_zone"]), str(policy["day_starts"])

    @property
    def dates(self) -> list[dt.date]:
        """The dates of the release."""
        said = self.release.manifest["spec"]["dates"]
        start = dt.date.fromisoformat(said["start"])
        return [start + dt.timedelta(days=i) for i in range(int(said["days"]))]

    @property
    def ids(self) -> list[str]:
        """Zone ids in published order."""
        return [str(zone) for zone in self.zones["zone"]]

    def about_zones(self, name: str, *columns: str) -> bool:
        """Return whether a table has these key columns, and each holds zones of the release.

        Tables of parents or of the whole have columns of the same name.
        """
        if not set(columns) <= set(self.keys(name)):
            return False
        known, frame = set(self.ids), self.release[name]
        return all(set(frame[column].astype(str).unique()) <= known for column in columns)

    def table(self, name: str) -> pd.DataFrame:
        """Return a measured table whose ``value`` and ``sd`` are NA where they are missing.

        Raises:
            ExportError: the release has no such table.
        """
        if name not in self.release:
            raise ExportError(
                f"{self.release.id} has no table {name}, which {self.export} needs. Add a"
                f' [[tables]] entry with table = "{name}" to the spec, and release again.'
            )
        return with_na(self.release[name])

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the measured tables: their noise is independent over dates and time bins."""
        return tuple(self.release.manifest["tables"])

    def keys(self, name: str) -> list[str]:
        """Return the names of a measured table's key columns."""
        figures = {"value", "sd", "lo95", "hi95", "status", "released_from", "node"}
        return [column for column in self.release[name].columns if column not in figures]

    def paths(self, prefix: str) -> list[str]:
        """Return the release's Parquet files whose own name begins so, measurements left out."""
        return [
            path
            for path in self.release.manifest["files"]
            if path.rpartition("/")[2].startswith(prefix)
            and path.endswith(".parquet")
            and not path.startswith("measurements/")
        ]

    def frame(self, path: str) -> pd.DataFrame:
        """Return any Parquet file of the folder, its hash checked."""
        return with_na(self.release.read(path))

    def flows(self) -> Flows:
        """Return whole-date trips between zones as numbers of 0 or more.

        They are those of ``for_models/od_flows_biased`` where the release has it, NA where the
        measured table has no value; otherwise the measured ones, clipped at 0 if agreed. Of a
        table with a threshold only the released pairs are there: any other is NA, which is not 0.

        Raises:
            ExportError: there is no ``od_flows``, it is not by pair alone, or numbers may be
                negative and clipping was not agreed to.
        """
        measured = self.table("od_flows")
        require_keys(self.keys("od_flows"), ("date", "origin", "destination"), source=self)
        columns = ["date", "origin", "destination", "value", "sd", "status"]
        if _MODEL_FILE in self.release.manifest["files"]:
            keys = ["date", "origin", "destination"]
            own = self.release.read(_MODEL_FILE).rename(
                columns={
                    "biased_mean": "value",
                    "biased_sd": "sd",
                    "biased_value": "whole",
                    "status": "judged",
                }
            )[[*keys, "value", "sd", "whole", "judged"]]
            merged = as_text(measured)[[*keys, "status"]].merge(
                as_text(own), on=keys, how="left", validate="one_to_one"
            )
            known = ~merged["status"].astype(str).isin(MISSING)
            merged["status"] = (
                merged["status"].astype(str).mask(known, merged["judged"].astype(str))
            )
            return Flows(with_na(merged)[[*columns, "whole"]], modelled=True)
        if "od_flows" in self.release.thresholded:
            least = float(self.release["od_flows"].attrs["released_from"])
            return Flows(as_text(measured[columns]), modelled=False, released_from=least)
        if not self.clip:
            raise ExportError(
                f"{self.export} cannot hold negative numbers, and the noise makes some. {_CLIP}."
            )
        return Flows(as_text(measured[columns]), modelled=False)


def absent_rows(least: float) -> str:
    """Return what a row that is not there means, for the README of a table with a threshold."""
    return (
        f"Only cells whose noisy value is {least:g} or more were released. Every other is NA or has"
        " no row (a date without any has no file): not released, which is not 0. Values near the"
        " threshold are too high on average; do not add them up."
    )


def with_na(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose ``value``, ``sd``, ``lo95``, ``hi95`` are NA where it says so.

    This is the only place where a status decides whether a value is missing. Structural zeros are
    0; ``low_precision`` and ``partial`` values stay, with their sd.

    Raises:
        ExportError: a status is unknown, so that nothing says whether the value is missing.
    """
    from pipelines.release.derived_rows import DERIVED_STATUSES

    if "status" not in frame.columns:
        return frame
    status = frame["status"].astype(str)
    unknown = sorted(set(status) - set(DERIVED_STATUSES))
    if unknown:
        raise ExportError(
            f"the release has a status {unknown[0]!r} that this version does not know. Export it"
            " with the version that made it, or a later one."
        )
    gone = status.isin(MISSING)
    figures = [name for name in _FIGURES if name in frame.columns]
    return frame.assign(**{name: frame[name].mask(gone) for name in figures})


def require_keys(found: Collection[str], wanted: tuple[str, ...], *, source: Source) -> None:
    """Return when a table has just these key columns; ExportError where it has others."""
    if set(found) != set(wanted):
        raise ExportError(
            f"{source.export} needs od_flows by {' x '.join(wanted)}; this release has it by"
            f" {' x '.join(found)}. Export to od-csv, which keeps every key, or release od_flows"
            " without further keys."
        )


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of pairs whose zone ids are text instead of categories."""
    return frame.assign(**{name: frame[name].astype(str) for name in ("origin", "destination")})
