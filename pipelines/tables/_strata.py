"""Strata multiply the keys of any table that asks for them; what a person adds stays as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dp.keys import Key, KeySet
from pipelines.errors import SpecError
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.strata import Stratum
from pipelines.schemas.world import World

RELATION = "strata"


def stratified(measured: Measured) -> Measured:
    """Return a table whose keys and cells are split by the strata that its entry asks for.

    Strata vary fastest: the number of a plain cell times the number of combinations, plus that of
    the person's own. A table that sums persons in its statement must place the stratum itself,
    with ``stratum_sql``, while persons are still there.
    """

    def keys(world: World, params: Any, day: MobilityDay) -> KeySet:
        plain, asked = measured.keys(world, params, day), _asked(world, params)
        added = tuple(Key(stratum.name, stratum.labels) for stratum in asked)
        return KeySet((*plain.keys, *added), distinct=plain.distinct) if added else plain

    def statement(world: World, params: Any) -> str:
        plain = measured.statement(world, params)
        code, combinations = stratum_sql(world, params)
        if combinations == 1 or measured.aggregated:
            return plain
        classes = f"{RELATION} AS st ON c.d = st.d AND"
        if measured.spans:  # whose rows stand on one date, of which the person may have no record
            classes = f"(SELECT person, MIN(stratum) AS stratum FROM {RELATION} GROUP BY person)"
            classes += " AS st ON"
        return (
            f"SELECT c.d, c.person, c.cell * {combinations} + {code} AS cell, c.v "
            f"FROM ({plain}) AS c JOIN {classes} c.person = st.person"
        )

    return replace(measured, keys=keys, statement=statement)


def stratum_sql(world: World, params: TableParams) -> tuple[str, int]:
    """Return SQL for the number of a person's combination, and how many combinations there are.

    The SQL reads ``stratum`` of the relation ``strata``, which numbers the combinations of all
    columns of the file, the first varying slowest. Without strata: "0" and 1.

    Raises:
        SpecError: the entry asks for a column that the spec does not declare.
    """
    code, combinations = "0", 1
    for asked in _asked(world, params):
        after = world.strata[world.strata.index(asked) + 1 :]
        inner = 1
        for stratum in after:
            inner *= len(stratum.labels)
        size = len(asked.labels)
        place = f"stratum // {inner} % {size}"
        code = place if combinations == 1 else f"({code}) * {size} + {place}"
        combinations *= size
    return f"({code})", combinations


def _asked(world: World, params: TableParams) -> tuple[Stratum, ...]:
    declared = {stratum.name: stratum for stratum in world.strata}
    for name in params.strata:
        if name not in declared:
            raise SpecError(
                f'tables, {params.table}: strata names "{name}", which [people] strata does not '
                f"declare. Declared: {', '.join(declared) or 'none'}."
            )
    return tuple(declared[name] for name in params.strata)
