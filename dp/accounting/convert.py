"""What a loss means: (epsilon, delta), and a bound on any attack (``convert.md``).

Results of ``epsilon`` and ``attack_bound`` are certified: rounding errors are added, never dropped.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from fractions import Fraction
from statistics import NormalDist

from dp.accounting.events import Spend
from dp.loss import Loss, Rho

_ROUNDING = 16 * sys.float_info.epsilon
_NEARLY_GAUSSIAN_STEPS = 5.0


def epsilon(loss: Loss, delta: float | Fraction) -> float:
    """Return an epsilon such that the loss implies (epsilon, delta)-differential privacy.

    For every order a > 1, epsilon = a rho + (log(1/delta) - log a) / (a - 1) + log(1 - 1/a) holds
    (Canonne, Kamath and Steinke 2020, arXiv 2004.00010v4, Proposition 12); the best a is taken
    and the result rounded up. A delta already spent is taken off ``delta`` first.

    Args:
        loss: rho of zCDP and the delta that the mechanisms spent.
        delta: Probability that the bound may fail; above the delta spent, below 1.

    Raises:
        ValueError: ``delta`` is at most the delta spent, or not between 0 and 1.

    >>> round(epsilon(Loss(Rho.of("1/2")), 1e-6), 2)
    5.22
    """
    left = Fraction(delta) - loss.delta
    if not (0 < delta < 1 and left > 0):
        raise ValueError(
            f"delta must lie above the {float(loss.delta):g} that was spent and below 1, "
            f"got {float(delta):g}"
        )
    if loss.rho.value == 0:
        return 0.0
    rho = _up(loss.rho.value)
    wanted = -math.log(_down(left))
    return max(0.0, _epsilon_at(_best_order(rho, wanted), rho=rho, wanted=wanted))


def _best_order(rho: float, wanted: float) -> float:
    """Return t = a - 1 where epsilon is least: the root of rho t^2 + log(1 + t) = log(1/delta)."""
    low, high = 0.0, math.sqrt(wanted / rho)
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return high
        if rho * middle * middle + math.log1p(middle) < wanted:
            low = middle
        else:
            high = middle


def _epsilon_at(t: float, *, rho: float, wanted: float) -> float:
    """Return the epsilon of order a = 1 + t, never below its exact value."""
    linear = rho * (1.0 + t)
    order = math.log1p(t)
    edge = math.log1p(1.0 / t)
    exact = linear + (wanted - order) / t - edge
    slack = _ROUNDING * (linear + (wanted + order) / t + edge)
    return math.nextafter(exact + slack, math.inf)


def attack_bound(p_out: float, rho: Rho | float, *, delta: float | Fraction = 0.0) -> float:
    """Return the most that using a person's records can raise any attack's success to.

    An attack is any event: a guess about the person coming true, an alarm of a membership test.
    With probability ``p_out`` it happens when the person's records are left out; then with them it
    happens with at most min over a > 1 of p_out^((a-1)/a) e^((a-1) rho), which is
    exp(-(sqrt(log(1/p_out)) - sqrt(rho))^2), and 1 where log(1/p_out) <= rho.

    Args:
        p_out: Probability without the person's records, from 0 to 1.
        rho: What the person's records cost. "Which of two days did she live" is a swap and costs
            2 rho (``bounds.md``).
        delta: The delta spent.

    Raises:
        ValueError: an argument out of its range.

    >>> round(attack_bound(0.01, 0.1), 3)
    0.035
    """
    cost = _up(rho.value) if isinstance(rho, Rho) else float(rho)
    spent = _up(delta) if isinstance(delta, Fraction) else float(delta)
    if not (0.0 <= p_out <= 1.0 and 0.0 <= cost < math.inf and 0.0 <= spent < 1.0):
        raise ValueError(
            f"p_out must lie in 0 to 1, rho be 0 or more and delta lie in 0 to 1, "
            f"got {p_out}, {cost} and {spent}"
        )
    if spent == 0.0:
        return _bound(p_out, cost)
    inner = min(1.0, p_out / (1.0 - spent) * (1.0 + _ROUNDING))
    return min(1.0, (spent + (1.0 - spent) * _bound(inner, cost)) * (1.0 + _ROUNDING))


def _bound(p_out: float, rho: float) -> float:
    if p_out == 0.0:
        return 0.0
    surprise, cost = math.sqrt(-math.log(p_out)), math.sqrt(rho)
    gap = (surprise - cost) - _ROUNDING * (surprise + cost)
    if gap <= 0.0:
        return 1.0
    return min(1.0, math.exp(-gap * gap) * (1.0 + 1e-12))


def gaussian_mu(rho: Rho | float) -> float:
    """Return mu of Gaussian DP for Gaussian noise of this rho: sqrt(2 rho). An approximate form.

    Valid where ``nearly_gaussian`` holds: every charge discrete Gaussian noise of at least 5
    lattice steps. Discrete noise has no exact mu.
    """
    return math.sqrt(2.0 * float(rho))


def gaussian_auc(rho: Rho | float) -> float:
    """Return the most that a membership test's area under the curve can be: Phi(mu / sqrt 2).

    An approximate form, valid where ``gaussian_mu`` is.
    """
    return NormalDist().cdf(gaussian_mu(rho) / math.sqrt(2.0))


def nearly_gaussian(spends: Iterable[Spend]) -> bool:
    """Return whether the Gaussian forms may be printed for these spends, as approximate."""
    return all(
        spend.kind == "discrete_gaussian"
        and spend.loss.delta == 0
        and spend.steps is not None
        and spend.steps >= _NEARLY_GAUSSIAN_STEPS
        for spend in spends
    )


def _up(exact: Fraction) -> float:
    """Return the float nearest to ``exact``, never below it."""
    near = float(exact)
    return near if Fraction(near) >= exact else math.nextafter(near, math.inf)


def _down(exact: Fraction) -> float:
    """Return the float nearest to ``exact``, never above it."""
    near = float(exact)
    return near if Fraction(near) <= exact else math.nextafter(near, 0.0)
