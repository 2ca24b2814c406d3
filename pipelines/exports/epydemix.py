"""epydemix: zones as population groups, and where people of each group go as a contact layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ExportError
from pipelines.exports._csv import numbers, write_csv, write_lines
from pipelines.exports._export import Export
from pipelines.exports._source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLACE = "data/other_attributes/zone"
_SOURCE = "murmuration"


def _write(source: Source, folder: Path) -> list[str]:
    people, ids = _population(source), source.ids
    name = source.release.id
    matrix, layer, remark = _mobility(source)
    base = folder / _PLACE
    demographic = base / name / "demographic"
    contacts = base / name / "contact_matrices" / _SOURCE
    for made in (demographic, contacts):
        made.mkdir(parents=True)
    write_csv(base / "locations.csv", {"location": [name], "primary_contact_source": [_SOURCE]})
    write_csv(demographic / "population.csv", {"group_name": ids, "value": people})
    lines = [numbers(row) for row in matrix.tolist()]
    write_lines(contacts / f"contacts_matrix_{layer}.csv", lines)
    return [
        f'population_name = "{name}", layers = ["{layer}"].',
        remark,
        (
            "A cell is the chance that a trip that leaves the row's zone goes to the column's zone:"
            " rows sum to 1 and the diagonal is 0. Scale it by contacts away from the own zone in a"
            " day, and add a layer for contacts within it: `within * np.eye(n)`."
        ),
        (
            "Trips are counted by where they start, not by where people live, so ways home are in"
            " it: read it as coupling of zones, not as commuting from home."
        ),
        "It is the mean over the dates, of each pair over the dates on which it has a value.",
    ]


def _population(source: Source) -> list[str]:
    counts = source.zones["population"]
    if counts.isna().any():
        raise ExportError(
            "epydemix needs the population of every zone, and some have none. Name the column of"
            ' residents under [zones], such as population = "population", and release again.'
        )
    return numbers(counts)


def _mobility(source: Source) -> tuple[NDArray[np.float64], str, str]:
    """Return the layer, its name, and what was done to it."""
    import numpy as np

    from pipelines.exports._matrix import by_date, mean_of_dates

    flows = source.flows()
    mean = mean_of_dates([values for _, values in by_date(flows.signed, ids=source.ids)])
    if np.isnan(mean).any():
        raise ExportError(
            "epydemix holds no missing value, and some pairs of zones have one on every date"
            " (no_data or not_released). Export dates or zones that are released, or use od-csv,"
            " which keeps NA."
        )
    below = int((mean < 0).sum())
    leaving = np.maximum(mean, 0).sum(axis=1, keepdims=True)
    if (leaving <= 0).any():
        raise ExportError(
            "epydemix needs a trip from every zone, and one has none above 0: its row would be"
            " 0 / 0. Release coarser zones or more dates."
        )
    clipped = (
        f"Clipped: {below:,} of {mean.size:,} means over dates were negative and are 0 here; means"
        " are taken first, so that fewer are touched."
    )
    remark = flows.remark if flows.modelled else clipped
    return np.maximum(mean, 0) / leaving, f"mobility{flows.suffix}", remark


EXPORT = Export(
    name="epydemix",
    summary="epydemix: zones as population groups with a mobility layer, read by its own loader.",
    needs="od_flows by pair alone, and for_models/od_flows or --clip; zones with population",
    writes={
        f"{_PLACE}/locations.csv": "the name of this population",
        f"{_PLACE}/NAME/demographic/population.csv": "group_name (zone), value (residents)",
        f"{_PLACE}/NAME/contact_matrices/{_SOURCE}/contacts_matrix_LAYER.csv": "the layer,"
        " without header, zones in the order of population.csv",
    },
    orientation="row = origin, column = destination.",
    units="a chance between 0 and 1; residents.",
    missing="epydemix cannot hold NA: a pair that is missing on every date refuses the export.",
    read=(
        "from epydemix.population import load_epydemix_population\n"
        "population = load_epydemix_population(\n"
        '    population_name=NAME, path_to_data=".", attribute="zone",\n'
        f'    contacts_source="{_SOURCE}", layers=[LAYER])'
    ),
    write=_write,
    nonnegative=True,
    source="Gozzi et al. 2025, epydemix, load_epydemix_population with attribute.",
)
