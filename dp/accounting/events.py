"""A spend: what one measurement cost, and whose records it read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dp.loss import Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One measurement's charge. Its meaning never changes; accountants only read it.

    Attributes:
        table: Name of the table.
        reads: The dates whose records it read, in order, each once.
        loss: (rho, delta) for one person who has records on those dates.
        kind: Which mechanism: "discrete_gaussian", "discrete_laplace".
        steps: The scale of its noise in lattice steps; None where it is not known.

    Raises:
        ValueError: dates are missing, repeated or out of order.
    """

    table: str
    reads: tuple[dt.date, ...]
    loss: Loss
    kind: str
    steps: float | None = None

    def __post_init__(self) -> None:
        if not self.reads:
            raise ValueError(f"{self.table}: a spend must name the dates that it read")
        if list(self.reads) != sorted(set(self.reads)):
            raise ValueError(f"{self.table}: read dates must be in order, each once")
