"""The one declaration of a measured table. Spec, help, dictionary, docs and laws derive from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dp.bounding import Rule
from dp.keys import KeySet
from dp.loss import exact
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.world import World


def _share(value: Any) -> Fraction:
    try:
        return exact(value, name="share")
    except TypeError as fault:
        raise ValueError(str(fault)) from None


def _none(listed: tuple[str, ...]) -> bool:
    """Return whether an option is not used: it then stays out of what a charge is booked under."""
    return not listed


def _whole(keys: str) -> bool:
    """Return whether every key is published: nothing else is then booked with a charge."""
    return keys == "all"


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("strata must differ. Write each column once.")
    return names


class TableParams(BaseModel):
    """What every ``[[tables]]`` entry of a spec may say."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True
    )

    table: str
    """Name of the table."""
    share: Annotated[Fraction, BeforeValidator(_share), Field(gt=0)] = Fraction(1)
    """This table's part of the rho that a date may be charged, relative to the other shares."""
    noise: Literal["gaussian", "laplace"] = "gaussian"
    """Discrete Gaussian, or discrete Laplace for pure DP."""
    strata: Annotated[
        tuple[str, ...], Field(max_length=8, exclude_if=_none), AfterValidator(_once)
    ] = ()
    """Columns of the file of strata by which the table is split; each multiplies its cells."""
    keys: Annotated[Literal["all", "threshold"], Field(exclude_if=_whole)] = "all"
    """Noise for every public key; or, where these are too many, only cells that hold anything and
    whose noisy value reaches a threshold. That costs a delta, and what is absent is not 0."""

    @property
    def thresholded(self) -> bool:
        """Whether only cells that reach a threshold are published."""
        return self.keys == "threshold"


class CappedParams(TableParams):
    """A table in which one person's contributions must be bounded."""

    cap: Annotated[int, Field(ge=1, le=1_000)]
    """One person on one date counts at most this much (see ``bounding``)."""
    bounding: Literal["weighting", "sampling"] = "weighting"
    """Scale a person's contributions down to the cap, or keep a random ``cap`` of them."""

    @model_validator(mode="after")
    def _few_cells(self) -> Self:
        """Refuse weighting with a threshold: it leaves a person in any number of cells."""
        if self.thresholded and self.bounding != "sampling":
            raise ValueError(
                'keys = "threshold" needs to know how many cells one person is in. Write bounding'
                ' = "sampling" beside it: it keeps cap of them.'
            )
        return self


def _no_faults(_world: World, _params: Any) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A table that costs budget: one file in ``pipelines/tables``, one declaration.

    Attributes:
        name: As written in a spec.
        summary: One sentence for an epidemiologist.
        counts: What a value counts: "persons", "trips".
        params: The fields of its ``[[tables]]`` entry.
        needs: Relations (``pipelines.schemas.relations``) that the statement reads.
        columns: Key columns and what each means.
        keys: The public key set of one date.
        statement: Contributions as SQL, for all dates at once (see ``dp.tables.Sensitive``).
        aggregated: Whether the statement already sums persons; it must then place strata itself
            (``pipelines.tables._strata``).
        rule: How one person's contributions are bounded on one date. The last argument is the
            ledger's sampling secret, or None while planning: the bounds are then known, and a
            rule that needs the secret refuses to make SQL. The rule's ``sql`` is the same for
            every date; only its bounds may depend on the date.
        reads: "date": the totals of a date read that date alone. "span": there is one measurement,
            it reads all dates of the release, its rows stand on the last one (the statement gives
            ``d`` = the largest), ``keys`` and ``rule`` are asked for that date, and ``rule`` bounds
            one identifier over all dates. A plan then takes replace sensitivity, charges every date
            that is read, and refuses dates between which identifiers change.
        check: Faults of the parameters that public facts show, as sentences with what to write.
        source: The paper or definition that the table follows.
    """

    name: str
    summary: str
    counts: str
    params: type[TableParams]
    needs: frozenset[str]
    columns: Mapping[str, str]
    keys: Callable[[World, Any, MobilityDay], KeySet]
    statement: Callable[[World, Any], str]
    rule: Callable[[World, Any, MobilityDay, bytes | None], Rule]
    aggregated: bool = False
    reads: Literal["date", "span"] = "date"
    check: Callable[[World, Any], list[str]] = _no_faults
    source: str = ""

    @property
    def spans(self) -> bool:
        """Whether one measurement reads all dates of a release."""
        return self.reads == "span"
