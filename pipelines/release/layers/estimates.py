"""``estimates/``: every table scaled to the population, with the errors that are known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.estimates.population import SELECTION, estimate
from pipelines.estimates.weights import weights_text
from pipelines.release.columns import CONFIDENCE, Column
from pipelines.release.layers.base import (
    LABEL,
    STATUS,
    LayerFile,
    Made,
    Pair,
    both,
    codes_in,
    judged,
    key_arrays,
    keys_in,
    label_array,
    status_array,
)
from pipelines.release.layers.weigh import SOURCES, by_panel, weigh
from pipelines.release.model import PlannedMeasurement
from pipelines.release.status import STATUSES
from pipelines.spec.estimates import PANEL
from pipelines.tables import TABLES

FOLDER = "estimates"
PERSONS = "persons"
_NOT_RELEASED = list(STATUSES).index("not_released")


def write_estimates(made: Made) -> list[LayerFile]:
    """Write the estimates of every table; nothing where the spec gives no weights."""
    if made.plan.spec.estimates is None:
        return []
    files: list[LayerFile] = []
    for name in made.plan.tables:
        columns = _columns(made, name)
        with Pair(made.folder / FOLDER / name, columns) as pair:
            for one in made.plan.of(name):
                pair.write(_rows(made, one))
        title = f"Layer 3: {TABLES[name].summary} Scaled to the population; {SELECTION}."
        files += both(f"{FOLDER}/{name}", columns, title=title, order="as in tables/")
    if made.plan.spec.weight_rows:
        text = weights_text(made.plan.spec.weight_rows)
        (made.folder / FOLDER / "weights.csv").write_text(text, encoding="utf-8", newline="\n")
    return files


def spread_of(one: PlannedMeasurement, *, multiplicity: int) -> float:
    """Return the most that one panel member adds to one cell, in released units.

    The sum of v^2 is at most this times the sum of v, so the sampling error is not understated.
    """
    if TABLES[one.table].counts == PERSONS:
        return float(multiplicity)
    return float(one.bounds.linf) / one.law.factor


def _rows(made: Made, one: PlannedMeasurement) -> list[pa.Array]:
    noisy = made.best(one)
    rows, weighed = made.rows(one), weigh(made, one, noisy)
    spread = spread_of(one, multiplicity=made.plan.policy.unit.multiplicity)
    with np.errstate(invalid="ignore"):
        found = estimate(
            noisy.values,
            sd=noisy.sd,
            scaling=weighed.scaling,
            spread=spread,
            confidence=CONFIDENCE,
        )
        limit = made.plan.spec.release.max_relative_sd
        codes = judged(codes_in(rows), precise=found.sd_total <= limit * found.value)
    codes[np.isnan(found.value) & noisy.keys.measured] = _NOT_RELEASED
    figures = (
        weighed.scaling.weight,
        found.value,
        found.sd_noise,
        found.sd_sampling,
        found.sd_weight,
        found.sd_total,
        found.lo,
        found.hi,
    )
    zero = ~noisy.keys.measured
    arrays = [pa.array(np.where(zero, 0.0, figure)) for figure in figures[1:]]
    return [
        *key_arrays(rows, made.shapes[one.table]),
        label_array(weighed.source, SOURCES),
        pa.array(figures[0]),
        *arrays,
        status_array(codes),
    ]


def _columns(made: Made, name: str) -> tuple[Column, ...]:
    unit = f"{TABLES[name].counts} of the population"
    number = pa.float64()
    total = "root of the sum of the three squares"
    if name == PANEL and by_panel(made.plan):
        total += ", less twice the covariance of count and weight, which hold the same noise"
    end = f"end of the {CONFIDENCE:.0%} interval for the population; {SELECTION}"
    source = (
        "whose weight it is: zone (its overnight zone's), mix (of the people in the cell by"
        " overnight zone), area (one weight for all: local differences are in sd_weight only as"
        " the spread of the zones' weights)"
    )
    weight = "people of the population for one panel person; nan where none can be given"
    texts = (
        ("pop_value", "panel value times weight: estimate for the population"),
        ("sd_noise", "part of its error from the privacy noise"),
        ("sd_sampling", "part from who happens to be in the panel"),
        ("sd_weight", "part from the error of the weight"),
        ("sd_total", total),
        ("lo95", f"lower {end}"),
        ("hi95", f"upper {end}"),
    )
    return (
        *keys_in(made.shapes[name]),
        Column(name="weight_of", type=LABEL, meaning=source),
        Column(name="weight", type=number, meaning=weight),
        *(Column(name=n, type=number, meaning=text, unit=unit) for n, text in texts),
        Column(name="status", type=STATUS, meaning="whether the estimate may be read by itself"),
    )
