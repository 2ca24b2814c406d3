"""``load_policy``: a policy file to the policy that a ledger fixes at its creation."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from dp.errors import PolicyError
from dp.loss import Loss, Rho
from dp.units import PrivacyUnit
from pipelines.errors import SpecError
from pipelines.spec import faults
from pipelines.spec.fields import Clock, Exact, Line, TimeZone
from pipelines.spec.schema import DIALECT, Schema, model_schema
from pipelines.spec.section import Section
from pipelines.spec.toml import read_toml, to_json

if TYPE_CHECKING:
    from dp.ledger import Policy

_MISSING = "Write the path of a policy file; `murmuration init` makes one."


class PolicyFile(Section):
    """A policy as written: the privacy officer's file."""

    cap_rho: Annotated[Exact, Field(gt=0, examples=["1/2"])]
    """The most that one person may lose in any window, rho of zero-concentrated DP."""
    cap_delta: Annotated[Exact, Field(ge=0, lt=1, examples=["1e-9"])] = Fraction(0)
    """The most delta in any window; the tables so far need none."""
    window_days: Annotated[int, Field(ge=1, le=3660, examples=[30])] | Literal["series"]
    """Length of the window in dates, or "series" for one cap over the whole series."""
    ids_per_person_per_date: Annotated[int, Field(ge=1, le=100, examples=[1])] | None = None
    """How many identifiers one person has on one date, at most, as the custodian attests."""
    unit: Literal["device"] | None = None
    """"device" where nothing is attested: the guarantee is then for one device, not a person."""
    id_rotation: Annotated[Line, Field(examples=["never"])]
    """When identifiers change: "never" (a person keeps the same ones), the dates on which new ones
    begin and nothing else ("2026-04-01, 2026-07-01"; `murmuration ledger amend` can add later
    ones), "daily", or other public words."""
    time_zone: Annotated[TimeZone, Field(examples=["Asia/Seoul"])]
    """The series' one time zone."""
    day_starts: Clock = "04:00"
    """Local time at which a date starts."""
    population: Annotated[int, Field(ge=2, le=20_000_000_000, examples=[800000])]
    """Declared number of people who could be in the data; delta must stay below one in this."""

    @model_validator(mode="after")
    def _attested(self) -> Self:
        if (self.ids_per_person_per_date is None) == (self.unit is None):
            both = "both are" if self.unit else "neither is"
            raise ValueError(
                "say who is protected by one of ids_per_person_per_date and unit; "
                f"{both} given. Write ids_per_person_per_date = 1 where the custodian attests it, "
                'or else unit = "device".'
            )
        return self

    @model_validator(mode="after")
    def _small_delta(self) -> Self:
        if self.cap_delta >= Fraction(1, self.population):
            raise ValueError(
                f"cap_delta must be below 1/population, got {self.cap_delta} for "
                f"{self.population} people. Write a smaller cap_delta, or 0."
            )
        return self


def load_policy(path: str | os.PathLike[str]) -> Policy:
    """Return the policy in a TOML file.

    Raises:
        SpecError: with one line per fault: file, place, value, and what to write instead.
    """
    file = Path(path)
    data = read_toml(file, missing=_MISSING)
    try:
        written = PolicyFile.model_validate_json(to_json(data), strict=True)
    except ValidationError as error:
        found = faults.lines(error, schema=_schema(), where=faults.opening(file))
        raise SpecError("\n".join(found)) from None
    from dp.ledger import Policy

    window = None if written.window_days == "series" else written.window_days
    try:
        return Policy(
            cap=Loss(Rho(written.cap_rho), written.cap_delta),
            unit=PrivacyUnit(
                window_days=window, ids_per_person_per_date=written.ids_per_person_per_date
            ),
            time_zone=written.time_zone,
            day_starts=written.day_starts,
            population=written.population,
            id_rotation=written.id_rotation,
        )
    except PolicyError as fault:
        raise SpecError(f"{file}: {fault}") from None


def policy_schema() -> Schema:
    """Return the JSON Schema of a policy file, for editors."""
    return {"$schema": DIALECT, **_schema(), "title": "Murmuration policy"}


@cache
def _schema() -> Schema:
    return model_schema(PolicyFile)
