"""What a release folder holds, as the page needs it; each part is read once."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.release.read import Release
from pipelines.report.layers import Layer, read_layers
from pipelines.report.mapping import shapes_of
from pipelines.report.payload import (
    bars_payload,
    daily_payload,
    flows_payload,
    layer_payload,
    map_payload,
)
from pipelines.report.sections import Precision, precisions_of
from pipelines.report.totals import (
    UNKNOWN,
    Daily,
    Estimate,
    Flow,
    daily_totals,
    largest_flows,
    panel_shares,
)

SHOWN = 20
"""Rows of a ranked chart or table."""
MOST_CELLS = 1_000_000
"""Above this many numbers on one map, single hours stay in the tables and out of the page."""


class Contents:
    """What a release folder holds, read once."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.folder: Path = release.folder
        self.tables = tuple(name for name in release if name not in release.thresholded)
        self.guarantee: dict[str, Any] = release.privacy["guarantee"]
        self.limit = float(release.manifest["spec"]["release"]["max_relative_sd"])
        self.zone_origin = str(release.manifest["zones"]["origin"])
        self.day_starts = str(self.guarantee["policy"]["day_starts"])
        self.ids = tuple(str(zone) for zone in release.zones["zone"])

    @cached_property
    def dates(self) -> tuple[dt.date, ...]:
        """The dates of the release."""
        said = self.release.manifest["spec"]["dates"]
        first = dt.date.fromisoformat(said["start"])
        return tuple(first + dt.timedelta(days=i) for i in range(int(said["days"])))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Display names; the id where there is none, and beside it where two zones share one."""
        given = [str(name or "") for name in self.release.zones["name"]]
        return tuple(
            zone if not name else f"{name} ({zone})" if given.count(name) > 1 else name
            for zone, name in zip(self.ids, given, strict=True)
        )

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What the map can show."""
        return read_layers(self.folder, tables=self.tables, zones=self.ids, limit=self.limit)

    @cached_property
    def daily(self) -> tuple[Daily, ...]:
        """The city's totals by date."""
        return daily_totals(self.folder, self.tables)

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """Flows by falling value."""
        if "od_flows" not in self.tables:
            return ()
        facts = next(one for one in self.guarantee["tables"] if one["table"] == "od_flows")
        heavy = facts["mechanism"] != "discrete_gaussian"
        return largest_flows(self.folder, self.ids, heavy=heavy)

    @cached_property
    def panel(self) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
        """The panel by overnight zone (named, largest first, unknown last) and observed hours."""
        if "panel" not in self.tables:
            return (), ()
        overnight, hours = panel_shares(self.folder)
        names = dict(zip(self.ids, self.names, strict=True))
        ranked = sorted(overnight, key=lambda one: (one.key == UNKNOWN, -one.value))
        return tuple(one.named(names.get(one.key, one.label)) for one in ranked), tuple(
            one.named(f"{one.label} hours") for one in hours
        )

    @cached_property
    def precision(self) -> tuple[Precision, ...]:
        """How many numbers each table has and how precise they are."""
        tables = self.guarantee["tables"]
        return tuple(row for facts in tables for row in precisions_of(self.folder, facts))

    def payload(self) -> dict[str, Any]:
        """Return what the page's charts draw."""
        zones, hours = self.panel
        named = [zone for zone in zones if zone.key != UNKNOWN]
        unknown = [zone for zone in zones if zone.key == UNKNOWN]
        bars = {"panel-zones": named[:SHOWN] + unknown, "panel-hours": hours} if zones else {}
        return {
            "map": map_payload(shapes_of(self.release.zones), ids=self.ids, names=self.names),
            "layers": [layer_payload(layer, most_cells=MOST_CELLS) for layer in self.layers],
            "daily": daily_payload(self.daily),
            "flows": flows_payload(self.flows) or None,
            "bars": {name: bars_payload(rows) for name, rows in bars.items()},
        }
