"""Time bins: in which ones a person is somewhere, told by their midpoints."""

from __future__ import annotations


def bins_before(t: str, bin_s: int) -> str:
    """Return SQL for the number of bins whose midpoint lies before the instant ``t``.

    The midpoint of bin k is ``k * bin_s + bin_s // 2``. A span [a, b) therefore holds the
    midpoints of the bins from ``bins_before(a)`` up to, but without, ``bins_before(b)``. With
    ``t >= 0`` nothing negative is divided.

    >>> bins_before("t_end", 3600)
    '((t_end + 1799) // 3600)'
    """
    return f"(({t} + {bin_s - 1 - bin_s // 2}) // {bin_s})"


def bins_of_date(length: str, bin_s: int) -> str:
    """Return SQL for ``MobilityDay.bins``: a remainder shorter than a bin makes no bin."""
    return f"GREATEST({length} // {bin_s}, 1)"
