"""Privacy loss as exact numbers: rho of zero-concentrated DP, and delta."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering

_HUGE_EXPONENT = re.compile(r"[eE][+-]?[0-9_]{4,}\s*$")


def exact(text: str | int | Fraction, *, name: str) -> Fraction:
    """Return ``text`` as an exact fraction.

    Args:
        text: "1/2", "0.05", "1e-6", an integer or a Fraction.
        name: What the number is, for the error message.

    Raises:
        TypeError: for a float, whose exact value is rarely the one meant.
        ValueError: for text that is not a number.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Fraction):
        raise TypeError(f'{name} must be exact: write "1/10" instead of {text!r}')
    if isinstance(text, str) and _HUGE_EXPONENT.search(text):
        raise ValueError(f'{name} must have an exponent below 1000, as in "1e-6", got {text!r}')
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'{name} must be a number such as "1/2" or "0.05", got {text!r}') from None


@total_ordering
@dataclass(frozen=True, slots=True)
class Rho:
    """The rho of zero-concentrated DP (Bun and Steinke 2016, Definition 1.1), an exact fraction.

    >>> Rho.of("1/60") * 30
    Rho(1/2)
    """

    value: Fraction

    def __post_init__(self) -> None:
        if not isinstance(self.value, Fraction):
            raise TypeError(
                f'rho must be exact: write Rho.of("1/10") instead of Rho({self.value!r})'
            )
        if self.value < 0:
            raise ValueError(f"rho must be 0 or more, got {self.value}")

    @classmethod
    def of(cls, text: str | int | Fraction) -> Rho:
        """Return the rho written as exact text, an integer or a Fraction."""
        return cls(exact(text, name="rho"))

    def __add__(self, other: Rho) -> Rho:
        return Rho(self.value + other.value)

    def __mul__(self, times: int | Fraction) -> Rho:
        return Rho(self.value * times)

    def __lt__(self, other: Rho) -> bool:
        return self.value < other.value

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"Rho({self.value})"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a release costs one privacy unit: (rho, delta), both exact, both capped.

    ``delta`` is 0 for mechanisms that need none.
    """

    rho: Rho
    delta: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if not isinstance(self.delta, Fraction):
            raise TypeError(
                f'delta must be exact: write Fraction("1e-6") instead of {self.delta!r}'
            )
        if not 0 <= self.delta < 1:
            raise ValueError(f"delta must be at least 0 and below 1, got {self.delta}")

    def __add__(self, other: Loss) -> Loss:
        return Loss(self.rho + other.rho, self.delta + other.delta)

    def fits(self, cap: Loss) -> bool:
        """Return whether both parts are at most the cap's."""
        return self.rho <= cap.rho and self.delta <= cap.delta


NO_LOSS = Loss(Rho(Fraction(0)))
