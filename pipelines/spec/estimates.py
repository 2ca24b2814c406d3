"""The sections of a spec that ask for layers 3 and 4 and for coarser cells; they cost nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema

from pipelines.estimates.weights import WeightRow, parse_weights
from pipelines.spec.fields import Day
from pipelines.spec.fields import _public_file as existing_file
from pipelines.spec.text import read_text

PANEL = "panel"


def _weights(value: Any, info: ValidationInfo) -> Path | str:
    return PANEL if value == PANEL else existing_file(value, info)


Weights = Annotated[
    Path | str,
    PlainValidator(_weights),
    WithJsonSchema({"type": "string", "minLength": 1}),
]


class EstimatesSection(BaseModel):
    """Population estimates from public weights (``estimates/`` of a release folder)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    weights: Annotated[Weights, Field(examples=["weights.csv"])]
    """A public CSV of zone, weight, sd_weight; or "panel": the zones' declared population over the
    noisy panel count, for which the spec must measure the table panel."""


class LayersSection(BaseModel):
    """What is made unasked beside the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    for_models: bool = True
    """Whether for_models/ is written: smaller errors, biased on purpose."""
    coarse: bool = True
    """Whether coarse/ is written: the finest cells that are precise enough."""
    holidays: Annotated[list[Day], Field(examples=[["2026-03-01"]])] = []
    """Public holidays, written without quotes: for_models never smooths one with working days."""


def weight_rows(said: EstimatesSection | None) -> tuple[WeightRow, ...]:
    """Return the rows of the weights file that a section names; none where it names none.

    Raises:
        SpecError: the file cannot be read, or one line a fault.
    """
    if said is None or not isinstance(said.weights, Path):
        return ()
    return read_weights(said.weights)


def read_weights(path: Path) -> tuple[WeightRow, ...]:
    """Return the rows of a weights file.

    Raises:
        SpecError: the file cannot be read, or one line a fault.
    """
    text = read_text(path, what="a weights file", largest_mb=20)
    return parse_weights(text, name=str(path))
