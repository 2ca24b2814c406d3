"""The status of every published cell: never a blank, never a clamp.

A status comes from public facts or from noisy values. No count, no key and no quantile of the
records can move it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pipelines.schemas.outages import PART, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "ok": "the noise is at most the stated part of the value",
        "low_precision": "the noise is more than the stated part of the value: unbiased, so sums"
        " over many such cells are sound, but do not read one alone",
        "structural_zero": "0 by definition, known to everyone; no noise was added",
        "no_data": "wholly inside a declared outage: the value is published as measured, but says"
        " nothing of who was there, which is not 0",
        "not_released": "the custodian publishes no value here, which is not 0",
        "partial": "partly inside a declared outage: the value is published as measured and may"
        " miss people, which its interval does not cover",
    }
)
"""Every status and what it tells a reader, in the order of the published category."""

OK, LOW_PRECISION, STRUCTURAL_ZERO, NO_DATA, PARTIAL = 0, 1, 2, 3, 5


def status_codes(
    values: NDArray[np.float64],
    *,
    sd: NDArray[np.float64],
    measured: NDArray[np.bool_],
    max_relative_sd: float,
) -> NDArray[np.int8]:
    """Return each cell's position in ``STATUSES``.

    A measured cell is ``low_precision`` when ``sd > max_relative_sd * value``: a value that is 0
    or negative always is. The rule reads noisy values and public facts only, so it costs nothing.

    Args:
        values: Noisy values, shape (cells,).
        sd: Standard deviation of the noise, shape (cells,).
        measured: False in structural zeros, shape (cells,).
        max_relative_sd: The spec's limit.

    >>> import numpy as np
    >>> codes = status_codes(np.array([100.0, 20.0, -3.0, 0.0]), sd=np.full(4, 10.0),
    ...                      measured=np.array([True, True, True, False]), max_relative_sd=0.3)
    >>> [list(STATUSES)[c] for c in codes]
    ['ok', 'low_precision', 'low_precision', 'structural_zero']
    """
    codes = np.where(sd > max_relative_sd * values, LOW_PRECISION, OK)
    return np.where(measured, codes, STRUCTURAL_ZERO).astype(np.int8)


def with_outages(codes: NDArray[np.int8], covered: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return statuses in which cells inside a declared outage say so.

    A structural zero stays one: 0 by definition is 0 in the dark too.

    Args:
        codes: Positions in ``STATUSES``, shape (cells,).
        covered: ``CLEAR``, ``PART`` or ``WHOLE`` of ``pipelines.schemas.outages``, same shape.

    >>> import numpy as np
    >>> codes = with_outages(np.array([0, 1, 2, 1], np.int8), np.array([0, 1, 2, 2], np.int8))
    >>> [list(STATUSES)[c] for c in codes]
    ['ok', 'partial', 'structural_zero', 'no_data']
    """
    told = np.where(covered == WHOLE, NO_DATA, np.where(covered == PART, PARTIAL, codes))
    return np.where(codes == STRUCTURAL_ZERO, codes, told).astype(np.int8)
