"""The one declaration of a measured table. Spec, help, dictionary, docs and laws derive from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from dp.bounding import Rule
from dp.keys import KeySet
from dp.loss import exact
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.levels import CITY, LEVELS, PARENT, ZONE
from pipelines.schemas.world import World

_EXACT_PART = {"type": ["string", "integer"], "format": "fraction", "exclusiveMinimum": 0}
_LEVELS_SCHEMA = {
    "anyOf": [
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {
                name: {**_EXACT_PART, "description": meaning} for name, meaning in LEVELS.items()
            },
            "required": [ZONE],
            "additionalProperties": False,
        },
    ],
    "examples": [{ZONE: "0.6", PARENT: "0.25", CITY: "0.15"}],
}


def _levels(value: Any) -> dict[str, Fraction] | bool | None:
    """Return the parts of levels as exact fractions in the order of ``LEVELS``."""
    if value is None or isinstance(value, bool):
        return value
    example = 'levels = { zone = "0.6", parent = "0.25", city = "0.15" }, or levels = false'
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"levels must be parts by level, true or false. Write {example}.")
    unknown = [str(name) for name in value if name not in LEVELS]
    if unknown:
        raise ValueError(f'levels names "{unknown[0]}", which is no level. Write {example}.')
    parts = {name: _part(name, value[name]) for name in LEVELS if name in value}
    if ZONE not in parts:
        raise ValueError(
            f"levels has no zone, but the zones themselves are always measured. Write {example}."
        )
    whole = sum(parts.values(), Fraction(0))
    if whole != 1:
        rest = 1 - (whole - parts[ZONE])
        fitting = {**parts, ZONE: rest} if rest > 0 else {n: p / whole for n, p in parts.items()}
        said = ", ".join(f'{name} = "{part}"' for name, part in fitting.items())
        raise ValueError(
            f"levels are parts of the table's rho and must add up to 1, but add up to {whole}. "
            f"Write levels = {{ {said} }}."
        )
    return parts


def _part(name: str, value: Any) -> Fraction:
    if isinstance(value, float):
        near = Fraction(repr(value))
        raise ValueError(  # noqa: TRY004  pydantic collects ValueError alone
            f'levels must be exact, got the rounded number {value!r}. Write {name} = "{near}".'
        )
    try:
        part = exact(value, name=f"levels, {name},")
    except TypeError as fault:
        raise ValueError(str(fault)) from None
    if part <= 0:
        raise ValueError(f"levels gives {name} the part {part}. Write a part above 0, or leave it.")
    return part


def _texts(levels: Mapping[str, Fraction] | bool | None) -> dict[str, str] | bool | None:
    """Return parts as exact text."""
    if isinstance(levels, Mapping):
        return {name: str(part) for name, part in levels.items()}
    return levels


def _left_out(value: Any) -> bool:
    """Return whether an option is not written."""
    return value is None


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
    levels: Annotated[
        Mapping[str, Fraction] | bool | None,
        PlainValidator(_levels),
        PlainSerializer(_texts),
        WithJsonSchema(_LEVELS_SCHEMA),
        Field(exclude_if=_left_out),
    ] = None
    """Parts of the table's rho by level (zone, parent, city): each is measured, then all are made
    consistent. Left out: 0.6, 0.25 and 0.15 where zones name parents and a city cell holds 100
    cells or more, else zones alone. true: those parts in any case; false: zones alone."""
    max_sd: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, examples=[25.0], exclude_if=_left_out)
    ] = None
    """The largest standard deviation that a published value may have, in the table's units: a plan
    whose noise is larger is refused, with the share that would do."""
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
    level_caps: Annotated[
        Mapping[Literal["parent", "city"], Annotated[int, Field(ge=1, le=1024)]] | None,
        Field(examples=[{PARENT: 8, CITY: 16}], exclude_if=_left_out),
    ] = None
    """Caps of the levels above the zones, in the L2 sense squared as ``cap`` is: smaller ones mean
    less noise there and more people scaled down at every level. Left out: ``cap`` squared, which
    scales down nobody whom ``cap`` leaves whole."""

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
        once: Whether a person counts once in a cell however many rows of the statement say so.
        stretched: Whether a row stands for cells at equal steps (``dp.tables.Sensitive``): the
            steps are along the first key, so that they divide the number of cells.
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
        levels: Whether it may be measured at several levels of places: what a person adds to a
            coarser place is the sum over its zones.
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
    once: bool = False
    stretched: bool = False
    reads: Literal["date", "span"] = "date"
    check: Callable[[World, Any], list[str]] = _no_faults
    levels: bool = True
    source: str = ""

    @property
    def spans(self) -> bool:
        """Whether one measurement reads all dates of a release."""
        return self.reads == "span"
