"""Entries: one text for one meaning, and a hash that no change survives."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest
from _ledgers import charge_of, dates, sha
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.errors import LedgerFault
from dp.ledger import Charge, ReleaseKey
from dp.ledger.entries import START, Entry, canonical, follow, link
from dp.ledger.records import stated
from dp.loss import Loss, Rho


def test_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'


@pytest.mark.parametrize("plain", [{"a": 0.5}, {"a": [{"b": 1.0}]}, {"a": (float("nan"),)}])
def test_a_float_has_no_canonical_text(plain: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="exact text, not floats"):
        canonical(plain)


CHANGES = {
    "number": {"seq": 3},
    "kind": {"kind": "settled"},
    "payload": {"payload": '{"key":"b"}'},
    "hash": {"hash": "0" * 64},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_entry_with_any_part_changed_does_not_follow(change: dict[str, object]) -> None:
    first = link(START, "created", {"a": 1})
    second = link(first.head, "voided", {"key": "a"})
    assert follow(first.head, second) == second.head
    with pytest.raises(LedgerFault):
        follow(first.head, second._replace(**change))  # type: ignore[arg-type]


def test_an_entry_does_not_follow_another_past() -> None:
    one, other = (link(START, "created", {"a": a}) for a in (1, 2))
    entry = link(one.head, "voided", {"key": "a"})
    with pytest.raises(LedgerFault, match="entry 2 does not carry the hash"):
        follow(other.head, entry)


def test_kind_and_payload_cannot_trade_text() -> None:
    entry = link(START, "voided", {"key": "a"})
    shifted = Entry(1, entry.kind[:-1], entry.kind[-1] + entry.payload, entry.hash)
    with pytest.raises(LedgerFault):
        follow(START, shifted)


@settings(deadline=None)
@given(
    st.sets(st.dates(dt.date(2020, 1, 1), dt.date(2031, 1, 1)), min_size=1, max_size=40),
    st.fractions(min_value=0, max_value=9).filter(bool),
    st.fractions(min_value=0, max_value=Fraction(1, 2)),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_a_charge_survives_as_plain_values(
    days: set[dt.date], rho: Fraction, delta: Fraction, detail: dict[str, str]
) -> None:
    charge = Charge(
        key=sha("x"),
        table="t",
        reads=tuple(sorted(days)),
        loss=Loss(Rho(rho), delta),
        detail=detail,
    )
    assert Charge.from_dict(charge.as_dict()) == charge


def test_runs_of_dates_are_written_as_intervals() -> None:
    reads = charge_of(*dates(0, 3), *dates(5)).as_dict()["reads"]
    assert reads == ["2026-03-02/2026-03-04", "2026-03-07"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "short"}, "64 hex digits, got 'short'"),
        ({"reads": ()}, "one or more dates"),
        ({"reads": dates(1) + dates(0)}, "ascending"),
        ({"reads": dates(0) + dates(0)}, "each once"),
        ({"loss": Loss(Rho.of(0))}, "would make noise free"),
    ],
)
def test_a_charge_that_means_nothing_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(charge_of(*dates(0)), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("slug", ["", "Daily", "a/b", "a b", "-a", "a-", "../a", "a\n"])
def test_a_slug_is_safe_as_a_folder_name(slug: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        ReleaseKey(digest=sha("x"), slug=slug)


def test_a_reason_must_say_something() -> None:
    assert stated(" moved house ") == "moved house"
    with pytest.raises(LedgerFault, match="a reason must be given"):
        stated("  ")
