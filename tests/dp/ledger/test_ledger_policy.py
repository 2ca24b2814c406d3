"""The policy: exact, canonical, and refused where it promises nothing."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from _ledgers import policy_of

from dp.errors import PolicyError
from dp.ledger import Policy
from dp.loss import Loss, Rho


@pytest.mark.parametrize("days", [1, 7, 30, 365, None])
@pytest.mark.parametrize("ids", [1, 3, None])
def test_a_policy_survives_as_plain_values(days: int | None, ids: int | None) -> None:
    policy = policy_of(days=days, ids=ids)
    assert Policy.from_dict(policy.as_dict()) == policy


def test_equal_numbers_written_otherwise_are_one_policy() -> None:
    assert policy_of(rho="0.5").as_dict() == policy_of(rho="2/4").as_dict()


def test_a_date_may_be_charged_its_part_of_the_window() -> None:
    assert policy_of(rho="1/2", delta="1/30000000", days=30).per_date == Loss(
        Rho.of("1/60"), Fraction(1, 900_000_000)
    )
    assert policy_of(rho="1/2", days=None).per_date.rho == Rho.of("1/2")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rho": "0"}, "cap_rho must be above 0"),
        ({"rho": "-1"}, "rho must be 0 or more"),
        ({"rho": "half"}, "cap_rho must be a number"),
        ({"delta": "1/800000"}, "below 1/population = 1/800000, got 1/800000"),
        ({"delta": "1/1000"}, "below 1/population"),
        ({"delta": "-1/2"}, "delta must be at least 0"),
        ({"days": 0}, "window_days must be 1 or more"),
        ({"ids": 0}, "ids_per_person_per_date must be 1 or more"),
        ({"ids": True}, "must be a whole number"),
        ({"population": 0}, "population must be 1 or more"),
        ({"population": "many"}, "population must be a whole number"),
        ({"time_zone": "Mars/Olympus"}, "IANA name"),
        ({"time_zone": "../etc/passwd"}, "IANA name"),
        ({"time_zone": ""}, "IANA name"),
        ({"day_starts": "4:00"}, "such as \"04:00\", got '4:00'"),
        ({"day_starts": "24:00"}, 'such as "04:00"'),
        ({"id_rotation": " "}, "when ids change"),
        ({"colour": "blue"}, "no field is named colour"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy_of(**fields)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_a_float_is_refused_because_it_is_rarely_the_number_meant() -> None:
    with pytest.raises(PolicyError, match="cap_rho must be text"):
        Policy.from_dict(policy_of().as_dict() | {"cap_rho": 0.5})


def test_a_missing_field_is_named() -> None:
    plain = policy_of().as_dict()
    del plain["population"]
    with pytest.raises(PolicyError, match="population must be given"):
        Policy.from_dict(plain)


@pytest.mark.parametrize(
    ("said", "dates"),
    [
        ("never", ()),
        (" never ", ()),
        ("2026-04-01", ("2026-04-01",)),
        ("2026-07-01,2026-04-01; 2026-07-01", ("2026-04-01", "2026-07-01")),
        ("2026-04-01 and 2026-07-01", ("2026-04-01", "2026-07-01")),
        ("daily", None),
        ("Never", None),
        ("2026-02-30", None),
        ("2026-04-01, 2026-02-30", None),
        ("2026-04-01, then monthly", None),
        ("every date from 2026-04-01", None),
        ("12026-04-01", None),
        ("2026-04-012026-05-01", None),
        ("2026-04-01/2026-04-30", None),
        ("and", None),
    ],
)
def test_dates_of_new_identifiers_are_read_only_where_nothing_else_is_said(
    said: str, dates: tuple[str, ...] | None
) -> None:
    wanted = None if dates is None else tuple(map(dt.date.fromisoformat, dates))
    assert policy_of(id_rotation=said).rotations == wanted
