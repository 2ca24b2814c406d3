"""Public maps from the cells of a key set to those of a coarser one: what a level is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import BoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.keys import KeySet


@dataclass(frozen=True, slots=True)
class Lift:
    """A map that moves some key columns to coarser values and leaves the others as they are.

    It is fixed before any data is read, and the same for everyone.

    Attributes:
        keys: The fine key set.
        coarse: The coarse one, with as many columns.
        moved: By key column, the new position of each old value; None where the column stays.

    Raises:
        BoundError: the columns do not fit each other, or a coarse value holds no fine one.

    >>> from dp.keys import Key, KeySet
    >>> fine, coarse = Key("zone", ("a", "b", "c")), Key("zone", ("p", "q"))
    >>> Lift(KeySet((fine,)), KeySet((coarse,)), ((0, 0, 1),)).cells().tolist()
    [0, 0, 1]
    """

    keys: KeySet
    coarse: KeySet
    moved: tuple[tuple[int, ...] | None, ...]

    def __post_init__(self) -> None:
        columns = zip(self.keys.keys, self.coarse.keys, self.moved, strict=True)
        for fine, coarse, moved in columns:
            places = tuple(range(len(fine))) if moved is None else moved
            if len(places) != len(fine) or set(places) != set(range(len(coarse))):
                raise BoundError(
                    f"key {fine.name!r}: a level needs one coarse value for each fine one, and none"
                    " to spare"
                )

    def cells(self) -> NDArray[np.int64]:
        """Return the coarse cell of every fine cell, shape (keys.size,)."""
        found = np.zeros(self.keys.size, dtype=np.int64)
        for fine, coarse, moved in zip(self.keys.keys, self.coarse.keys, self.moved, strict=True):
            codes = self.keys.codes(fine.name)
            at = codes if moved is None else np.array(moved, dtype=np.int64)[codes]
            found = found * len(coarse) + at
        return found

    def cell(self, fine: int) -> int:
        """Return the coarse cell of one fine cell; the first column may run beyond its values."""
        found, inner = 0, 1
        columns = list(zip(self.keys.keys, self.coarse.keys, self.moved, strict=True))
        for i, (key, coarse, moved) in reversed(list(enumerate(columns))):
            at = fine if i == 0 else fine % len(key)
            fine //= len(key)
            found += (at if moved is None else moved[at]) * inner
            inner *= len(coarse)
        return found

    def added(self, totals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return totals of the coarse cells: sums of those of the fine ones, in whole numbers."""
        found = np.zeros(self.coarse.size, dtype=np.int64)
        np.add.at(found, self.cells(), totals)
        return found

    def sql(self, relation: str) -> str:
        """Return a SELECT of every row of ``relation`` once, with ``up BIGINT``, its coarse cell.

        ``relation`` has the column ``cell``. The text is the same for key sets that differ in how
        many values the first column has, as long as that column stays.
        """
        sizes = [len(key) for key in self.keys.keys]
        outs = [len(key) for key in self.coarse.keys]
        terms, joins = [], []
        for i, moved in enumerate(self.moved):
            inner, after = math.prod(sizes[i + 1 :]), math.prod(outs[i + 1 :])
            at = "r.cell" if inner == 1 else f"r.cell // {inner}"
            at = at if i == 0 else f"{at} % {sizes[i]}"
            if moved is not None:
                pairs = ", ".join(f"({k}, {p})" for k, p in enumerate(moved))
                joins.append(f" JOIN (VALUES {pairs}) AS m{i}(k, p) ON {at} = m{i}.k")
                at = f"m{i}.p"
            terms.append(f"({at}) * {after}")
        up = f"CAST({' + '.join(terms)} AS BIGINT)"
        return f"SELECT r.*, {up} AS up FROM {relation} AS r{''.join(joins)}"
