"""The stage of every audit: simulated people, taken through the production path up to the noise.

Spec -> plan -> engine -> Bounded are the product's own. The noise is drawn by the plan's own
mechanisms, and only here: nobody in the records exists, so no budget is spent, and what is drawn
for the custodian's own records stays in the private work folder. (The door itself is audited by
``_door.py``, which makes whole releases.)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dp.loss import Rho
from pipelines.audit._chance import Generator, generator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from dp.mechanisms import Mechanism
    from pipelines.audit._layout import Layout
    from pipelines.audit._people import Crowd
    from pipelines.release.model import Plan

    Ints = NDArray[np.int64]

CHUNK_CELLS = 2_000_000
"""Cells to draw at once, at most: what an audit holds in memory at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """Bounded tables of a population, of single persons in it, and noise on demand.

    Vectors run over the columns of ``layout`` (every cell of every measurement) in lattice units.

    Attributes:
        plan: The plan over the simulated dates.
        layout: Which column is which cell, and the noise of each.
        left_out: Tables of the spec that are not audited.
        total: Bounded totals of everybody, shape (columns,).
        vectors: Bounded contributions of some of them, alone: shape (persons, columns). Row p is
            what ``total`` loses when the records of person p are left out.
        shapes: Bounded contributions of adversarial persons, who are not in ``total``: one row
            each, in the order of ``shape_names``.
        shape_names: Their names.
        raw_shapes: The same without any bounding, for negative controls.
        crowd: The simulated people; None where the records are the custodian's own.
        size: How many persons are in ``total``; 0 where nobody counted them.
        runs: How often to repeat, as asked for.
        seed: Fixes the simulation, never the noise.
        work: Private folder for whatever an audit writes.
    """

    plan: Plan
    layout: Layout
    left_out: tuple[str, ...]
    total: Ints = field(repr=False)
    vectors: csr_array = field(repr=False)
    shapes: csr_array = field(repr=False)
    shape_names: tuple[str, ...]
    raw_shapes: csr_array = field(repr=False)
    crowd: Crowd | None
    size: int
    runs: int
    seed: int
    work: Path

    @property
    def dates(self) -> int:
        """Number of dates."""
        return len(self.plan.world.calendar.dates)

    def chance(self, name: str) -> Generator:
        """Return a source of chance for one audit's simulations, the same at every run."""
        return generator(self.seed, *name.encode())

    def rho(self, dates: range | None = None) -> Rho:
        """Return what the ledger would book for one person over these dates: the claim."""
        found: Fraction = sum(
            (
                one.cost.rho.value
                for one in self.plan.measurements
                if dates is None or one.day.index in dates
            ),
            start=Rho.of(0).value,
        )
        return Rho(found)

    def noisy(self, totals: Ints, columns: Ints) -> Ints:
        """Return totals plus fresh noise of the plan's mechanisms.

        Args:
            totals: Lattice units, shape (columns,) or (runs, columns).
            columns: Which columns they are; no structural zeros.

        Returns:
            int64 of the shape of ``totals``. Every entry has noise of its own.
        """
        drawn = np.empty_like(totals)
        owner = self.layout.owner(columns)
        for mechanism, mine in _by_mechanism(self.layout.mechanisms, owner).items():
            part = np.ascontiguousarray(totals[..., mine], dtype=np.int64)
            drawn[..., mine] = mechanism.draw(part.ravel()).reshape(part.shape)
        return drawn

    def with_mechanisms(self, mechanisms: Mapping[int, Mechanism]) -> Stage:
        """Return a stage whose noise is another: a negative control.

        Args:
            mechanisms: By number of the measurement in ``layout.measurements``.
        """
        changed = tuple(mechanisms.get(i, old) for i, old in enumerate(self.layout.mechanisms))
        return dataclasses.replace(
            self, layout=dataclasses.replace(self.layout, mechanisms=changed)
        )

    def facts(self) -> dict[str, Any]:
        """Return what was audited, as JSON values without paths."""
        return {
            "title": self.plan.spec.title,
            "simulated": self.crowd is not None,
            "people": self.size,
            "dates": self.dates,
            "zones": len(self.plan.world.zones),
            "tables": list(self.plan.tables),
            "tables_left_out": list(self.left_out),
            "cells": int(sum(one.keys.measured.sum() for one in self.plan.measurements)),
            "rho_per_date": str(self.plan.rate.rho.value),
            "rho": float(self.rho()),
            "unit": str(self.plan.policy.unit),
            "runs": self.runs,
        }


def _by_mechanism(mechanisms: tuple[Mechanism, ...], owner: Ints) -> dict[Mechanism, Ints]:
    """Return the places of the columns that each mechanism draws for."""
    found: dict[Mechanism, list[Ints]] = {}
    for number in np.unique(owner):
        places = np.flatnonzero(owner == number)
        found.setdefault(mechanisms[number], []).append(places)
    return {mechanism: np.concatenate(parts) for mechanism, parts in found.items()}
