"""epydemix: zones as population groups, and where people of each group go as a contact layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ExportError
from pipelines.exports._csv import numbers, write_csv, write_lines
from pipelines.exports._export import Export
from pipelines.exports._source import CLIPPED, Source, as_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_PLACE = "data/other_attributes/zone"
_SOURCE = "murmuration"
_PERSONS = "od_persons"
_MOBILITY = (
    "`mobility`: the chance that a trip that leaves the row's zone goes to the column's zone; rows"
    " sum to 1 and the diagonal is 0. Trips are counted by where they start, so ways home are in"
    " it: read it as coupling of zones. Scale it by contacts away from the own zone in a day, and"
    " add a layer for contacts within it: `within * np.eye(n)`."
)
_RESIDENTS = (
    "`residents`: the chance that a person who sleeps in the row's zone has the column's zone as"
    " destination, who stays on the diagonal (table `od_persons`); rows sum to 1. Scale it by"
    " contacts in a day."
)


def _write(source: Source, folder: Path) -> list[str]:
    people, ids = _population(source), source.ids
    name = source.release.id
    layers, remarks = _layers(source)
    base = folder / _PLACE
    demographic = base / name / "demographic"
    contacts = base / name / "contact_matrices" / _SOURCE
    for made in (demographic, contacts):
        made.mkdir(parents=True)
    write_csv(base / "locations.csv", {"location": [name], "primary_contact_source": [_SOURCE]})
    write_csv(demographic / "population.csv", {"group_name": ids, "value": people})
    for layer, matrix in layers.items():
        lines = [numbers(row) for row in matrix.tolist()]
        write_lines(contacts / f"contacts_matrix_{layer}.csv", lines)
    return [
        f'population_name = "{name}".',
        f"Load one of layers = {json.dumps(list(layers))}: epydemix adds up what it loads.",
        *remarks,
        "It is the mean over the dates, of each pair over the dates on which it has a value.",
    ]


def _layers(source: Source) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Return the layers by name, and what each is."""
    flows = source.flows()
    matrix, below = _chances(flows.signed, source=source)
    layers = {f"mobility{flows.suffix}": matrix}
    remarks = [flows.remark if flows.modelled else _clipped(below, matrix.size), _MOBILITY]
    if source.clip and _PERSONS in source.release:
        persons, below = _chances(as_text(source.table(_PERSONS)), source=source)
        layers[f"residents_{CLIPPED}"] = persons
        remarks += [_RESIDENTS, _clipped(below, persons.size)]
    return layers, remarks


def _population(source: Source) -> list[str]:
    counts = source.zones["population"]
    if counts.isna().any():
        raise ExportError(
            "epydemix needs the population of every zone, and some have none. Name the column of"
            ' residents under [zones], such as population = "population", and release again.'
        )
    return numbers(counts)


def _chances(frame: pd.DataFrame, *, source: Source) -> tuple[NDArray[np.float64], int]:
    """Return mean numbers by pair as chances by row, and how many were below 0."""
    import numpy as np

    from pipelines.exports._matrix import by_date, mean_of_dates

    mean = mean_of_dates([values for _, values in by_date(frame, ids=source.ids)])
    if np.isnan(mean).any():
        raise ExportError(
            "epydemix holds no missing value, and some pairs of zones have one on every date"
            " (no_data, or not_released, as below a threshold). Export dates or zones that are"
            " released, or use od-csv, which keeps NA."
        )
    leaving = np.maximum(mean, 0).sum(axis=1, keepdims=True)
    if (leaving <= 0).any():
        raise ExportError(
            "epydemix needs a trip from every zone, and one has none above 0: its row would be"
            " 0 / 0. Release coarser zones or more dates."
        )
    return np.maximum(mean, 0) / leaving, int((mean < 0).sum())


def _clipped(below: int, cells: int) -> str:
    return (
        f"Clipped: {below:,} of {cells:,} means over dates were negative and are 0 here; means are"
        " taken first, so that fewer are touched."
    )


EXPORT = Export(
    name="epydemix",
    summary="epydemix: zones as population groups with mobility layers, read by its own loader.",
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
