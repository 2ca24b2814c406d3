"""Travel distance: how many people covered how many kilometres between their stays."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._overnight import OVERNIGHT, class_code, counted_sql, overnight_key
from pipelines.tables._rules import inherent

_KM = 1000


def _rising(edges: tuple[int, ...]) -> tuple[int, ...]:
    if any(after <= before for before, after in pairwise(edges)):
        raise ValueError("edges_km must rise. Write edges_km = [1, 3, 10, 30, 100].")
    return edges


class DistanceParams(TableParams):
    """Parameters of ``travel_distance``."""

    edges_km: Annotated[
        tuple[Annotated[int, Field(ge=1, le=20_000)], ...],
        Field(min_length=1, max_length=20),
        AfterValidator(_rising),
    ] = (1, 3, 10, 30, 100)
    """Where a class of distance ends and the next begins, in whole kilometres, rising."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The published classes: none, below the first edge, between edges, from the last on."""
        between = (f"{low}-{high}" for low, high in pairwise(self.edges_km))
        return ("0", f"<{self.edges_km[0]}", *between, f"{self.edges_km[-1]}+")


def _keys(world: World, params: DistanceParams, _day: MobilityDay) -> KeySet:
    return KeySet((overnight_key(world), Key("distance_km", params.labels)))


def _statement(world: World, params: DistanceParams) -> str:
    leasts = (1, *(edge * _KM for edge in params.edges_km))
    return counted_sql(
        world,
        classes=len(params.labels),
        code=class_code("n", leasts),
        counts="SELECT d, person, CAST(SUM(distance_m) AS BIGINT) AS n FROM trips "
        "GROUP BY d, person",
    )


def _rule(_world: World, _params: DistanceParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="travel_distance",
    summary="People by overnight zone and kilometres between the stays of their trips on a date.",
    counts="persons",
    params=DistanceParams,
    needs=frozenset({"people", "trips"}),
    columns={
        "overnight": OVERNIGHT,
        "distance_km": "sum over the person's trips of the straight distance between the two stays,"
        " in kilometres from the first number up to, without, the second; 0 for who made no trip",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Distance travelled a day, as Google's and Meta's mobility reports classed it; straight"
    " lines between stays, so shorter than the road.",
)
