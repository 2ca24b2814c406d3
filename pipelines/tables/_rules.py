"""The bounding rules that a table's parameters ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from dp.bounding import Inherent, Rule, Sampling, Weighting
from dp.bounds import Bounds
from dp.errors import BoundError
from dp.tables import Sensitive
from pipelines.schemas.measured import CappedParams


@dataclass(frozen=True, slots=True)
class PlannedSampling:
    """Sampling before the ledger's secret is at hand: bounds to plan with, and no SQL.

    Attributes:
        cap: Cells kept, at most.
    """

    cap: int

    @property
    def factor(self) -> int:
        """One lattice unit is one released unit."""
        return 1

    @property
    def bounds(self) -> Bounds:
        """The bounds of ``dp.bounding.Sampling``."""
        return Sampling(self.cap, bytes(32)).bounds

    def coarser(self, level: int) -> Bounds:
        """Return the bounds of ``dp.bounding.Sampling`` at a level above."""
        return Sampling(self.cap, bytes(32)).coarser(level)

    def sql(self, sensitive: Sensitive) -> NoReturn:
        """Refuse: without the secret anyone could tell which contributions were kept."""
        raise BoundError(f"{sensitive.table}: sampling needs the ledger's secret to read data")

    def reference(self, contributions: Mapping[int, int]) -> NoReturn:  # noqa: ARG002  a rule's
        """Refuse, as ``sql`` does."""
        raise BoundError("sampling needs the ledger's secret to read data")


def inherent(cells: int) -> Rule:
    """Return the rule of a table in which a person adds 1 to each of at most ``cells`` cells.

    The cells of one person differ in a column that holds no zones (or there is one only), so that
    no level joins two of them (``bounds.md``).
    """
    bounds = Bounds(l0=cells, l1=cells, l2_squared=cells, linf=1)
    return Inherent(bounds, apart=True)


def capped(params: CappedParams, secret: bytes | None) -> Rule:
    """Return weighting or sampling as the parameters ask; weighting by the norm of the noise.

    Args:
        params: Cap, bounding and noise.
        secret: The ledger's sampling secret; None while planning.
    """
    if params.bounding == "weighting":
        return Weighting(cap=params.cap, norm=1 if params.noise == "laplace" else 2)
    return PlannedSampling(params.cap) if secret is None else Sampling(params.cap, secret)
