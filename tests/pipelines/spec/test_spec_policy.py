"""The policy file, and whether a spec agrees with the ledger's policy."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from dp.errors import PolicyMismatch
from pipelines.errors import SpecError
from pipelines.spec import agree, load_policy, load_spec

Change = Callable[..., Path]


def test_a_policy_is_what_the_ledger_fixes(folder: Path) -> None:
    policy = load_policy("policy.toml")
    assert policy.cap.rho.value == Fraction(1, 2)
    assert policy.cap.delta == Fraction(1, 10**9)
    assert (policy.unit.window_days, policy.unit.ids_per_person_per_date) == (30, 1)
    assert (policy.time_zone, policy.day_starts) == ("Asia/Seoul", "04:00")
    assert (policy.population, policy.id_rotation) == (850_000, "never")


def test_a_series_may_be_one_window_and_a_device_the_unit(change: Change) -> None:
    path = change(
        ("window_days = 30", 'window_days = "series"'),
        ("ids_per_person_per_date = 1", 'unit = "device"'),
        ('cap_delta = "1e-9"\n', ""),
        ('"04:00"', "04:00:00"),
        file="policy.toml",
    )
    policy = load_policy(path)
    assert policy.unit.window_days is None
    assert policy.unit.subject == "device"
    assert policy.cap.delta == 0
    assert policy.day_starts == "04:00"


FAULTS = {
    "no attestation": (
        ("ids_per_person_per_date = 1\n", ""),
        (
            "policy.toml: say who is protected by one of ids_per_person_per_date and unit; "
            "neither is "
            "given. Write ids_per_person_per_date = 1 where the custodian attests it, or else "
            'unit = "device".'
        ),
    ),
    "two attestations": (
        ("ids_per_person_per_date = 1", 'ids_per_person_per_date = 1\nunit = "device"'),
        (
            "policy.toml: say who is protected by one of ids_per_person_per_date and unit; both "
            "are "
            "given. Write ids_per_person_per_date = 1 where the custodian attests it, or else "
            'unit = "device".'
        ),
    ),
    "float cap": (
        ('cap_rho = "1/2"', "cap_rho = 0.5"),
        'policy.toml: cap_rho must be exact, got the rounded number 0.5. Write "1/2" in quotes.',
    ),
    "cap of nothing": (
        ('cap_rho = "1/2"', "cap_rho = 0"),
        'policy.toml: cap_rho must be an exact number above 0, got 0. Write cap_rho = "1/2".',
    ),
    "delta as large as one in the population": (
        ("population = 850000", "population = 1000000000"),
        (
            "policy.toml: cap_delta must be below 1/population, got 1/1000000000 for 1000000000 "
            "people. Write a smaller cap_delta, or 0."
        ),
    ),
    "window in words": (
        ("window_days = 30", 'window_days = "month"'),
        (
            'policy.toml: window_days must be a whole number from 1 to 3660 or "series", got '
            '"month". '
            "Write window_days = 30."
        ),
    ),
    "no rotation": (
        ('id_rotation = "never"\n', ""),
        'policy.toml: id_rotation is missing. Write id_rotation = "never".',
    ),
    "time zone misspelt": (
        ("Asia/Seoul", "asia/seoul"),
        (
            'policy.toml: time_zone must be an IANA time zone, got "asia/seoul". '
            'Did you mean "Asia/Seoul"?'
        ),
    ),
    "clock of another shape": (
        ('"04:00"', '"4am"'),
        'policy.toml: day_starts must be a time of day in quotes, got "4am". Write "04:00".',
    ),
    "no population": (
        ("population = 850000\n", ""),
        "policy.toml: population is missing. Write population = 800000.",
    ),
    "unknown key": (
        ("cap_rho", "rho_cap = 1\ncap_rho"),
        'policy.toml: "rho_cap" is not known. Did you mean "cap_rho"?',
    ),
}


@pytest.mark.parametrize(("swap", "line"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_one_clear_line(change: Change, swap: tuple[str, str], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_policy(change(swap, file="policy.toml"))
    assert str(caught.value) == line


def test_restated_fields_that_agree_pass(change: Change) -> None:
    restated = (
        'cap_rho = "0.5"\ncap_delta = "1/1000000000"\nwindow_days = 30\npopulation = 850000\n'
        'ids_per_person_per_date = 1\ntime_zone = "Asia/Seoul"\nday_starts = "04:00"\n[zones]'
    )
    agree(load_spec(change(("[zones]", restated))), load_policy("policy.toml"))


MISMATCHES = {
    "cap": ('cap_rho = "1"', 'cap_rho = "1", but the policy says "1/2".'),
    "delta": ('cap_delta = "0"', 'cap_delta = "0", but the policy says "1/1000000000".'),
    "window": ("window_days = 7", "window_days = 7, but the policy says 30."),
    "ids": ("ids_per_person_per_date = 2", "ids_per_person_per_date = 2, but the policy says 1."),
    "zone": (
        'time_zone = "Asia/Tokyo"',
        'time_zone = "Asia/Tokyo", but the policy says "Asia/Seoul".',
    ),
    "day": ('day_starts = "03:00"', 'day_starts = "03:00", but the policy says "04:00".'),
    "people": ("population = 5", "population = 5, but the policy says 850000."),
}


@pytest.mark.parametrize(("restated", "words"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_a_restated_field_that_differs_is_refused_with_both_values(
    change: Change, restated: str, words: str
) -> None:
    spec = load_spec(change(("[zones]", f"{restated}\n[zones]")))
    with pytest.raises(PolicyMismatch) as caught:
        agree(spec, load_policy("policy.toml"))
    assert str(caught.value) == (
        f"release.toml, series: {words} Remove the line, or write what the policy says."
    )


def test_identifiers_restated_where_none_are_attested_are_refused(change: Change) -> None:
    change(("ids_per_person_per_date = 1", 'unit = "device"'), file="policy.toml")
    spec = load_spec(change(("[zones]", "ids_per_person_per_date = 1\n[zones]")))
    with pytest.raises(PolicyMismatch, match='but the policy says unit = "device"'):
        agree(spec, load_policy("policy.toml"))


def test_a_release_that_breaks_the_cap_by_itself_is_told_what_fits(change: Change) -> None:
    spec = load_spec(change(("[zones]", 'rho_per_date = "1/10"\n[zones]')))
    with pytest.raises(SpecError) as caught:
        agree(spec, load_policy("policy.toml"))
    assert str(caught.value) == (
        'release.toml, series: rho_per_date "1/10" over 7 dates of one window is 7/10, more than '
        'the cap 1/2. Write rho_per_date = "1/14" or less.'
    )


def test_without_a_window_the_default_pays_for_one_date_only(change: Change) -> None:
    policy = load_policy(change(("window_days = 30", 'window_days = "series"'), file="policy.toml"))
    with pytest.raises(SpecError, match=r'Write rho_per_date = "1/14" or less'):
        agree(load_spec("release.toml"), policy)
    agree(load_spec(change(("[zones]", 'rho_per_date = "1/14"\n[zones]'))), policy)
