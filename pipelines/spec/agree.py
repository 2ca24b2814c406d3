"""Whether a spec agrees with the policy that its ledger fixed."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dp.errors import PolicyMismatch
from pipelines.errors import SpecError
from pipelines.spec.fields import said

if TYPE_CHECKING:
    from dp.ledger import Policy
    from pipelines.spec.release import ReleaseSpec


def agree(spec: ReleaseSpec, policy: Policy) -> None:
    """Return when the spec's restated policy fields are the policy's and its budget can fit.

    Raises:
        PolicyMismatch: a restated field differs; both values are named.
        SpecError: the dates of this one release would break the cap by themselves.
    """
    held = _held(policy)
    different = [
        f"{spec.path}, series: {name} = {_said(value)}, but the policy says {_said(held[name])}. "
        f"Remove the line, or write what the policy says."
        for name in held
        if (value := getattr(spec.series, name)) is not None and value != held[name]
    ]
    if different:
        raise PolicyMismatch("\n".join(different))
    _affordable(spec, policy)


def _held(policy: Policy) -> dict[str, Any]:
    unit = policy.unit
    return {
        "cap_rho": policy.cap.rho.value,
        "cap_delta": policy.cap.delta,
        "window_days": "series" if unit.window_days is None else unit.window_days,
        "ids_per_person_per_date": unit.ids_per_person_per_date or 'unit = "device"',
        "time_zone": policy.time_zone,
        "day_starts": policy.day_starts,
        "population": policy.population,
    }


def _affordable(spec: ReleaseSpec, policy: Policy) -> None:
    dates = min(spec.dates.days, policy.unit.window_days or spec.dates.days)
    rho = spec.series.rho_per_date or policy.per_date.rho.value
    cap = policy.cap.rho.value
    if rho * dates > cap:
        raise SpecError(
            f'{spec.path}, series: rho_per_date "{rho}" over {dates} dates of one window is '
            f'{rho * dates}, more than the cap {cap}. Write rho_per_date = "{cap / dates}" or less.'
        )


def _said(value: Any) -> str:
    if isinstance(value, str) and "=" in value:
        return value
    return said(str(value)) if isinstance(value, Fraction) else said(value)
