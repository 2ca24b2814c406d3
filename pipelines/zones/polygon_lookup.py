"""The lookup of polygons: two public relations and one plain statement over integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.coordinates import Ints, Shapes, x_sql, y_sql
from pipelines.zones.edges import Edges
from pipelines.zones.quilt import LEAF_BITS, Quilt, cell_bits, quilt
from pipelines.zones.slabs import NO_EDGE, Pieces, pieces, zone_at

CELLS = "zone_cells"
PIECES = "zone_pieces"
_WORLD_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolygonLookup:
    """How a point finds its polygon (see ``slabs.md``).

    Attributes:
        bits: Cells have sides of ``2**bits`` units.
        relations: ``zone_cells``, one row a cell, and ``zone_pieces``, one row a piece of a leaf.
    """

    bits: int
    relations: Mapping[str, pa.Table] = field(repr=False)

    @property
    def functions(self) -> Mapping[str, Callable[[pa.Array, pa.Array], pa.Array]]:
        """None: the statement is plain SQL."""
        return {}

    def sql(self, relation: str) -> str:
        """Return the statement: a cell names its zone or its first leaf; a leaf's piece the zone.

        Both joins are by equality. Exactly one piece of a leaf passes the filter.
        """
        x, y = x_sql(), y_sql()
        inner = (1 << self.bits) - 1
        dx, dy = f"({x} & {inner})", f"({y} & {inner})"
        key = f"({x} >> {self.bits}) * {1 << (_WORLD_BITS - self.bits)} + ({y} >> {self.bits})"
        leaf = f"c.base + ({dx} >> c.shift) * c.side + ({dy} >> c.shift)"
        return (
            f"SELECT p.*, CAST(COALESCE(t.zone, c.zone, {OUTSIDE}) AS INTEGER) AS zone "
            f"FROM {relation} AS p "
            f"LEFT JOIN {CELLS} AS c ON c.cell = {key} "
            f"LEFT JOIN {PIECES} AS t ON t.leaf = {leaf} "
            f"WHERE t.leaf IS NULL OR (t.south <= {dy} AND {dy} < t.north "
            f"AND t.west_x * {dx} + t.west_y * {dy} + t.west_0 >= 0 "
            f"AND t.east_x * {dx} + t.east_y * {dy} + t.east_0 < 0)"
        )


def polygon_lookup(
    edges: Edges, shapes: Shapes, *, bits: int | None = None, leaf_bits: int = LEAF_BITS
) -> PolygonLookup:
    """Build the lookup of zones that do not overlap.

    Args:
        edges: Their borders.
        shapes: The zones in whole units, zone number i at position i.
        bits: Size of the cells; chosen from the extent by default.
        leaf_bits: Size below which leaves are not cut.
    """
    plan = quilt(edges, cell_bits(edges) if bits is None else bits, leaf_bits=leaf_bits)
    relations = {CELLS: _cells(plan, shapes), PIECES: _pieces(edges, plan, shapes)}
    return PolygonLookup(bits=plan.bits, relations=relations)


def _cells(plan: Quilt, shapes: Shapes) -> pa.Table:
    half = 1 << (plan.bits - 1)
    zone = zone_at(shapes, plan.plain.x + half, plan.plain.y + half)
    held = np.flatnonzero(zone != OUTSIDE)
    plain = plan.plain.take(held)
    one, two = (
        ((some.x >> plan.bits) << (_WORLD_BITS - plan.bits)) + (some.y >> plan.bits)
        for some in (plain, plan.cells)
    )
    none = np.zeros(len(held), dtype=np.int64)
    cut = np.repeat([False, True], [len(one), len(two)])
    columns = {
        "cell": pa.array(np.concatenate([one, two])),
        "zone": _int(np.concatenate([zone[held], np.zeros_like(two)]), null=cut),
        "base": pa.array(np.concatenate([none, plan.base]), mask=~cut),
        "shift": _int(np.concatenate([none, plan.bits - plan.depth])),
        "side": _int(np.concatenate([none, np.left_shift(1, plan.depth)])),
    }
    return pa.table(columns).sort_by("cell")


def _pieces(edges: Edges, plan: Quilt, shapes: Shapes) -> pa.Table:
    cut = pieces(edges, plan, shapes)
    cell = plan.cells.take(plan.cell[cut.leaf])
    west = _half_plane(edges, cut.west, cell.x, cell.y, beyond=0)
    east = _half_plane(edges, cut.east, cell.x, cell.y, beyond=-1)
    columns = {"leaf": pa.array(cut.leaf), **_rows(cut, cell.y)}
    for side, (x, y, constant) in (("west", west), ("east", east)):
        columns |= {f"{side}_x": _int(x), f"{side}_y": _int(y), f"{side}_0": pa.array(constant)}
    return pa.table(columns | {"zone": _int(cut.zone)})


def _rows(cut: Pieces, south: Ints) -> dict[str, pa.Array]:
    return {"south": _int(cut.first - south), "north": _int(cut.last - south)}


def _half_plane(
    edges: Edges, at: Ints, x: Ints, y: Ints, *, beyond: int
) -> tuple[Ints, Ints, Ints]:
    """Return integers a, b, c with ``a dx + b dy + c >= 0`` on the edge and east of it.

    ``dx`` and ``dy`` count from (x, y). Without an edge the form is the constant ``beyond``.
    """
    free = at == NO_EDGE
    edge = edges.take(np.where(free, 0, at))
    a, b = edge.y2 - edge.y1, edge.x1 - edge.x2
    c = -a * (edge.x1 - x) - b * (edge.y1 - y)
    return np.where(free, 0, a), np.where(free, 0, b), np.where(free, beyond, c)


def _int(values: Ints, *, null: np.ndarray | None = None) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=null)
