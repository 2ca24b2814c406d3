"""The spec's file of strata: ``[people] strata = { file, person, columns }``."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipelines.ingest.source import StrataFile
from pipelines.schemas.strata import UNKNOWN, Stratum
from pipelines.spec.fields import Line, PrivateFile, said
from pipelines.spec.section import Section

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FIGURES = frozenset({"value", "sd", "lo95", "hi95", "status", "lattice", "factor", "noise"})
_TAKEN = _FIGURES | {"date", "bin_start", "scale", "node"}


class StrataSection(Section):
    """A private file with one line per person; its columns multiply the keys of tables."""

    file: Annotated[PrivateFile, Field(examples=["strata.csv"])]
    """A Parquet or CSV file with a header line."""
    person: Annotated[Line, Field(examples=["id"])]
    """Its column with ids, as the sources write them."""
    columns: Annotated[
        dict[str, Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]],
        Field(min_length=1, max_length=8, examples=[{"age_band": ["0-17", "18-64", "65+"]}]),
    ]
    """Its other columns and the public values of each; whatever else it holds is unknown."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        for name, values in self.columns.items():
            if not _NAME.fullmatch(name) or name in _TAKEN or name == self.person:
                raise ValueError(
                    f"columns names {said(name)}, which cannot name a column of a table. Write "
                    "small letters, digits and _ that no other column is called by: age_band."
                )
            if len(set(values)) != len(values) or UNKNOWN in values:
                raise ValueError(
                    f"the values of {name} must differ, and {said(UNKNOWN)} is always there. "
                    "Write each value once."
                )
        return self

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The declared strata in the spec's order."""
        return tuple(Stratum(name=name, values=values) for name, values in self.columns.items())

    @property
    def source(self) -> StrataFile:
        """The file as ingest reads it."""
        return StrataFile(path=self.file, person=self.person, strata=self.strata)
