"""Public key sets: every cell that a table publishes, fixed before any data is read."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import BoundError, TooManyCells

if TYPE_CHECKING:
    from numpy.typing import NDArray


MAX_CELLS = 2**32
"""Cells that a key set may have: dense vectors end here, and the bounding rules' proofs need it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key column: its name and its public values in published order."""

    name: str
    values: tuple[str | int, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise BoundError(
                f"key {self.name!r} has no values: a key set must be known and not empty"
            )
        if len(set(self.values)) != len(self.values):
            raise BoundError(f"key {self.name!r} repeats a value: each cell must be named once")

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The product of key columns, the first column varying slowest.

    Cell ``i`` is the mixed-radix number of the positions in ``keys``. ``distinct`` names pairs of
    columns that cannot take the same value: such cells are structural zeros, known to the public,
    and no noise is drawn for them.

    >>> keys = KeySet((Key("origin", ("a", "b")), Key("destination", ("a", "b"))),
    ...               distinct=(("origin", "destination"),))
    >>> keys.size, keys.measured.tolist()
    (4, [False, True, True, False])
    """

    keys: tuple[Key, ...]
    distinct: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.keys:
            raise BoundError("a key set needs at least one key column")
        if len(set(self.names)) != len(self.names):
            raise BoundError(f"key columns must have different names, got {', '.join(self.names)}")
        if self.size > MAX_CELLS:
            raise TooManyCells(
                f"{' x '.join(self.names)} gives {self.size:,} cells, more than {MAX_CELLS:,}: "
                "take coarser keys",
                keys=self.keys,
            )
        for left, right in self.distinct:
            if self.position(left) == self.position(right):
                raise BoundError(f"key {left!r} cannot differ from itself: name two columns")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(key.name for key in self.keys)

    @property
    def size(self) -> int:
        """The number of cells, structural zeros included."""
        return math.prod(len(key) for key in self.keys)

    @property
    def measured(self) -> NDArray[np.bool_]:
        """A mask of shape (size,): False where a cell is a structural zero."""
        mask = np.ones(self.size, dtype=np.bool_)
        for left, right in self.distinct:
            a, b = self.keys[self.position(left)], self.keys[self.position(right)]
            shared = {value: i for i, value in enumerate(a.values)}
            codes = np.array([shared.get(value, -1) for value in b.values], dtype=np.int64)
            mask &= self.codes(left) != codes[self.codes(right)]
        return mask

    @property
    def measured_count(self) -> int:
        """The number of cells that are no structural zeros, without the mask where it can be."""
        if len(self.distinct) > 1:
            return int(self.measured.sum())
        for left, right in self.distinct:
            a, b = self.keys[self.position(left)], self.keys[self.position(right)]
            same = len(set(a.values) & set(b.values))
            return self.size - self.size // (len(a) * len(b)) * same
        return self.size

    def position(self, name: str) -> int:
        """Return the position of a key column; BoundError when there is none of that name."""
        try:
            return self.names.index(name)
        except ValueError:
            raise BoundError(f"no key named {name!r} among {', '.join(self.names)}") from None

    def codes(self, name: str) -> NDArray[np.int64]:
        """Return, per cell, the position of its value in the named key; shape (size,)."""
        at = self.position(name)
        inner = math.prod(len(key) for key in self.keys[at + 1 :])
        outer = math.prod(len(key) for key in self.keys[:at])
        one = np.repeat(np.arange(len(self.keys[at]), dtype=np.int64), inner)
        return np.tile(one, outer)

    def codes_at(self, name: str, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what ``codes`` holds at these cells, without the dense vector; same shape."""
        at = self.position(name)
        inner = math.prod(len(key) for key in self.keys[at + 1 :])
        return cells // inner % len(self.keys[at])

    def measured_at(self, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return what ``measured`` holds at these cells, without the dense mask; same shape."""
        mask = np.ones(cells.shape, dtype=np.bool_)
        for left, right in self.distinct:
            a, b = self.keys[self.position(left)], self.keys[self.position(right)]
            shared = {value: i for i, value in enumerate(a.values)}
            codes = np.array([shared.get(value, -1) for value in b.values], dtype=np.int64)
            mask &= self.codes_at(left, cells) != codes[self.codes_at(right, cells)]
        return mask

    @property
    def digest(self) -> str:
        """A hash of names, values, order and structural zeros: equal only for equal key sets."""
        plain = [
            [[key.name, list(key.values)] for key in self.keys],
            [list(p) for p in self.distinct],
        ]
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
