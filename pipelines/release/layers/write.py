"""All layers of a release folder, their entries in the dictionary and their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.estimates.population import SELECTION
from pipelines.release.dictionary import _resource as resource
from pipelines.release.layers.base import LayerFile, Made
from pipelines.release.layers.coarse import SELECTED, write_coarse
from pipelines.release.layers.estimates import write_estimates
from pipelines.release.layers.for_models import write_for_models
from pipelines.release.layers.weigh import by_panel


def write_layers(made: Made) -> list[LayerFile]:
    """Write every layer that the spec asks for. Costs nothing: no record is read."""
    return [*write_estimates(made), *write_for_models(made), *write_coarse(made)]


def layer_resources(files: Sequence[LayerFile]) -> list[dict[str, Any]]:
    """Return the files' entries of ``datapackage.json``."""
    return [
        {**resource(one.path, one.columns, title=one.title), "row_order": one.order}
        for one in files
    ]


def layers_text(made: Made, files: Sequence[LayerFile]) -> str:
    """Return the part of a release's README about its layers, "" where there are none."""
    folders = {one.path.partition("/")[0] for one in files}
    parts = []
    if "estimates" in folders:
        source = (
            "declared population over noisy panel count, zone by zone and date by date"
            if by_panel(made.plan)
            else "public weights, in `estimates/weights.csv`"
        )
        parts.append(
            f"- `estimates/`: every table scaled to the population by {source}. `lo95` and `hi95`"
            " cover the noise, the chance of who is in the panel, and the error of the weights;"
            f" {SELECTION}."
        )
    if "for_models" in folders:
        parts.append(
            "- `for_models/`: non-negative whole numbers with a smaller error, **biased on purpose:"
            " never sum them**. Days of one kind are smoothed together, flows are shrunk to a"
            " gravity model. `pipelines.draws` gives plausible truths for a model to run on."
        )
    if "coarse" in folders:
        parts.append(
            "- `coarse/`: where a cell is too noisy, the finest coarser cell that is not: hours,"
            " day parts, dates, weeks; zones, parents, the city. Every cell is in exactly one row;"
            f" totals stay the same. Mind that {SELECTED}."
        )
    left = _left_out(made, folders, {one.path for one in files})
    text = "\n".join(["", "## More than the tables, at no cost", "", *parts, *left])
    return text + "\n" if parts else ""


def _left_out(made: Made, folders: set[str], paths: set[str]) -> list[str]:
    wanted = {"for_models": "for_models/{}_biased.csv", "coarse": "coarse/{}.csv"}
    return [
        f"- `{folder}/` has no {name}: the table is too large to be held in memory."
        for folder, path in wanted.items()
        if folder in folders
        for name in made.plan.tables
        if path.format(name) not in paths
    ]
