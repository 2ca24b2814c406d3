"""What a finding says, and when."""

from __future__ import annotations

import json
import math

import pytest

from dp.audits.finding import Finding, Measured, Verdict, verdict_of


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.60, "holds"), (0.609, "holds"), (0.62, "inconclusive"), (0.634, "broken")],
)
def test_a_verdict_depends_on_how_far_the_bound_is_passed(value: float, verdict: Verdict) -> None:
    assert verdict_of(Measured(value=value, se=0.01), 0.6) == verdict


def finding(*, control: bool, verdict: Verdict) -> Finding:
    return Finding(
        name="one",
        tried="Something.",
        figure="AUC",
        with_person=Measured(value=0.6),
        bound=None,
        bound_of="nothing",
        confidence=0.95,
        verdict=verdict,
        control=control,
        figures={"unknown": math.nan},
    )


def test_a_broken_promise_alarms_and_a_broken_control_does_not() -> None:
    assert finding(control=False, verdict="broken").alarming
    assert not finding(control=True, verdict="broken").alarming
    assert finding(control=True, verdict="holds").blind
    assert not finding(control=False, verdict="holds").blind


def test_what_is_not_finite_is_null_in_json() -> None:
    plain = finding(control=False, verdict="holds").as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False))["figures"] == {"unknown": None}
    assert plain["with_person"] == {"value": 0.6, "lo": None, "hi": None, "se": None}
    assert plain["without_person"] is None
