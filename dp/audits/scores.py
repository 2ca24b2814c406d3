"""How much of people's true paths a set of recovered paths holds, and what a loss lets that be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dp.accounting.convert import attack_bound
from dp.audits.transport import matching

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from dp.loss import Rho

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_STEP = 1e-6


def matched(found: Ints, true: Ints, *, cells: int) -> Bools:
    """Return which true slots are right after the best one-to-one matching of all paths.

    Args:
        found: Recovered cells, shape (people, slots).
        true: True cells of the same shape; its people need not be those of ``found``.
        cells: How many cells there are.

    Returns:
        Shape (people, slots), in the order of ``true``.
    """
    partner = matching(agreement(found, true, cells=cells))
    right = np.zeros(true.shape, dtype=np.bool_)
    right[partner] = found == true[partner]
    return right


def agreement(found: Ints, true: Ints, *, cells: int) -> csr_array:
    """Return in how many slots each found path agrees with each true one, sparse.

    Args:
        found: Cells, shape (n, slots).
        true: Cells, shape (m, slots).
        cells: How many cells there are.

    Returns:
        Shape (n, m).
    """
    return (_marks(found, cells) @ _marks(true, cells).T).tocsr()


def nearest_share(found: Ints, targets: Ints, *, of: Bools) -> Floats:
    """Return the share of each target's scored slots that its nearest recovered path has right.

    It is a function of the recovered paths and of one person's true path alone, so a release's
    loss bounds how much the person's records can raise its mean (``Pairs``). It favours the
    attacker, who could not tell which path is nearest, with the records and without them alike.

    Args:
        found: Recovered cells, shape (people, slots).
        targets: True cells, shape (targets, slots).
        of: Which slots are scored, shape (targets, slots).

    Returns:
        From 0 to 1, shape (targets,); NaN where no slot is scored.
    """
    best = [
        ((found[:, scored] == one[scored]).mean(axis=1).max() if scored.any() else math.nan)
        for one, scored in zip(targets, of, strict=True)
    ]
    return np.array(best, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Mean scores in [0, 1] with the target's records and without them, one pair a repetition.

    Repetitions are independent; targets of one repetition need not be.

    Attributes:
        given: Means where the targets' records were used, shape (pairs,), two or more.
        without: Means where they were left out, same shape.
    """

    given: Floats
    without: Floats

    @property
    def gap(self) -> float:
        """Mean of in minus out."""
        return float(np.mean(self.given - self.without))

    @property
    def gap_se(self) -> float:
        """Its standard error."""
        return standard_error(self.given - self.without)

    def bound(self, rho: Rho | float) -> float:
        """Return what the mean with the records can come to, at the measured mean without them.

        For a score s in [0, 1] and a release that costs rho, E_in[s] is at most
        min over a > 1 of E_out[s]^((a-1)/a) e^((a-1) rho): Hoelder's inequality gives
        E_out[s P/Q] <= E_out[s^(a/(a-1))]^((a-1)/a) E_out[(P/Q)^a]^(1/a), and s^(a/(a-1)) <= s. The
        right side is concave in E_out[s], so means over targets and repetitions keep it.
        """
        return attack_bound(min(1.0, float(np.mean(self.without))), rho)

    def excess(self, rho: Rho | float) -> tuple[float, float]:
        """Return how far the mean with the records lies above the bound, and its standard error.

        Both means are estimates: the error is that of in - f'(out) out (the delta method).
        """
        out = float(np.mean(self.without))
        low, high = max(0.0, out - _STEP), min(1.0, out + _STEP)
        slope = (attack_bound(high, rho) - attack_bound(low, rho)) / (high - low)
        return (
            float(np.mean(self.given)) - self.bound(rho),
            standard_error(self.given - slope * self.without),
        )


def standard_error(values: Floats) -> float:
    """Return the standard error of a mean of independent values, two or more."""
    return float(np.std(values, ddof=1) / math.sqrt(values.size))


def _marks(paths: Ints, cells: int) -> csr_array:
    """Return one mark for each slot and cell of a path, sparse, shape (paths, slots x cells)."""
    from scipy.sparse import csr_array as sparse

    count, slots = paths.shape
    at = paths + np.arange(slots) * cells
    starts = np.arange(0, paths.size + 1, slots)
    return sparse((np.ones(paths.size), at.ravel(), starts), shape=(count, slots * cells))
