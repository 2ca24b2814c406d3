"""Weights: what a file may say, which row holds, and what happens where none can be made."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from pipelines.errors import SpecError
from pipelines.estimates.panel import area_weight, mixed_weights, panel_weights
from pipelines.estimates.weights import (
    check_weights,
    parse_weights,
    unknown_weight,
    weights_on,
    weights_text,
)

DAY = dt.date(2026, 3, 2)
PLAIN = "zone,weight,sd_weight\na,10,0.5\nb,20,1\n"


def test_rows_come_back_from_their_own_text() -> None:
    text = "zone,weight,sd_weight,from,to,age\na,10,0.5,2026-03-01,,young\n*,12,2,,,\n"
    rows = parse_weights(text, name="w.csv")
    assert parse_weights(weights_text(rows), name="again.csv") == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column zone, weight, sd_weight"),
        ("zone,weight\na,3\n", "no column sd_weight"),
        ("zone,weight,sd_weight\n", "no weights in it"),
        ("zone,weight,sd_weight\na,0.5,0\n", "weight must be a number of 1 or more"),
        ("zone,weight,sd_weight\na,nan,0\n", "weight must be a number of 1 or more"),
        ("zone,weight,sd_weight\na,3,-1\n", "sd_weight must be a number of 0 or more"),
        ("zone,weight,sd_weight\na,3\n", "3 values are due, got 2"),
        ("zone,weight,sd_weight\n,3,0\n", "zone is missing"),
        ("zone,weight,sd_weight,from\na,3,0,March\n", "from must be a date"),
        (
            "zone,weight,sd_weight,from,to\na,3,0,2026-03-02,2026-03-01\n",
            "to must not be before from",
        ),
        ("zone,weight,sd_weight\na,3,0\na,4,0\n", "has another weight for some of these dates"),
        ("zone,zone,weight,sd_weight\na,a,3,0\n", "a column occurs twice"),
    ],
)
def test_a_fault_says_where_and_what(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse_weights(text, name="w.csv")


def test_zones_that_do_not_exist_or_have_no_weight_are_named() -> None:
    rows = parse_weights(PLAIN, name="w.csv")
    assert check_weights(rows, zones=("a", "b")) == []
    assert "is no zone" in check_weights(rows, zones=("a",))[0]
    assert 'the first is "c"' in check_weights(rows, zones=("a", "b", "c"))[0]
    everywhere = parse_weights(PLAIN + "*,12,2\n", name="w.csv")
    assert check_weights(everywhere, zones=("a", "b", "c")) == []


def _on(text: str, date: dt.date = DAY, **stratum: str) -> np.ndarray:
    rows = parse_weights(text, name="w.csv")
    found = weights_on(rows, date=date, zones=("a", "b"), population=(100, 300), stratum=stratum)
    return found.weight


def test_the_row_of_the_date_and_of_the_very_stratum_holds() -> None:
    text = (
        "zone,weight,sd_weight,from,to,age\n"
        "a,10,0,,2026-03-02,\na,11,0,2026-03-03,,\na,5,0,2026-03-03,,young\nb,20,0,,,\n"
    )
    assert _on(text).tolist() == [10.0, 20.0]
    assert _on(text, DAY + dt.timedelta(1)).tolist() == [11.0, 20.0]
    assert _on(text, DAY + dt.timedelta(1), age="young").tolist() == [5.0, 20.0]
    assert _on(text, DAY + dt.timedelta(1), age="old").tolist() == [11.0, 20.0]


def test_a_date_without_weight_is_refused() -> None:
    with pytest.raises(SpecError, match='zone "b" has no weight on 2026-03-02'):
        _on("zone,weight,sd_weight,from\na,10,0,\nb,10,0,2026-04-01\n")


def test_people_of_unknown_zone_have_the_weight_of_the_area_or_their_own() -> None:
    rows = parse_weights(PLAIN, name="w.csv")
    weights = weights_on(rows, date=DAY, zones=("a", "b"), population=(100, 300), stratum={})
    # 100 / 10 + 300 / 20 = 25 panel people stand for 400
    assert unknown_weight(rows, date=DAY, weights=weights)[0] == pytest.approx(16.0)
    own = parse_weights(PLAIN + "unknown,14,3\n", name="w.csv")
    assert unknown_weight(own, date=DAY, weights=weights) == (14.0, 3.0)


def test_one_weight_for_all_carries_the_spread_of_the_zones() -> None:
    weight, sd = area_weight(np.array([10.0, 20.0]), np.zeros(2), np.array([100.0, 300.0]))
    assert weight == pytest.approx(16.0)
    assert sd == pytest.approx((0.25 * 36 + 0.75 * 16) ** 0.5)


def test_a_zone_whose_panel_is_too_noisy_gets_the_weight_of_the_area() -> None:
    found = panel_weights(np.array([1000.0, 12.0]), sd=10.0, population=np.array([9000.0, 1120.0]))
    assert found.own.tolist() == [True, False]
    assert found.weight.tolist() == pytest.approx([9.0, 10.0])
    assert np.isinf(found.base[1])
    assert found.sd[1] >= found.sd_area


def test_a_panel_that_is_all_noise_gives_no_weight() -> None:
    found = panel_weights(np.array([10.0, -12.0]), sd=10.0, population=np.array([9e3, 1e3]))
    assert np.isnan(found.weight).all()
    assert np.isnan(found.area)


def test_a_mix_that_is_all_noise_falls_back() -> None:
    weights = panel_weights(np.array([1000.0, 500.0]), sd=1.0, population=np.array([9e3, 9e3]))
    weight, _, enough = mixed_weights(np.array([[3.0, -2.0]]), sd=9.0, weights=weights)
    assert not enough[0]
    assert weight[0] == pytest.approx(18000 / 1500)
