"""The ``[history]`` section: what happened before, for baselines."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipelines.schemas.inputs import PinnedRelease
from pipelines.spec.fields import Day


class HistorySection(BaseModel):
    """Earlier releases and declared epochs; both public."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    folders: Annotated[list[PinnedRelease], Field(examples=[["releases/daily-mobility-0001"]])] = []
    """Earlier release folders whose dates a baseline may use; the first that has a date serves."""
    epochs: Annotated[list[Day], Field(examples=[["2026-05-01"]])] = []
    """Dates from which counts mean something else (new masts, another operator): a baseline never
    crosses one. Changes of zones, parameters and methods are found without being declared."""
