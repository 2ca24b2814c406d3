"""Reading a release folder: tables as data frames that carry their unit and their promise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import VerifyError
from pipelines.release.level_sums import LEVEL_FOLDER, read_levels
from pipelines.release.manifest import read_manifest, sha256_of
from pipelines.schemas.levels import ZONE, raw_name

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_TABLES = "tables"
_THRESHOLDED = "thresholded"
_MEASUREMENTS = "measurements"


class Release(Mapping[str, "pd.DataFrame"]):
    """A release folder as a mapping from table name to data frame, each read when first asked for.

    A frame has the key columns first (``date``, zone ids as categories in published order, time
    bins as integers with ``bin_start`` in the series' time zone), then ``value``, ``sd``,
    ``lo95``, ``hi95`` and ``status``. ``frame.attrs`` holds the unit, what a value counts, one
    person's bounds and the notes.

    Attributes:
        folder: Where it was read from.
        manifest: ``manifest.json``.
        measured: Names of the tables that cost budget and have every key.
        thresholded: Names of those of which only cells that reached a threshold have a row: a cell
            without one is not released, which is not 0. Other tables are derived.
    """

    def __init__(self, folder: Path, *, check: bool) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = read_manifest(folder)
        self._check = check
        self._frames: dict[str, pd.DataFrame] = {}
        self.measured = tuple(map(str, self.manifest["tables"]))
        self.thresholded = tuple(map(str, self.manifest.get("thresholded", ())))
        derived = map(str, self.manifest.get("derived", ()))
        self._names = (*self.measured, *self.thresholded, *derived)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return a table's rows in published order; KeyError names the tables there are."""
        if table not in self._frames:
            self._known(table)
            frame = self._frame(f"{self.place(table)}/{table}.parquet")
            frame.attrs.update(self._notes(table))
            self._frames[table] = frame
        return self._frames[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Release({self.id!r}, tables: {', '.join(self._names)})"

    @property
    def id(self) -> str:
        """The release id: the spec's title and the ledger's counter."""
        return str(self.manifest["release"])

    @cached_property
    def privacy(self) -> dict[str, Any]:
        """``privacy.json``: the guarantee, and the fields of OpenDP's deployments registry."""
        return dict(json.loads(self._path("privacy.json").read_text(encoding="utf-8")))

    @cached_property
    def dictionary(self) -> dict[str, Any]:
        """``datapackage.json``: every table and column with type, unit and meaning."""
        return dict(json.loads(self._path("datapackage.json").read_text(encoding="utf-8")))

    @cached_property
    def zones(self) -> gpd.GeoDataFrame:
        """The zones as a GeoDataFrame (WGS 84): ``zone``, ``name``, ``parent``, ``population``."""
        import geopandas as gpd

        content = json.loads(self._path("zones.geojson").read_text(encoding="utf-8"))
        return gpd.GeoDataFrame.from_features(content, crs="EPSG:4326").reindex(
            columns=["zone", "name", "parent", "population", "geometry"]
        )

    def read(self, name: str) -> pd.DataFrame:
        """Return any Parquet file that the manifest lists, such as ``for_models/od_flows.parquet``.

        Raises:
            VerifyError: the file is missing or (with ``check``) changed.
        """
        return self._frame(name)

    def place(self, table: str) -> str:
        """Return the folder of a table's files: thresholded ones are kept apart."""
        return _THRESHOLDED if table in self.thresholded else _TABLES

    def measurements(self, table: str, level: str = ZONE) -> pd.DataFrame:
        """Return layer 1 of a table: raw noisy integers, lattice factor and noise scale.

        Their noise is independent over rows and levels.

        Args:
            table: A measured table.
            level: "zone" for its own cells; "parent" or "city" where they were measured too.
        """
        self._known(table)
        if table not in self.measured + self.thresholded:
            raise KeyError(f"{table} is derived: it has no measurements of its own")
        path = f"{_MEASUREMENTS}/{raw_name(table, level)}.parquet"
        if path not in self.manifest["files"]:
            raise KeyError(f"{table} was not measured at the level {level!r}")
        return self._frame(path)

    def levels(self, table: str) -> pd.DataFrame | None:
        """Return how rows of a table at several levels share noise; None of one with zones alone.

        ``aggregate`` and ``r/murmuration.R`` read it; its columns are in ``datapackage.json``.
        """
        self._known(table)
        name = f"{LEVEL_FOLDER}/{table}.csv"
        return read_levels(self._path(name)) if name in self.manifest["files"] else None

    def estimates(self, table: str) -> pd.DataFrame:
        """Return layer 3 of a table: estimates of the population with sd_noise to sd_total.

        Raises:
            VerifyError: the spec gave no weights, so there is none.
        """
        return self._layer("estimates", table, file=table)

    def for_models(self, table: str) -> pd.DataFrame:
        """Return layer 4 of a table: smaller errors, biased on purpose. Never sum it.

        ``frame.attrs["biased"]`` is True, and the columns are named ``biased_...``.

        Raises:
            VerifyError: the release has none.
        """
        return self._layer("for_models", table, file=f"{table}_biased")

    def coarse(self, table: str) -> pd.DataFrame:
        """Return the finest cells of a table that are precise enough, each base cell in one row.

        Raises:
            VerifyError: the release has none.
        """
        return self._layer("coarse", table, file=table)

    def _layer(self, layer: str, table: str, *, file: str) -> pd.DataFrame:
        self._known(table)
        path = f"{layer}/{file}.parquet"
        frame = self._frame(path)
        told = next(one for one in self.dictionary["resources"] if one["path"] == path)
        frame.attrs.update(
            {
                "release": self.id,
                "table": table,
                "layer": layer,
                "biased": layer == "for_models",
                "notes": [told["title"]],
            }
        )
        return frame

    def _known(self, table: str) -> None:
        if table not in self._names:
            raise KeyError(
                f"{self.id} has no table {table!r}; its tables are {', '.join(self._names)}"
            )

    def _path(self, name: str) -> Path:
        path = self.folder / name
        said = self.manifest["files"].get(name)
        if not path.is_file():
            raise VerifyError(f"{path}: missing; the folder is not complete")
        if self._check and (said is None or sha256_of(path) != said["sha256"]):
            raise VerifyError(f"{path}: not the bytes that were released (SHA-256 differs)")
        return path

    def _frame(self, name: str) -> pd.DataFrame:
        import pyarrow.parquet as pq

        frame: pd.DataFrame = pq.read_table(self._path(name)).to_pandas(date_as_object=False)
        return frame

    def _notes(self, table: str) -> dict[str, Any]:
        if table not in self.measured + self.thresholded:
            return self._derived_notes(table)
        told, few = self.privacy["guarantee"], table in self.thresholded
        facts = next(
            entry for entry in told["thresholded" if few else "tables"] if entry["table"] == table
        )
        return {
            "release": self.id,
            "table": table,
            "counts": facts["counts"],
            "unit": told["unit"],
            "bounds": facts["bounds"],
            "notes": facts["notes"],
            "layer": "thresholded" if few else "measured",
            **({"released_from": facts["released_from"]} if few else {}),
            "noise": facts["mechanism"],
            **self._shared(table),
        }

    def _shared(self, table: str) -> dict[str, str]:
        """Return where a frame finds how its rows share noise."""
        name = f"{LEVEL_FOLDER}/{table}.csv"
        return {"levels": str(self._path(name))} if name in self.manifest["files"] else {}

    def _derived_notes(self, table: str) -> dict[str, Any]:
        path = f"{_TABLES}/{table}.parquet"
        told = next(one for one in self.dictionary["resources"] if one["path"] == path)
        return {
            "release": self.id,
            "table": table,
            "counts": told["counts"],
            "notes": [told["title"], f"Bias: {told['bias']}", f"Interval: {told['interval']}"],
            "layer": "derived",
        }


def read_release(folder: str | Path, *, check: bool = False) -> Release:
    """Return a release folder as a mapping from table name to data frame.

    Args:
        folder: The folder of one release.
        check: Whether the SHA-256 of every file is compared when it is read.

    Raises:
        VerifyError: the folder is no release, is incomplete, or (with ``check``) was changed.
    """
    return Release(Path(folder), check=check)
